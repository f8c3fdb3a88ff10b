/* What a job does now, why it does not, and what it is. */

import { h, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { ago, count, duration, escaped, exactly, number, percent, rate, size, speed, told, until } from "../common/words.js";
import { heldWords } from "./need.js";
import { lastRun } from "./row.js";
import "./day.js";
import "./rates.js";

const MODES = { upload: "from here to the server", download: "from the server to here", bidirectional: "in both directions" };

class Overview extends Part {
  job = null;
  #drawn = new Map();

  build() {
    const { control } = this.app;
    this.held = h("section.sheet.attention.held", { hidden: true, "aria-label": "What is held" });
    this.causes = h("section.sheet", { hidden: true, "aria-label": "What fails" });
    this.warnings = h("div.stack", { hidden: true });
    this.conflicts = h("div.note.held", { hidden: true }, icon("conflict"), h("p", {}, (this.conflictWords = h("a", { href: to("job", this.source, this.name, "conflicts") }))));
    this.tally = h("span.muted");
    this.table = h("cargo-table", { class: "transfers" });
    Object.assign(this.table, {
      label: "Files that are transferred now",
      columns: transferColumns(this),
      key: (row) => row.id,
      empty: "No file is being transferred.",
    });
    this.rates = h("cargo-rates", { class: "sheet", role: "region", "aria-label": "Speed and files" });
    Object.assign(this.rates, { control, job: this.name, sources: () => [control.sources.get(this.source) ?? { source: this.source }] });
    this.facts = h("dl.facts");
    this.day = h("cargo-day");
    put(
      this,
      h(
        "div.stack",
        {},
        this.held,
        this.conflicts,
        this.causes,
        this.warnings,
        h("section.sheet", { "aria-label": "Transfers" }, h("header", {}, h("h2", {}, "Transfers"), this.tally), this.table),
        this.rates,
      ),
      h(
        "aside.stack",
        { "aria-label": "Facts" },
        h("section.sheet", { "aria-label": "This job" }, h("header", {}, h("h2", {}, "This job")), h("div.body", {}, this.facts)),
        (this.daySheet = h("section.sheet", { hidden: true, "aria-label": "Its day" }, h("header", {}, h("h2", {}, "Its day")), h("div.body", {}, this.day))),
      ),
    );
  }

  /** Draws a part only if what it shows is another thing than before. */
  #once(part, value, draw) {
    const text = JSON.stringify(value);
    if (this.#drawn.get(part) === text) return;
    this.#drawn.set(part, text);
    draw();
  }

  draw() {
    const job = this.job;
    const rows = this.transfers.list;
    this.table.items = rows;
    say(this.tally, rows.length ? count(rows.length, "file") : "");
    if (!job) return;
    const now = Date.now() / 1000;
    const may = this.app.control.may(this.source);
    const holds = job.state === "held" || job.held;
    this.#once("held", [holds, job.held, job.detail, job.code, may], () => this.#drawHeld(job, holds, may));
    this.#once("causes", [job.causes, Math.floor(now / 5)], () => this.#drawCauses(job, now));
    this.#once("warnings", job.warnings, () => {
      put(this.warnings, (job.warnings ?? []).map((text) => h("div.note", {}, icon("warning"), h("p", {}, told(text)))));
      show(this.warnings, (job.warnings ?? []).length > 0);
    });
    show(this.conflicts, job.conflicts > 0);
    say(this.conflictWords, `${count(job.conflicts, "path")} changed on both sides: decide`);
    this.#once("facts", [{ ...job, progress: null }, Math.floor(now / 10)], () => this.#drawFacts(job, now));
    const hours = job.window || Array.isArray(job.speed?.file);
    show(this.daySheet, Boolean(hours));
    this.#once("day", [job.window, job.speed?.file], () => this.day.set(job.window, job.speed?.file));
  }

  #drawHeld(job, holds, may) {
    show(this.held, Boolean(holds));
    if (!holds) return;
    const held = job.held;
    const decide = may && (held || ["server_restored", "state_restored", "state_copied"].includes(job.code));
    put(
      this.held,
      h("header", {}, icon("held"), h("h2", {}, "This waits for you")),
      h(
        "div.body.stack",
        {},
        h("p", {}, held ? heldWords(held) : told(job.detail)),
        held?.first?.length
          ? h(
              "ul.paths",
              { tabindex: 0, "aria-label": "Paths" },
              held.first.map((path) => h("li", {}, escaped(path))),
              held.deletions + held.overwrites > held.first.length
                ? h("li.muted", {}, h("a", { href: to("job", this.source, this.name, "plan") }, `and ${number(held.deletions + held.overwrites - held.first.length)} more`))
                : null,
            )
          : null,
        decide
          ? h(
              "div.buttons",
              {},
              h("button.primary", { type: "button", onclick: () => this.actions.approve(this.job, this.job.held) }, icon("check"), "Approve…"),
              held ? h("button", { type: "button", onclick: () => this.actions.reject(this.job, this.job.held) }, "Reject…") : null,
              h("a.button.quiet", { href: to("job", this.source, this.name, "plan") }, "See all of it"),
            )
          : null,
      ),
    );
  }

  #drawCauses(job, now) {
    const causes = job.causes ?? [];
    show(this.causes, causes.length > 0);
    if (!causes.length) return;
    const more = job.errors > causes.length ? h("p.muted", {}, `and ${number(job.errors - causes.length)} more: see the history`) : null;
    put(
      this.causes,
      h("header", {}, h("h2", {}, "What fails"), h("span.count.bad", {}, number(job.errors))),
      h(
        "ul.causes",
        {},
        causes.map((cause) =>
          h(
            "li",
            {},
            cause.path ? h("p.mono", {}, escaped(cause.path)) : null,
            h("p.wrong", {}, told(cause.message)),
            h("p.hint", {}, [cause.tries ? `tried ${count(cause.tries, "time")}` : "", cause.next_at ? `next try ${until(cause.next_at, now)}` : ""].filter(Boolean).join(", ")),
          ),
        ),
        more ? h("li", {}, more) : null,
      ),
    );
  }

  #drawFacts(job, now) {
    const run = job.last_run;
    const now_ = job.speed;
    const pairs = [
      ["Direction", MODES[job.mode] ?? job.mode],
      ["Folder here", escaped(job.local_dir)],
      ["Server", escaped(job.remote)],
      ["Last run", run ? `${lastRun(run)}${run.files ? ` in ${duration(run.ended - run.started)}` : ""}, ${ago(run.ended, now)}` : "none yet"],
      ["Last success", job.succeeded_at ? ago(job.succeeded_at, now) : ""],
      ["Last problem", run?.problem ? escaped(run.problem) : ""],
      ["Next look", job.next_at ? until(job.next_at, now) : job.state === "syncing" ? "it looks now" : ""],
      ["Hours", job.window ? `${escaped(job.window.words)}, ${job.window.open ? "open" : "closed"}${job.window.changes_at ? `, ${job.window.open ? "closes" : "opens"} ${until(job.window.changes_at, now)}` : ""}` : ""],
      ["Speed", now_ ? speedWords(now_) : ""],
      ["Priority", job.settings?.priority ?? ""],
      ["Changed there since", job.drifted ? count(job.drifted, "file") : ""],
    ].filter(([, value]) => value !== "");
    put(
      this.facts,
      pairs.map(([word, value]) => [h("dt", {}, word), h("dd", { title: word === "Last run" && run ? exactly(run.ended) : null }, String(value))]),
    );
  }
}

