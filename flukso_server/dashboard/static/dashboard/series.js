// SPDX-License-Identifier: GPL-3.0-or-later
// The chart's data: fetched, unfolded, summed up.

import { convert, costOf } from "./units.js";

const TIMEOUT_MS = 20000; // as slow as a phone in a cellar may be
const NOT_JSON = 200; // an answer, but none of our server's: of a hotel's proxy, say

export class Failure extends Error {
  constructor(status) {
    super(`answer ${status}`);
    this.status = status;
  }
}

// Raises Failure (status 0: no connection, or too slow a one) for anything but an answer; whoever asked may abort() it.
// spoken: statuses that are no failure, as their answers say what is the matter; more: options of fetch().
export async function load(url, { request = new AbortController(), spoken = [], ...more } = {}) {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    request.abort();
  }, TIMEOUT_MS);
  let status = 0;
  try {
    const answer = await fetch(url, { ...more, signal: request.signal });
    const told = answer.ok || spoken.includes(answer.status);
    status = told ? 0 : answer.status;
    if (told) {
      return await answer.json();
    }
  } catch (error) {
    if (request.signal.aborted && !late) {
      throw error;
    }
    status = error instanceof SyntaxError ? NOT_JSON : 0;
  } finally {
    clearTimeout(timer);
  }
  throw new Failure(status);
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

// {min, max, avg, last} in the unit and {amount (Wh or l), cost} of the window; a bucket at its edge counts in the average and the sums
// by the share that lies in it. (A night is no part of its day: it counts whole.)
// Gaps are in the average and the sums, whose energy the counter knows, and not in min, max and last.
// Of a bucket that is known in part, what was counted is summed; its mean counts for the time that is known.
export function statistics(data, line, unit, window) {
  const found = { min: null, max: null, avg: null, last: null, amount: null, cost: 0 };
  let seconds = 0;
  let sum = 0;
  for (let i = 0; i < line.rate.length; i++) {
    const [start, stop] = [data.t[i], data.t[i + 1]];
    const from = Math.max(start, window.start);
    const to = Math.min(stop, window.end);
    const part = line.part.get(i);
    if (from >= to || (line.rate[i] === null && !part)) {
      continue;
    }
    const seen = data.step === "night" ? 1 : (to - from) / (stop - start);
    const known = (stop - start) * seen * (part ? part.share : 1);
    const amount = part ? part.amount * seen : (line.rate[i] * known) / 3600;
    const cost = costOf(amount, data.prices, from, to);
    found.amount += amount;
    found.cost = cost === null || found.cost === null ? null : found.cost + cost;
    const mean = convert(line.rate[i], unit, data.prices, from, to);
    if (mean !== null) {
      seconds += known;
      sum += mean * known;
    }
    const value = convert(line.drawn[i], unit, data.prices, start, stop);
    if (value !== null) {
      found.min = found.min === null ? value : Math.min(found.min, value);
      found.max = found.max === null ? value : Math.max(found.max, value);
      found.last = value;
    }
  }
  found.avg = seconds ? sum / seconds : null;
  return found;
}

// The bucket that a time is in, null for none.
export function bucketAt(data, ts) {
  let [low, high] = [0, data.t.length - 1];
  if (!(ts >= data.t[0] && ts < data.t[high])) {
    return null;
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    data.t[middle] <= ts ? (low = middle) : (high = middle);
  }
  return low;
}
