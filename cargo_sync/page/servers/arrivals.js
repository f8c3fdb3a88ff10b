/* What happened to the files of a server, newest first. */

import { mark, say } from "../common/element.js";
import { Happened, pathColumn } from "../common/happened.js";
import { escaped } from "../common/words.js";

const WORDS = { moved: "renamed", displaced: "replaced", restored: "put back", changed: "changed there" };
const TONES = { uploaded: "good", downloaded: "busy", deleted: "held", displaced: "held" };

class Arrivals extends Happened {
  label = "What happened to files";
  words = "Files";
  look = "arrivals";
  pattern = ["Path or pattern: clip 12*", "Search by path"];
  more = [
    { name: "user", placeholder: "User", label: "Only this user" },
    { name: "workspace", placeholder: "Workspace", label: "Only this workspace" },
  ];
  kinds = [
    ["", "Everything"],
    ["uploaded", "Uploaded"],
    ["downloaded", "Downloaded"],
    ["moved", "Renamed"],
    ["deleted", "Deleted"],
    ["displaced", "Replaced"],
    ["restored", "Put back"],
    ["changed", "Changed there"],
  ];

  columns() {
    return [
      pathColumn(pathOf),
      {
        key: "user",
        title: "Who",
        class: "who",
        draw(cell, row) {
          say(cell, whoOf(row));
          mark(cell, "title", [whoOf(row), row.address && `from ${row.address}`, row.origin].filter(Boolean).map(escaped).join(", "));
        },
      },
    ];
  }

  kindOf(row) {
    return [WORDS[row.kind] ?? row.kind, TONES[row.kind] ?? "rest"];
  }

  async ask(args) {
    const { rows, before } = await this.app.control.call(this.source, "history", args, { signal: this.signal });
    return { rows, next: before };
  }
}

function pathOf(row) {
  const where = row.workspace ? `${row.workspace}/` : "";
  return escaped(where + row.path) + (row.from ? ` (was ${escaped(row.from)})` : "");
}

function whoOf(row) {
  return row.user ? escaped(row.user) : row.origin === "control" ? "by command" : "another program";
}

customElements.define("cargo-server-arrivals", Arrivals);
