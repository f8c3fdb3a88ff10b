/* A list that is read page by page. */

import { refuse } from "./toast.js";

/** Fills a table with pages of rows.

    read(next)  asks for a page: {rows, next}; `next` is null for the first page, and after the last one
    after       called with each answer */
export class Pages {
  #turn = 0;
  #next = null;

  constructor(table, read, after = () => {}) {
    this.table = table;
    this.read = read;
    this.after = after;
    table.more = () => this.more();
  }

  /** Begins with the first page again. */
  async restart() {
    this.#turn += 1;
    this.#next = null;
    this.table.complete = false;
    await this.#page([], this.#turn);
  }

  async more() {
    if (this.#next !== null) await this.#page(this.table.items, this.#turn);
  }

  async #page(before, turn) {
    try {
      const answer = await this.read(this.#next);
      if (turn !== this.#turn) return; // another list was asked for meanwhile
      this.#next = answer.next ?? null;
      this.table.complete = this.#next === null;
      this.table.items = [...before, ...answer.rows];
      this.after(answer);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.table.complete = true;
      this.table.changed();
      refuse(error);
    }
  }
}

/** Calls `run` when nothing was typed for a moment. */
export function calmly(run, ms = 250) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
}
