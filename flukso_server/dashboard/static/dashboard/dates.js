// SPDX-License-Identifier: GPL-3.0-or-later
// Times as the household's clock shows them. All functions take unix seconds. They do without Intl,
// whose first use takes a browser 50 ms.

const DAY_S = 86400;
let offsets = [[0, 0]];
let words;

// Takes the names of months and weekdays (from Monday), and the texts of ages.
export function useWords(names) {
  words = names;
}

// Takes [[from unix s, seconds east of Greenwich], …] of the window that is shown.
export function useZone(stretches) {
  offsets = stretches;
}

// Returns a Date whose UTC getters give the local time.
function local(ts) {
  let at = offsets.length - 1;
  while (at && offsets[at][0] > ts) {
    at--;
  }
  return new Date((ts + offsets[at][1]) * 1000);
}

// Returns a Date whose plain getters give the local time.
export function zoned(ts) {
  const at = local(ts);
  const ymd = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return new Date(...ymd, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds());
}

// Returns the offset from UTC for a time that the clock shows twice because it goes back; else "".
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

// Returns the label of a tick on an axis whose ticks are `step` seconds apart.
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
  const withYear = step >= 365 * DAY_S || at.getUTCMonth() === 0;
  return words.months[at.getUTCMonth()] + (withYear ? ` ${at.getUTCFullYear()}` : "");
}

// Returns the label of the bucket from start to end, which depends on the data's step.
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

// Returns an age in a few words, such as "4 min".
export function age(seconds) {
  const units = [
    [86400 * 2, 86400, "days"],
    [7200, 3600, "hours"],
    [90, 60, "minutes"],
    [0, 1, "seconds"],
  ];
  const [, size, unit] = units.find(([from]) => seconds >= from) || units[3];
  return words[unit].replace("{n}", Math.floor(seconds / size));
}
