// SPDX-License-Identifier: GPL-3.0-or-later
// Under the chart, min, max, average, last and sum of each line; over it, the values at the
// crosshair; and a table for screen readers.

import * as dates from "./dates.js";
import { colourOf, DASHES } from "./plot.js";
import { statistics } from "./series.js";
import { convert, label, quantity, show, total } from "./units.js";

const TABLE_ROWS_MAX = 3000; // as many as there can be buckets

const cell = (tag, text, className) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) {
    made.className = className;
  }
  return made;
};

function named(line, index, tag) {
  const made = cell(tag, "", "who");
  const mark = cell("span", "", "mark");
  mark.style.setProperty("--mark", colourOf(index));
  mark.append(pattern(index));
  made.append(mark, cell("span", line.name, index ? "" : "own"));
  if (tag === "th") {
    made.scope = "row";
  }
  return made;
}

// Draws a line as it is on paper and in forced colours; only there chart.css shows it.
function pattern(index) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const attributes = {
    x2: 40,
    y1: 5,
    y2: 5,
    stroke: "currentColor",
    "stroke-width": index ? 2 : 4,
    "stroke-dasharray": DASHES[index % DASHES.length],
  };
  for (const [name, value] of Object.entries(attributes)) {
    line.setAttribute(name, value);
  }
  picture.append(line);
  return picture;
}

// Fills the rows of the statistics; a line that is shared by day, or silent, says so.
export function fillStatistics(body, data, state, window, texts) {
  const rows = data.lines.map((line, index) => {
    const row = document.createElement("tr");
    const values = statistics(data, line, state.unit, window);
    const who = named(line, index, "th");
    who.append(cell("small", note(line, data, texts), "note"));
    row.append(who);
    for (const name of ["min", "max", "avg", "last"]) {
      row.append(cell("td", show(values[name], state.unit)));
    }
    const summable = values.amount !== null && data.step !== "night";
    if (quantity.total) {
      row.append(cell("td", summable ? total(values.amount, values.cost, state.unit) : "–"));
    }
    return row;
  });
  body.replaceChildren(...rows);
}

function note(line, data, texts) {
  if (line.kind === "peer" && line.detail === "day") {
    return texts.days;
  }
  if (line.kind === "demo") {
    return "";
  }
  if (line.last === null) {
    return texts.never;
  }
  return texts.ago.replace("{age}", dates.age(Math.max(0, data.now - line.last)));
}

// Fills the box beside the crosshair with the values of all lines in a bucket.
export function fillReadout(box, data, bucket, state, texts) {
  const rows = [cell("strong", dates.bucket(data.t[bucket], data.t[bucket + 1], data.step))];
  data.lines.forEach((line, index) => {
    const row = named(line, index, "div");
    row.append(cell("span", worth(line, data, bucket, state, texts), "value"));
    rows.push(row);
  });
  box.replaceChildren(...rows);
}

export function worth(line, data, bucket, state, texts) {
  if (line.drawn[bucket] === null) {
    return line.rate[bucket] === null ? texts.unknown : texts.silent;
  }
  const [start, end] = [data.t[bucket], data.t[bucket + 1]];
  const value = convert(line.drawn[bucket], state.unit, data.prices, start, end);
  return value === null ? show(value) : `${show(value, state.unit)} ${label(state.unit)}`;
}

// Fills a table with the same, for readers who cannot see the chart or want the figures.
export function fillTable(table, data, state, texts) {
  const head = document.createElement("tr");
  const unit = label(state.unit);
  for (const text of [texts.time, ...data.lines.map((line) => `${line.name}, ${unit}`)]) {
    const made = cell("th", text);
    made.scope = "col";
    head.append(made);
  }
  const rows = data.t.slice(0, -1).slice(-TABLE_ROWS_MAX).map((start, bucket) => {
    const row = document.createElement("tr");
    const time = cell("th", dates.bucket(start, data.t[bucket + 1], data.step));
    time.scope = "row";
    row.append(time);
    for (const line of data.lines) {
      row.append(cell("td", worth(line, data, bucket, state, texts).replace(` ${unit}`, "")));
    }
    return row;
  });
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows);
}
