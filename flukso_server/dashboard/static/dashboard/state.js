// SPDX-License-Identifier: GPL-3.0-or-later
// What is looked at, as the URL says it: scale, unit, flow, resource, lines of others (null: those that the account keeps), and start and end unless the window ends now.

const LEAST_SPAN_S = 120;
const MOST_SPAN_S = 3653 * 86400; // what the server answers
const MOST_NIGHTS_S = 100 * 86400; // beyond, it answers weeks

export class State {
  constructor(config) {
    this.scales = config.scales;
    this.widePx = config.widePx;
    Object.assign(this, config.view);
    this.bound();
  }

  // The window, which goes with the clock unless it was moved.
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

  // What a URL says may be longer than what the tab can show.
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
      this.scale = "hour"; // a look back stands still
    }
  }

  // How finely a window is cut: as its tab says, else by its length.
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

  // The URL of this, or of another tab, whose window is its own, or of another resource, whose units and flows are.
  query({ scale, resource = this.resource } = {}) {
    const told = new URLSearchParams({ resource, scale: scale ?? this.scale });
    if (resource === this.resource) {
      told.set("unit", this.unit);
    }
    if (resource === this.resource && this.flow !== "use") {
      told.set("flow", this.flow);
    }
    if (this.lines !== null) {
      told.set("lines", this.lines.join(","));
    }
    if (!this.following && !scale) {
      told.set("start", this.start);
      told.set("end", this.end);
    }
    return `?${told}`;
  }

  // Where the data is; the same text as the server's hint in the page's head.
  dataUrl(path, now) {
    const told = new URLSearchParams({ resource: this.resource, flow: this.flow, step: this.step(now) });
    if (this.lines !== null) {
      told.set("lines", this.lines.join(","));
    }
    if (this.following) {
      told.set("scale", this.scale);
    } else {
      told.set("start", this.start);
      told.set("end", this.end);
    }
    return `${path}?${told}`;
  }

  read(search) {
    const told = new URLSearchParams(search);
    this.scale = this.scales[told.get("scale")] ? told.get("scale") : "day";
    this.unit = told.get("unit") || this.unit;
    this.flow = told.get("flow") || "use";
    this.lines = told.has("lines") ? told.get("lines").split(",").filter(Boolean) : null;
    const [start, end] = [told.get("start"), told.get("end")].map((text) => (text && /^\d{1,10}$/.test(text) ? Number(text) : null));
    const moved = start !== null && end !== null && start < end;
    this.start = moved ? start : null;
    this.end = moved ? end : null;
    this.bound();
  }
}
