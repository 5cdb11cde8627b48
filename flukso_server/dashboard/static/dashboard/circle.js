// SPDX-License-Identifier: GPL-3.0-or-later
// The two lists: a click follows a Fluksonian or stops that, and the line comes or goes at once.

import { load } from "./series.js";

const SEARCH_MS = 250;
const REFUSED = [409, 429]; // at most four lines; too many clicks

export class Circle {
  // onChange() is called when other lines are to be shown.
  constructor(place, config, { onChange }) {
    this.place = place;
    this.texts = config.texts;
    this.url = config.members;
    this.form = place.querySelector("form.follow");
    this.onChange = onChange;
    this.turn = 0; // number of the last request: the answer to an older one comes too late
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
      const headers = { Accept: "application/json" };
      const options = { method: "POST", body, headers, spoken: REFUSED };
      const answer = await load(this.form.action, options);
      if (turn === this.turn) {
        this.fill(answer);
        this.say(answer.error);
      }
      if (!answer.error) {
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
      const answer = await load(`${this.url}?search=${encodeURIComponent(text)}`);
      if (turn === this.turn) {
        this.fill(answer);
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

  // Shows a text beside the lists, because on a phone the chart is out of view.
  say(text) {
    this.said.textContent = text;
    this.said.hidden = !text;
    if (text) {
      this.said.scrollIntoView({ block: "nearest" });
    }
  }

  fill(answer) {
    const focused = document.activeElement?.value;
    const texts = this.texts;
    const followed = answer.subscriptions.map(({ name, shown, detail }) => {
      const toggle = button(shown ? "hide" : "show", name, shown ? "☑" : "☐", texts.inChart, shown);
      toggle.setAttribute("aria-pressed", String(shown));
      const remove = button("unsubscribe", name, "×", texts.remove, false);
      return row(toggle, name, detail === "day" ? texts.days : "", remove);
    });
    const others = answer.fluksonians.map(({ name, detail }) => {
      const add = button("subscribe", name, "+", texts.add, false);
      return row(add, name, detail === "day" ? texts.days : "");
    });
    this.list("subscriptions", followed, texts.noPeers);
    this.list("fluksonians", others, texts.noMembers);
    this.place.querySelector("[data-list=more]").hidden = !answer.more;
    if (focused && document.activeElement === document.body) {
      const name = ` ${focused.split(" ").slice(1).join(" ")}`;
      const buttons = [...this.form.elements];
      buttons.find(({ value }) => value === focused || value.endsWith(name))?.focus();
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
