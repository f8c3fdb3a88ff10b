/* <cargo-rates>: how fast files moved in the last ten minutes, or in the last day. */

import { h, mark, Part, put } from "../common/element.js";
import { number, rate } from "../common/words.js";

const SPANS = {
  "10m": { word: "Ten minutes", seconds: 600, step: 5, again: 5 },
  day: { word: "Day", seconds: 86_400, step: 300, again: 60 },
};

/** Samples of several daemons in common steps of time: [[time, bits per second, files], …] for the whole span.

    Pure. What no daemon knows is null: nobody sampled then. */
export function joined(all, now, { seconds, step }) {
  const last = Math.floor(now / step);
  const first = last - Math.ceil(seconds / step) + 1;
  const points = Array.from({ length: last - first + 1 }, (_, at) => [(first + at) * step, null, null]);
  for (const samples of all)
    for (const { time, speed_bps: speed, files } of samples) {
      const point = points[Math.floor(time / step) - first];
      if (!point) continue;
      point[1] = (point[1] ?? 0) + speed;
      point[2] = (point[2] ?? 0) + files;
    }
  return points;
}

class Rates extends Part {
  /* control; sources: () => the daemons to ask; job: the name of one job, or null for all */
  control = null;
  sources = () => [];
  job = null;
  #span = "10m";
  #asking = false;
  #due = 0;

  build() {
    this.chart = h("cargo-chart");
    Object.assign(this.chart, { label: "Speed", area: { name: "speed", say: rate }, bars: { name: "files", say: (files) => `${number(files)} files` } });
    this.buttons = Object.entries(SPANS).map(([name, { word }]) => [
      name,
      h("button", { type: "button", onclick: () => this.#turn(name) }, word),
    ]);
    put(
      this,
      h(
        "header",
        {},
        h("h2", {}, "Speed and files"),
        h("div.segments", { role: "group", "aria-label": "How long back" }, this.buttons.map(([, button]) => button)),
      ),
      h("div.body", {}, this.chart, (this.below = h("div.below"))),
    );
  }

  enter() {
    this.every(1, () => this.#look());
    this.#due = 0;
    this.#look();
  }

  #turn(name) {
    this.#span = name;
    this.#due = 0;
    this.changed();
    this.#look();
  }

  get span() {
    return SPANS[this.#span];
  }

  draw() {
    for (const [name, button] of this.buttons) mark(button, "aria-pressed", name === this.#span);
  }

  async #look() {
    const now = Date.now() / 1000;
    const sources = this.sources();
    if (this.#asking || now < this.#due || !sources.length || !this.isConnected) return;
    this.#asking = true;
    const name = this.#span;
    const args = { span: name, ...(this.job === null ? {} : { job: this.job }) };
    try {
      const asked = sources.map(({ source }) => this.control.call(source, "job.rates", args, { signal: this.signal }));
      const told = (await Promise.allSettled(asked)).filter((one) => one.status === "fulfilled");
      if (name !== this.#span) return;
      const span = SPANS[name];
      this.#due = now + span.again;
      const points = joined(told.map(({ value }) => value.samples), now, span);
      this.chart.set(points, points[0][0], points.at(-1)[0], span.step);
    } finally {
      this.#asking = false;
      if (name !== this.#span) this.#look();
    }
  }
}

customElements.define("cargo-rates", Rates);
