// SPDX-License-Identifier: GPL-3.0-or-later
// Draws the lines with uPlot: one's own last, so that it lies on top of the others.

import * as dates from "./dates.js";
import { bucketAt, drawn } from "./series.js";
import { uPlot } from "./uplot.js";
import { number, quantity } from "./units.js";

// Tell lines apart on paper and in forced colours; px drawn, px left out, …
export const DASHES = ["", "10 5", "2 4", "10 4 2 4", "18 6"];
const POINT_PX = 7;
const CASED = 3; // the yellow line gets an edge: on white it would be lost
const CASE = "#8f8300";
const FILL = "22"; // how much of the own line's colour lies under it
const FIRST = "chart-drawn"; // a performance mark, for benches
const AXIS_FONT = "12px system-ui, sans-serif";

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Returns the colour of a line; those of others stay the same when lines come and go.
export const colourOf = (index) => quantity.colours[index % quantity.colours.length];

const dashOf = (i) => DASHES[i % DASHES.length].split(" ").map((px) => px * devicePixelRatio);

const forced = () => matchMedia("(forced-colors: active)").matches;

export class Plot {
  // onSelect(start, end): a stretch was chosen with the mouse.
  // onPoint(bucket or null): the crosshair moved.
  constructor(place, { onSelect, onPoint }) {
    this.place = place;
    this.onSelect = onSelect;
    this.onPoint = onPoint;
    this.plot = null;
    this.data = null;
    new ResizeObserver(() => this.resize()).observe(place);
  }

  draw(data, unit, window, paper = false) {
    const look = [unit, paper, this.theme(), forced()];
    const shape = [data.step === "live", data.lines.length, ...look].join();
    this.data = data;
    this.window = window;
    const columns = this.columns(data, unit);
    if (this.plot && this.shape === shape) {
      this.plot.batch(() => {
        this.plot.setData(columns, false);
        this.plot.setScale("x", { min: window.start, max: window.end });
      });
    } else {
      this.destroy();
      this.shape = shape;
      this.plot = new uPlot(this.options(data, unit, paper), columns, this.place);
    }
    const points = data.lines.reduce((sum, line) => sum + line.drawn.length, 0);
    this.place.dataset.points = String(points);
  }

  destroy() {
    if (this.plot) {
      this.plot.destroy();
    }
    this.plot = null;
    this.place.replaceChildren();
  }

  theme() {
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  // A bucket begins at x and lasts until the next x; a live value belongs to its bucket's end.
  columns(data, unit) {
    const live = data.step === "live";
    const values = data.lines.map((line) => drawn(data, line, unit));
    if (!live) {
      values.forEach(close);
    }
    return [live ? data.t.slice(1) : data.t, ...values.reverse()];
  }

  options(data, unit, paper) {
    const soft = paper ? "#444" : style("--soft");
    const grid = { stroke: paper ? "#ddd" : style("--grid"), width: 1 };
    const axis = { stroke: soft, grid, ticks: { ...grid, size: 4 }, font: AXIS_FONT };
    const live = data.step === "live";
    const paths = live ? uPlot.paths.linear() : uPlot.paths.stepped({ align: 1, alignGaps: 1 });
    const plain = paper || forced();
    const series = data.lines.map((line, i) => ({
      label: line.name,
      stroke: plain && i === CASED ? CASE : colourOf(i),
      dash: plain && i ? dashOf(i) : undefined,
      width: i ? 1.5 : 2,
      // what need not begin at 0 has no ground to stand on
      fill: i || !quantity.total ? undefined : colourOf(i) + FILL,
      points: { show: false },
      paths,
    }));
    return {
      width: this.place.clientWidth,
      height: this.place.clientHeight,
      tzDate: dates.zoned,
      legend: { show: false },
      padding: [8, 18, 0, 0],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { size: POINT_PX, ...(live ? {} : { bbox: (u, i) => this.dot(u, i) }) },
        focus: { prox: -1 },
        dataIdx: live ? undefined : (u, i, nearest, ts) => bucketAt(this.data, ts),
      },
      series: [{}, ...series.reverse()],
      axes: [
        {
          ...axis,
          space: 70,
          values: (u, splits, i, space, step) => splits.map((ts) => dates.tick(ts, step)),
        },
        {
          ...axis,
          size: (u, values) => 16 + 7 * Math.max(...(values || [""]).map((each) => each.length)),
          values: (u, splits) => splits.map(short),
        },
      ],
      scales: {
        x: { time: true, range: () => [this.window.start, this.window.end] },
        y: {
          range: (u, low, high) => range(low, high, quantity.units[unit].least),
        },
      },
      hooks: {
        draw: [() => performance.getEntriesByName(FIRST).length || performance.mark(FIRST)],
        setSelect: [(u) => this.select(u)],
        setCursor: [(u) => this.onPoint(this.under(u))],
        drawSeries: [
          (u, i) => (plain || this.theme() === "dark" ? null : edge(u, i, data.lines.length)),
        ],
      },
    };
  }

