/* HTTP callbacks of a job that wait or were given up. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { refuse, toast } from "../common/toast.js";
import { count, escaped, exactly, moment, until } from "../common/words.js";
import { Pages } from "../common/lists.js";

const LIMIT = 200;

class Callbacks extends Part {
  job = null;
  #events = "";

  build() {
    const may = this.app.control.may(this.source);
    this.words = h("p.muted.grow");
    this.all = h("button", { type: "button", hidden: true, onclick: () => this.#retry({ job: this.name }) }, icon("sync"), "Try all again");
    this.tests = h("div.buttons");
    this.table = h("cargo-table", { class: "callbacks" });
    Object.assign(this.table, {
      label: "Callbacks that are not delivered",
      key: (row) => row.id,
      state: (row) => (row.state === "dead" ? "error" : ""),
      empty: "No callback waits: all were delivered.",
      columns: [
        {
          key: "event",
          title: "Event",
          class: "event",
          make: (cell) => put(cell, (cell.mark = h("span.state")), " ", (cell.word = h("span.muted"))),
          draw(cell, row) {
            say(cell.mark, row.state === "dead" ? "given up" : "waits");
            cell.mark.className = `state ${row.state === "dead" ? "error" : "rest"}`;
            say(cell.word, row.event);
          },
        },
        { key: "file", title: "About", head: true, class: "path", tip: true, text: (row) => escaped(row.file ?? "the job") },
        { key: "error", title: "Last answer", class: "error wide-only", tip: true, text: (row) => escaped(row.error) },
        {
          key: "next",
          title: "Next try",
          class: "number",
          draw(cell, row) {
            const tries = count(row.attempts, "try", "tries");
            say(cell, row.next_at ? `${until(row.next_at, Date.now() / 1000)}, after ${tries}` : tries);
            mark(cell, "title", `since ${moment(row.created)}${row.next_at ? `, next ${exactly(row.next_at)}` : ""}`);
          },
        },
        {
          key: "again",
          title: "Again",
          hidden: true,
          class: "free actions",
          make: (cell) => {
            cell.button = h("button.small", { type: "button", onclick: () => this.#retry({ id: cell.row.id }) }, "Try now");
            put(cell, cell.button);
          },
          draw(cell, row) {
            cell.row = row;
            show(cell.button, may);
            mark(cell.button, "aria-label", `Try now: ${row.event} of ${escaped(row.file ?? "the job")}`);
          },
        },
      ],
    });
    this.pages = new Pages(this.table, (next) => this.#page(next));
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Callbacks" },
        h("header", {}, h("h2", {}, "Callbacks"), this.words, this.all),
        h("div.body.tight", {}, this.tests),
        this.table,
      ),
    );
  }

  enter() {
    this.refresh();
    this.every(10, () => this.refresh());
  }

  draw() {
    const events = this.job?.settings?.events ?? [];
    if (this.#events === events.join()) return;
    this.#events = events.join();
    const may = this.app.control.may(this.source);
    put(
      this.tests,
      events.map((event) => h("button.small.quiet", { type: "button", disabled: !may, onclick: () => this.#test(event) }, icon("bell"), `Test ${event}`)),
      events.length ? null : h("p.muted", {}, "The file of this job has no callbacks."),
    );
  }

  refresh() {
    return this.pages.restart();
  }

  async #page(next) {
    const args = { job: this.name, limit: LIMIT, ...(next === null ? {} : { after: next }) };
    const { callbacks, totals, next: more } = await this.app.control.call(this.source, "callback.list", args, { signal: this.signal });
    const { pending = 0, dead = 0 } = totals;
    const words = [pending ? `${pending} ${pending === 1 ? "waits" : "wait"}` : "", dead ? `${dead} given up` : ""];
    say(this.words, words.filter(Boolean).join(", "));
    show(this.all, this.app.control.may(this.source) && pending + dead > 0);
    return { rows: callbacks, next: more };
  }

  async #retry(args) {
    try {
      const { count: number } = await this.app.control.call(this.source, "callback.retry", args);
      toast(`${count(number, "callback")} tried again`);
      await this.refresh();
    } catch (error) {
      refuse(error);
    }
  }

  async #test(event) {
    try {
      const answer = await this.app.control.call(this.source, "callback.test", { job: this.name, event });
      if (answer.delivered) toast(`${event}: accepted with ${answer.status} in ${answer.seconds} s`);
      else toast(`${event} was not accepted: ${answer.error || answer.status}`, { kind: "bad" });
    } catch (error) {
      refuse(error);
    }
  }
}

customElements.define("cargo-callbacks", Callbacks);
