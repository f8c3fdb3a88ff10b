/* <cargo-folder>: what is in a folder, and what can be done with it. */

import { confirm } from "../common/dialog.js";
import { h, mark, Part, put, say, show } from "../common/element.js";
import { sleep } from "../common/control.js";
import { icon, setIcon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { count, escaped, exactly, moment, number, size } from "../common/words.js";
import { ofDrop, ofInput } from "./chosen.js";
import { download } from "./download.js";
import { askWhere, dragRows, move, whatOf } from "./moving.js";
import { askName } from "./questions.js";
import { join, nameOf, parentOf } from "./server.js";

const POLL = 50;
const CALM_MS = 1_000;
const LATER_MS = 15_000;
const ICONS = { f: "file", d: "folder", l: "link" };
const ORDER = new Intl.Collator(undefined, { numeric: true });

export class FolderPage extends Part {
  app = null;
  workspace = "";
  path = "";
  #next = null;
  #turn = 0;
  #depth = 0;

  get heading() {
    return escaped(nameOf(this.path) || this.workspace);
  }

  get server() {
    return this.app.server;
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
    const make = h("button", { type: "button", onclick: () => this.#make() }, icon("plus"), "New folder");
    const all = h("button", { type: "button", onclick: () => this.#save([{ kind: "d" }], [this.path]) }, icon("down"), h("span", {}, "Download all"));
    const trash = h("a.button", { href: to("trash", this.workspace) }, icon("trash"), "Trash");
    this.words = h("p.muted.grow", { "aria-live": "polite" });
    this.tools = [
      reads ? tool("down", "Download", () => this.#saveChosen()) : null,
      changes ? (this.rename = tool("edit", "Rename…", () => this.#rename(this.table.choice[0]))) : null,
      changes ? tool("folder", "Move…", () => this.#move(this.table.choice)) : null,
      changes ? tool("trash", "Delete…", () => this.#remove(this.table.choice)) : null,
    ].filter(Boolean);
    this.chosen = h("div.line.choosing", { hidden: true }, this.words, this.tools);
    this.table = h(`cargo-table.files${reads ? ".choosable" : ""}`);
    Object.assign(this.table, {
      label: "Files and folders",
      columns: this.#columns(reads, changes),
      key: (row) => row.name,
      choosable: reads,
      open: (row) => this.#open(row),
      draggable: changes,
      keys: changes ? { Delete: (row) => this.#remove(this.#meant(row)), F2: (row) => this.#rename(row), m: (row) => this.#move(this.#meant(row)) } : {},
      more: () => this.#more(),
      complete: false,
      onsort: () => this.#sort(),
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

  #columns(reads, changes) {
    return [
      {
        key: "name",
        title: "Name",
        head: true,
        class: "name",
        sort: true,
        text: (row) => escaped(row.name),
        make: (cell) => {
          cell.link = h("a.cut", { onclick: (event) => this.#follow(event, cell.row) });
          put(cell, icon("file"), cell.link);
        },
        draw: (cell, row) => {
          cell.row = row;
          setIcon(cell, ICONS[row.kind] ?? "file");
          say(cell.link, escaped(row.name) + (row.kind === "l" ? ` → ${escaped(row.target)}` : ""));
          mark(cell.link, "title", cell.link.textContent);
          const opens = row.kind === "d" || (row.kind === "f" && reads);
          mark(cell.link, "href", opens ? to("files", this.workspace, ...join(this.path, row.name).split("/")) : null);
        },
      },
      { key: "size", title: "Size", class: "number size", sort: true, text: (row) => (row.kind === "f" ? size(row.size) : "") },
      {
        key: "mtime_ns",
        title: "Changed",
        class: "number when",
        sort: true,
        draw: (cell, row) => {
          const time = row.kind === "f" ? row.mtime_ns / 1e9 : null;
          say(cell, moment(time));
          mark(cell, "title", exactly(time));
        },
      },
      {
        key: "more",
        title: "Actions",
        hidden: true,
        class: "free actions",
        make: (cell) => {
          cell.button = h("button.icon-only.quiet.small", { type: "button", "aria-haspopup": "menu" }, icon("more"));
          cell.button.addEventListener("click", () => menu(cell.button, this.#actions(cell.row, reads, changes)));
          put(cell, cell.button);
        },
        draw: (cell, row) => {
          cell.row = row;
          show(cell.button, reads || changes);
          mark(cell.button, "aria-label", `What to do with ${escaped(row.name)}`);
        },
      },
    ];
  }

  #actions(row, reads, changes) {
    const get = { label: row.kind === "d" ? "Download as a zip" : "Download", icon: "down", off: row.kind === "l", run: () => this.#save([row], [join(this.path, row.name)]) };
    const own = [
      { label: "Rename…", icon: "edit", run: () => this.#rename(row) },
      { label: "Move to…", icon: "folder", run: () => this.#move([row]) },
      { label: "Delete…", icon: "trash", kind: "danger", run: () => this.#remove([row]) },
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
        drop: (rows, to) => this.#moveTo(rows, to),
        signal: this.signal,
      });
    this.refresh();
    this.#watch();
  }

  // -- reading ---------------------------------------------------------------------------------------------------------

  #timer = null;

  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.isConnected) this.refresh();
    }, CALM_MS);
  }

  /** Reads the folder again, as far as it was read before. */
  async refresh() {
    const turn = (this.#turn += 1);
    const wanted = this.table.items?.length ?? 0;
    const rows = [];
    try {
      let next = "";
      do {
        const page = await this.server.list(this.workspace, this.path, next, this.signal);
        rows.push(...page.rows);
        next = page.next;
      } while (next !== null && rows.length < wanted);
      if (turn !== this.#turn) return;
      this.#next = next;
      show(this.wrong, false);
      this.#show(rows);
      await this.#drawQuota();
    } catch (error) {
      if (error.name === "AbortError" || turn !== this.#turn) return;
      put(this.wrong, icon("warning"), error.code === "unknown" ? "There is no such folder here any more." : error.message);
      show(this.wrong, true);
      this.table.complete = true;
      this.table.items = [];
    }
  }

  /** How much of the quota is used, if there is one. */
  async #drawQuota() {
    if (!this.server.workspaces.get(this.workspace)?.quota) return;
    await this.server.readWorkspaces();
    const { quota, used } = this.server.workspaces.get(this.workspace) ?? {};
    if (!quota) return;
    const bytes = quota.bytes === null ? [] : [`${size(used.bytes)} of ${size(quota.bytes)}`];
    const files = quota.files === null ? [] : [`${number(used.files)} of ${count(quota.files, "file")}`];
    say(this.quota, `${[...bytes, ...files].join(", ")} used`);
    show(this.quota, bytes.length + files.length > 0);
  }

  async #more() {
    if (this.#next === null) return;
    const turn = this.#turn;
    try {
      const page = await this.server.list(this.workspace, this.path, this.#next, this.signal);
      if (turn !== this.#turn) return;
      this.#next = page.next;
      this.#show([...this.table.items, ...page.rows]);
    } catch (error) {
      refuse(error);
    }
  }

  #show(rows) {
    this.table.complete = this.#next === null;
    if (this.table.complete) this.#ordered(rows);
    this.table.items = rows;
    this.#drawChosen();
  }

  /** In the chosen order, folders first. A folder that is not read completely stays in the order of the names. */
  #ordered(rows) {
    const [key, way] = this.table.sorted ?? ["name", "ascending"];
    const turn = way === "descending" ? -1 : 1;
    rows.sort((one, other) => {
      const folders = (other.kind === "d") - (one.kind === "d");
      const by = key === "name" ? 0 : one[key] - other[key];
      return folders || turn * (by || ORDER.compare(one.name, other.name));
    });
  }

  async #sort() {
    while (this.#next !== null && this.isConnected) await this.#more();
    const rows = [...this.table.items];
    this.#ordered(rows);
    this.table.items = rows;
  }

  /** Waits for changes by others while the tab is seen. */
  async #watch() {
    const signal = this.signal;
    try {
      let since = this.server.workspaces.get(this.workspace)?.sequence ?? 0;
      while (!signal.aborted) {
        if (document.hidden) await seen(signal);
        try {
          const { sequence, changed } = await this.server.change(this.workspace, this.path, since, POLL, signal);
          since = Math.max(sequence, 0);
          if (changed) this.#soon();
          if (changed) await sleep(CALM_MS, signal);
        } catch (error) {
          if (error.name === "AbortError" || error.status === 401 || error.status === 403) return;
          await sleep(LATER_MS, signal);
        }
      }
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  // -- doing -----------------------------------------------------------------------------------------------------------

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

  #make() {
    return askName("New folder", "Name", "", "Make", async (name) => {
      const path = join(this.path, name);
      if (this.table.items.some((row) => row.name === name)) throw new Error("something has this name already");
      done(await this.server.operate(this.workspace, [{ op: "mkdir", path, expected: 0 }]));
      await this.refresh();
      this.table.focusRow(name);
    });
  }

  #rename(row) {
    if (!row) return undefined;
    return askName("Rename", "New name", row.name, "Rename", async (name) => {
      if (name === row.name) return;
      const operation = { op: "move", path: join(this.path, row.name), to: join(this.path, name), expected: row.version };
      done(await this.server.operate(this.workspace, [operation]));
      this.table.choose([]);
      await this.refresh();
      this.table.focusRow(name);
    });
  }

  async #move(rows) {
    if (!rows.length) return;
    const to = await askWhere(this.server, this.workspace, this.path, rows);
    if (to === null) await this.refresh(); // some may have been moved before one could not be
    else await this.#moved(rows, to);
  }

  async #moveTo(rows, to) {
    try {
      await move(this.server, this.workspace, this.path, rows, to);
      await this.#moved(rows, to);
    } catch (error) {
      refuse(error);
      await this.refresh();
    }
  }

  async #moved(rows, to) {
    const where = to === "" ? this.workspace : nameOf(to);
    const open = () => (location.hash = addressOf(this.workspace, to));
    toast(`${whatOf(rows)} ${rows.length === 1 ? "is" : "are"} in ${escaped(where)} now`, { action: ["Show", open] });
    this.table.choose([]);
    await this.refresh();
  }

  async #remove(rows) {
    if (!rows.length) return;
    const one = rows.length === 1;
    const what = one ? escaped(rows[0].name) : count(rows.length, "entry", "entries");
    const run = newRun();
    const gone = await confirm(`Delete ${what}?`, `${one ? "It goes" : "They go"} to the trash, and can be put back from there.`, "Delete", async () => {
      const folders = rows.some((row) => row.kind === "d");
      const seen = folders ? await this.server.sequence(this.workspace) : null;
      const operations = rows.map((row) => ({ op: "delete", path: join(this.path, row.name), expected: row.version, ...(row.kind === "d" ? { seen } : {}) }));
      try {
        done(await this.server.operate(this.workspace, operations, run));
      } finally {
        this.table.choose([]);
        await this.refresh();
      }
    });
    if (gone) toast(`${what} ${one ? "is" : "are"} in the trash`, { action: ["Put back", () => this.#undo(run)] });
  }

  async #undo(run) {
    try {
      const { rows } = await this.server.trash(this.workspace, { run });
      done(await this.server.restore(this.workspace, rows.map((row) => row.id)));
      await this.refresh();
    } catch (error) {
      refuse(error);
    }
  }

  #picked(input) {
    const chosen = ofInput(input);
    this.#send(chosen);
    input.value = "";
  }

  async #send({ files, folders }) {
    try {
      this.app.uploads.add(this.workspace, this.path, files);
      if (folders.length) done(await this.server.operate(this.workspace, folders.map((path) => ({ op: "mkdir", path: join(this.path, path), expected: 0 }))));
      if (folders.length) await this.refresh();
    } catch (error) {
      refuse(error);
    }
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
      ofDrop(event.dataTransfer).then((chosen) => this.#send(chosen), refuse);
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

/** The address of a folder. */
function addressOf(workspace, path) {
  return to("files", workspace, ...(path ? path.split("/") : []));
}

/** A button for what is chosen: without its word on a phone. */
function tool(picture, word, run) {
  return h("button.tool", { type: "button", "aria-label": word, title: word, onclick: run }, icon(picture), h("span.word", {}, word));
}

/** Throws the first refusal of some results. */
function done(results) {
  const failed = results.find((one) => one.code !== "done");
  if (failed) throw Object.assign(new Error(failed.message), { hint: failed.hint ?? "" });
}

/** The name of a run in the trash: by it, what was deleted now is found again. */
function newRun() {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return `${time}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** A promise for the moment in which the tab is seen again. */
function seen(signal) {
  return new Promise((done) => {
    const look = () => {
      if (!document.hidden || signal.aborted) done();
    };
    document.addEventListener("visibilitychange", look, { signal });
    signal.addEventListener("abort", look, { once: true });
  });
}
