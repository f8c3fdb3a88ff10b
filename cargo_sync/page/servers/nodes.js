/* The storage nodes of a server: how each one is, what is missing, and how the repair gets on. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { ago, count, duration, escaped, exactly, number, percent, rate, size } from "../common/words.js";
import { NodeActions } from "./node_actions.js";
import { note } from "./now.js";

/* What the states are called, and the tone in which they are shown. */
const STATES = {
  up: ["up", "good"],
  full: ["full", "held"],
  joining: ["joining", "rest"],
  draining: ["draining", "busy"],
  suspect: ["not heard", "held"],
  down: ["down", "error"],
  gone: ["gone", "error"],
};
const AWAY = new Set(["down", "gone"]);
const NONE = "This server has no storage nodes. Its workspaces lie in folders.";

class Nodes extends Part {
  #notes = "";

  build() {
    const may = this.app.control.may(this.source);
    this.nodeActions = new NodeActions(this.actions);
    const done = () => this.server.look();
    this.notes = h("div.stack");
    this.table = h("cargo-table", { class: "nodes" });
    Object.assign(this.table, { label: "Storage nodes", key: (row) => row.node, state: (row) => (AWAY.has(row.state) ? "off" : ""), empty: NONE, columns: columns(this, may, done) });
    const invite = h("button.primary", { type: "button", onclick: () => this.nodeActions.invite(done, this.server.state.status?.address ?? "") }, icon("link"), "Invite a node…");
    show(invite, may);
    put(
      this,
      this.notes,
      h("section.sheet", { "aria-label": "Storage nodes" }, h("header", {}, h("h2", {}, "Storage nodes"), h("span.grow"), invite), this.table),
    );
  }

  enter() {
    this.every(1, () => this.changed());
  }

  draw() {
    const { nodes, missing, repair } = this.server.state;
    const rows = [...nodes.values()].sort((one, other) => (one.node < other.node ? -1 : 1));
    this.table.complete = this.server.state.status !== null; // before that nobody knows whether there are any
    this.table.items = rows;
    const notes = notesOf(rows, missing, repair);
    if (this.#notes !== (this.#notes = JSON.stringify(notes))) put(this.notes, notes.map(([tone, text, hint]) => note(tone, text, hint)));
    show(this.notes, notes.length > 0);
  }
}

/** What a person should know: the tone, a sentence, a hint. */
function notesOf(rows, missing, repair) {
  const away = rows
    .filter((row) => AWAY.has(row.state))
    .map((row) => ["bad", `${row.node} is ${row.state}: nothing was heard of it for ${duration(Math.floor(silent(row) / 10) * 10)}.`, row.problem ?? ""]);
  const lost = missing?.lost ? [["bad", `${count(missing.lost, "content")} on no storage node any more.`, "Send these files again."]] : [];
  const waits = missing?.waits ? [["held", `${count(missing.waits, "content")} cannot be read until a node is back.`, ""]] : [];
  return [...away, ...lost, ...waits, ...(missing?.copies ? [["held", `${count(missing.copies, "copy is", "copies are")} missing (${size(missing.bytes)}).`, repairWords(repair)]] : [])];
}

function repairWords(repair) {
  if (!repair?.copies) return "The repair waits until a node can give these copies and another one take them.";
  const what = `Repair of ${count(repair.copies, "copy", "copies")} (${size(repair.bytes)})`;
  if (repair.eta_s === null) return `${what}: nothing was copied for a minute. The log says why.`;
  return `${what}: ${duration(repair.eta_s)} left (${repair.speed_bps ? `${rate(repair.speed_bps)} of late` : `at most ${rate(repair.limit_bps)}`}).`;
}

/** For how many seconds a node was not heard: what its row said, and the time since then. */
function silent(row) {
  return Date.now() / 1000 - row.heard;
}

function columns(nodes, may, done) {
  return [
    { key: "node", title: "Node", head: true, class: "name", tip: true, text: (row) => escaped(row.node) },
    {
      key: "state",
      title: "State",
      class: "state-cell",
      make: (cell) => put(cell, (cell.mark = h("span.state"))),
      draw(cell, row) {
        const [word, tone] = STATES[row.state] ?? [escaped(row.state), "rest"];
        say(cell.mark, row.draining && row.state !== "draining" ? `${word}, draining` : word);
        cell.mark.className = `state ${tone}`;
        mark(cell, "title", row.problem ? escaped(row.problem) : null);
      },
    },
    { key: "zone", title: "Zone", class: "wide-only", tip: true, text: (row) => escaped(row.zone) },
    {
      key: "room",
      title: "Room",
      class: "free used",
      make(cell) {
        cell.word = h("span");
        cell.bar = h("cargo-bar");
        put(cell, cell.word, cell.bar);
      },
      draw(cell, row) {
        const known = row.used !== null;
        const most = known ? row.used + row.free : 0;
        say(cell.word, known ? `${size(row.used)} of ${size(most)}` : "not known yet");
        mark(cell, "title", known ? `${count(row.blobs, "content")}, ${number(row.free)} bytes free` : null);
        show(cell.bar, known);
        if (!known) return;
        cell.bar.set(row.used, most, `${percent(row.used, most)} of the room of ${escaped(row.node)} is used`);
        cell.bar.classList.toggle("full", row.used >= 0.9 * most);
      },
    },
    {
      key: "missing",
      title: "Missing",
      class: "number",
      draw(cell, row) {
        const short = row.missing;
        say(cell, short?.copies ? number(short.copies) : "");
        mark(cell, "title", short?.copies ? `${count(short.blobs, "content")} on this node lack ${count(short.copies, "copy", "copies")} (${size(short.bytes)})` : null);
      },
    },
    {
      key: "scrub",
      title: "Checked",
      class: "wide-only scrub",
      draw(cell, row) {
        say(cell, scrubWords(row));
        mark(cell, "title", row.scrub?.begun ? `begun ${exactly(row.scrub.begun)}, ${count(row.scrub.blobs, "content")}, ${size(row.scrub.bytes)} read` : null);
      },
    },
    {
      key: "more",
      title: "Change",
      hidden: true,
      class: "free actions",
      make(cell) {
        cell.button = h("button.icon-only.quiet.small", { type: "button", "aria-haspopup": "menu", onclick: () => menu(cell.button, items(nodes.nodeActions, cell.row, done)) }, icon("more"));
        put(cell, cell.button);
      },
      draw(cell, row) {
        cell.row = row;
        show(cell.button, may);
        mark(cell.button, "aria-label", `More about ${escaped(row.node)}`);
      },
    },
  ];
}

function scrubWords({ scrub, used, damaged }) {
  if (!scrub) return "";
  const bad = damaged ? `, ${number(damaged)} damaged` : "";
  if (scrub.under_way) return `now, ${percent(Math.min(scrub.bytes, used), used)}${bad}`;
  return (scrub.ended === null ? "not yet" : ago(scrub.ended, Date.now() / 1000)) + bad;
}

function items(actions, row, done) {
  return [
    { label: "Check all copies…", icon: "check", run: () => actions.scrub(row, done) },
    row.draining ? { label: "Keep it", icon: "restore", run: () => actions.keep(row, done) } : { label: "Drain…", icon: "up", run: () => actions.drain(row, done) },
    null,
    { label: "Remove…", icon: "trash", kind: "danger", run: () => actions.remove(row, done) },
    AWAY.has(row.state) ? { label: "Remove as lost…", icon: "trash", kind: "danger", run: () => actions.removeLost(row, done) } : undefined,
  ].filter((one) => one !== undefined);
}

customElements.define("cargo-server-nodes", Nodes);
