// SPDX-License-Identifier: GPL-3.0-or-later
// The live tab: hears when lines have new values. A lost connection comes back by itself; after ten minutes it asks whether you are there.

const AGAIN_MS = 5000;
const AGAIN_MOST_MS = 60000;

export class Live {
  // onNews(last): times of the lines' newest values by key, also after each new connection; onState: "open", "lost", "refused", "resting" or "off".
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
    this.query = new URLSearchParams(lines === null ? { resource } : { resource, lines: lines.join(",") });
    this.open();
  }

  stop() {
    this.wanted = false;
    this.close();
    this.onState("off");
  }

  wake() {
    if (this.wanted && !document.hidden && (!this.source || this.source.readyState === EventSource.CLOSED)) {
      this.open();
    } else if (document.hidden && this.source) {
      this.close(); // nobody looks: the Fluksometer need not hurry
    }
  }

  open() {
    this.close();
    const source = (this.source = new EventSource(`${this.url}?${this.query}`));
    source.addEventListener("open", () => {
      this.failures = 0;
      this.onState("open");
    });
    source.addEventListener("last", (event) => this.onNews(JSON.parse(event.data).last));
    source.addEventListener("rest", () => {
      this.wanted = false;
      this.close();
      this.onState("resting");
    });
    source.addEventListener("error", () => {
      const refused = source.readyState === EventSource.CLOSED;
      this.onState(refused ? "refused" : "lost");
      if (refused) {
        this.later(); // the browser does not try again by itself
      }
    });
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
