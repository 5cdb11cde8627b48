// SPDX-License-Identifier: GPL-3.0-or-later
// The page's scripts meet here: what is looked at, fetched, drawn, and said when something fails.

import { Circle } from "./circle.js";
import * as dates from "./dates.js";
import { fillFigures } from "./figures.js";
import { ZOOM, listen, zoomed } from "./gestures.js";
import { fillReadout, fillStatistics, fillTable, worth } from "./legend.js";
import { Live } from "./live.js";
import { Plot } from "./plot.js";
import { bucketAt, load, unfold } from "./series.js";
import { State } from "./state.js";
import { label, sumLabel, useCurrency, useWords } from "./units.js";

const REFRESH_MS = 60000; // a window that ends now
const SETTLE_MS = 180; // after a gesture, before its data is fetched
const BUSY_MS = 350; // from then on a page says that it waits
const QUICK_S = 30; // apart: the device has heard that it is watched
const RETRY_MS = 5000;
const RETRY_MOST_MS = 60000;

const config = JSON.parse(document.getElementById("config").textContent);
const texts = config.texts;
const one = (selector) => document.querySelector(selector);
const place = one("#chart");
const state = new State(config);
let data = null;
let bucket = null;
let skew = 0; // the server's clock minus ours, s
let failures = 0;
let under = null; // the request under way
let stale = false; // there is news that it may not have
let figuring = false; // the figures are under way
let timer;
let drawnOnce = false;

dates.useWords(config.words);
useWords(config.words);
const now = () => Math.floor(Date.now() / 1000 + skew);
const shown = () => state.window(now());

const plot = new Plot(place, {
  onSelect: (start, end) => move(start, end),
  onPoint: (at) => read(at, false),
});
listen(place, {
  window: shown,
  move,
  reset,
  step,
  at: (pixel) => plot.timeAt(pixel),
  point: (ts) => {
    const at = data && bucketAt(data, ts);
    read(at, false);
    plot.point(at);
  },
});

// fetching

fetchChart(); // the head has asked for it already; what follows is done while it comes

// What is looked at now: a request for something else is given up.
async function fetchChart() {
  clearTimeout(timer);
  under?.abort();
  stale = false;
  const request = (under = new AbortController());
  const busy = setTimeout(() => place.setAttribute("aria-busy", "true"), BUSY_MS);
  try {
    const told = await load(state.dataUrl(config.data, now()), { request });
    if (under !== request) {
      return;
    }
    skew = Math.round(told.now - Date.now() / 1000);
    data = unfold(told);
    dates.useZone(told.zone);
    useCurrency(told.sign);
    failures = 0;
    trouble("");
    draw();
    setTimeout(keepLines); // writing the address takes a browser as long as drawing
  } catch (error) {
    if (under !== request) {
      return;
    }
    failed(error);
  } finally {
    clearTimeout(busy);
    if (under === request) {
      under = null;
      place.removeAttribute("aria-busy");
    }
  }
  again();
}

// News came: on a slow connection the answer that is under way is let come first.
function freshen() {
  under ? (stale = true) : fetchChart();
}

// The lines that came are part of the URL from then on: who is sent it sees the same, if they may.
function keepLines() {
  const others = data.lines.filter((line) => line.kind === "peer").map((line) => line.key);
  if (state.lines === null && others.length) {
    state.lines = others;
    tell("replace");
  }
}

function again() {
  clearTimeout(timer);
  if (failures) {
    timer = setTimeout(fetchChart, Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MOST_MS));
  } else if (stale) {
    fetchChart();
  } else if (state.following) {
    timer = setTimeout(refresh, REFRESH_MS);
  }
}

function refresh() {
  if (document.hidden) {
    timer = setTimeout(refresh, REFRESH_MS);
    return;
  }
  fetchChart();
  fetchFigures();
}

async function fetchFigures() {
  const target = one("#figures");
  if (!target || figuring) {
    return;
  }
  figuring = true;
  try {
    fillFigures(target, await load(`${config.figures}?resource=${state.resource}`), state.resource, texts);
  } catch {
    // the chart's own request says what is wrong
  } finally {
    figuring = false;
  }
}

function failed(error) {
  failures++;
  if (error.status === 401) {
    trouble(texts.loggedOut);
  } else if (error.status === 0) {
    trouble(texts.offline.replace("{time}", data ? dates.clock(data.now) : "–"));
  } else {
    trouble(texts.failed);
  }
}

function trouble(text) {
  const bar = one("#trouble");
  bar.textContent = text;
  bar.hidden = !text;
}

// drawing

function draw(paper = false) {
  if (!data) {
    return;
  }
  const window = shown();
  plot.draw(data, state.unit, window, paper);
  if (drawnOnce) {
    tellAll(window);
  } else {
    drawnOnce = true;
    setTimeout(() => tellAll(shown())); // the first line is what a page is waited for
  }
}

function tellAll(window) {
  const nothing = data.lines.every((line) => line.drawn.every((rate) => rate === null));
  one("#empty").hidden = !nothing;
  place.setAttribute("aria-label", texts.chart.replace("{from}", spoken(window.start)).replace("{to}", spoken(window.end)).replace("{by}", means()));
  one("#means").textContent = means();
  one("#sum").textContent = sumLabel(state.unit, state.resource);
  one("#axis").textContent = label(state.unit);
  one("#from").textContent = spoken(window.start);
  one("#to").textContent = spoken(window.end);
  fillStatistics(one("#statistics tbody"), data, state, window, texts);
  if (one("#twin").open) {
    fillTable(one("#twin table"), data, state, texts);
  }
  place.dataset.drawn = data.step;
}

