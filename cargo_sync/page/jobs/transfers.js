/* The files that a job transfers now: rows that come with the feed, and end when nothing more is heard of them. */

const SILENT_S = 3;

export class Transfers {
  rows = new Map(); // by id: a transfer's row, with `heard` in seconds
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  replace(rows) {
    this.rows = new Map(rows.map((row) => [row.id, { ...row, heard: performance.now() / 1000 }]));
    this.#changed();
  }

  take(row) {
    if (row.done >= row.size) this.rows.delete(row.id);
    else this.rows.set(row.id, { ...row, heard: performance.now() / 1000 });
    this.#changed();
  }

  /** These files do not move any more, whatever was heard of them last. */
  ended(paths) {
    const gone = new Set(paths);
    for (const [id, row] of this.rows) if (gone.has(row.path)) this.rows.delete(id);
    this.#changed();
  }

  expire() {
    const now = performance.now() / 1000;
    for (const [id, row] of this.rows) if (now - row.heard > SILENT_S) this.rows.delete(id);
  }

  /** In the order in which they came, so that rows do not jump. */
  get list() {
    return [...this.rows.values()];
  }
}
