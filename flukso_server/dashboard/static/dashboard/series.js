// SPDX-License-Identifier: GPL-3.0-or-later
// Fetches the chart's data, unfolds it and sums it up.

import { convert, costOf } from "./units.js";

const TIMEOUT_MS = 20000; // for a phone in a cellar
const NOT_JSON = 200; // status of an answer that is not our server's, but a hotel's proxy's, say

export class Failure extends Error {
  constructor(status) {
    super(`answer ${status}`);
    this.status = status;
  }
}

// Returns the JSON of an answer. Throws Failure for anything else; its status is 0 if there is no
// connection, or too slow a one. The caller may abort() the request.
// spoken: statuses that are no failure, because their answers tell more; more: options of fetch().
export async function load(url, { request = new AbortController(), spoken = [], ...more } = {}) {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    request.abort();
  }, TIMEOUT_MS);
  let status = 0;
  try {
    const answer = await fetch(url, { ...more, signal: request.signal });
    const usable = answer.ok || spoken.includes(answer.status);
    status = usable ? 0 : answer.status;
    if (usable) {
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

// Unfolds an answer. t: boundaries. Each line gets rate (what is known) and drawn (the same without
// gaps), an entry for each bucket; and part, a map of the buckets that are known in part.
export function unfold(answer) {
  const t = new Array(answer.t.length);
  answer.t.reduce((sum, step, i) => (t[i] = i ? sum + step : step), 0);
  const lines = answer.lines.map((line) => {
    const drawn = line.gaps.length ? line.v.slice() : line.v;
    line.gaps.forEach(([first, last]) => drawn.fill(null, first, last + 1));
    const part = new Map(line.part.map(([bucket, amount, share]) => [bucket, { amount, share }]));
    return { ...line, rate: line.v, drawn, part };
  });
  return { ...answer, t, lines };
}

// Returns what the chart draws of a line, in the unit.
export function drawn(data, line, unit) {
  return line.drawn.map((rate, i) => convert(rate, unit, data.prices, data.t[i], data.t[i + 1]));
}

// Returns {min, max, avg, last} in the unit, and {amount (Wh or l), cost}, of the window.
// Of a bucket at the window's edge, the average and the sums count the share that lies inside; a
// night, which is no part of its day, counts whole. Gaps count in the average and the sums, because
// the counter knows their energy, but not in min, max and last. Of a bucket that is known in part,
// the sums have what was counted, and the average counts its mean for the time that is known.
export function statistics(data, line, unit, window) {
  const sums = { min: null, max: null, avg: null, last: null, amount: null, cost: 0 };
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
    sums.amount += amount;
    sums.cost = cost === null || sums.cost === null ? null : sums.cost + cost;
    const mean = convert(line.rate[i], unit, data.prices, from, to);
    if (mean !== null) {
      seconds += known;
      sum += mean * known;
    }
    const value = convert(line.drawn[i], unit, data.prices, start, stop);
    if (value !== null) {
      sums.min = sums.min === null ? value : Math.min(sums.min, value);
      sums.max = sums.max === null ? value : Math.max(sums.max, value);
      sums.last = value;
    }
  }
  sums.avg = seconds ? sum / seconds : null;
  return sums;
}

// Returns the bucket in which a time lies, or null.
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