function speedWords(shown) {
  const now = shown.now === null ? "no limit" : speed(shown.now);
  const by = "override" in shown ? " by command" : "";
  const granted = shown.granted !== undefined && shown.granted !== null && shown.granted !== shown.now ? `, ${speed(shown.granted)} granted` : "";
  return `${now}${by}${granted}`;
}

function transferColumns(tab) {
  return [
    { key: "path", title: "File", head: true, class: "path", tip: true, text: (row) => escaped(row.path) },
    {
      key: "bar",
      title: "Progress",
      class: "free progress",
      make(cell) {
        cell.bar = h("cargo-bar");
        cell.share = h("span.share");
        put(cell, cell.bar, cell.share);
      },
      draw(cell, row) {
        cell.bar.set(row.done, row.size, `progress of ${escaped(row.path)}`);
        say(cell.share, percent(row.done, row.size));
      },
    },
    { key: "size", title: "Size", class: "number", text: (row) => size(row.size) },
    { key: "rate", title: "Speed", class: "number", text: (row) => (row.speed_bps ? rate(row.speed_bps) : "") },
    { key: "eta", title: "Left", class: "number", text: (row) => (row.eta_s === null ? "" : duration(row.eta_s)) },
    { key: "rtt", title: "RTT", class: "number wide-only", text: (row) => (row.rtt_ms === null ? "" : `${Number(row.rtt_ms).toFixed(1)} ms`) },
    { key: "lost", title: "Lost", class: "number wide-only", text: (row) => (row.lost === null ? "" : number(row.lost)) },
    {
      key: "cancel",
      title: "Cancel",
      hidden: true,
      class: "free actions",
      make(cell) {
        const cancel = async () => {
          try {
            await tab.app.control.call(tab.source, "transfer.cancel", { id: cell.row.id });
            toast(`${escaped(cell.row.path)} was cancelled; its source must change, or the job look for changes, before it is tried again`);
          } catch (error) {
            refuse(error);
          }
        };
        cell.button = h("button.icon-only.quiet.small", { type: "button", title: "Cancel this file", onclick: cancel }, icon("cross"));
        put(cell, cell.button);
      },
      draw(cell, row) {
        cell.row = row;
        show(cell.button, tab.app.control.may(tab.source));
        cell.button.setAttribute("aria-label", `Cancel ${escaped(row.path)}`);
      },
    },
  ];
}

customElements.define("cargo-overview", Overview);
