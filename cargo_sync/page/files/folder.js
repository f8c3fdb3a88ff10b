/* <cargo-folder>: what is in a folder (reading.js, columns.js), and what can be done with it (changes.js). */

import { h, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { to } from "../common/router.js";
import { refuse } from "../common/toast.js";
import { count, escaped, number, size } from "../common/words.js";
import { Changes } from "./changes.js";
import { ofDrop, ofInput } from "./chosen.js";
import { columns } from "./columns.js";
import { download } from "./download.js";
import { dragRows } from "./moving.js";
import { Reading } from "./reading.js";
import { join, nameOf } from "./server.js";

export class FolderPage extends Part {
  app = null;
  workspace = "";
  path = "";
  #depth = 0; // of elements that something is dragged over

  get heading() {
    return escaped(nameOf(this.path) || this.workspace);
  }

  get server() {
    return this.app.server;
  }

  get uploads() {
    return this.app.uploads;
  }

  get #access() {
    return this.server.access(this.workspace);
  }

  build() {
    const writes = this.#access !== "ro";
    const changes = this.#access === "rw";
    const reads = this.#access !== "wo";
    const pick = (props) => h("input", { type: "file", multiple: true, hidden: true, "aria-hidden": "true", tabindex: -1, ...props, onchange: (event) => this.#picked(event.target) });
    this.files = pick({});
    this.folders = pick({ webkitdirectory: true });
    const add = h(
      "button.primary",
      { type: "button", "aria-haspopup": "menu" },
      icon("up"),
      "Upload",
    );
    add.addEventListener("click", () =>
      menu(add, [
        { label: "Files…", icon: "file", run: () => this.files.click() },
        { label: "A folder…", icon: "folder", run: () => this.folders.click() },
      ]),
    );
    const make = h("button", { type: "button", onclick: () => this.changes.make() }, icon("plus"), "New folder");
    const all = h("button", { type: "button", onclick: () => this.#save([{ kind: "d" }], [this.path]) }, icon("down"), h("span", {}, "Download all"));
    const trash = h("a.button", { href: to("trash", this.workspace) }, icon("trash"), "Trash");
    this.words = h("p.muted.grow", { "aria-live": "polite" });
    this.tools = [
      reads ? tool("down", "Download", () => this.#saveChosen()) : null,
      changes ? (this.rename = tool("edit", "Rename…", () => this.changes.rename(this.table.choice[0]))) : null,
      changes ? tool("folder", "Move…", () => this.changes.move(this.table.choice)) : null,
      changes ? tool("trash", "Delete…", () => this.changes.remove(this.table.choice)) : null,
    ].filter(Boolean);
    this.chosen = h("div.line.choosing", { hidden: true }, this.words, this.tools);
    this.table = h(`cargo-table.files${reads ? ".choosable" : ""}`);
    this.reading = new Reading(this, this.table, { drawn: () => this.#drawChosen(), read: () => this.#read(), wrong: (error) => this.#tell(error) });
    this.changes = new Changes(this, this.table, this.reading);
    Object.assign(this.table, {
      label: "Files and folders",
      columns: columns(this, { reads, changes, follow: (event, row) => this.#follow(event, row), actions: (row) => this.#actions(row, reads, changes) }),
      key: (row) => row.name,
      choosable: reads,
      open: (row) => this.#open(row),
      draggable: changes,
      keys: changes ? { Delete: (row) => this.changes.remove(this.#meant(row)), F2: (row) => this.changes.rename(row), m: (row) => this.changes.move(this.#meant(row)) } : {},
      more: () => this.reading.more(),
      complete: false,
      onsort: () => this.reading.sort(),
      onchoose: () => this.#drawChosen(),
      empty: writes ? "Nothing is here yet. Drop files here, or choose Upload." : "Nothing is here.",
    });
    put(
      this,
      h(
        "div.page-head",
        {},
        h("div.grow", {}, h("h1", {}, this.#crumbs()), (this.quota = h("p.muted.small", { hidden: true }))),
        h("div.buttons", {}, writes ? add : null, writes ? make : null, reads ? all : null, changes ? trash : null),
      ),
      this.#access === "wo" ? h("p.note", {}, icon("held"), "This is a drop box: you can put files here, and you see only the names of your own.") : null,
      (this.wrong = h("p.note.bad", { role: "alert", hidden: true })),
      h("section.sheet", { "aria-label": "What is here" }, this.chosen, this.table),
      this.files,
      this.folders,
      (this.board = h("div.drop", { hidden: true, "aria-hidden": "true" }, h("p", {}, icon("up"), "Drop to upload"))),
    );
  }

  #crumbs() {
    const parts = this.path ? this.path.split("/") : [];
    const above = [h("a", { href: to("files", this.workspace) }, escaped(this.workspace))];
    parts.forEach((part, at) => above.push(h("a", { href: to("files", this.workspace, ...parts.slice(0, at + 1)) }, escaped(part))));
    const here = above.pop();
    here.removeAttribute("href");
    this.above = above.map((link, at) => [link, parts.slice(0, at).join("/")]);
    return [h("span.path", {}, above.map((link) => [link, h("span.slash", { "aria-hidden": "true" }, "/")]), h("span", {}, here.textContent))];
  }

  #actions(row, reads, changes) {
    const get = { label: row.kind === "d" ? "Download as a zip" : "Download", icon: "down", off: row.kind === "l", run: () => this.#save([row], [join(this.path, row.name)]) };
    const own = [
      { label: "Rename…", icon: "edit", run: () => this.changes.rename(row) },
      { label: "Move to…", icon: "folder", run: () => this.changes.move([row]) },
      { label: "Delete…", icon: "trash", kind: "danger", run: () => this.changes.remove([row]) },
    ];
    return [...(reads ? [get] : []), ...(reads && changes ? [null] : []), ...(changes ? own : [])];
  }

  enter() {
    if (this.#access !== "ro") this.#takeDrops();
    if (this.#access === "rw")
      dragRows({
        table: this.table,
        links: () => this.above,
        rows: (row) => this.#meant(row),
        path: this.path,
        drop: (rows, to) => this.changes.moveTo(rows, to),
        signal: this.signal,
      });
    this.reading.begin(this.signal);
  }

  /** The folder could be read: how much of the quota is used, if there is one. */
  async #read() {
    show(this.wrong, false);
    if (!this.server.workspaces.get(this.workspace)?.quota) return;
    await this.server.readWorkspaces();
    const { quota, used } = this.server.workspaces.get(this.workspace) ?? {};
    if (!quota) return;
    const bytes = quota.bytes === null ? [] : [`${size(used.bytes)} of ${size(quota.bytes)}`];
    const files = quota.files === null ? [] : [`${number(used.files)} of ${count(quota.files, "file")}`];
    say(this.quota, `${[...bytes, ...files].join(", ")} used`);
    show(this.quota, bytes.length + files.length > 0);
  }

  #tell(error) {
    put(this.wrong, icon("warning"), error.code === "unknown" ? "There is no such folder here any more." : error.message);
    show(this.wrong, true);
  }

  /** The rows that are meant by an action on one: all that are chosen, if it is among them. */
  #meant(row) {
    return this.table.chosen.has(row.name) ? this.table.choice : [row];
  }

  #follow(event, row) {
    if (row.kind === "d") return;
    event.preventDefault();
    this.#open(row);
  }

  #open(row) {
    const path = join(this.path, row.name);
    if (row.kind === "d") location.hash = to("files", this.workspace, ...path.split("/"));
    else if (row.kind === "f" && this.#access !== "wo") this.#save([row], [path]);
  }

  async #save(rows, paths) {
    try {
      await download(this.server, this.workspace, rows, paths);
    } catch (error) {
      refuse(error);
    }
  }

  #saveChosen() {
    const rows = this.table.choice.filter((row) => row.kind !== "l");
    return this.#save(rows, rows.map((row) => join(this.path, row.name)));
  }

  #picked(input) {
    const chosen = ofInput(input);
    this.changes.send(chosen);
    input.value = "";
  }

  #takeDrops() {
    const holds = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
    const turn = (by) => {
      this.#depth = Math.max(0, this.#depth + by);
      show(this.board, this.#depth > 0);
    };
    this.listen(window, "dragenter", (event) => holds(event) && turn(1));
    this.listen(window, "dragleave", (event) => holds(event) && turn(-1));
    this.listen(window, "dragover", (event) => holds(event) && event.preventDefault());
    this.listen(window, "drop", (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      turn(-this.#depth);
      ofDrop(event.dataTransfer).then((chosen) => this.changes.send(chosen), refuse);
    });
  }

  #drawChosen() {
    const { choice, items, complete } = this.table;
    const rows = choice.length ? choice : items;
    const bytes = rows.reduce((sum, row) => sum + (row.kind === "f" ? row.size : 0), 0);
    const more = choice.length || complete ? "" : " and more";
    say(this.words, `${count(rows.length, "entry", "entries")}${more}${choice.length ? " chosen" : ""}${bytes ? `, ${size(bytes)}` : ""}`);
    show(this.chosen, items.length > 0); // always in its place: the rows do not jump
    for (const each of this.tools) show(each, choice.length > 0 && (each !== this.rename || choice.length === 1));
  }
}

customElements.define("cargo-folder", FolderPage);

/** A button for what is chosen: without its word on a phone. */
function tool(picture, word, run) {
  return h("button.tool", { type: "button", "aria-label": word, title: word, onclick: run }, icon(picture), h("span.word", {}, word));
}
