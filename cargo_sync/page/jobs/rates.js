/* <cargo-rates>: how fast files moved in the last ten minutes, or in the last day. */

import "../common/chart.js";
import { h, put, show, svg } from "../common/element.js";
import { SpanRates, SPEED } from "../common/span_rates.js";
import { count, escaped, number } from "../common/words.js";
import { minuteIn, minutes } from "./day.js";

const DAY = 24 * 60;
const MOST_WINDOWS = 5;

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

class Rates extends SpanRates {
  /* control; sources: () => the daemons to ask; job: the name of one job, or null for all; windows: () => the windows
     of the jobs, which are shown below a day */
  control = null;
  sources = () => [];
  job = null;
  windows = () => [];
  words = "Speed and files";

  pictures() {
    this.chart = h("cargo-chart");
    Object.assign(this.chart, { label: "Speed", area: SPEED, bars: { name: "files", say: filesPerSecond } });
    this.below = h("ul.windows", { hidden: true, "aria-label": "When jobs may move files" });
    return [this.chart, this.below];
  }

  ask(span) {
    const sources = this.sources();
    if (!sources.length) return null;
    const args = { span, ...(this.job === null ? {} : { job: this.job }) };
    return Promise.allSettled(sources.map(({ source }) => this.control.call(source, "job.rates", args, { signal: this.signal })));
  }

  take(span, answers) {
    const told = answers.filter((one) => one.status === "fulfilled");
    const points = joined(told.map(({ value }) => value));
    this.#drawWindows(span, points[0]?.[0]);
    const step = told[0]?.value.step_s;
    if (points.length) this.chart.set(points, points[0][0], points.at(-1)[0] + step, step);
  }

  #drawWindows(span, begin) {
    const groups = span === "day" && begin ? grouped(this.windows()).slice(0, MOST_WINDOWS) : [];
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
}

function filesPerSecond(rate) {
  return `${rate >= 10 ? number(rate) : Number(rate.toFixed(1))} files/s`;
}

customElements.define("cargo-rates", Rates);
