/* What a server does now: who is connected, with which flows and grants; its limits; what needs a person. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { ago, duration, escaped, exactly, number, rate, size, speed } from "../common/words.js";
import { troubleOf } from "./list.js";
import "./rates.js";

const ARROW = { upload: "↑", download: "↓" };
const DIRECTIONS = { upload: "Uploads", download: "Downloads" };

class Now extends Part {
  #facts = "";
  #limits = "";
  #troubles = "";

  build() {
    this.troubles = h("div.stack");
    this.up = h("strong");
    this.down = h("strong");
    this.facts = h("dl.facts");
    this.limits = h("dl.facts");
    this.table = h("cargo-table", { class: "flows" });
    Object.assign(this.table, { label: "Flows", key: (row) => row.id, empty: "Nobody moves files now.", columns: columns() });
    const change = h("button.small", { type: "button", onclick: () => this.actions.bandwidth(this.server.state.bandwidth, () => this.server.look()) }, icon("speed"), "Change…");
    show(change, this.app.control.may(this.source));
    put(
      this,
      h(
        "div.stack",
        {},
        this.troubles,
        Object.assign(h("cargo-server-rates", { class: "sheet", role: "region", "aria-label": "Speed" }), { app: this.app, source: this.source }),
        h(
          "section.sheet",
          { "aria-label": "Flows" },
          h("header", {}, h("h2", {}, "Flows"), h("span.figures", {}, h("span", {}, "↑ ", this.up), h("span", {}, "↓ ", this.down))),
          this.table,
        ),
      ),
      h(
        "aside.stack",
        {},
        h("section.sheet", { "aria-label": "Bandwidth" }, h("header", {}, h("h2", {}, "Bandwidth"), change), h("div.body", {}, this.limits)),
        h("section.sheet", { "aria-label": "About it" }, h("header", {}, h("h2", {}, "About it")), h("div.body", {}, this.facts)),
      ),
    );
  }

  enter() {
    this.every(1, () => this.changed());
  }

  draw() {
    const { status, flows, bandwidth } = this.server.state;
    if (!status) return;
    this.table.items = [...flows.values()];
    say(this.up, rate(status.totals?.upload_bps ?? 0));
    say(this.down, rate(status.totals?.download_bps ?? 0));
    const troubles = troubleOf(status);
    if (this.#troubles !== (this.#troubles = JSON.stringify(troubles)))
      put(this.troubles, (status.errors ?? []).map((one) => note("bad", one.message, one.hint)), (status.warnings ?? []).map((text) => note("held", text)));
    show(this.troubles, troubles.length > 0);
    if (this.#limits !== (this.#limits = JSON.stringify(bandwidth))) put(this.limits, (bandwidth ?? []).map(limit));
    const facts = factsOf(status);
    if (this.#facts !== (this.#facts = JSON.stringify(facts))) put(this.facts, facts.map(([word, value]) => [h("dt", {}, word), h("dd", {}, value)]));
  }
}

/** A sentence that somebody should read, with what is known about it. */
export function note(tone, text, hint = "") {
  return h(`div.note.${tone}`, {}, icon("warning"), h("div", {}, h("p", {}, escaped(text)), hint ? h("p.hint", {}, escaped(hint)) : null));
}

function limit(one) {
  const now = one.now === null ? "no limit" : speed(one.now);
  const file = "override" in one ? ` (the file says ${one.file === null ? "no limit" : speed(one.file)})` : "";
  return [h("dt", {}, DIRECTIONS[one.name] ?? one.name), h("dd", {}, now + file)];
}

function factsOf(status) {
  const connections = status.data_connections;
  return [
    ["Users", `${number(status.users?.enabled ?? 0)}${status.users?.disabled ? `, ${number(status.users.disabled)} disabled` : ""}`],
    ["Workspaces", number(status.workspaces ?? 0)],
    ["Storage nodes", status.nodes?.count ? `${number(status.nodes.count)}${status.nodes.away ? `, ${number(status.nodes.away)} away` : ""}` : ""],
    ["Folders away", status.away ? number(status.away) : ""],
    ["Names not offered", status.unoffered ? number(status.unoffered) : ""],
    ["Data connections", connections ? `${number(connections.open)} of ${number(connections.most)}` : ""],
    ["Runs for", status.uptime_s >= 60 ? duration(Math.floor(status.uptime_s / 60) * 60) : ""],
  ].filter(([, value]) => value !== "");
}

function columns() {
  return [
    { key: "user", title: "User", head: true, class: "name", tip: true, text: (row) => `${ARROW[row.direction] ?? ""} ${escaped(row.user)}` },
    { key: "where", title: "Where", class: "path", tip: true, text: (row) => escaped([row.workspace, row.folder].filter(Boolean).join("/")) },
    { key: "rate", title: "Speed", class: "number", text: (row) => (row.speed_bps ? rate(row.speed_bps) : "") },
    { key: "granted", title: "Granted", class: "number", text: (row) => (row.granted === null ? "no limit" : rate(row.granted)) },
    { key: "bytes", title: "Moved", class: "number", text: (row) => size(row.bytes) },
    { key: "rtt", title: "RTT", class: "number wide-only", text: (row) => (row.rtt_ms === null ? "" : `${Number(row.rtt_ms).toFixed(1)} ms`) },
    { key: "lost", title: "Lost", class: "number wide-only", text: (row) => (row.lost === null ? "" : number(row.lost)) },
    {
      key: "since",
      title: "Since",
      class: "number wide-only",
      draw(cell, row) {
        say(cell, ago(row.since, Date.now() / 1000));
        mark(cell, "title", exactly(row.since));
      },
    },
  ];
}

customElements.define("cargo-server-now", Now);
