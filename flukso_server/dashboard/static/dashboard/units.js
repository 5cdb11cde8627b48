// SPDX-License-Identifier: GPL-3.0-or-later
// From rates (Wh or litres an hour) to the unit that is chosen. A kWh's price has a history: [[from unix s, price, sign of its currency], …].

const YEAR_H = 8760;
const UNITS = {
  watt: { factor: 1, digits: 0 },
  kwhperyear: { factor: YEAR_H / 1000, digits: 0 },
  eurperyear: { factor: YEAR_H / 1000, digits: 0, money: true },
  lpermin: { factor: 1 / 60, digits: 2 },
  lperday: { factor: 24, digits: 0 },
  m3peryear: { factor: YEAR_H / 1000, digits: 0 },
};

let sign = "";
let words;

// group and decimal: how numbers are written; units: their names; money: an amount with its sign.
export function useWords(told) {
  words = told;
}

// The sign of the currency that the viewer's prices are in.
export function useCurrency(told) {
  sign = told;
}

export const label = (unit) => words.units[unit].replace("{sign}", sign);

// The mean price of a kWh from start to end, null where some of it was paid in another currency than the one that is shown.
function meanPrice(prices, start, end) {
  let sum = 0;
  for (let i = 0; i < prices.length; i++) {
    const from = Math.max(start, prices[i][0]);
    const to = Math.min(end, i + 1 < prices.length ? prices[i + 1][0] : Infinity);
    if (to > from) {
      if (prices[i][2] !== sign) {
        return null;
      }
      sum += (to - from) * prices[i][1];
    }
  }
  return sum / (end - start);
}

// What units (Wh or l) of the stretch from start to end cost; null in another currency.
export function costOf(amount, prices, start, end) {
  const price = meanPrice(prices, start, end);
  return price === null ? null : (amount / 1000) * price;
}

// A rate of the stretch from start to end in the unit; null stays null, and money of another currency is null.
export function convert(rate, unit, prices, start, end) {
  if (rate === null) {
    return null;
  }
  const { factor, money } = UNITS[unit];
  if (!money) {
    return rate * factor;
  }
  const price = meanPrice(prices, start, end);
  return price === null ? null : rate * factor * price;
}

export function show(value, unit) {
  return value === null ? "–" : number(value, UNITS[unit].digits);
}

export function number(value, digits) {
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, words.group);
  const text = part ? grouped + words.decimal + part : grouped;
  return value < 0 && /[1-9]/.test(text) ? `-${text}` : text;
}

// An amount with its sign; what is earned has its minus before all of it.
export function money(value) {
  const text = words.money.replace("{sign}", sign).replace("{amount}", number(Math.abs(value), 2));
  return value < 0 && /[1-9]/.test(text) ? `-${text}` : text;
}

// What a stretch sums up to, in sumLabel()'s unit; – for what was paid in another currency.
export function total(amount, cost, unit) {
  const value = UNITS[unit].money ? cost : amount / 1000;
  return value === null ? "–" : number(value, Math.abs(value) < 100 ? 2 : 0);
}

export const sumLabel = (unit, resource) => (UNITS[unit].money ? sign : resource === "electricity" ? "kWh" : "m³");
