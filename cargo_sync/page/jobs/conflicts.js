/* Paths that both sides changed, side by side, and what to do about each. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { refuse, toast } from "../common/toast.js";
import { escaped, exactly, moment, number, size } from "../common/words.js";

const LIMIT = 50;
const STATES = [["open", "Open"], ["resolved", "Decided"]];
const CHOICES = { keep_both: "both are kept", local: "the version here wins", remote: "the server's version wins" };

class Conflicts extends Part {
  job = null;
  #state = "open";
  #next = null;
  #turn = 0;
  #open = null;

  build() {
    this.buttons = STATES.map(([name, word]) => {
      const tally = h("span.tally");
      return { name, tally, button: h("button", { type: "button", onclick: () => this.#turnTo(name) }, word, " ", tally) };
    });
    this.list = h("ul.conflicts");
    this.none = h("p.none", { hidden: true });
    this.more = h("button", { type: "button", hidden: true, onclick: () => this.#read() }, "Show more");
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Conflicts" },
        h(
          "header",
          {},
          h("h2", {}, "Changed on both sides"),
          h("div.segments", { role: "group", "aria-label": "Which conflicts" }, this.buttons.map(({ button }) => button)),
        ),
        this.none,
        this.list,
        h("div.body.center", {}, this.more),
      ),
    );
  }

  enter() {
    this.refresh();
  }

  /** A decision is carried out by a run, which says nothing but how many are open then. */
  draw() {
    const open = this.job?.conflicts ?? null;
    if (open === null || open === this.#open) return;
    const first = this.#open === null;
    this.#open = open;
    if (!first) this.refresh();
  }

  #turnTo(state) {
    this.#state = state;
    this.refresh();
  }

  async refresh() {
    this.#next = null;
    put(this.list);
    await this.#read();
  }

  async #read() {
    const turn = (this.#turn += 1);
    for (const { name, button } of this.buttons) mark(button, "aria-pressed", name === this.#state);
    try {
      const args = { job: this.name, state: this.#state, limit: LIMIT, ...(this.#next === null ? {} : { after: this.#next }) };
      const { conflicts, totals, next } = await this.app.control.call(this.source, "conflict.list", args, { signal: this.signal });
      if (turn !== this.#turn) return;
      this.#next = next;
      this.list.append(...conflicts.map((row) => this.#card(row)));
      for (const { name, tally } of this.buttons) say(tally, number(totals[name] ?? 0));
      show(this.more, next !== null);
      say(this.none, this.#state === "open" ? "No conflict waits for a decision." : "No conflict was decided yet.");
      show(this.none, !this.list.children.length);
    } catch (error) {
      refuse(error);
    }
  }

  #card(row) {
    const newer = later(row.local, row.remote);
    const may = this.app.control.may(this.source) && row.state === "open" && row.choice === null;
    const decide = (choice, word) =>
      h("button", { type: "button", onclick: () => this.#resolve(row, choice, card), "aria-label": `${word}: ${escaped(row.path)}` }, word);
    const card = h(
      "li.conflict",
      {},
      h("header", {}, h("h3.mono", {}, escaped(row.path)), h("span.muted.small", { title: exactly(row.time) }, `seen ${moment(row.time)}`)),
      h(
        "div.sides",
        {},
        side("Here", row.local, newer === "local", may ? decide("local", "Keep this one") : null),
        side("On the server", row.remote, newer === "remote", may ? decide("remote", "Keep this one") : null),
      ),
      h(
        "footer",
        {},
        h("p.muted.small", {}, base(row.base)),
        row.choice
          ? h("p", {}, icon("check"), ` ${CHOICES[row.choice] ?? row.choice}`, row.copy ? h("span.mono", {}, `: ${escaped(row.copy)}`) : null)
          : row.state === "resolved"
            ? h("p.muted", {}, "both sides became the same by themselves")
            : may
              ? decide("keep_both", "Keep both")
              : null,
      ),
    );
    return card;
  }

  async #resolve(row, choice, card) {
    for (const button of card.querySelectorAll("button")) button.disabled = true;
    try {
      const { waits } = await this.app.control.call(this.source, "conflict.resolve", { id: row.id, choice });
      toast(`${escaped(row.path)}: ${CHOICES[choice]}${waits ? `, as soon as the job runs: ${waits}` : ""}`);
      await this.refresh();
    } catch (error) {
      refuse(error);
      if (error.code === "changed") this.refresh();
      else for (const button of card.querySelectorAll("button")) button.disabled = false;
    }
  }
}

function later(local, remote) {
  if (!local?.mtime || !remote?.mtime || local.mtime === remote.mtime) return "";
  return local.mtime > remote.mtime ? "local" : "remote";
}

function side(title, what, newer, button) {
  const facts = what
    ? [
        ["Size", what.kind === "file" ? size(what.size) : what.kind === "link" ? `link to ${escaped(what.target ?? "")}` : "folder"],
        ["Changed", what.kind === "file" ? exactly(what.mtime) : ""],
        ["Content", what.hash ? what.hash.slice(0, 12) : ""],
      ]
    : [];
  return h(
    "section",
    { "aria-label": title },
    h("div.line", {}, h("h4", {}, title), newer ? h("span.state.busy", {}, "newer") : null),
    what
      ? h("dl.facts", {}, facts.filter(([, value]) => value).map(([word, value]) => [h("dt", {}, word), h(`dd${word === "Content" ? ".mono" : ""}`, { title: word === "Content" ? what.hash : null }, value)]))
      : h("p.muted", {}, "deleted"),
    button,
  );
}

function base(agreed) {
  if (!agreed) return "Both sides never agreed on this path.";
  return agreed.kind === "file" ? `Both last had ${size(agreed.size)} of ${exactly(agreed.mtime)}.` : `Both last had a ${agreed.kind}.`;
}

customElements.define("cargo-conflicts", Conflicts);