const means = () => texts[{ live: "byLive", minute: "byMinute", "15min": "by15min", hour: "byHour", day: "byDay", night: "byNight", week: "byWeek" }[data.step]];
const spoken = (ts) => (state.window(now()).end - state.window(now()).start > 3 * 86400 ? dates.date(ts) : `${dates.day(ts)}, ${dates.clock(ts)}`);

function read(at, aloud) {
  bucket = at;
  const box = one("#readout");
  const known = data && at !== null && at >= 0;
  box.hidden = !known;
  if (!known) {
    return;
  }
  fillReadout(box, data, at, state, texts);
  const middle = (data.t[at] + data.t[at + 1]) / 2;
  const { start, end } = shown();
  box.classList.toggle("right", middle < (start + end) / 2);
  if (aloud) {
    one("#spoken").textContent = `${dates.bucket(data.t[at], data.t[at + 1], data.step)}: ${data.lines.map((line) => `${line.name} ${worth(line, data, at, state, texts)}`).join(", ")}`;
  }
}

// Move the crosshair by a bucket, to an end, or away.
function step(by) {
  if (!data) {
    return;
  }
  const last = data.t.length - 2;
  const at = by === null ? null : bucket === null ? (by > 0 && by !== Infinity ? 0 : by === -Infinity ? 0 : last) : Math.min(Math.max(bucket + by, 0), last);
  plot.point(at);
  read(at, true);
}

// moving

let settle;

function move(start, end) {
  state.setWindow(start, end, now());
  plot.show(shown());
  read(null, false);
  mark();
  if (live.wanted) {
    follow();
  }
  clearTimeout(settle);
  settle = setTimeout(() => {
    tell("replace"); // browsers bear a hundred in half a minute, which is one drag
    fetchChart();
  }, SETTLE_MS);
}

function reset() {
  state.setScale(state.scale);
  change();
}

// Something else is looked at: a step that the back button undoes.
function change() {
  clearTimeout(settle);
  read(null, false);
  tell("push");
  follow();
  fetchChart();
}

function tell(how) {
  history[`${how}State`](null, "", state.query());
  mark();
}

function mark() {
  for (const tab of document.querySelectorAll("[data-scale]")) {
    const current = tab.dataset.scale === state.scale;
    current ? tab.setAttribute("aria-current", "true") : tab.removeAttribute("aria-current");
    tab.classList.toggle("moved", current && !state.following);
    tab.href = state.query({ scale: tab.dataset.scale });
  }
  for (const link of document.querySelectorAll(".resources a")) {
    link.href = state.query({ resource: new URLSearchParams(link.search).get("resource") });
  }
  const flow = one("#flow");
  if (flow) {
    flow.value = state.flow;
  }
  for (const input of document.querySelectorAll("input[name=unit]")) {
    input.checked = input.value === state.unit;
  }
  one("#latest").hidden = state.following;
}

// the live tab

let newest = 0;
const live = new Live(config.live, {
  onNews: (last) => {
    const own = last.me ?? last.demo ?? 0;
    if (newest && own - newest <= QUICK_S) {
      one("#live-note").textContent = "";
    }
    newest = own;
    freshen();
    fetchFigures();
  },
  onState: (how) => {
    one("#live").dataset.state = how;
    const asked = one("#live").dataset.own === "own" ? texts.waiting : "";
    one("#live-note").textContent = { open: asked, lost: texts.lost, refused: texts.refused, resting: texts.resting }[how] ?? "";
    one("#resume").hidden = how !== "resting";
  },
});

function follow() {
  const wanted = state.scale === "live" && state.following;
  one("#live").hidden = !wanted;
  wanted ? live.start(state.resource, state.lines) : live.wanted && live.stop();
}

// controls

for (const tab of document.querySelectorAll("[data-scale]")) {
  tab.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      return; // a tab of the browser
    }
    event.preventDefault();
    state.setScale(tab.dataset.scale);
    change();
  });
}
for (const input of document.querySelectorAll("input[name=unit]")) {
  input.addEventListener("change", () => {
    state.unit = input.value;
    tell("push");
    draw();
    read(bucket, false);
    remember(input.value);
  });
}
one("#flow")?.addEventListener("change", (event) => {
  state.flow = event.target.value;
  change();
});
const span = () => shown().end - shown().start;
const pan = (share) => move(shown().start + share * span(), shown().end + share * span());
one("#back").addEventListener("click", () => pan(-1));
one("#forth").addEventListener("click", () => pan(1));
one("#in").addEventListener("click", () => move(...zoomed(shown(), 1 / ZOOM)));
one("#out").addEventListener("click", () => move(...zoomed(shown(), ZOOM)));
one("#latest").addEventListener("click", reset);
one("#resume").addEventListener("click", follow);
one("#twin").addEventListener("toggle", () => draw());
place.addEventListener("dblclick", reset);
addEventListener("popstate", () => {
  clearTimeout(settle);
  state.read(location.search);
  mark();
  follow();
  fetchChart();
});
addEventListener("beforeprint", () => draw(true));
addEventListener("afterprint", () => draw());
addEventListener("online", fetchChart);
for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
  matchMedia(query).addEventListener("change", () => draw());
}

function remember(unit) {
  const token = one("input[name=csrfmiddlewaretoken]")?.value;
  if (token && state.resource === "electricity") {
    fetch(config.remember, { method: "POST", headers: { "X-CSRFToken": token }, body: new URLSearchParams({ unit }) }).catch(() => {});
  }
}

const lists = one("#circle");
if (lists) {
  new Circle(lists, config, {
    onChange: () => {
      state.lines = null; // what was clicked is kept by the account
      tell("replace");
      follow();
      fetchChart();
    },
  });
}
mark();
follow();
