// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the figures above the chart fresh. The server has filled them in; here they are replaced.

import * as dates from "./dates.js";
import { money, number, useCurrency } from "./units.js";

const SHARE_MAX = 300; // %; a larger one only means that yesterday there was next to nothing

const unitOf = (resource) => (resource === "electricity" ? ["W", "kWh"] : ["l/h", "m³"]);

export function fillFigures(place, answer, resource, texts) {
  const [rate, amount] = unitOf(resource);
  useCurrency(answer.sign);
  const put = (name, text) => {
    const target = place.querySelector(`[data-figure="${name}"]`);
    if (target) {
      target.textContent = text;
    }
  };
  const value = (it, unit, digits) => (it === null ? "–" : `${number(it, digits)} ${unit}`);
  put("now", value(answer.now, rate, 0));
  put("age", answer.age_s === null ? "" : texts.ago.replace("{age}", dates.age(answer.age_s)));
  put("today", value(answer.today === null ? null : answer.today / 1000, amount, 2));
  put("cost", answer.cost === null || resource !== "electricity" ? "" : money(answer.cost));
  put("before", value(answer.before === null ? null : answer.before / 1000, amount, 2));
  put("night", value(answer.night, rate, 0));
  const comparable = answer.today !== null && answer.before > 0;
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
