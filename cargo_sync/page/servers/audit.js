/* Who changed what: the last commands of a server that changed something. */

import { h, mark, Part, put, say } from "../common/element.js";
import { refuse } from "../common/toast.js";
import { escaped, exactly, moment } from "../common/words.js";

const LIMIT = 500;

class Audit extends Part {
  build() {
    this.table = h("cargo-table", { class: "audit" });
    Object.assign(this.table, {
      label: "Audit, newest first",
      key: (row) => String(row.number),
      empty: "Nobody has changed anything yet.",
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
        { key: "who", title: "Who", class: "who", tip: true, text: (row) => escaped(row.who) },
        { key: "command", title: "Command", head: true, class: "path", tip: true, text: (row) => escaped([row.command, ...words(row.args)].join(" ")) },
        {
          key: "outcome",
          title: "Outcome",
          class: "kind",
          make: (cell) => put(cell, (cell.mark = h("span.state"))),
          draw(cell, row) {
            say(cell.mark, row.outcome === "ok" ? "done" : row.outcome || "cut off");
            cell.mark.className = `state ${row.outcome === "ok" ? "good" : "error"}`;
          },
        },
      ],
    });
    put(this, h("section.sheet", { "aria-label": "Audit" }, h("header", {}, h("h2", {}, "Audit"), h("p.muted", {}, "Commands that changed something, the newest first")), this.table));
  }

  enter() {
    this.refresh();
    this.every(5, () => this.refresh());
  }

  async refresh() {
    try {
      const { rows } = await this.app.control.call(this.source, "audit", { limit: LIMIT }, { signal: this.signal });
      this.table.items = rows.reverse();
    } catch (error) {
      refuse(error);
    }
  }
}

function words(args) {
  return Object.entries(args ?? {}).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
}

customElements.define("cargo-server-audit", Audit);
