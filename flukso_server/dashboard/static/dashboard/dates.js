// SPDX-License-Identifier: GPL-3.0-or-later
// Times as the household's clock shows them. All functions take unix seconds. Without Intl: its first use takes a browser 50 ms.

const DAY_S = 86400;
let offsets = [[0, 0]];
let words;

// Names of months and weekdays (from Monday), and the texts of ages.
export function useWords(told) {
  words = told;
}

// [[from unix s, seconds east of Greenwich], …] of the window that is shown.
export function useZone(told) {
  offsets = told;
}

// The local time as if it were UTC.
function local(ts) {
  let at = offsets.length - 1;
  while (at && offsets[at][0] > ts) {
    at--;
  }
  return new Date((ts + offsets[at][1]) * 1000);
}

// A date whose own getters tell the household's time.
export function zoned(ts) {
  const at = local(ts);
  return new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds());
}

// What tells a time apart that the household's clock shows twice, in the night in which it goes back: how far it is off then.
function mark(ts) {
  for (let i = 1; i < offsets.length; i++) {
    const back = offsets[i - 1][1] - offsets[i][1];
    if (back > 0 && ts >= offsets[i][0] - back && ts < offsets[i][0] + back) {
      return ` UTC${off(offsets[ts < offsets[i][0] ? i - 1 : i][1])}`;
    }
  }
  return "";
}

function off(seconds) {
  const minutes = Math.abs(seconds) / 60;
  const [hours, rest] = [Math.floor(minutes / 60), Math.round(minutes % 60)];
  return `${seconds < 0 ? "−" : "+"}${hours}${rest ? `:${two(rest)}` : ""}`;
}

const two = (value) => String(value).padStart(2, "0");
const time = (at) => `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
const dayOf = (at) => `${at.getUTCDate()} ${words.months[at.getUTCMonth()]}`;

export const clock = (ts) => time(local(ts)) + mark(ts);
export const second = (ts) => `${time(local(ts))}:${two(local(ts).getUTCSeconds())}${mark(ts)}`;
export const day = (ts) => dayOf(local(ts));
export const weekday = (ts) => `${words.weekdays[(local(ts).getUTCDay() + 6) % 7]} ${day(ts)}`;
export const date = (ts) => `${day(ts)} ${local(ts).getUTCFullYear()}`;

// What stands at an axis' ticks that are `step` seconds apart.
export function tick(ts, step) {
  if (step < 60) {
    return second(ts);
  }
  const at = local(ts);
  if (step < DAY_S) {
    return time(at) === "00:00" ? dayOf(at) : clock(ts);
  }
  if (step < 28 * DAY_S) {
    return dayOf(at);
  }
  return words.months[at.getUTCMonth()] + (step >= 365 * DAY_S || at.getUTCMonth() === 0 ? ` ${at.getUTCFullYear()}` : "");
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
  const units = [[86400 * 2, 86400, "days"], [7200, 3600, "hours"], [90, 60, "minutes"], [0, 1, "seconds"]];
  const [, size, unit] = units.find(([from]) => seconds >= from) || units[3];
  return words[unit].replace("{n}", Math.floor(seconds / size));
}
