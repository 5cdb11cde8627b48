// SPDX-License-Identifier: GPL-3.0-or-later
// Times as the household's clock shows them. All functions take unix seconds.

const DAY_S = 86400;
const made = new Map();
let zone = "UTC";

export function useZone(name) {
  zone = name;
  made.clear();
}

export function zoned(ts) {
  return uPlot.tzDate(new Date(ts * 1000), zone);
}

function format(ts, options) {
  const key = JSON.stringify(options);
  if (!made.has(key)) {
    made.set(key, new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: zone, hourCycle: "h23", ...options }));
  }
  return made.get(key).format(ts * 1000);
}

export const clock = (ts) => format(ts, { hour: "2-digit", minute: "2-digit" });
export const second = (ts) => format(ts, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const day = (ts) => format(ts, { day: "numeric", month: "short" });
export const weekday = (ts) => format(ts, { weekday: "short", day: "numeric", month: "short" });
export const date = (ts) => format(ts, { day: "numeric", month: "short", year: "numeric" });
export const month = (ts) => format(ts, { month: "short" });
export const year = (ts) => format(ts, { year: "numeric" });

// What stands at an axis' ticks that are `step` seconds apart.
export function tick(ts, step) {
  if (step < 60) {
    return second(ts);
  }
  if (step < DAY_S) {
    return clock(ts) === "00:00" ? day(ts) : clock(ts);
  }
  if (step < 28 * DAY_S) {
    return day(ts);
  }
  return month(ts) + (step >= 365 * DAY_S || zoned(ts).getMonth() === 0 ? ` ${year(ts)}` : "");
}

// A bucket from start to end, by the step that the data has.
export function bucket(start, end, step) {
  if (step === "live") {
    return second(end);
  }
  if (step === "day" || step === "night") {
    return weekday(start);
  }
  if (step === "week") {
    return `${day(start)} – ${date(end)}`;
  }
  return `${weekday(start)}, ${clock(start)}–${clock(end)}`;
}

// "4 min", in words that are short and sure
export function age(seconds) {
  const units = [[86400 * 2, 86400, "day"], [7200, 3600, "hour"], [90, 60, "minute"], [0, 1, "second"]];
  const [, size, unit] = units.find(([from]) => seconds >= from) || units[3];
  const lang = document.documentElement.lang;
  return new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short" }).format(Math.floor(seconds / size));
}
