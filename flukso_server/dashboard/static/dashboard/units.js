// SPDX-License-Identifier: GPL-3.0-or-later
// Converts rates (of a counter, an hour) to the chosen unit. The price of a kWh has a history:
// [[from unix s, price, sign of its currency], …].

export const quantity = {}; // as series/quantities.py writes it
let sign = "";
let words;

export function useQuantity(its) {
  Object.assign(quantity, its);
}

// Takes group and decimal, the separators in numbers; money, an amount's form.
export function useWords(forms) {
  words = forms;
}

// Takes the sign of the currency of the viewer's prices.
export function useCurrency(its) {
  sign = its;
}

export const label = (unit) => quantity.units[unit].label.replace("{sign}", sign);

// Returns the mean price of a kWh from start to end, null if part of it has another currency.
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

// Returns what an amount (Wh or l) between start and end costs, null in another currency.
export function costOf(amount, prices, start, end) {
  const price = meanPrice(prices, start, end);
  return price === null ? null : (amount / 1000) * price;
}

// Returns a rate between start and end in the unit, null if unknown or in another currency.
export function convert(rate, unit, prices, start, end) {
  if (rate === null) {
    return null;
  }
  const { factor, offset, money } = quantity.units[unit];
  if (!money) {
    return rate * factor + offset;
  }
  const price = meanPrice(prices, start, end);
  return price === null ? null : rate * factor * price;
}

export function show(value, unit) {
  return value === null ? "–" : number(value, quantity.units[unit].digits);
}

export function number(value, digits) {
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, words.group);
  const text = part ? grouped + words.decimal + part : grouped;
  return value < 0 && /[1-9]/.test(text) ? `-${text}` : text;
}

// Returns an amount with its sign; of what is earned, the minus comes first.
export function money(value) {
  const text = words.money.replace("{sign}", sign).replace("{amount}", number(Math.abs(value), 2));
  return value < 0 && /[1-9]/.test(text) ? `-${text}` : text;
}

// Returns the sum of a stretch in sumLabel()'s unit, – in another currency.
export function total(amount, cost, unit) {
  const value = quantity.units[unit].money ? cost : amount / 1000;
  return value === null ? "–" : number(value, Math.abs(value) < 100 ? 2 : 0);
}

export function sumLabel(unit) {
  return quantity.units[unit].money ? sign : quantity.total;
}
