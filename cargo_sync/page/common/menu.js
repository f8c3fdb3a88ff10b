/* A menu below a button: arrow keys, Escape, and a click beside it. */

import { h, mark } from "./element.js";
import { icon } from "./icons.js";

/** Opens a menu at `button`. items: [{label, icon, run, kind, off}]; null is a line between two. */
export function menu(button, items) {
  const entries = items.map((item) =>
    item === null
      ? h("hr", { role: "separator" })
      : h(
          `button.quiet${item.kind ? `.${item.kind}` : ""}`,
          {
            type: "button",
            role: "menuitem",
            tabindex: -1,
            disabled: Boolean(item.off),
            onclick: () => (close(), item.run()),
          },
          icon(item.icon),
          item.label,
        ),
  );
  const board = h("div.menu", { role: "menu", "aria-label": button.getAttribute("aria-label") }, entries);
  const life = new AbortController();
  const buttons = entries.filter((each) => each.matches("button:not(:disabled)"));

  function close(back = true) {
    life.abort();
    board.remove();
    mark(button, "aria-expanded", false);
    if (back) button.focus();
  }

  function press(event) {
    const at = buttons.indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
    if (event.key in moves) buttons.at(moves[event.key] % buttons.length)?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return close();
    else return undefined;
    event.preventDefault();
    event.stopPropagation();
    return undefined;
  }

  board.addEventListener("keydown", press);
  (button.closest("dialog") ?? document.body).append(board);
  const box = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = board;
  board.style.left = `${Math.max(8, Math.min(box.right - width, innerWidth - width - 8))}px`;
  const below = box.bottom + 4;
  board.style.top = `${below + height > innerHeight - 8 ? Math.max(8, box.top - height - 4) : below}px`;
  mark(button, "aria-expanded", true);
  buttons[0]?.focus({ preventScroll: true });
  const away = (event) => {
    if (!board.contains(event.target)) close(false);
  };
  addEventListener("pointerdown", away, { capture: true, signal: life.signal });
  addEventListener("scroll", () => close(false), { capture: true, signal: life.signal });
  addEventListener("hashchange", () => close(false), { signal: life.signal });
}
