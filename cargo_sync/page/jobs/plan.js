/* What the next run would do, without doing it. */

import { h, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { refuse } from "../common/toast.js";
import { ARROWS, count, escaped, number, size } from "../common/words.js";
import { Pages } from "../common/lists.js";

const OPS = {
  put: "copy",
  overwrite: "replace",
  mkdir: "make folder",
  delete: "delete",
  adopt: "compare",
  move: "rename",
  meta: "time or mode",
  leave: "leave",
  forget: "forget",
  conflict: "conflict",
};
const LIMIT = 500;

class Plan extends Part {
  job = null;
  #run = null;
  #making = false;

  build() {
    this.again = h("button", { type: "button", onclick: () => this.refresh() }, icon("sync"), "Make it again");
    this.words = h("p", { role: "status" });
    this.totals = h("ul.chips");
    this.table = h("cargo-table", { class: "plan" });
    const two = (row) => (row.direction ? `${ARROWS[row.direction]} ` : "");
    Object.assign(this.table, {
      label: "Steps of the next run",
      columns: [
        { key: "op", title: "Step", class: "op", text: (row) => two(row) + (OPS[row.op] ?? row.op) },
        { key: "path", title: "Path", head: true, class: "path", tip: true, text: (row) => escaped(row.path) },
        { key: "size", title: "Size", class: "number", text: (row) => (["put", "overwrite"].includes(row.op) ? size(row.size) : "") },
        { key: "why", title: "Why", class: "muted why", tip: true, text: (row) => escaped(row.why) },
      ],
      key: (row) => `${row.at}`,
      state: (row) => (["delete", "overwrite", "conflict"].includes(row.op) ? "grave" : ""),
      empty: "There is nothing to do: both sides are in step.",
    });
    this.pages = new Pages(this.table, (next) => this.#page(next));
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Preview" },
        h("header", {}, h("div.grow", {}, h("h2", {}, "What the next run would do"), h("p.hint", {}, "Nothing is done by looking at it.")), this.again),
        h("div.body.stack.tight", {}, this.words, this.totals),
        this.table,
      ),
    );
  }

  enter() {
    this.refresh();
  }

  async refresh() {
    if (this.#making) return;
    this.#making = true;
    this.#run = null;
    show(this.table, false);
    put(this.totals);
    say(this.words, "Both sides are looked at…");
    this.again.disabled = true;
    try {
      const args = { job: this.name, limit: 1 };
      const answer = await this.app.control.until(this.source, "job.plan", args, "run", () => {}, this.signal);
      this.#run = answer.run;
      this.#sum(answer.totals);
      show(this.table, true);
      await this.pages.restart();
    } catch (error) {
      say(this.words, error.name === "AbortError" ? "" : error.message);
      refuse(error);
    } finally {
      this.#making = false;
      this.again.disabled = false;
    }
  }

  async #page(next) {
    const args = { job: this.name, run: this.#run, limit: LIMIT, ...(next === null ? {} : { after: next }) };
    const { actions, next: more } = await this.app.control.call(this.source, "job.plan", args, { signal: this.signal });
    const first = next === null ? 0 : this.table.items.length;
    return { rows: actions.map((row, at) => ({ ...row, at: first + at })), next: more };
  }

  #sum(totals) {
    const { bytes = 0, held = 0, waiting = 0, ...ops } = totals;
    const chips = Object.entries(ops).filter(([op, n]) => n && OPS[op]);
    put(this.totals, chips.map(([op, n]) => h("li.chip", {}, h("strong", {}, number(n)), ` ${OPS[op]}`)), bytes ? h("li.chip", {}, h("strong", {}, size(bytes)), " to transfer") : null);
    const words = [];
    if (held) words.push("The guard would hold a part of this run until you approve it.");
    if (waiting) words.push(`${count(waiting, "file")} still ${waiting === 1 ? "changes" : "change"}, and ${waiting === 1 ? "waits" : "wait"}.`);
    say(this.words, words.join(" "));
    show(this.words, words.length > 0);
  }
}

customElements.define("cargo-plan", Plan);
