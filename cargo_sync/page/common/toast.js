/* Short messages at the edge of the page: what was done, or why it was not. */

import { h } from "./element.js";
import { icon } from "./icons.js";

const SEEN_MS = 4_000;
const READ_MS = 15_000;
const MOST = 3;
let board = null;

/**
 * Shows `text`. kind: "good" or "bad"; hint: what to do; action: [label, function].
 *
 * What is to be read, or can be answered, stays longer; and all stay while the pointer or the focus is on them.
 */
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
  const ms = kind === "bad" || action ? READ_MS : SEEN_MS;
  const leave = () => (one.matches(":hover, :focus-within") ? setTimeout(leave, ms) : close());
  setTimeout(leave, ms);
}

/** Shows why something failed: an error with `message` and `hint`. */
export function refuse(error) {
  if (error?.name === "AbortError") return;
  toast(error?.message || "it failed, and nothing says why", { kind: "bad", hint: error?.hint });
}
