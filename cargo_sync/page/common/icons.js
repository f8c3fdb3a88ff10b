/* Icons as lines on a grid of 16. They say nothing that a word beside them, or the label of their button, does not say. */

import { svg } from "./element.js";

const LINES = {
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6L12.5 8z",
  sync: "M13 3v3.5H9.5M3 13V9.5h3.5M12.6 6.5A5 5 0 0 0 3.7 5.4M3.4 9.5a5 5 0 0 0 8.9 1.1",
  speed: "M2.8 11.5a5.6 5.6 0 1 1 10.4 0M8 9.5l2.6-3.2",
  order: "M4.5 13V3M2 5.5 4.5 3 7 5.5M9.5 4.5h5M9.5 8h4M9.5 11.5h3",
  edit: "M3 13l.6-2.8L10.8 3a1.2 1.2 0 0 1 1.7 0l.5.5a1.2 1.2 0 0 1 0 1.7L5.8 12.4z",
  trash: "M3 4.5h10M6.3 4.5V3h3.4v1.5M4.3 4.5l.6 8.5h6.2l.6-8.5M6.8 7v3.5M9.2 7v3.5",
  restore: "M3 4v3.5h3.5M3.4 7.3A5 5 0 1 1 3.6 10.5",
  folder: "M2 4.2c0-.6.4-1 1-1h3l1.5 1.6H13c.6 0 1 .4 1 1v6c0 .6-.4 1-1 1H3c-.6 0-1-.4-1-1z",
  file: "M4 2.5h5L12 5.5v8H4zM9 2.5v3h3",
  link: "M6.8 9.2a2.4 2.4 0 0 0 3.4 0l2-2a2.4 2.4 0 0 0-3.4-3.4l-.8.8M9.2 6.8a2.4 2.4 0 0 0-3.4 0l-2 2a2.4 2.4 0 0 0 3.4 3.4l.8-.8",
  up: "M8 13V3.5M4 7.2 8 3.2l4 4",
  down: "M8 3v9.5M4 8.8l4 4 4-4",
  both: "M5 13V3.5M2.3 6 5 3.3 7.7 6M11 3v9.5M8.3 10l2.7 2.7 2.7-2.7",
  check: "M3.2 8.5l3.2 3.2 6.4-7",
  cross: "M4 4l8 8M12 4l-8 8",
  warning: "M8 2.7 14.2 13H1.8zM8 6.7v3M8 11.4v.1",
  held: "M8 1.8 13 4v4c0 3-2.1 5.2-5 6.2C5.1 13.2 3 11 3 8V4zM6.3 6.2v3.6M9.7 6.2v3.6",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2.2 1.3",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4M10 10l3.4 3.4",
  plus: "M8 3v10M3 8h10",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  server: "M2.8 3h10.4v4H2.8zM2.8 9h10.4v4H2.8zM5 5h.01M5 11h.01",
  job: "M2.5 5.5h8.2M8 2.8l2.8 2.7L8 8.2M13.5 10.5H5.3M8 7.8l-2.8 2.7L8 13.2",
  sun: "M8 5.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4M8 1.7v1.4M8 12.9v1.4M1.7 8h1.4M12.9 8h1.4M3.5 3.5l1 1M11.5 11.5l1 1M12.5 3.5l-1 1M4.5 11.5l-1 1",
  moon: "M13 9.3A5.4 5.4 0 0 1 6.7 3 5.4 5.4 0 1 0 13 9.3",
  auto: "M2.5 3.5h11v7.2h-11zM6 13.3h4M8 10.7v2.6",
  right: "M6 3.5 10.5 8 6 12.5",
  left: "M10 3.5 5.5 8l4.5 4.5",
  below: "M3.5 6 8 10.5 12.5 6",
  copy: "M5.5 5.5h7.5V13H5.5zM3 10.5V3h7.5",
  eye: "M1.8 8s2.3-4.3 6.2-4.3S14.2 8 14.2 8s-2.3 4.3-6.2 4.3S1.8 8 1.8 8M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6",
  user: "M8 2.8a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2M3 13.3c.4-2.6 2.4-3.8 5-3.8s4.6 1.2 5 3.8",
  leave: "M9.5 3H3.5v10h6M7 8h7M11.5 5.5 14 8l-2.5 2.5",
  lines: "M3 4h10M3 8h10M3 12h6.5",
  history: "M3 3.5V6.5h3M3.3 6.3A5.2 5.2 0 1 1 2.9 9M8 5.3V8.3l2 1.2",
  bell: "M4 11.5h8l-1-1.5V7a3 3 0 0 0-6 0v3zM6.8 13.3h2.4",
  plan: "M3 3.5h10v9H3zM5.5 6.3h5M5.5 9.3h3",
  conflict: "M8 2.5v4M8 6.5 3.5 10v3.5M8 6.5 12.5 10v3.5",
  test: "M6 2.5h4M6.8 2.5v4L3.3 12.3c-.4.7.1 1.2.8 1.2h7.8c.7 0 1.2-.5.8-1.2L9.2 6.5v-4M5 10h6",
  settings: "M3 4.5h5.5M11.5 4.5H13M10 3v3M3 8h1.5M7.5 8H13M6 6.5v3M3 11.5h5.5M11.5 11.5H13M10 10v3",
  away: "M2.5 2.5l11 11M4.2 6.8A5.4 5.4 0 0 1 8 5.3M11.8 6.8l-.9-.8M6 9.3a2.8 2.8 0 0 1 2-.9M8 12h.01",
};

/** The icon `name`; screen readers pass over it. */
export function icon(name) {
  return svg(
    "svg.icon",
    { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false", data: { icon: name } },
    svg("path", { d: LINES[name] ?? LINES.more }),
  );
}

/** Replaces the icon of `element`, if it is another one. */
export function setIcon(element, name) {
  const old = element.querySelector(".icon");
  if (old?.dataset.icon === name) return;
  if (old) old.replaceWith(icon(name));
  else element.prepend(icon(name));
}
