/* <cargo-server-rates>: how fast a server's flows moved files lately, each direction. */

import "../common/chart.js";
import { h } from "../common/element.js";
import { SpanRates, SPEED } from "../common/span_rates.js";

class ServerRates extends SpanRates {
  words = "Speed";

  pictures() {
    this.up = Object.assign(h("cargo-chart"), { label: "Uploads", area: SPEED });
    this.down = Object.assign(h("cargo-chart"), { label: "Downloads", area: SPEED });
    return [h("div.both-ways", {}, h("div", {}, h("h3", {}, "Uploads"), this.up), h("div", {}, h("h3", {}, "Downloads"), this.down))];
  }

  ask(span) {
    return this.app.control.call(this.source, "flow.rates", { span }, { signal: this.signal });
  }

  take(_span, { first, step_s: step, upload_bps: up, download_bps: down }) {
    draw(this.up, up, first, step);
    draw(this.down, down, first, step);
  }
}

/** The last step is left out: it is under way. */
function draw(chart, rates, first, step) {
  const points = rates.slice(0, -1).map((bits, at) => [first + at * step, bits === null ? null : bits / 8, null]);
  chart.set(points, first, first + points.length * step, step);
}

customElements.define("cargo-server-rates", ServerRates);
