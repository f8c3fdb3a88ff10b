/* The mark of Cargo, as a link to the first page. */

import { h, svg } from "./element.js";

export function brand(href) {
  const mark = svg(
    "svg.mark",
    { viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("rect", { width: 32, height: 32, rx: 8, fill: "#0a5fb8" }),
    svg("path", {
      d: "M7 12h14M16.5 7.5 21 12l-4.5 4.5M25 20H11M15.5 15.5 11 20l4.5 4.5",
      fill: "none",
      stroke: "#fff",
      "stroke-width": 2.4,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    }),
  );
  return h("a.brand", { href, "aria-label": "Cargo" }, mark, h("span.word", { "aria-hidden": "true" }, "Cargo"));
}
