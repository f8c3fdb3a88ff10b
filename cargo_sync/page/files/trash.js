/* <cargo-files-trash>: what was replaced or deleted in a workspace, and how it comes back. */

import { confirm } from "../common/dialog.js";
import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { count, escaped, exactly, moment, size } from "../common/words.js";

const LIMIT = 200;
const CALM_MS = 250;
const CAUSES = {
  overwritten: "replaced",
  deleted: "deleted",
  damaged: "damaged by an unclean stop",
  restored: "made room for a version that was put back",
  found: "found in the trash",
};

export class TrashPage extends Part {
  app = null;
  workspace = "";
  path = "";
  #next = null;
  #turn = 0;
  #timer = null;

  get heading() {
    return `Trash of ${escaped(this.workspace)}`;
  }

  build() {
    const may = this.app.server.access(this.workspace) === "rw";
    this.field = h("input", {
      type: "search",
      placeholder: "Path or pattern, such as *.txt",
      "aria-label": "Search the trash",
      oninput: () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.refresh(), CALM_MS);
      },
    });
    this.words = h("p.muted.grow", { "aria-live": "polite" });
    this.back = h("button.primary", { type: "button", onclick: () => this.#putBack(this.table.choice) }, icon("restore"), "Put back");
    this.free = h("button", { type: "button", onclick: () => this.#free(this.table.choice) }, icon("trash"), "Remove for good…");
    this.table = h(`cargo-table.files.trash${may ? ".choosable" : ""}`);
    Object.assign(this.table, {
      label: "What is in the trash",
      columns: this.#columns(may),
      key: (row) => String(row.id),
      choosable: may,
      more: () => this.#more(),
      complete: false,
      onchoose: () => this.#drawChosen(),
    });
    put(
      this,
      h(
        "div.page-head",
        {},
        h("h1.grow", {}, h("span.path", {}, h("a", { href: to("files", this.workspace) }, escaped(this.workspace)), h("span.slash", { "aria-hidden": "true" }, "/"), h("span", {}, "Trash"))),
        h("div.search", {}, icon("search"), this.field),
      ),
      h("section.sheet", { "aria-label": "Trash" }, h("div.line.wrap.choosing", {}, this.words, this.back, this.free), this.table),
    );
  }

  #columns(may) {
    return [
      { key: "path", title: "Path", head: true, class: "name", tip: true, text: (row) => escaped(row.path) + (row.kind === "d" ? "/" : "") },
      { key: "cause", title: "Why", class: "muted cause", tip: true, text: (row) => (CAUSES[row.cause] ?? row.cause) + (row.user ? ` by ${escaped(row.user)}` : "") },
      { key: "size", title: "Size", class: "number size", text: (row) => (row.size < 0 ? "" : size(row.size)) },
      {
        key: "time",
        title: "When",
        class: "number when",
        draw: (cell, row) => {
          say(cell, moment(row.time));
          mark(cell, "title", exactly(row.time));
        },
      },
      {
        key: "back",
        title: "Put back",
        hidden: true,
        class: "free actions",
        make: (cell) => {
          cell.button = h("button.small", { type: "button", onclick: () => this.#putBack([cell.row]) }, icon("restore"), h("span.word", {}, "Put back"));
          put(cell, cell.button);
        },
        draw: (cell, row) => {
          cell.row = row;
          show(cell.button, may);
          mark(cell.button, "aria-label", `Put back ${escaped(row.path)}`);
        },
      },
    ];
  }

  enter() {
    this.refresh();
  }

  async refresh() {
    const turn = (this.#turn += 1);
    this.#next = null;
    const searching = this.field.value.trim() !== "";
    this.table.empty = searching ? "Nothing in the trash has this path." : "The trash is empty.";
    this.table.choose([]);
    await this.#page([], turn);
  }

  #more() {
    return this.#next === null ? undefined : this.#page(this.table.items, this.#turn);
  }

  async #page(before, turn) {
    const query = { limit: LIMIT, ...(this.#next === null ? {} : { before: this.#next }) };
    if (this.field.value.trim()) query.pattern = this.field.value.trim();
    try {
      const answer = await this.app.server.trash(this.workspace, query, this.signal);
      if (turn !== this.#turn) return;
      this.#next = answer.before;
      this.totals = answer;
      this.table.complete = this.#next === null;
      this.table.items = [...before, ...answer.rows];
    } catch (error) {
      if (turn !== this.#turn) return;
      this.table.complete = true;
      this.table.changed();
      refuse(error);
    }
    this.#drawChosen();
  }

  #drawChosen() {
    const { choice } = this.table;
    const { files = 0, bytes = 0 } = this.totals ?? {};
    say(this.words, choice.length ? `${count(choice.length, "version")} chosen` : files ? `${count(files, "file")}, ${size(bytes)}` : "");
    show(this.back, choice.length > 0);
    show(this.free, choice.length > 0);
  }

  async #putBack(rows) {
    try {
      const results = await this.app.server.restore(this.workspace, rows.map((row) => row.id));
      const back = results.filter((one) => one.code === "done").length;
      results.forEach((one, at) => {
        if (one.code !== "done") toast(`${escaped(rows[at].path)}: ${one.message}`, { kind: "bad" });
      });
      if (back) toast(back === 1 && rows.length === 1 ? `${escaped(rows[0].path)} is back` : `${count(back, "version")} put back`);
      await this.refresh();
    } catch (error) {
      refuse(error);
    }
  }

  #free(rows) {
    const text = `${count(rows.length, "version")} will be removed from the trash, and nothing can bring ${rows.length === 1 ? "it" : "them"} back.`;
    return confirm("Remove for good?", text, "Remove for good", async () => {
      await this.app.server.free(this.workspace, rows.map((row) => row.id));
      await this.refresh();
    });
  }
}

customElements.define("cargo-files-trash", TrashPage);
