// SPDX-License-Identifier: GPL-3.0-or-later
// The figures above the chart, kept fresh. The server has filled them in once; here they are only replaced.

import * as dates from "./dates.js";
import { money, number, useCurrency } from "./units.js";

const SHARE_MAX = 300; // %: more says that yesterday there was next to nothing

const unitOf = (resource) => (resource === "electricity" ? ["W", "kWh"] : ["l/h", "m³"]);

export function fillFigures(place, told, resource, texts) {
  const [rate, amount] = unitOf(resource);
  useCurrency(told.sign);
  const put = (name, text) => {
    const target = place.querySelector(`[data-figure="${name}"]`);
    if (target) {
      target.textContent = text;
    }
  };
  const value = (found, unit, digits) => (found === null ? "–" : `${number(found, digits)} ${unit}`);
  put("now", value(told.now, rate, 0));
  put("age", told.age_s === null ? "" : texts.ago.replace("{age}", dates.age(told.age_s)));
  put("today", value(told.today === null ? null : told.today / 1000, amount, 2));
  put("cost", told.cost === null || resource !== "electricity" ? "" : money(told.cost));
  put("before", value(told.before === null ? null : told.before / 1000, amount, 2));
  put("night", value(told.night, rate, 0));
  const change = told.today !== null && told.before > 0 ? Math.round((told.today / told.before - 1) * 100) : null;
  const share = change !== null && Math.abs(change) <= SHARE_MAX ? change : null;
  const badge = place.querySelector('[data-figure="share"]');
  if (badge) {
    badge.textContent = share === null ? "" : `${share > 0 ? "+" : share < 0 ? "−" : "±"}${Math.abs(share)} %`;
    badge.classList.toggle("more", share > 0);
    badge.classList.toggle("less", share < 0);
  }
}
