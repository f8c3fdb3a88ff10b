/* <cargo-table>: many rows, of which only those in sight are in the document.

   All rows have one height, the CSS variable --row of the table (in px), and one grid, --columns. A row is kept as
   long as its key is in sight: its cells are brought up to date in place, so what a person reads or holds does not
   jump. The arrow keys move between rows, Enter opens one, Space chooses one where rows can be chosen. Buttons in a
   row are reached by Tab from the current row only. */

import { h, mark, newId, Part, put, say, show, vary } from "./element.js";
import { setIcon } from "./icons.js";

const MARGIN = 8; // rows beyond the edge that are drawn as well
const FIRST = 12; // rows that are drawn before anything is measured
const NEAR = 20; // rows before the end from which the next page is asked for

export class Table extends Part {
  /* What a page sets before it adds the table:

     label      what the table is, for screen readers
     columns    [{key, title, class, make(cell), draw(cell, item), sort, hidden}]: `make` fills a new cell once,
                `draw` brings it up to date; without them the cell is the text of `text(item)`; `head: true` marks the
                cell that names the row; with `sort` its title is a button
     key        item -> a text that no other row has
     state      item -> the class of the row, or ""
     open       item => opens it, or null
     keys       {letter: item => …}: keys of the current row
     choosable  whether rows can be chosen
     draggable  whether rows can be dragged
     more       async () => more items were added: called near the end, until `complete`
     onsort     (key, "ascending" | "descending") => …
     onchoose   () => what is chosen has changed
     empty      what to say if there are no rows */
  label = "";
  columns = [];
  key = (item) => item.key;
  state = () => "";
  open = null;
  keys = {};
  choosable = false;
  draggable = false;
  more = null;
  complete = true;
  onsort = null;
  onchoose = () => {};
  empty = "nothing is here";
  sorted = null; // [key, "ascending" | "descending"]
  chosen = new Set();

  #items = [];
  #rows = new Map(); // key -> {element, cells, item}
  #places = new Map(); // key -> index
  #current = null; // the key of the row that Tab reaches
  #anchor = null; // where a range of chosen rows begins
  #begun = false; // whether rows were ever drawn
  #height = 36;
  #asking = false;
  #told = 0;

