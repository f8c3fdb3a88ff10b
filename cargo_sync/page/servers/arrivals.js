/* What happened to the files of a server, newest first: searched by path, user, workspace, kind and time. */

import { h, mark, newId, Part, put, say } from "../common/element.js";
import { icon } from "../common/icons.js";
import { escaped, exactly, moment, rate, size } from "../common/words.js";
import { calmly, Pages } from "../jobs/lists.js";

const LIMIT = 200;
const KINDS = [
  ["", "Everything"],
  ["uploaded", "Uploaded"],
  ["downloaded", "Downloaded"],
  ["moved", "Renamed"],
  ["deleted", "Deleted"],
  ["displaced", "Replaced"],
  ["restored", "Put back"],
  ["changed", "Changed there"],
];
const WORDS = { moved: "renamed", displaced: "replaced", restored: "put back", changed: "changed there" };
const TONES = { uploaded: "good", downloaded: "busy", deleted: "held", displaced: "held" };

class Arrivals extends Part {
  build() {
    const again = () => this.refresh();
    const [kindId, sinceId, untilId] = [newId("kind"), newId("since"), newId("until")];
    this.pattern = h("input", { type: "search", placeholder: "Path or pattern: clip 12*", "aria-label": "Search by path", oninput: calmly(again) });
    this.user = h("input", { type: "search", placeholder: "User", "aria-label": "Only this user", oninput: calmly(again), spellcheck: "false" });
    this.workspace = h("input", { type: "search", placeholder: "Workspace", "aria-label": "Only this workspace", oninput: calmly(again), spellcheck: "false" });
    this.kind = h("select", { id: kindId, onchange: again }, KINDS.map(([value, word]) => h("option", { value }, word)));
    this.since = h("input", { id: sinceId, type: "date", onchange: again });
    this.until = h("input", { id: untilId, type: "date", onchange: again });
    this.table = h("cargo-table", { class: "arrivals" });
    Object.assign(this.table, { label: "What happened to files", key: (row) => String(row.cursor), columns: columns() });
    this.pages = new Pages(this.table, (before) => this.#page(before));
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Files" },
        h(
          "header.filters",
          {},
          h("div.search", {}, icon("search"), this.pattern),
          h("div.short", {}, this.user),
          h("div.short", {}, this.workspace),
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

  /** Something happened: who reads further below is left alone. */
  arrived() {
    if (scrollY < 200) this.#soon();
  }

  #soon = calmly(() => this.refresh(), 1000);

  refresh() {
    const filtered = [this.pattern, this.user, this.workspace, this.kind, this.since, this.until].some((field) => field.value.trim());
    this.table.empty = filtered ? "Nothing that is kept matches." : "Nothing has happened yet.";
    return this.pages.restart();
  }

  async #page(before) {
    const args = { limit: LIMIT, ...(before === null ? {} : { before }) };
    for (const [name, field] of [
      ["path", this.pattern],
      ["user", this.user],
      ["workspace", this.workspace],
      ["kind", this.kind],
    ])
      if (field.value.trim()) args[name] = field.value.trim();
    if (this.since.value) args.start = midnight(this.since.value);
    if (this.until.value) args.end = midnight(this.until.value, 1);
    const { rows, before: next } = await this.app.control.call(this.source, "history", args, { signal: this.signal });
    return { rows, next };
  }
}

function columns() {
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
        say(cell.mark, WORDS[row.kind] ?? row.kind);
        cell.mark.className = `state ${TONES[row.kind] ?? "rest"}`;
      },
    },
    {
      key: "path",
      title: "Path",
      head: true,
      class: "path",
      draw(cell, row) {
        const words = pathOf(row);
        say(cell, words);
        mark(cell, "title", words);
      },
      text: pathOf,
    },
    {
      key: "user",
      title: "Who",
      class: "who",
      draw(cell, row) {
        say(cell, whoOf(row));
        mark(cell, "title", [whoOf(row), row.address && `from ${row.address}`, row.origin].filter(Boolean).map(escaped).join(", "));
      },
    },
    { key: "size", title: "Size", class: "number", text: (row) => (row.bytes ? size(row.bytes) : "") },
    { key: "rate", title: "Speed", class: "number wide-only", text: (row) => (row.speed_bps ? rate(row.speed_bps) : "") },
  ];
}

function pathOf(row) {
  const where = row.workspace ? `${row.workspace}/` : "";
  return escaped(where + row.path) + (row.from ? ` (was ${escaped(row.from)})` : "");
}

function whoOf(row) {
  return row.user ? escaped(row.user) : row.origin === "control" ? "by command" : "another program";
}

/** The beginning of a day, here where the page is looked at. days: so many later. */
function midnight(date, days = 0) {
  const [year, month, day] = date.split("-").map(Number);
  return new Date(year, month - 1, day + days).getTime() / 1000;
}

customElements.define("cargo-server-arrivals", Arrivals);
