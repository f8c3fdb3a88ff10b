/* Questions over the page, in the browser's own <dialog>: Escape closes it, and the focus comes back. */

import { h, newId, put, show } from "./element.js";
import { icon } from "./icons.js";

/** A dialog that is open. `body` is where its content goes; `closed` is a promise of what it was closed with. */
export class Dialog {
  constructor(title, { wide = false } = {}) {
    const id = newId("dialog");
    this.body = h("div.body");
    this.foot = h("footer");
    this.element = h(
      `dialog${wide ? ".wide" : ""}`,
      { "aria-labelledby": id },
      h(
        "header",
        {},
        h("h2", { id }, title),
        h(
          "button.icon-only.quiet",
          { type: "button", "aria-label": "Close", onclick: () => this.close(null) },
          icon("cross"),
        ),
      ),
      this.body,
      this.foot,
    );
    this.element.addEventListener("cancel", (event) => {
      if (event.target !== this.element) return; // a chooser of files inside was closed
      event.preventDefault();
      this.close(null);
    });
    this.closed = new Promise((done) => (this._done = done));
    document.body.append(this.element);
    this.element.showModal();
  }

  close(value) {
    this.element.close();
    this.element.remove();
    this._done(value);
  }
}

/** What `run` gives if its dialog is to stay. */
export const STAY = Symbol("stay");

/** Asks one question.

    text     sentences, or nodes
    actions  [{label, value, kind, run}]: the first one is the safe one and gets the focus, unless there is a field; Enter in
             a field is the last one. `run` is done before the
             dialog closes; if it throws, its sentence is shown and the dialog stays, as it does with STAY
    returns  a promise of the chosen value, null if it was closed */
export function ask(title, text, actions, options = {}) {
  const dialog = new Dialog(title, options);
  const wrong = h("p.wrong", { role: "alert", hidden: true });
  put(dialog.body, typeof text === "string" ? h("p", {}, text) : text, wrong);
  const buttons = actions.map(({ label, value, kind = "", run = null }) => {
    const choose = async () => {
      for (const each of buttons) each.disabled = true;
      try {
        const chosen = run ? ((await run()) ?? value) : value;
        if (chosen !== STAY) return dialog.close(chosen);
        show(wrong, false);
        for (const each of buttons) each.disabled = false;
      } catch (error) {
        put(wrong, error.message, error.hint ? ` (${error.hint})` : "");
        show(wrong, true);
        for (const each of buttons) each.disabled = false;
      }
    };
    return h(`button${kind ? `.${kind}` : ""}`, { type: "button", onclick: choose }, label);
  });
  put(dialog.foot, buttons);
  dialog.body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input:not([type=checkbox], [type=radio])")) return;
    event.preventDefault();
    buttons.at(-1).click();
  });
  (dialog.body.querySelector("input, select, textarea") ?? buttons[0]).focus();
  return dialog.closed;
}

/** Asks before something is done: a promise of whether it was done. */
export async function confirm(title, text, label, run, { kind = "danger" } = {}) {
  const done = await ask(title, text, [
    { label: "Cancel", value: false },
    { label, value: true, kind, run: async () => (await run(), true) },
  ]);
  return done === true;
}
