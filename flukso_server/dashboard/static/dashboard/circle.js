// SPDX-License-Identifier: GPL-3.0-or-later
// The two lists: one click follows a Fluksonian or stops it, and the line comes or goes at once.

import { load } from "./series.js";

const SEARCH_MS = 250;
const REFUSED = [409, 429]; // at most four lines; too many clicks

export class Circle {
  // onChange(): the lines are others now.
  constructor(place, config, { onChange }) {
    this.place = place;
    this.texts = config.texts;
    this.url = config.members;
    this.form = place.querySelector("form.follow");
    this.onChange = onChange;
    this.turn = 0; // of what was asked last: an older answer is late
    this.said = document.createElement("p");
    this.said.className = "trouble";
    this.said.setAttribute("role", "alert");
    this.said.hidden = true;
    place.prepend(this.said);
    this.form.addEventListener("submit", (event) => this.click(event));
    const search = place.querySelector("input[type=search]");
    search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(search.value), SEARCH_MS);
    });
  }

  async click(event) {
    event.preventDefault();
    const body = new FormData(this.form);
    body.set("click", event.submitter.value);
    const turn = ++this.turn;
    this.place.setAttribute("aria-busy", "true");
    try {
      const told = await load(this.form.action, { method: "POST", body, headers: { Accept: "application/json" }, spoken: REFUSED });
      if (turn === this.turn) {
        this.fill(told);
        this.say(told.error);
      }
      if (!told.error) {
        this.onChange();
      }
    } catch (error) {
      this.say(this.failure(error));
    } finally {
      this.place.removeAttribute("aria-busy");
    }
  }

  async search(text) {
    const turn = ++this.turn;
    try {
      const told = await load(`${this.url}?search=${encodeURIComponent(text)}`);
      if (turn === this.turn) {
        this.fill(told);
        this.say("");
      }
    } catch (error) {
      if (turn === this.turn) {
        this.say(this.failure(error));
      }
    }
  }

  failure(error) {
    return error.status === 401 ? this.texts.loggedOut : this.texts.unanswered;
  }

  // Beside the lists: on a phone the chart is out of view.
  say(text) {
    this.said.textContent = text;
    this.said.hidden = !text;
    if (text) {
      this.said.scrollIntoView({ block: "nearest" });
    }
  }

  fill(told) {
    const focused = document.activeElement?.value;
    const texts = this.texts;
    const followed = told.subscriptions.map(({ name, shown, detail }) => {
      const toggle = button(shown ? "hide" : "show", name, shown ? "☑" : "☐", texts.inChart, shown);
      toggle.setAttribute("aria-pressed", String(shown));
      return row(toggle, name, detail === "day" ? texts.days : "", button("unsubscribe", name, "×", texts.remove, false));
    });
    const others = told.fluksonians.map(({ name, detail }) => row(button("subscribe", name, "+", texts.add, false), name, detail === "day" ? texts.days : ""));
    this.list("subscriptions", followed, texts.noPeers);
    this.list("fluksonians", others, texts.noMembers);
    this.place.querySelector("[data-list=more]").hidden = !told.more;
    if (focused && document.activeElement === document.body) {
      [...this.form.elements].find((each) => each.value === focused || each.value.endsWith(` ${focused.split(" ").slice(1).join(" ")}`))?.focus();
    }
  }

  list(name, rows, empty) {
    const list = this.place.querySelector(`[data-list=${name}]`);
    if (!rows.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = empty;
      rows.push(none);
    }
    list.replaceChildren(...rows);
  }
}

function button(action, name, sign, label, on) {
  const made = document.createElement("button");
  made.name = "click";
  made.value = `${action} ${name}`;
  made.className = on ? "sign on" : "sign";
  made.textContent = sign;
  made.setAttribute("aria-label", label.replace("{name}", name));
  return made;
}

function row(first, name, note, last) {
  const made = document.createElement("li");
  const who = document.createElement("span");
  who.className = "name";
  who.textContent = name;
  made.append(first, who);
  if (note) {
    const small = document.createElement("small");
    small.textContent = note;
    who.append(small);
  }
  if (last) {
    made.append(last);
  }
  return made;
}
