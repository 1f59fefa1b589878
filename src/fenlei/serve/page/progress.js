// A bar, what is done and how long the rest takes, and a button to stop; for work that is done in parts.

import { el, show } from "./dom.js";
import { duration, onLanguage, t } from "./words.js";

/** Shows in `place` how some work goes; `signal` ends it when the user says so. */
export class Progress {
  constructor(place, total) {
    Object.assign(this, { place, total, done: 0, begun: performance.now(), key: "progress.done", values: {} });
    this.control = new AbortController();
    this.bar = el("progress", { max: total, value: 0 });
    this.words = el("span", { class: "small", role: "status" });
    this.button = el("button", { type: "button", onclick: () => this.control.abort() }, t("stop"));
    show(place, el("div", { class: "progress" }, this.bar, el("div", { class: "row-between" }, this.words, this.button)));
    this.bar.setAttribute("aria-label", t("progress.done", { done: 0, total }));
    this.say("progress.done");
    current.set(place, this);
  }

  get signal() {
    return this.control.signal;
  }

  advance(count) {
    this.done += count;
    this.bar.value = this.done;
    const seconds = (performance.now() - this.begun) / 1000;
    const left = (seconds / this.done) * (this.total - this.done);
    if (seconds > 2) this.say("progress.left", { time: left });
    else this.say("progress.done");
  }

  /** Tell that the server is busy. */
  wait(seconds) {
    this.say("progress.waiting", { n: seconds });
  }

  end(stopped) {
    this.button.remove();
    if (!stopped) this.bar.remove();
    this.say(stopped ? "progress.stopped" : "progress.ready", { time: (performance.now() - this.begun) / 1000 });
  }

  /** Take it away: an error is told in another place. */
  remove() {
    this.place.replaceChildren();
  }

  say(key, values = this.values) {
    Object.assign(this, { key, values });
    const time = values.time === undefined ? "" : duration(values.time);
    this.words.textContent = t(key, { ...values, time, done: this.done, total: this.total });
    this.button.textContent = t("stop");
  }
}

const current = new Map();
onLanguage(() => current.forEach((progress) => progress.say(progress.key)));
