/* <cargo-chart>: a quantity over time, as an area; a second one as bars behind it. */

import { h, mark, Part, put, say, show, svg, vary } from "./element.js";
import { clock } from "./words.js";

const WIDTH = 1000;
const HEIGHT = 100;

/** The next nice number above `most`: 1, 2 or 5 times a power of ten. */
export function ceiling(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 2, 5, 10]) if (most <= step * power) return step * power;
  return 10 * power;
}

/** The outline of an area through points [x, y] with x in 0…1 and y in 0…1; a null is a gap. */
export function outline(points) {
  let path = "";
  let start = null;
  let last = null;
  const close = () => {
    if (start !== null) path += `L${(last * WIDTH).toFixed(1)} ${HEIGHT}L${(start * WIDTH).toFixed(1)} ${HEIGHT}Z`;
    start = null;
  };
  for (const [x, y] of points) {
    if (y === null) {
      close();
      continue;
    }
    const at = `${(x * WIDTH).toFixed(1)} ${((1 - y) * HEIGHT).toFixed(1)}`;
    path += start === null ? `M${at}` : `L${at}`;
    start ??= x;
    last = x;
  }
  close();
  return path;
}

export class Chart extends Part {
  /* label  what is drawn, for screen readers
     area   {name, say(value), least}: the top of the chart is at least `least`; bars: {name, say} or null */
  label = "";
  area = { name: "", say: String };
  bars = null;
  #points = [];
  #from = 0;
  #to = 1;
  #step = 1;
  #pointed = null;

  build() {
    this.picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.columns = svg("path.bars");
    this.fill = svg("path.area");
    this.stroke = svg("path.line");
    this.picture.append(this.columns, this.fill, this.stroke);
    this.top = h("span.top");
    this.left = h("span");
    this.right = h("span");
    this.needle = h("div.needle", { hidden: true });
    this.tip = h("div.tip", { hidden: true });
    this.plot = h("div.plot", { role: "img" }, this.picture, this.top, this.needle, this.tip);
    put(this, this.plot, h("div.times", { "aria-hidden": "true" }, this.left, this.right));
    this.plot.addEventListener("pointermove", (event) => this.#point(event));
    this.plot.addEventListener("pointerleave", () => this.#point(null));
  }

  /** points: [begin of a step, area, bars] in order of time, a null is not known. step: its seconds. */
  set(points, from, to, step) {
    this.#points = points;
    this.#from = from;
    this.#to = to;
    this.#step = step;
    this.changed();
  }

  draw() {
    const span = this.#to - this.#from || 1;
    const x = (time) => (time + this.#step / 2 - this.#from) / span;
    const most = Math.max(0, ...this.#points.map(([, value]) => value ?? 0));
    const ceil = ceiling(Math.max(most, this.area.least ?? 0));
    const area = this.#points.map(([time, value]) => [x(time), value === null ? null : value / ceil]);
    const path = outline(area);
    mark(this.fill, "d", path);
    mark(this.stroke, "d", lineOf(area));
    mark(this.columns, "d", this.bars ? this.#columnsPath(x, span) : "");
    say(this.top, most > 0 ? this.area.say(ceil) : "");
    say(this.left, this.#points.length ? clock(this.#from) : "");
    say(this.right, this.#points.length ? clock(this.#to) : "");
    const last = this.#points.findLast?.(([, value]) => value !== null);
    const now = last ? this.area.say(last[1]) : "not known";
    mark(this.plot, "aria-label", `${this.label}: now ${now}, at most ${this.area.say(most)}`);
    this.#pointAt(x);
  }

  #columnsPath(x, span) {
    const most = Math.max(1, ...this.#points.map(([, , value]) => value ?? 0));
    const width = Math.max(1, (this.#step / span) * WIDTH * 0.7);
    return this.#points
      .filter(([, , value]) => value)
      .map(([time, , value]) => {
        const left = x(time) * WIDTH - width / 2;
        const high = Math.max(1.5, (value / most) * HEIGHT * 0.55);
        return `M${left.toFixed(1)} ${HEIGHT}h${width.toFixed(1)}v${(-high).toFixed(1)}h${(-width).toFixed(1)}z`;
      })
      .join("");
  }

  #point(event) {
    const box = this.plot.getBoundingClientRect();
    this.#pointed = event === null ? null : (event.clientX - box.left) / (box.width || 1);
    this.changed();
  }

  #pointAt(x) {
    const shown = this.#pointed !== null && this.#points.length > 0;
    show(this.needle, shown);
    show(this.tip, shown);
    if (!shown) return;
    let best = this.#points[0];
    for (const point of this.#points)
      if (Math.abs(x(point[0]) - this.#pointed) < Math.abs(x(best[0]) - this.#pointed)) best = point;
    const [time, area, bars] = best;
    const words = [clock(time), area === null ? "not known" : this.area.say(area)];
    if (this.bars && bars !== null && bars !== undefined) words.push(this.bars.say(bars));
    say(this.tip, words.join(" · "));
    const at = Math.max(0, Math.min(1, x(time)));
    vary(this.plot, { at: at.toFixed(4) });
    this.tip.classList.toggle("before", at > 0.6);
  }
}

function lineOf(points) {
  let path = "";
  let gap = true;
  for (const [x, y] of points) {
    if (y === null) {
      gap = true;
      continue;
    }
    path += `${gap ? "M" : "L"}${(x * WIDTH).toFixed(1)} ${((1 - y) * HEIGHT).toFixed(1)}`;
    gap = false;
  }
  return path;
}

customElements.define("cargo-chart", Chart);
