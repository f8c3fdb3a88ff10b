/* What a job replaced and deleted, and how it comes back. */

import { confirm } from "../common/dialog.js";
import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { refuse, toast } from "../common/toast.js";
import { count, escaped, exactly, moment, size } from "../common/words.js";
import { calmly, Pages } from "../common/lists.js";

const LIMIT = 200;
const AT_ONCE = 100;
const SIDES = { near: "Here", far: "On the server" };
const CAUSES = {
  overwritten: "replaced",
  deleted: "deleted",
  damaged: "damaged by an unclean stop",
  delivered: "deleted after delivery",
  restored: "made room for a version that was put back",
  found: "found in the trash",
};

class Trash extends Part {
  job = null;
  #side = null;
  #all = false;

  build() {
    this.sides = h("div.segments", { role: "group", "aria-label": "Which side", hidden: true });
    this.field = h("input", {
      type: "search",
      placeholder: "Path or pattern, such as *.txt",
      "aria-label": "Search the trash",
      oninput: calmly(() => this.refresh()),
    });
    this.ended = h("input", { type: "checkbox", onchange: () => ((this.#all = this.ended.checked), this.refresh()) });
    this.words = h("p.muted.grow");
    this.restore = h("button.primary", { type: "button", onclick: () => this.#putBack(this.table.choice) }, icon("restore"), "Put back");
    this.free = h("button", { type: "button", onclick: () => this.#free(this.table.choice) }, icon("trash"), "Remove for good…");
    this.bar = h("div.line.wrap.choosing", {}, this.words, this.restore, this.free);
    this.table = h("cargo-table", { class: "trash" });
    const may = this.app.control.may(this.source);
    Object.assign(this.table, {
      label: "Versions in the trash",
      columns: this.#columns(may),
      key: (row) => row.id,
      state: (row) => (row.state === "kept" ? "" : "ended"),
      choosable: may,
      onchoose: () => this.#drawChoice(),
    });
    this.pages = new Pages(this.table, (next) => this.#page(next));
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Trash" },
        h("header", {}, this.sides, h("div.search", {}, icon("search"), this.field), h("label.line", {}, this.ended, "also what was put back or removed")),
        h("div.body.tight", {}, this.bar),
        this.table,
      ),
    );
  }

  #columns(may) {
    return [
      { key: "path", title: "Path", head: true, class: "path", tip: true, text: (row) => escaped(row.path) + (row.kind === "folder" ? "/" : "") },
      {
        key: "cause",
        title: "Why",
        class: "muted cause",
        tip: true,
        text: (row) => (row.state === "restored" ? `put back${row.moved_to ? ` to ${escaped(row.moved_to)}` : ""}` : row.state === "freed" ? "removed for good" : (CAUSES[row.cause] ?? row.cause) + (row.user ? ` by ${escaped(row.user)}` : "")),
      },
      { key: "size", title: "Size", class: "number", text: (row) => (row.size === null ? "" : size(row.size)) },
      {
        key: "time",
        title: "When",
        class: "number when",
        draw(cell, row) {
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
        draw(cell, row) {
          cell.row = row;
          show(cell.button, may && row.state === "kept");
          mark(cell.button, "aria-label", `Put back ${escaped(row.path)}`);
        },
      },
    ];
  }

  enter() {
    this.refresh();
  }

  notice({ kind }) {
    if (["displaced", "deleted", "restored", "freed"].includes(kind)) this.#soon();
  }

  #soon = calmly(() => this.refresh(), 1000);

  refresh() {
    const searching = this.field.value.trim() !== "";
    this.table.empty = searching ? "Nothing in the trash has this path." : "The trash is empty: nothing was replaced or deleted lately.";
    this.table.choose([]);
    return this.pages.restart();
  }

  async #page(next) {
    const args = { job: this.name, limit: LIMIT, all: this.#all };
    if (this.#side !== null) args.side = this.#side;
    if (this.field.value.trim()) args.pattern = this.field.value.trim();
    if (next !== null) args.before = next;
    const answer = await this.app.control.call(this.source, "trash.list", args, { signal: this.signal });
    this.#side = answer.side;
    this.totals = answer.totals;
    this.#drawSides(answer.other ?? null);
    this.#drawChoice();
    return { rows: answer.versions, next: answer.next };
  }

  #drawSides(other) {
    show(this.sides, other !== null);
    if (other === null) return;
    put(
      this.sides,
      ["near", "far"].map((side) =>
        h("button", { type: "button", "aria-pressed": side === this.#side, onclick: () => ((this.#side = side), this.refresh()) }, SIDES[side]),
      ),
    );
  }

  #drawChoice() {
    const kept = this.table.choice.filter((row) => row.state === "kept");
    const { files = 0, bytes = 0 } = this.totals ?? {};
    const all = files ? `${count(files, "file")} in the trash, ${size(bytes)}` : "";
    say(this.words, kept.length ? `${count(kept.length, "version")} chosen` : all);
    show(this.restore, kept.length > 0);
    show(this.free, kept.length > 0);
    show(this.bar, kept.length > 0 || all !== "");
  }

  async #putBack(rows) {
    const ids = rows.filter((row) => row.state === "kept").map((row) => row.id);
    this.restore.disabled = true;
    try {
      let back = 0;
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const { results } = await this.app.control.call(this.source, "trash.restore", { job: this.name, ids: ids.slice(at, at + AT_ONCE) });
        for (const one of results) {
          if (one.code === "done") back += 1;
          else toast(`${escaped(one.path ?? "")}: ${one.message}`, { kind: "bad", hint: one.hint });
        }
      }
      if (back) toast(back === 1 ? `${escaped(rows[0].path)} is back` : `${count(back, "version")} are back`);
      await this.refresh();
    } catch (error) {
      refuse(error);
    } finally {
      this.restore.disabled = false;
    }
  }

  async #free(rows) {
    const ids = rows.filter((row) => row.state === "kept").map((row) => row.id);
    await confirm("Remove for good?", `${count(ids.length, "version")} will be removed from the trash, and nothing can bring ${ids.length === 1 ? "it" : "them"} back.`, "Remove for good", async () => {
      for (let at = 0; at < ids.length; at += AT_ONCE) await this.app.control.call(this.source, "trash.empty", { job: this.name, ids: ids.slice(at, at + AT_ONCE) });
      await this.refresh();
    });
  }
}

customElements.define("cargo-trash", Trash);
