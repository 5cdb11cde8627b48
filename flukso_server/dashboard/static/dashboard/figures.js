// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the figures above the chart fresh. The server has filled them in; here they are replaced.

import * as dates from "./dates.js";
import { money, number, quantity, useCurrency } from "./units.js";

const SHARE_MAX = 300; // %; a larger one only means that yesterday there was next to nothing

export function fillFigures(place, answer, texts) {
  const { figure, total } = quantity;
  useCurrency(answer.sign);
  const put = (name, text) => {
    const target = place.querySelector(`[data-figure="${name}"]`);
    if (target) {
      target.textContent = text;
    }
  };
  const value = (it, unit, digits) => (it === null ? "–" : `${number(it, digits)} ${unit}`);
  const rate = (it) =>
    value(it === null ? null : it * figure.factor + figure.offset, figure.text, figure.digits);
  const amount = (it) => (total ? value(it === null ? null : it / 1000, total, 2) : rate(it));
  put("now", rate(answer.now));
  put("age", answer.age_s === null ? "" : texts.ago.replace("{age}", dates.age(answer.age_s)));
  put("today", amount(answer.today));
  put("cost", answer.cost === null ? "" : money(answer.cost));
  put("before", amount(answer.before));
  put("night", rate(answer.night));
  const comparable = total && answer.today !== null && answer.before > 0;
  const change = comparable ? Math.round((answer.today / answer.before - 1) * 100) : null;
  const share = change !== null && Math.abs(change) <= SHARE_MAX ? change : null;
  const badge = place.querySelector('[data-figure="share"]');
  if (badge) {
    const sign = share > 0 ? "+" : share < 0 ? "−" : "±";
    badge.textContent = share === null ? "" : `${sign}${Math.abs(share)} %`;
    badge.classList.toggle("more", share > 0);
    badge.classList.toggle("less", share < 0);
  }
}
