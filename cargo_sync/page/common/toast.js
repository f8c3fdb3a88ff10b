/* Short messages at the edge of the page: what was done, or why it was not. */

import { h } from "./element.js";
import { icon } from "./icons.js";

const GOOD = 4_000;
const BAD = 15_000;
const MOST = 3;
let board = null;

/** Shows `text`. kind: "good" or "bad"; hint: what to do; action: [label, function]. */
export function toast(text, { kind = "good", hint = "", action = null } = {}) {
  board ??= document.body.appendChild(h("div.toasts", { role: "region", "aria-label": "Messages" }));
  const close = () => one.remove();
  const one = h(
    `div.toast.${kind}`,
    { role: kind === "bad" ? "alert" : "status" },
    icon(kind === "bad" ? "warning" : "check"),
    h("div", {}, h("p", {}, text), hint ? h("p.hint", {}, hint) : null),
    action ? h("button.quiet", { type: "button", onclick: () => (close(), action[1]()) }, action[0]) : null,
    h("button.icon-only.quiet", { type: "button", "aria-label": "Close this message", onclick: close }, icon("cross")),
  );
  while (board.children.length >= MOST) board.firstChild.remove();
  board.append(one);
  setTimeout(close, kind === "bad" ? BAD : GOOD);
}

/** Shows why something failed: an error with `message` and `hint`. */
export function refuse(error) {
  if (error?.name === "AbortError") return;
  toast(error?.message || "it failed, and nothing says why", { kind: "bad", hint: error?.hint });
}