  build() {
    this.classList.add("table");
    this.classList.toggle("choosable", this.choosable);
    this.head = h("div.row.head", { role: "row", "aria-rowindex": 1 });
    this.body = h("div.rows", { role: "rowgroup" });
    this.none = h("p.none", { hidden: true });
    this.grid = h("div", { role: "grid" }, h("div", { role: "rowgroup" }, this.head), this.body);
    this.append(this.grid, this.none);
    this.#titles();
    this.body.addEventListener("keydown", (event) => this.#press(event));
    this.body.addEventListener("click", (event) => this.#click(event));
    this.body.addEventListener("dblclick", (event) => this.#doubleClick(event));
    this.body.addEventListener("focusin", (event) => this.#focused(event));
  }

  enter() {
    this.listen(document, "scroll", () => this.changed(), { capture: true, passive: true });
    const seen = new ResizeObserver(() => this.changed());
    seen.observe(this);
    this.signal.addEventListener("abort", () => seen.disconnect());
  }

  get items() {
    return this.#items;
  }

  /** All rows, in their order. The same keys keep their rows. */
  set items(items) {
    this.#items = items;
    this.#places = new Map(items.map((item, at) => [this.key(item), at]));
    if (!this.#places.has(this.#current)) this.#current = items.length ? this.key(items[0]) : null;
    for (const key of this.chosen) if (!this.#places.has(key)) this.#forget(key);
    this.changed();
  }

  /** Brings the rows of some items up to date, if they are in sight. */
  touch(items) {
    for (const item of items) {
      const key = this.key(item);
      const at = this.#places.get(key);
      if (at === undefined) continue;
      this.#items[at] = item;
      const row = this.#rows.get(key);
      if (row) this.#fill(row, item);
    }
  }

  /** The items that are chosen, in the order of the rows. */
  get choice() {
    return this.#items.filter((item) => this.chosen.has(this.key(item)));
  }

  choose(keys) {
    this.chosen = new Set(keys);
    this.#told += 1;
    this.onchoose();
    this.changed();
  }

  /** The item of the row that a node is in, or null. */
  itemAt(node) {
    return this.#items[this.#places.get(node?.closest?.(".row")?.dataset.key)] ?? null;
  }

  /** Moves the focus to the row with this key. */
  focusRow(key) {
    const at = this.#places.get(key);
    if (at !== undefined) this.#go(at);
  }

  #forget(key) {
    this.chosen.delete(key);
    this.onchoose();
  }

  #titles() {
    const cells = this.columns.map((column) => {
      const role = { role: "columnheader", class: `cell ${column.class ?? ""}` };
      if (!column.sort)
        return h("div", role, column.hidden ? h("span.unseen", {}, column.title) : column.title);
      const button = h("button.sorter", { type: "button", onclick: () => this.#sort(column.key) }, column.title);
      return h("div", { ...role, data: { sort: column.key } }, button);
    });
    const all = this.choosable
      ? h(
          "div.cell.choice",
          { role: "columnheader" },
          (this.everything = h("input", {
            type: "checkbox",
            "aria-label": "Choose all rows",
            onchange: () => this.choose(this.everything.checked ? this.#items.map(this.key) : []),
          })),
        )
      : null;
    put(this.head, all, cells);
  }

  #sort(key) {
    const [now, way] = this.sorted ?? [];
    this.sorted = [key, now === key && way === "ascending" ? "descending" : "ascending"];
    this.onsort?.(...this.sorted);
    this.changed();
  }

  draw() {
    if (!this.isConnected) return;
    mark(this.grid, "aria-label", this.label);
    mark(this.grid, "aria-rowcount", this.complete ? this.#items.length + 1 : -1);
    mark(this.grid, "aria-colcount", this.columns.length + (this.choosable ? 1 : 0));
    mark(this.grid, "aria-multiselectable", this.choosable ? "true" : null);
    for (const cell of this.head.querySelectorAll("[data-sort]"))
      mark(cell, "aria-sort", this.sorted?.[0] === cell.dataset.sort ? this.sorted[1] : "none");
    if (this.everything) {
      this.everything.checked = this.chosen.size > 0 && this.chosen.size === this.#items.length;
      this.everything.indeterminate = this.chosen.size > 0 && this.chosen.size < this.#items.length;
    }
    const nothing = this.#items.length === 0 && this.complete;
    show(this.none, this.#items.length === 0);
    show(this.grid, this.#items.length > 0);
    say(this.none, nothing ? this.empty : "Looking…");
    vary(this, { rows: this.#items.length });
    this.#place(...this.#inSight());
  }

  /** The first row in sight, and the one after the last.

      To measure, a browser lays out the page as it is without rows, which the first picture need not wait for. */
  #inSight() {
    if (!this.#items.length) return [0, 0];
    if (!this.#begun) {
      this.#begun = true;
      if (this.#items.length > FIRST) requestAnimationFrame(() => this.changed());
      return [0, Math.min(FIRST, this.#items.length)];
    }
    this.#height = parseFloat(getComputedStyle(this).getPropertyValue("--row")) || 36;
    const box = this.body.getBoundingClientRect();
    const frame = this.#frame();
    const first = Math.floor((frame.top - box.top) / this.#height) - MARGIN;
    const last = Math.ceil((frame.bottom - box.top) / this.#height) + MARGIN;
    return [Math.max(0, first), Math.min(this.#items.length, Math.max(0, last))];
  }

  /** What of the page can be seen: the window, or the element that scrolls around this table. */
  #frame() {
    for (let each = this.parentElement; each && each !== document.body; each = each.parentElement)
      if (/auto|scroll/.test(getComputedStyle(each).overflowY)) return each.getBoundingClientRect();
    return { top: 0, bottom: innerHeight };
  }

  #place(first, last) {
    const wanted = new Map();
    for (let at = first; at < last; at += 1) wanted.set(this.key(this.#items[at]), at);
    const held = this.#heldKey();
    if (held !== null && this.#places.has(held)) wanted.set(held, this.#places.get(held)); // the focus stays
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    for (const [key, at] of wanted) {
      let row = this.#rows.get(key);
      if (!row) {
        row = this.#make();
        this.#rows.set(key, row);
        row.element.dataset.key = key;
      }
      if (row.at !== at) {
        row.at = at;
        vary(row.element, { at });
        mark(row.element, "aria-rowindex", at + 2);
        this.#put(row.element, at);
      }
      this.#fill(row, this.#items[at]);
    }
    if (this.more && !this.complete && last > this.#items.length - NEAR) this.#ask();
  }

  /** Puts a row where a screen reader expects it: in the order of the rows. */
  #put(element, at) {
    let next = null;
    for (const other of this.body.children) {
      const place = Number(other.getAttribute("aria-rowindex")) - 2;
      if (other !== element && place > at) {
        next = other;
        break;
      }
    }
    if (element.nextSibling === next && element.parentNode === this.body) return;
    if (element.contains(document.activeElement)) return; // moving it would take the focus away
    this.body.insertBefore(element, next);
  }

  #heldKey() {
    const row = document.activeElement?.closest?.(".row[data-key]");
    return row && this.body.contains(row) ? row.dataset.key : null;
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      await this.more();
    } finally {
      this.#asking = false;
    }
  }

  #make() {
    const element = h("div.row", { role: "row", id: newId("row"), draggable: this.draggable ? "true" : null });
    const cells = this.columns.map((column) => {
      const cell = h("div", {
        role: column.head ? "rowheader" : "gridcell",
        class: `cell ${column.class ?? ""}`,
      });
      column.make?.(cell);
      return cell;
    });
    let box = null;
    if (this.choosable) {
      box = h("input", { type: "checkbox", tabindex: -1 });
      element.append(h("div.cell.choice", { role: "gridcell" }, box));
    }
    element.append(...cells);
    return { element, cells, box, item: null, at: -1 };
  }

  #fill(row, item) {
    row.item = item;
    const key = this.key(item);
    const state = this.state(item);
    if (row.state !== state) {
      row.element.className = `row ${state}`;
      row.state = state;
    }
    this.columns.forEach((column, at) => {
      if (column.draw) column.draw(row.cells[at], item);
      else if (column.text) {
        const text = column.text(item);
        say(row.cells[at], text);
        if (column.tip) mark(row.cells[at], "title", text);
      }
    });
    const current = key === this.#current;
    mark(row.element, "tabindex", current ? 0 : -1);
    if (row.current !== current) {
      row.current = current;
      for (const each of row.element.querySelectorAll("button, a, input")) each.tabIndex = current ? 0 : -1;
    }
    if (row.box) {
      const on = this.chosen.has(key);
      row.box.checked = on;
      mark(row.element, "aria-selected", on);
      mark(row.box, "aria-label", `Choose ${this.columns.find((column) => column.head)?.text?.(item) ?? "this row"}`);
    }
  }

  #focused(event) {
    const key = event.target.closest(".row")?.dataset.key;
    if (key === undefined || key === this.#current) return;
    this.#current = key;
    this.changed();
  }

  #press(event) {
    const row = event.target.closest(".row");
    const at = this.#places.get(row?.dataset.key);
    if (at === undefined || event.altKey || event.metaKey) return;
    if (event.ctrlKey && event.key !== "a") return;
    const typed = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (typed) return;
    const page = Math.max(1, Math.floor(innerHeight / this.#height) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const item = this.#items[at];
    if (event.key in moves) {
      const next = Math.max(0, Math.min(this.#items.length - 1, at + moves[event.key]));
      if (event.shiftKey && this.choosable) this.#range(next);
      this.#go(next);
    } else if (event.key === "Enter" && event.target === row && this.open) this.open(item);
    else if (event.key === " " && event.target === row && this.choosable) this.#flip(at);
    else if (event.key === "a" && event.ctrlKey && this.choosable) this.choose(this.#items.map(this.key));
    else if (event.target === row && !event.ctrlKey && this.keys[event.key]) this.keys[event.key](item);
    else return;
    event.preventDefault();
  }

  #click(event) {
    const row = event.target.closest(".row");
    const at = this.#places.get(row?.dataset.key);
    if (at === undefined) return;
    if (event.target.matches(".choice input")) {
      if (event.shiftKey && this.#anchor !== null) this.#range(at);
      else this.#flip(at);
      return;
    }
    if (event.target.closest("button, a, input, select")) return;
    if (!this.choosable) {
      if (this.open && !String(getSelection())) this.open(this.#items[at]);
      return;
    }
    if (event.shiftKey) this.#range(at);
    else if (event.ctrlKey || event.metaKey) this.#flip(at);
    else row.focus();
  }

  #doubleClick(event) {
    const at = this.#places.get(event.target.closest(".row")?.dataset.key);
    if (at === undefined || !this.choosable || !this.open) return;
    if (!event.target.closest("button, a, input, select")) this.open(this.#items[at]);
  }

  #flip(at) {
    const key = this.key(this.#items[at]);
    const next = new Set(this.chosen);
    if (!next.delete(key)) next.add(key);
    this.#anchor = at;
    this.choose(next);
  }

  #range(to) {
    const from = (this.#anchor ??= this.#places.get(this.#current) ?? to);
    const [low, high] = from < to ? [from, to] : [to, from];
    this.choose(this.#items.slice(low, high + 1).map(this.key));
  }

  #go(at) {
    this.#current = this.key(this.#items[at]);
    const box = this.body.getBoundingClientRect();
    const frame = this.#frame();
    const top = box.top + at * this.#height;
    const over = frame.top + this.#covered() - top;
    const under = top + this.#height - frame.bottom;
    const by = over > 0 ? -over : under > 0 ? under : 0;
    if (by) this.#scroller().scrollBy({ top: by });
    this.draw();
    this.#rows.get(this.#current)?.element.focus({ preventScroll: true });
  }

  /** Pixels at the top of the frame that a fixed bar may cover. */
  #covered() {
    return parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--covered")) || 0;
  }

  #scroller() {
    for (let each = this.parentElement; each && each !== document.body; each = each.parentElement)
      if (/auto|scroll/.test(getComputedStyle(each).overflowY)) return each;
    return window;
  }
}

customElements.define("cargo-table", Table);
