/* The users of a server: who may log in, how fast, how much, and what can be changed about it. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { count, escaped, moment, number, percent, size, speed } from "../common/words.js";

class Users extends Part {
  #typed = "";

  build() {
    const may = this.app.control.may(this.source);
    const done = () => this.server.look();
    this.search = h("input", { type: "search", placeholder: "Name or folder", "aria-label": "Search users", oninput: () => ((this.#typed = this.search.value.trim().toLowerCase()), this.changed()) });
    this.table = h("cargo-table", { class: "users" });
    Object.assign(this.table, { label: "Users", key: (row) => row.user, state: (row) => (usable(row) ? "" : "off"), columns: columns(this, may, done) });
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Users" },
        h(
          "header",
          {},
          h("div.search", {}, icon("search"), this.search),
          h("span.grow"),
          may ? h("button", { type: "button", onclick: () => this.actions.invite(null, done, this.known) }, icon("link"), "Invite…") : null,
          may ? h("button.primary", { type: "button", onclick: () => this.actions.addUser(done) }, icon("plus"), "Add a user…") : null,
        ),
        this.table,
      ),
    );
  }

  draw() {
    const rows = this.server.state.users ?? [];
    const words = this.#typed.split(/\s+/);
    const matches = (row) => words.every((word) => `${row.user}\n${row.path}`.toLowerCase().includes(word));
    this.table.empty = this.#typed ? "No user matches." : "This server has no users yet.";
    this.table.items = rows.filter(matches);
    this.table.changed();
  }

  /** The address that the server knows of itself, or "". */
  get known() {
    return this.server.state.status?.address ?? "";
  }

  /** How many flows a user has now. */
  flowsOf(user) {
    return [...this.server.state.flows.values()].filter((flow) => flow.user === user).length;
  }
}

function usable(row) {
  return row.enabled && !row.expired;
}

function stateOf(row, flows) {
  if (!row.enabled) return ["disabled", "off"];
  if (row.expired) return ["expired", "error"];
  return flows ? ["moves files", "busy"] : ["may log in", "good"];
}

function columns(users, may, done) {
  return [
    { key: "user", title: "User", head: true, class: "name", tip: true, text: (row) => escaped(row.user) },
    {
      key: "state",
      title: "State",
      class: "state-cell",
      make: (cell) => put(cell, (cell.mark = h("span.state"))),
      draw(cell, row) {
        const [word, tone] = stateOf(row, users.flowsOf(row.user));
        say(cell.mark, word);
        cell.mark.className = `state ${tone}`;
      },
    },
    { key: "path", title: "Folder", class: "path wide-only", tip: true, text: (row) => escaped(row.path) },
    {
      key: "used",
      title: "Used",
      class: "free used",
      make(cell) {
        cell.word = h("span");
        cell.bar = h("cargo-bar");
        put(cell, cell.word, cell.bar);
      },
      draw(cell, row) {
        const { bytes: most = null, files: mostFiles = null } = row.quota ?? {};
        const used = row.used ?? null;
        say(cell.word, used === null ? "" : most === null ? size(used.bytes) : `${size(used.bytes)} of ${size(most)}`);
        mark(cell, "title", used === null ? null : `${number(used.bytes)} bytes, ${count(used.files, "file")}${mostFiles === null ? "" : ` of ${number(mostFiles)}`}`);
        show(cell.bar, used !== null && most !== null);
        if (used !== null && most !== null) {
          cell.bar.set(used.bytes, most, `${percent(used.bytes, most)} of the quota of ${escaped(row.user)}`);
          cell.bar.classList.toggle("full", used.bytes >= 0.9 * most);
        }
      },
    },
    { key: "limits", title: "Limits", class: "limits wide-only", tip: true, text: limitsOf },
    {
      key: "more",
      title: "Change",
      hidden: true,
      class: "free actions",
      make(cell) {
        cell.button = h("button.icon-only.quiet.small", { type: "button", "aria-haspopup": "menu", onclick: () => menu(cell.button, items(users, cell.row, done)) }, icon("more"));
        put(cell, cell.button);
      },
      draw(cell, row) {
        cell.row = row;
        show(cell.button, may);
        mark(cell.button, "aria-label", `More about ${escaped(row.user)}`);
      },
    },
  ];
}

function items({ actions, known }, row, done) {
  return [
    { label: "Limits…", icon: "speed", run: () => actions.limits(row, done) },
    { label: "New password…", icon: "edit", run: () => actions.password(row, done) },
    { label: "Invite…", icon: "link", run: () => actions.invite(row, done, known) },
    row.enabled ? { label: "Disable…", icon: "pause", run: () => actions.disable(row, done) } : { label: "Enable", icon: "play", run: () => actions.enable(row, done) },
    null,
    { label: "Remove…", icon: "trash", kind: "danger", run: () => actions.remove(row, done) },
  ];
}

function limitsOf(row) {
  const parts = [
    ["upload_speed", "↑ each"],
    ["download_speed", "↓ each"],
    ["upload_bandwidth", "↑ all"],
    ["download_bandwidth", "↓ all"],
  ].flatMap(([name, word]) => (row[name] === null || row[name] === undefined ? [] : [`${word} ${speed(row[name])}`]));
  if (row.expires) parts.push(`until ${moment(row.expires)}`);
  if (row.networks?.length) parts.push(`from ${row.networks.join(", ")}`);
  return parts.join(" · ");
}

customElements.define("cargo-server-users", Users);