  select(u) {
    const { left, width } = u.select;
    if (width < 4) {
      return;
    }
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.onSelect(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
  }

  // Returns the bucket under the crosshair, or null.
  under({ cursor: { left, idx } }) {
    if (!(left >= 0)) {
      return null;
    }
    return this.data.step === "live" ? idx : bucketAt(this.data, this.timeAt(left));
  }

  // Returns the middle of what is seen of a bucket; for live values, its end.
  middle(bucket) {
    const { t, step } = this.data;
    const { start, end } = this.window;
    if (step === "live") {
      return t[bucket + 1];
    }
    return (Math.max(t[bucket], start) + Math.min(t[bucket + 1], end)) / 2;
  }

  // Returns the box of a line's dot, in the middle of its bucket.
  dot(u, index) {
    const bucket = u.cursor.idxs[index];
    const rate = this.data.lines[this.data.lines.length - index].drawn[bucket] ?? null;
    const value = rate === null ? null : u.data[index][bucket]; // which close() may have repeated
    const left = value === null ? -10 : u.valToPos(this.middle(bucket), "x");
    const top = value === null ? -10 : u.valToPos(value, "y");
    const size = { width: POINT_PX, height: POINT_PX };
    return { left: left - POINT_PX / 2, top: top - POINT_PX / 2, ...size };
  }

  // Puts the crosshair on a bucket, null for nowhere.
  point(bucket) {
    if (!this.plot) {
      return;
    }
    const nowhere = { left: -10, top: -10 };
    this.plot.setCursor(
      bucket === null ? nowhere : { left: this.plot.valToPos(this.middle(bucket), "x"), top: 20 },
    );
  }

  show(window) {
    this.window = window;
    if (this.plot) {
      this.plot.setScale("x", { min: window.start, max: window.end });
    }
  }

  timeAt(pixel) {
    return this.plot ? this.plot.posToVal(pixel, "x") : 0;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (this.plot && width && (width !== this.plot.width || height !== this.plot.height)) {
      this.plot.setSize({ width, height });
    }
  }
}

// Repeats a line's last value at its bucket's end: uPlot would end the line where that begins.
function close(values) {
  values.push(null);
  let last = values.length - 2;
  while (last >= 0 && values[last] === null) {
    last--;
  }
  values[last + 1] = values[last] ?? null;
}

const short = (value) => number(value, Number.isInteger(value) ? 0 : 1);

// Returns the ends of an axis that is at least so high; amounts stand on 0.
function range(low, high, least) {
  if (quantity.total) {
    return [Math.min(0, low ?? 0), Math.max(high ?? 0, least) * 1.06];
  }
  const middle = ((low ?? 0) + (high ?? 0)) / 2;
  const half = (Math.max((high ?? 0) - (low ?? 0), least) / 2) * 1.06;
  return [middle - half, middle + half];
}

// Draws a darker edge under the yellow line, after that is drawn.
function edge(u, index, count) {
  if (count - index !== CASED || !u.series[index]._paths) {
    return;
  }
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (u.series[index]._paths.clip) {
    ctx.clip(u.series[index]._paths.clip); // no edge where there is no line
  }
  ctx.globalCompositeOperation = "destination-over";
  ctx.strokeStyle = CASE;
  ctx.lineWidth = 3.2 * devicePixelRatio;
  ctx.stroke(u.series[index]._paths.stroke);
  ctx.restore();
}
