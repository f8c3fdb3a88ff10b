/* What happened to files, newest first, searched by path, kind, time and what else a page names: of a job, or of a server. */

import { h, mark, newId, Part, put, say } from "./element.js";
import { icon } from "./icons.js";
import { calmly, Pages } from "./lists.js";
import { exactly, moment, rate, size } from "./words.js";

const LIMIT = 200;
const NEAR_TOP = 200; // px: who reads further below is left alone

/** A tab with such a list. What a page says of it:

    label, words      of the table and of its region, for screen readers
    pattern           [placeholder, label] of the field for paths
    kinds             [[value, word], …] to choose from; the first one is all
    more              [{name, placeholder, label}]: further fields, by the name of their argument
    columns()         between "What" and "Size": as in common/table.js, one with `head`
    kindOf(row)       [word, tone]
    ask(args)         the newest rows before `args.before`: {rows, next}, with `limit`, `path`, `kind`, `start` and `end`
                      as they were chosen */
export class Happened extends Part {
  more = [];

  build() {
    const again = () => this.refresh();
    const [kindId, sinceId, untilId] = [newId("kind"), newId("since"), newId("until")];
    const [placeholder, label] = this.pattern;
    this.path = h("input", { type: "search", placeholder, "aria-label": label, oninput: calmly(again) });
    this.others = this.more.map((one) => [
      one.name,
      h("input", { type: "search", placeholder: one.placeholder, "aria-label": one.label, oninput: calmly(again), spellcheck: "false" }),
    ]);
    this.kind = h("select", { id: kindId, onchange: again }, this.kinds.map(([value, word]) => h("option", { value }, word)));
    this.since = h("input", { id: sinceId, type: "date", onchange: again });
    this.until = h("input", { id: untilId, type: "date", onchange: again });
    this.table = h("cargo-table", { class: this.look });
    Object.assign(this.table, { label: this.label, key: (row) => String(row.cursor), columns: this.#columns() });
    this.pages = new Pages(this.table, (before) => this.ask(this.#args(before)));
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": this.words },
        h(
          "header.filters",
          {},
          h("div.search", {}, icon("search"), this.path),
          this.others.map(([, field]) => h("div.short", {}, field)),
          h("div.field.inline", {}, h("label", { for: kindId }, "Kind"), this.kind),
          h("div.field.inline", {}, h("label", { for: sinceId }, "From"), this.since),
          h("div.field.inline", {}, h("label", { for: untilId }, "To"), this.until),
        ),
        this.table,
      ),
    );
  }

  enter() {
    this.refresh();
  }

  /** Something happened. */
  arrived() {
    if (scrollY < NEAR_TOP) this.#soon();
  }

  #soon = calmly(() => this.refresh(), 1000);

  refresh() {
    const fields = [this.path, this.kind, this.since, this.until, ...this.others.map(([, field]) => field)];
    const filtered = fields.some((field) => field.value.trim());
    this.table.empty = filtered ? "Nothing that is kept matches." : "Nothing has happened yet.";
    return this.pages.restart();
  }

  #args(before) {
    const args = { limit: LIMIT };
    if (before !== null) args.before = before;
    for (const [name, field] of [["path", this.path], ["kind", this.kind], ...this.others])
      if (field.value.trim()) args[name] = field.value.trim();
    if (this.since.value) args.start = midnight(this.since.value);
    if (this.until.value) args.end = midnight(this.until.value, 1);
    return args;
  }

  #columns() {
    const kindOf = this.kindOf;
    return [
      {
        key: "time",
        title: "When",
        class: "when muted",
        draw(cell, row) {
          say(cell, moment(row.time));
          mark(cell, "title", exactly(row.time));
        },
      },
      {
        key: "kind",
        title: "What",
        class: "kind",
        make: (cell) => put(cell, (cell.mark = h("span.state"))),
        draw(cell, row) {
          const [word, tone] = kindOf(row);
          say(cell.mark, word);
          cell.mark.className = `state ${tone}`;
        },
      },
      ...this.columns(),
      { key: "size", title: "Size", class: "number", text: (row) => (row.bytes ? size(row.bytes) : "") },
      { key: "rate", title: "Speed", class: "number wide-only", text: (row) => (row.speed_bps ? rate(row.speed_bps) : "") },
    ];
  }
}

/** The column that names a row: `text(row)`, or `shown(row)` if more is to be shown. */
export function pathColumn(text, shown = text) {
  return {
    key: "path",
    title: "Path",
    head: true,
    class: "path",
    draw(cell, row) {
      const words = shown(row);
      say(cell, words);
      mark(cell, "title", words);
    },
    text,
  };
}

/** The beginning of a day, here where the page is looked at: `2026-11-28`. days: so many later. */
function midnight(date, days = 0) {
  const [year, month, day] = date.split("-").map(Number);
  return new Date(year, month - 1, day + days).getTime() / 1000;
}
