/* <cargo-day>: the hours of a job's day: when it may move files, how fast, and where the day is now. */

import { h, mark, Part, put, say, show, svg, vary } from "../common/element.js";
import { escaped, speed } from "../common/words.js";

const DAY = 24 * 60;

/** Minutes after midnight of `22:30`. */
export function minutes(text) {
  const [hours, rest] = String(text).split(":").map(Number);
  return hours * 60 + (rest || 0);
}

/** The parts of a day from `from` to `to`, in minutes: two if it goes beyond midnight. Pure. */
export function spans(from, to) {
  const end = to === 0 ? DAY : to;
  return from < end ? [[from, end]] : [[from, DAY], [0, end]].filter(([a, b]) => a < b);
}

/** Minutes after midnight in a time zone; in the browser's own if it does not know the zone. */
export function minuteIn(zone, date = new Date()) {
  try {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(date);
    const of = (type) => Number(parts.find((part) => part.type === type).value);
    return of("hour") * 60 + of("minute");
  } catch {
    return date.getHours() * 60 + date.getMinutes();
  }
}

class Day extends Part {
  #window = null;
  #rows = [];
  #zone = undefined;

  build() {
    this.picture = svg("svg", { viewBox: `0 0 ${DAY} 40`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.now = h("span.now", { "aria-hidden": "true" });
    const hours = [0, 6, 12, 18, 24].map((hour) => h("span", {}, String(hour).padStart(2, "0")));
    this.strip = h("div.strip", { role: "img" }, this.picture, this.now);
    this.words = h("p.hint");
    put(this, this.strip, h("div.hours", { "aria-hidden": "true" }, hours), this.words);
  }

  enter() {
    this.every(30, () => this.changed());
  }

  /** window: {start, end, words, zone, open} or null; speed: one speed, null, or rows {from, to, speed}. */
  set(window, file) {
    this.#window = window;
    this.#rows = Array.isArray(file) ? file : [];
    this.#zone = window?.zone || undefined;
    this.changed();
  }

  draw() {
    const open = this.#window ? spans(minutes(this.#window.start), minutes(this.#window.end)) : [[0, DAY]];
    const most = Math.max(1, ...this.#rows.map((row) => row.speed ?? 0));
    const parts = open.map(([from, to]) => svg("rect.open", { x: from, y: 0, width: to - from, height: 40 }));
    for (const row of this.#rows)
      for (const [from, to] of spans(minutes(row.from), minutes(row.to))) {
        const high = row.speed === null ? 40 : 6 + 30 * (row.speed / most);
        const title = svg("title", {}, `${row.from} to ${row.to}: ${speed(row.speed)}`);
        parts.push(svg("rect.speed", { x: from, y: 40 - high, width: to - from, height: high }, title));
      }
    put(this.picture, parts);
    vary(this.now, { at: (minuteIn(this.#zone) / DAY).toFixed(4) });
    const words = [
      this.#window ? `Moves files from ${escaped(this.#window.words)}` : "",
      ...this.#rows.map((row) => `${row.from} to ${row.to} ${speed(row.speed)}`),
      this.#zone ? escaped(this.#zone) : "",
    ].filter(Boolean);
    say(this.words, words.join(" · "));
    mark(this.strip, "aria-label", words.join(", ") || "all day");
    show(this.words, words.length > 0);
  }
}

customElements.define("cargo-day", Day);
