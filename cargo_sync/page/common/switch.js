/* <cargo-theme>: light, dark, or as the system is. */

import { h, mark, Part, say } from "./element.js";
import { setIcon } from "./icons.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const ICONS = { auto: "auto", light: "sun", dark: "moon" };
const WORDS = { auto: "as the system", light: "light", dark: "dark" };

class ThemeSwitch extends Part {
  build() {
    this.word = h("span.unseen");
    this.button = h("button.icon-only.quiet", { type: "button", onclick: () => this.turn() }, this.word);
    this.replaceChildren(this.button);
  }

  get theme() {
    return document.documentElement.dataset.theme ?? "auto";
  }

  turn() {
    const next = NEXT[this.theme];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("cargo.theme", next);
    } catch {
      // It counts until the page is left.
    }
    this.changed();
  }

  draw() {
    setIcon(this.button, ICONS[this.theme]);
    say(this.word, `Colours: ${WORDS[this.theme]}`);
    mark(this.button, "title", `Colours: ${WORDS[this.theme]}`);
  }
}

customElements.define("cargo-theme", ThemeSwitch);
