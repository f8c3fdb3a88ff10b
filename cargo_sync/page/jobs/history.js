/* What happened to the files of a job, newest first: searched by name, time and kind. */

import { h, mark, newId, Part, put, say } from "../common/element.js";
import { icon } from "../common/icons.js";
import { ARROWS, escaped, exactly, KINDS, moment, rate, size } from "../common/words.js";
import { calmly, Pages } from "./lists.js";

const LIMIT = 200;
const CHOICES = [
  ["", "Everything"],
  ["uploaded", "Uploaded"],
  ["downloaded", "Downloaded"],
  ["deleted", "Deleted"],
  ["moved", "Renamed"],
  ["displaced", "Moved to the trash"],
  ["conflict", "Conflicts"],
  ["error", "Errors"],
  ["restored", "Put back"],
  ["kept", "Changed there, left alone"],
];
const TONES = { error: "error", conflict: "held", held: "held", deleted: "held", displaced: "rest", uploaded: "good", downloaded: "good" };

class History extends Part {
  job = null;

  build() {
    const [kindId, sinceId, untilId] = [newId("kind"), newId("since"), newId("until")];
    const again = () => this.refresh();
    this.pattern = h("input", { type: "search", placeholder: "Name, path or pattern", "aria-label": "Search the history by name", oninput: calmly(again) });
    this.kind = h("select", { id: kindId, onchange: again }, CHOICES.map(([value, word]) => h("option", { value }, word)));
    this.since = h("input", { id: sinceId, type: "date", onchange: again });
    this.until = h("input", { id: untilId, type: "date", onchange: again });
    this.table = h("cargo-table", { class: "history" });
    Object.assign(this.table, {
      label: "What happened",
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
        {
          key: "kind",
          title: "What",
          class: "kind",
          make: (cell) => put(cell, (cell.mark = h("span.state"))),
          draw(cell, row) {
            say(cell.mark, (row.direction ? `${ARROWS[row.direction]} ` : "") + (KINDS[row.kind] ?? row.kind));
            cell.mark.className = `state ${TONES[row.kind] ?? "rest"}`;
          },
        },
        {
          key: "path",
          title: "Path",
          head: true,
          class: "path",
          draw(cell, row) {
            const words = [escaped(row.path), escaped(row.message)].filter(Boolean).join(": ");
            say(cell, words);
            mark(cell, "title", words);
          },
          text: (row) => escaped(row.path),
        },
        { key: "size", title: "Size", class: "number", text: (row) => (row.bytes ? size(row.bytes) : "") },
        { key: "rate", title: "Speed", class: "number wide-only", text: (row) => (row.speed_bps ? rate(row.speed_bps) : "") },
      ],
      key: (row) => String(row.cursor),
    });
    this.pages = new Pages(this.table, (next) => this.#page(next));
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "History" },
        h(
          "header.filters",
          {},
          h("div.search", {}, icon("search"), this.pattern),
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

  notice() {
    if (scrollY < 200) this.#soon(); // who reads further below is left alone
  }

  #soon = calmly(() => this.refresh(), 1000);

  get #filtered() {
    return Boolean(this.pattern.value.trim() || this.kind.value || this.since.value || this.until.value);
  }

  refresh() {
    this.table.empty = this.#filtered ? "Nothing that is kept matches." : "Nothing has happened yet.";
    return this.pages.restart();
  }

  async #page(next) {
    const args = { job: this.name, limit: LIMIT };
    const pattern = this.pattern.value.trim();
    if (pattern) args.path = /[*?[\]]/.test(pattern) ? pattern : `*${pattern}*`;
    if (this.kind.value) args.kind = this.kind.value;
    if (this.since.value) args.start = midnight(this.since.value);
    if (this.until.value) args.end = midnight(this.until.value, 1);
    if (next !== null) args.before = next;
    const { rows, next: more } = await this.app.control.call(this.source, "job.history", args, { signal: this.signal });
    return { rows, next: more };
  }
}

/** The beginning of a day, here where the page is looked at: `2026-11-28`. days: so many later. */
function midnight(date, days = 0) {
  const [year, month, day] = date.split("-").map(Number);
  return new Date(year, month - 1, day + days).getTime() / 1000;
}

customElements.define("cargo-history", History);
