/* What happened to the files of a job, newest first. */

import { Happened, pathColumn } from "../common/happened.js";
import { ARROWS, escaped, KINDS } from "../common/words.js";

const TONES = { error: "error", conflict: "held", held: "held", deleted: "held", displaced: "rest", uploaded: "good", downloaded: "good" };

class History extends Happened {
  label = "What happened";
  words = "History";
  look = "history";
  pattern = ["Name, path or pattern", "Search the history by name"];
  kinds = [
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

  notice() {
    this.arrived();
  }

  columns() {
    const shown = (row) => [escaped(row.path), escaped(row.message)].filter(Boolean).join(": ");
    return [pathColumn((row) => escaped(row.path), shown)];
  }

  kindOf(row) {
    return [(row.direction ? `${ARROWS[row.direction]} ` : "") + (KINDS[row.kind] ?? row.kind), TONES[row.kind] ?? "rest"];
  }

  ask({ path, ...args }) {
    if (path) args.path = /[*?[\]]/.test(path) ? path : `*${path}*`;
    return this.app.control.call(this.source, "job.history", { job: this.name, ...args }, { signal: this.signal });
  }
}

customElements.define("cargo-history", History);
