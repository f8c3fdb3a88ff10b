/* A picture of how fast files moved in the last ten minutes, or in the last day: what asks again, and turns. */

import { h, mark, Part, put } from "./element.js";
import { size } from "./words.js";

const SPANS = {
  "10m": { word: "Ten minutes", again: 5 },
  day: { word: "Day", again: 60 },
};

/** What an area of bytes per second is called, and how it is said. */
export const SPEED = { name: "speed", least: 1000, say: (bytes) => `${size(bytes)}/s` };

/** A sheet with such a picture. What a page says of it:

    words       its heading
    pictures()  the elements that are drawn
    ask(span)   a promise of the figures, or null if nobody can be asked now
    take(span, figures)  draws them */
export class SpanRates extends Part {
  span = "10m";
  #asking = false;
  #due = 0;

  build() {
    this.buttons = Object.entries(SPANS).map(([name, { word }]) => [name, h("button", { type: "button", onclick: () => this.#turn(name) }, word)]);
    put(
      this,
      h("header", {}, h("h2", {}, this.words), h("div.segments", { role: "group", "aria-label": "How long back" }, this.buttons.map(([, button]) => button))),
      h("div.body", {}, this.pictures()),
    );
  }

  enter() {
    this.every(1, () => this.#look());
    this.#due = 0;
    this.#look();
  }

  #turn(name) {
    this.span = name;
    this.#due = 0;
    this.changed();
    this.#look();
  }

  draw() {
    for (const [name, button] of this.buttons) mark(button, "aria-pressed", name === this.span);
  }

  async #look() {
    const now = Date.now() / 1000;
    if (this.#asking || now < this.#due || !this.isConnected) return;
    const span = this.span;
    const asked = this.ask(span);
    if (asked === null) return;
    this.#asking = true;
    try {
      const figures = await asked;
      if (span !== this.span) return;
      this.#due = now + SPANS[span].again;
      this.take(span, figures);
    } catch {
      // who is away says so by itself, and is asked again in a second
    } finally {
      this.#asking = false;
      if (span !== this.span) this.#look();
    }
  }
}
