// SPDX-License-Identifier: GPL-3.0-or-later
// What is looked at, as the URL has it: scale, unit, flow, resource, lines of others (null: those
// that the account keeps), and start and end unless the window ends now.

const LEAST_SPAN_S = 120;
const MOST_SPAN_S = 3653 * 86400; // the server answers no more
const MOST_NIGHTS_S = 100 * 86400; // for more, the server answers weeks

export class State {
  constructor(config) {
    this.scales = config.scales;
    this.widePx = config.widePx;
    Object.assign(this, config.view);
    this.bound();
  }

  // Returns the window; it follows the clock unless it was moved.
  window(now) {
    if (this.start !== null) {
      return { start: this.start, end: this.end };
    }
    return { start: now - this.scales[this.scale].span, end: now };
  }

  get following() {
    return this.start === null;
  }

  get mostSpan() {
    return this.scale === "night" ? MOST_NIGHTS_S : MOST_SPAN_S;
  }

  // Shortens a window from a URL that is longer than the tab can show.
  bound() {
    if (!this.following) {
      this.start = Math.max(this.start, this.end - this.mostSpan);
    }
  }

  setScale(scale) {
    this.scale = scale;
    this.start = this.end = null;
  }

  setWindow(start, end, now) {
    const span = Math.min(Math.max(end - start, LEAST_SPAN_S), this.mostSpan);
    let from = Math.max(0, Math.round((start + end - span) / 2));
    if (from + span > now) {
      from = now - span;
    }
    this.start = Math.round(from);
    this.end = Math.round(from + span);
    if (this.scale === "live") {
      this.scale = "hour"; // a past window is not live
    }
  }

  // Returns the step of the window's buckets: the tab's, or by the window's length if it differs.
  step(now) {
    const { start, end } = this.window(now);
    const span = end - start;
    const scale = this.scales[this.scale];
    const wide = innerWidth >= this.widePx;
    if (this.following || Math.abs(span - scale.span) < 0.02 * scale.span) {
      return wide ? scale.step : scale.narrow;
    }
    const days = span / 86400;
    if (this.scale === "night") {
      return "night";
    }
    const limits = wide ? [1.5, 10, 30, 100] : [0.3, 3, 14, 100];
    const at = limits.findIndex((limit) => days <= limit);
    return ["minute", "15min", "hour", "day"][at] || "week";
  }

  // Returns the URL of this state, or of another tab, which has its own window, or of another
  // resource, which has its own units and flows.
  query({ scale, resource = this.resource } = {}) {
    const params = new URLSearchParams({ resource, scale: scale ?? this.scale });
    if (resource === this.resource) {
      params.set("unit", this.unit);
    }
    if (resource === this.resource && this.flow !== "use") {
      params.set("flow", this.flow);
    }
    if (this.lines !== null) {
      params.set("lines", this.lines.join(","));
    }
    if (!this.following && !scale) {
      params.set("start", this.start);
      params.set("end", this.end);
    }
    return `?${params}`;
  }

  // Returns the URL of the data, with the same text as the server's hint in the page's head.
  dataUrl(path, now) {
    const { resource, flow } = this;
    const params = new URLSearchParams({ resource, flow, step: this.step(now) });
    if (this.lines !== null) {
      params.set("lines", this.lines.join(","));
    }
    if (this.following) {
      params.set("scale", this.scale);
    } else {
      params.set("start", this.start);
      params.set("end", this.end);
    }
    return `${path}?${params}`;
  }

  read(search) {
    const params = new URLSearchParams(search);
    this.scale = this.scales[params.get("scale")] ? params.get("scale") : "day";
    this.unit = params.get("unit") || this.unit;
    this.flow = params.get("flow") || "use";
    this.lines = params.has("lines") ? params.get("lines").split(",").filter(Boolean) : null;
    const instant = (text) => (text && /^\d{1,10}$/.test(text) ? Number(text) : null);
    const [start, end] = [instant(params.get("start")), instant(params.get("end"))];
    const moved = start !== null && end !== null && start < end;
    this.start = moved ? start : null;
    this.end = moved ? end : null;
    this.bound();
  }
}
