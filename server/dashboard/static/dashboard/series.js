// SPDX-License-Identifier: GPL-3.0-or-later
// The chart's data: fetched, unfolded, summed up.

import { convert, costOf } from "./units.js";

const TIMEOUT_MS = 20000; // as slow as a phone in a cellar may be

export class Failure extends Error {
  constructor(status) {
    super(`answer ${status}`);
    this.status = status;
  }
}

// Raises Failure (status 0: no connection) for anything but an answer.
export async function load(url, signal) {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  let answer;
  try {
    answer = await fetch(url, { signal: signal ? AbortSignal.any([signal, late]) : late });
  } catch (error) {
    if (signal && signal.aborted) {
      throw error;
    }
    throw new Failure(0);
  }
  if (!answer.ok) {
    throw new Failure(answer.status);
  }
  return answer.json();
}

// t: boundaries; each line gets rate (what is known) and drawn (without the gaps), an entry for each bucket; part: of buckets known in part.
export function unfold(told) {
  const t = new Array(told.t.length);
  told.t.reduce((sum, step, i) => (t[i] = i ? sum + step : step), 0);
  const lines = told.lines.map((line) => {
    const drawn = line.gaps.length ? line.v.slice() : line.v;
    line.gaps.forEach(([first, last]) => drawn.fill(null, first, last + 1));
    const part = new Map(line.part.map(([bucket, amount, share]) => [bucket, { amount, share }]));
    return { ...line, rate: line.v, drawn, part };
  });
  return { ...told, t, lines };
}

// What the chart draws of a line, in the unit.
export function drawn(data, line, unit) {
  return line.drawn.map((rate, i) => convert(rate, unit, data.prices, data.t[i], data.t[i + 1]));
}

// {min, max, avg, last} in the unit and {amount (Wh or l), cost} of the buckets first … end - 1.
// Gaps are in the average and the sums, whose energy the counter knows, and not in min, max and last.
// Of a bucket that is known in part, what was counted is summed; its mean counts for the time that is known.
export function statistics(data, line, unit, first = 0, end = line.rate.length) {
  const found = { min: null, max: null, avg: null, last: null, amount: null, cost: 0 };
  let seconds = 0;
  let sum = 0;
  for (let i = first; i < end; i++) {
    const part = line.part.get(i);
    if (line.rate[i] === null && !part) {
      continue;
    }
    const [start, stop] = [data.t[i], data.t[i + 1]];
    const known = (stop - start) * (part ? part.share : 1);
    const amount = part ? part.amount : (line.rate[i] * known) / 3600;
    const cost = costOf(amount, data.prices, start, stop);
    found.amount += amount;
    found.cost = cost === null || found.cost === null ? null : found.cost + cost;
    const value = convert(line.rate[i], unit, data.prices, start, stop);
    if (value === null) {
      continue;
    }
    seconds += known;
    sum += value * known;
    if (line.drawn[i] !== null) {
      found.min = found.min === null ? value : Math.min(found.min, value);
      found.max = found.max === null ? value : Math.max(found.max, value);
      found.last = value;
    }
  }
  found.avg = seconds ? sum / seconds : null;
  return found;
}

// The buckets [first, end) that lie in the window start … end, all of which count that touch it.
export function within(data, start, end) {
  let first = 0;
  let last = data.t.length - 1;
  while (first < last - 1 && data.t[first + 1] <= start) {
    first++;
  }
  while (last > first + 1 && data.t[last - 1] >= end) {
    last--;
  }
  return [first, last];
}
