/* What a folder holds, as rows of its table: read in parts, sorted, and read again when others change it. */

import { sleep } from "../common/control.js";
import { refuse } from "../common/toast.js";

const POLL = 50;
const CALM_MS = 1_000;
const LATER_MS = 15_000;
const ORDER = new Intl.Collator(undefined, { numeric: true });

/** Keeps the rows of a table.

    folder      {server, workspace, path}
    table       gets the rows
    drawn()     they are other ones now
    read()      the folder was read; a promise, whose error is told as one of reading
    wrong(why)  it could not be read */
export class Reading {
  #next = null; // where the next part begins; null: all is read
  #turn = 0;
  #signal = null;
  #timer = null;

  constructor({ server, workspace, path }, table, { drawn, read, wrong }) {
    Object.assign(this, { server, workspace, path, table, drawn, read, wrong });
  }

  /** Reads, and goes on until `signal` ends it. */
  begin(signal) {
    this.#signal = signal;
    this.refresh();
    this.#watch();
  }

  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (!this.#signal.aborted) this.refresh();
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
        const page = await this.server.list(this.workspace, this.path, next, this.#signal);
        rows.push(...page.rows);
        next = page.next;
      } while (next !== null && rows.length < wanted);
      if (turn !== this.#turn) return;
      this.#next = next;
      this.#show(rows);
      await this.read();
    } catch (error) {
      if (error.name === "AbortError" || turn !== this.#turn) return;
      this.wrong(error);
      this.table.complete = true;
      this.table.items = [];
    }
  }

  /** Reads the next part. Whether it, or what came meanwhile, can be gone on with. */
  async more() {
    if (this.#next === null) return true;
    const turn = this.#turn;
    try {
      const page = await this.server.list(this.workspace, this.path, this.#next, this.#signal);
      if (turn !== this.#turn) return true;
      this.#next = page.next;
      this.#show([...this.table.items, ...page.rows]);
      return true;
    } catch (error) {
      if (error.name !== "AbortError") refuse(error);
      return false;
    }
  }

  #show(rows) {
    this.table.complete = this.#next === null;
    if (this.table.complete) this.#ordered(rows);
    this.table.items = rows;
    this.drawn();
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

  /** Sorts the rows as the table says, when all are there. */
  async sort() {
    while (this.#next !== null) if (!(await this.more())) return;
    const rows = [...this.table.items];
    this.#ordered(rows);
    this.table.items = rows;
  }

  /** Waits for changes by others while the tab is seen. */
  async #watch() {
    const signal = this.#signal;
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
