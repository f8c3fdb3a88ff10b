/* The last lines of a log: of a daemon about one job, or without a `name` of a whole server. */

import { h, mark, newId, Part, put, say } from "../common/element.js";
import { escaped, exactly, moment } from "../common/words.js";

const LIMIT = 500;
const MOST = 2_000;
const LEVELS = ["debug", "info", "warning", "error"];

class Log extends Part {
  job = null;
  #after = null;
  #asking = false;

  build() {
    const id = newId("level");
    this.level = h("select", { id, onchange: () => this.refresh() }, LEVELS.map((value) => h("option", { value, selected: value === "info" }, value)));
    this.words = h("p.muted.grow");
    this.table = h("cargo-table", { class: "log" });
    Object.assign(this.table, {
      label: "Log, newest first",
      key: (row) => String(row.number),
      state: (row) => row.level,
      empty: this.name ? "The log has no line about this job." : "The log has no line of this level.",
      columns: [
        {
          key: "time",
          title: "When",
          class: "when muted",
          draw(cell, row) {
            say(cell, moment(row.time));
            mark(cell, "title", exactly(row.time));
          },
        },
        { key: "level", title: "Level", class: "level", text: (row) => row.level },
        { key: "message", title: "Message", head: true, class: "message", tip: true, text: (row) => escaped(row.message) + (row.trace ? ` ${escaped(row.trace)}` : "") },
      ],
    });
    put(this, h("section.sheet", { "aria-label": "Log" }, h("header", {}, h("h2", {}, "Log"), this.words, h("div.field.inline", {}, h("label", { for: id }, "From level"), this.level)), this.table));
  }

  enter() {
    this.refresh();
    this.every(2, () => this.#read());
  }

  async refresh() {
    this.#after = null;
    this.table.items = [];
    await this.#read();
  }

  async #read() {
    if (this.#asking) return;
    this.#asking = true;
    const level = this.level.value;
    try {
      const args = { job: this.name, level, limit: LIMIT, ...(this.#after === null ? {} : { after: this.#after }) };
      const { rows, next } = await this.app.control.call(this.source, "log", args, { signal: this.signal });
      if (level !== this.level.value) return;
      if (this.#after !== null && next < this.#after) this.table.items = []; // the daemon was started again
      this.#after = next;
      if (rows.length) this.table.items = [...rows.reverse(), ...this.table.items].slice(0, MOST);
      say(this.words, "");
    } catch (error) {
      if (error.name !== "AbortError") say(this.words, error.message);
    } finally {
      this.#asking = false;
    }
  }
}

customElements.define("cargo-log", Log);
