/* <cargo-rates>: how fast files moved in the last ten minutes, or in the last day. */

import { h, mark, Part, put, show, svg } from "../common/element.js";
import { count, escaped, number, size } from "../common/words.js";
import { minuteIn, minutes } from "./day.js";

const DAY = 24 * 60;
const MOST_WINDOWS = 5;

const SPANS = {
  "10m": { word: "Ten minutes", again: 5 },
  day: { word: "Day", again: 60 },
};

/** Samples of several daemons, one after the other in time: [[time, bytes per second, files per second], …].

    Pure. The last step of each is left out: it is under way. Their steps begin at different moments; each sample counts for the step of the first daemon that it begins
    in. What no daemon knows is null: nobody counted then. */
export function joined(all) {
  const [first] = all;
  if (!first) return [];
  const points = first.speed_bps.slice(0, -1).map((_, at) => [first.first + at * first.step_s, null, null]);
  for (const one of all)
    one.speed_bps.slice(0, -1).forEach((bits, at) => {
      const slot = Math.round((one.first - first.first) / first.step_s) + at;
      const point = points[slot];
      if (!point || bits === null) return;
      point[1] = (point[1] ?? 0) + bits / 8;
      point[2] = (point[2] ?? 0) + (one.files_per_s[at] ?? 0);
    });
  return points;
}

/** Equal windows once, the most frequent first: [[window, how many jobs have it], …]. Pure. */
export function grouped(windows) {
  const groups = new Map();
  for (const window of windows) {
    const key = `${window.words} ${window.zone}`;
    groups.set(key, [window, (groups.get(key)?.[1] ?? 0) + 1]);
  }
  return [...groups.values()].sort(([, one], [, other]) => other - one);
}

/** Where a window is open in the 24 hours that begin at the minute `first` of its day: [[from, to], …], minutes. */
export function openIn(window, first) {
  const length = ((minutes(window.end) - minutes(window.start) + DAY - 1) % DAY) + 1;
  const from = (minutes(window.start) - first + DAY) % DAY;
  return from + length <= DAY ? [[from, from + length]] : [[from, DAY], [0, from + length - DAY]];
}

class Rates extends Part {
  /* control; sources: () => the daemons to ask; job: the name of one job, or null for all; windows: () => the windows
     of the jobs, which are shown below a day */
  control = null;
  sources = () => [];
  job = null;
  windows = () => [];
  #span = "10m";
  #asking = false;
  #due = 0;

  build() {
    this.chart = h("cargo-chart");
    Object.assign(this.chart, { label: "Speed", area: { name: "speed", least: 1000, say: (bytes) => `${size(bytes)}/s` }, bars: { name: "files", say: filesPerSecond } });
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
      h("div.body", {}, this.chart, (this.below = h("ul.windows", { hidden: true, "aria-label": "When jobs may move files" }))),
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

  draw() {
    for (const [name, button] of this.buttons) mark(button, "aria-pressed", name === this.#span);
  }

  #drawWindows(begin) {
    const groups = this.#span === "day" && begin ? grouped(this.windows()).slice(0, MOST_WINDOWS) : [];
    show(this.below, groups.length > 0);
    put(
      this.below,
      groups.map(([window, jobs]) =>
        h(
          "li",
          {},
          svg(
            "svg",
            { viewBox: `0 0 ${DAY} 8`, preserveAspectRatio: "none", "aria-hidden": "true" },
            openIn(window, minuteIn(window.zone, new Date(begin * 1000))).map(([from, to]) => svg("rect", { x: from, y: 0, width: to - from, height: 8 })),
          ),
          h("p", {}, `${escaped(window.words)}: ${count(jobs, "job")} ${jobs === 1 ? "moves" : "move"} files then`),
        ),
      ),
    );
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
      this.#due = now + SPANS[name].again;
      const points = joined(told.map(({ value }) => value));
      this.#drawWindows(points[0]?.[0]);
      const step = told[0]?.value.step_s;
      if (points.length) this.chart.set(points, points[0][0], points.at(-1)[0] + step, step);
    } finally {
      this.#asking = false;
      if (name !== this.#span) this.#look();
    }
  }
}

function filesPerSecond(rate) {
  return `${rate >= 10 ? number(rate) : Number(rate.toFixed(1))} files/s`;
}

customElements.define("cargo-rates", Rates);
