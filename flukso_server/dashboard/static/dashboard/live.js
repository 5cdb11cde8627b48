// SPDX-License-Identifier: GPL-3.0-or-later
// The live tab: a stream tells when lines have new values; when it is refused, the tab asks. A lost
// connection comes back by itself. After ten minutes the page asks if anybody is there.

import { load } from "./series.js";

const AGAIN_MS = 5000;
const AGAIN_MOST_MS = 60000;
const ASK_MS = 5000; // values come each 10 seconds
const REST_MS = 600000;

export class Live {
  // onNews(last): times of the lines' newest values by key, also after each new connection.
  // onState(state): "open", "lost", "refused", "resting" or "off".
  constructor(url, { onNews, onState }) {
    this.url = url;
    this.onNews = onNews;
    this.onState = onState;
    this.source = null;
    this.wanted = false;
    this.failures = 0;
    document.addEventListener("visibilitychange", () => this.wake());
    addEventListener("online", () => this.wake());
  }

  start(resource, lines) {
    this.wanted = true;
    const others = lines === null ? {} : { lines: lines.join(",") };
    this.query = new URLSearchParams({ resource, ...others });
    this.began = Date.now();
    this.lastText = "";
    this.open();
  }

  stop() {
    this.wanted = false;
    this.close();
    this.onState("off");
  }

  wake() {
    const closed = !this.source || this.source.readyState === EventSource.CLOSED;
    if (this.wanted && !document.hidden && closed) {
      this.open();
    } else if (document.hidden && this.source) {
      this.close(); // nobody looks: the Fluksometer need not hurry
    }
  }

  open() {
    this.close();
    const source = (this.source = new EventSource(`${this.url}?${this.query}&few=1`));
    source.addEventListener("open", () => {
      this.failures = 0;
      this.onState("open");
    });
    source.addEventListener("last", (event) => this.onNews(JSON.parse(event.data).last));
    source.addEventListener("rest", () => this.rest());
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) {
        this.ask(source); // the browser does not try again by itself
      } else {
        this.onState("lost");
      }
    });
  }

  // Asks again and again for what the stream would tell, until it is replaced or an answer fails.
  async ask(source) {
    try {
      const { last } = await load(`${this.url}?${this.query}&once=1`);
      if (this.source !== source) {
        return; // stopped, hidden or started anew meanwhile
      }
      this.failures = 0;
      this.onState("open");
      const text = JSON.stringify(last);
      if (text !== this.lastText) {
        this.lastText = text;
        this.onNews(last);
      }
      if (Date.now() - this.began > REST_MS) {
        this.rest();
      } else {
        this.timer = setTimeout(() => this.ask(source), ASK_MS);
      }
    } catch (error) {
      if (this.source === source) {
        this.onState(error.status ? "refused" : "lost");
        this.later();
      }
    }
  }

  rest() {
    this.wanted = false;
    this.close();
    this.onState("resting");
  }

  later() {
    const wait = Math.min(AGAIN_MS * 2 ** this.failures++, AGAIN_MOST_MS);
    this.timer = setTimeout(() => this.wake(), wait);
  }

  close() {
    clearTimeout(this.timer);
    if (this.source) {
      this.source.close();
    }
    this.source = null;
  }
}
