// SPDX-License-Identifier: GPL-3.0-or-later
// Joins the page's scripts: the state, fetching, drawing, and what is said when something fails.

import { Circle } from "./circle.js";
import * as dates from "./dates.js";
import { fillFigures } from "./figures.js";
import { ZOOM, listen, zoomed } from "./gestures.js";
import { fillReadout, fillStatistics, fillTable, worth } from "./legend.js";
import { Live } from "./live.js";
import { Plot } from "./plot.js";
import { bucketAt, load, unfold } from "./series.js";
import { State } from "./state.js";
import { label, sumLabel, useCurrency, useQuantity, useWords } from "./units.js";

const REFRESH_MS = 60000; // of a window that ends now
const SETTLE_MS = 180; // after a gesture, before its data is fetched
const BUSY_MS = 350; // after this time the page says that it waits
const QUICK_S = 30; // values less far apart mean that the device knows that it is watched
const RETRY_MS = 5000;
const RETRY_MOST_MS = 60000;

const config = JSON.parse(document.getElementById("config").textContent);
const texts = config.texts;
const element = (selector) => document.querySelector(selector);
const place = element("#chart");
const state = new State(config);
let data = null;
let bucket = null;
let skew = 0; // the server's clock minus ours, s
let failures = 0;
let under = null; // the request under way
let stale = false; // there is news that its answer may lack
let figuring = false; // a request for the figures is under way
let timer;
let drawnOnce = false;

dates.useWords(config.words);
useWords(config.words);
useQuantity(config.quantity);
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

fetchChart(); // the head has asked for it already; what follows runs while it comes

// Fetches what is looked at now; a request for something else is given up.
async function fetchChart() {
  clearTimeout(timer);
  under?.abort();
  stale = false;
  const request = (under = new AbortController());
  const busy = setTimeout(() => place.setAttribute("aria-busy", "true"), BUSY_MS);
  try {
    const reply = await load(state.dataUrl(config.data, now()), { request });
    if (under !== request) {
      return;
    }
    skew = Math.round(reply.now - Date.now() / 1000);
    data = unfold(reply);
    dates.useZone(reply.zone);
    useCurrency(reply.sign);
    failures = 0;
    trouble("");
    draw();
    setTimeout(keepLines); // writing the address takes a browser as long as drawing does
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

// Called on news. On a slow connection, the answer that is under way comes first.
function freshen() {
  under ? (stale = true) : fetchChart();
}

// Makes the lines that came part of the URL: whoever gets it sees the same, if they may.
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
  const target = element("#figures");
  if (!target || figuring) {
    return;
  }
  figuring = true;
  try {
    const answer = await load(`${config.figures}?resource=${state.resource}`);
    fillFigures(target, answer, texts);
  } catch {
    // the chart's own request tells what is wrong
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
  const bar = element("#trouble");
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
    setTimeout(() => tellAll(shown())); // later: people wait for the first line
  }
}

function tellAll(window) {
  const nothing = data.lines.every((line) => line.drawn.every((rate) => rate === null));
  element("#empty").hidden = !nothing;
  const [from, to] = [spoken(window.start), spoken(window.end)];
  const title = texts.chart.replace("{from}", from).replace("{to}", to).replace("{by}", means());
  place.setAttribute("aria-label", title);
  element("#means").textContent = means();
  if (config.quantity.total) {
    element("#sum").textContent = sumLabel(state.unit);
  }
  element("#axis").textContent = label(state.unit);
  element("#from").textContent = from;
  element("#to").textContent = to;
  fillStatistics(element("#statistics tbody"), data, state, window, texts);
  if (element("#twin").open) {
    fillTable(element("#twin table"), data, state, texts);
  }
  place.dataset.drawn = data.step;
}

const MEANS = {
  live: "byLive",
  minute: "byMinute",
  "15min": "by15min",
  hour: "byHour",
  day: "byDay",
  night: "byNight",
  week: "byWeek",
};
const means = () => texts[MEANS[data.step]];

function spoken(ts) {
  const { start, end } = shown();
  return end - start > 3 * 86400 ? dates.date(ts) : `${dates.day(ts)}, ${dates.clock(ts)}`;
}

function read(at, aloud) {
  bucket = at;
  const box = element("#readout");
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
    const values = data.lines.map((line) => `${line.name} ${worth(line, data, at, state, texts)}`);
    const time = dates.bucket(data.t[at], data.t[at + 1], data.step);
    element("#spoken").textContent = `${time}: ${values.join(", ")}`;
  }
}

// Moves the crosshair by a bucket, to an end (±Infinity), or away (null).
function step(by) {
  if (!data) {
    return;
  }
  const last = data.t.length - 2;
  let at = null;
  if (by !== null && bucket === null) {
    at = by === 1 || by === -Infinity ? 0 : last;
  } else if (by !== null) {
    at = Math.min(Math.max(bucket + by, 0), last);
  }
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
    tell("replace"); // browsers allow a hundred in half a minute, as many as a drag would make
    fetchChart();
  }, SETTLE_MS);
}

function reset() {
  state.setScale(state.scale);
  change();
}

// Shows something else; the back button undoes it.
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
  const flow = element("#flow");
  if (flow) {
    flow.value = state.flow;
  }
  for (const input of document.querySelectorAll("input[name=unit]")) {
    input.checked = input.value === state.unit;
  }
  element("#latest").hidden = state.following;
}

// the live tab

let newest = 0;
const live = new Live(config.live, {
  onNews: (last) => {
    const own = last.me ?? last.demo ?? 0;
    if (newest && own - newest <= QUICK_S) {
      element("#live-note").textContent = "";
    }
    newest = own;
    freshen();
    fetchFigures();
  },
  onState: (how) => {
    element("#live").dataset.state = how;
    const asked = element("#live").dataset.own === "own" ? texts.waiting : "";
    const { lost, refused, resting } = texts;
    element("#live-note").textContent = { open: asked, lost, refused, resting }[how] ?? "";
    element("#resume").hidden = how !== "resting";
  },
});

function follow() {
  const wanted = state.scale === "live" && state.following;
  element("#live").hidden = !wanted;
  wanted ? live.start(state.resource, state.lines) : live.wanted && live.stop();
}

// controls

for (const tab of document.querySelectorAll("[data-scale]")) {
  tab.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      return; // the browser opens it in a tab of its own
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
element("#flow")?.addEventListener("change", (event) => {
  state.flow = event.target.value;
  change();
});
const span = () => shown().end - shown().start;
const pan = (share) => move(shown().start + share * span(), shown().end + share * span());
element("#back").addEventListener("click", () => pan(-1));
element("#forth").addEventListener("click", () => pan(1));
element("#in").addEventListener("click", () => move(...zoomed(shown(), 1 / ZOOM)));
element("#out").addEventListener("click", () => move(...zoomed(shown(), ZOOM)));
element("#latest").addEventListener("click", reset);
element("#resume").addEventListener("click", follow);
element("#twin").addEventListener("toggle", () => draw());
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
  const token = element("input[name=csrfmiddlewaretoken]")?.value;
  if (token && config.remember) {
    const headers = { "X-CSRFToken": token };
    const body = new URLSearchParams({ unit });
    fetch(config.remember, { method: "POST", headers, body }).catch(() => {});
  }
}

const lists = element("#circle");
if (lists) {
  new Circle(lists, config, {
    onChange: () => {
      state.lines = null; // the account keeps what was clicked
      tell("replace");
      follow();
      fetchChart();
    },
  });
}
mark();
follow();
