/* The page of one job: what it does now, and behind tabs all that is known about it. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon, setIcon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { parts, to } from "../common/router.js";
import { refuse } from "../common/toast.js";
import { ARROWS, escaped, told } from "../common/words.js";
import { Actions } from "./actions.js";
import { moving, nameOf, withStatus } from "./fleet.js";
import { done, fillBar, fillState, pace, sentence, stateMark } from "./row.js";
import { openStream } from "./stream.js";
import { Transfers } from "./transfers.js";
import "./overview.js";
import "./plan.js";
import "./conflicts.js";
import "./trash.js";
import "./history.js";
import "./callbacks.js";
import "./log.js";
import "./test.js";
import "./file.js";

/* The tabs: the last part of the address, the word, the element, and whether only who may change things sees it. */
const TABS = [
  ["", "Overview", "cargo-overview", false],
  ["plan", "Preview", "cargo-plan", false],
  ["conflicts", "Conflicts", "cargo-conflicts", false],
  ["trash", "Trash", "cargo-trash", false],
  ["history", "History", "cargo-history", false],
  ["callbacks", "Callbacks", "cargo-callbacks", false],
  ["log", "Log", "cargo-log", true],
  ["test", "Test", "cargo-test", true],
  ["file", "Settings", "cargo-file", false],
];
const SHOW_MS = 600;

class Job extends Part {
  #job = null; // the result of `job.show`, with `source`
  #problem = null;
  #tab = null;
  #body = null;
  #due = null;

  get heading() {
    return escaped(this.name);
  }

  build() {
    this.actions = new Actions(this.app);
    this.transfers = new Transfers(() => this.changed());
    this.state = stateMark();
    this.reason = h("p.reason");
    this.bar = h("cargo-bar");
    this.left = h("span");
    this.right = h("span.share");
    this.under = h("div.under", {}, this.bar, h("div.figures", {}, this.left, this.right));
    this.arrow = h("span.arrow", { "aria-hidden": "true" });
    this.turn = h("button", { type: "button", onclick: () => this.#pauseOrStart() }, icon("pause"), (this.turnWord = h("span")));
    this.sync = h("button", { type: "button", onclick: () => this.actions.sync(this.#job) }, icon("sync"), "Look now");
    this.more = h(
      "button.icon-only",
      { type: "button", "aria-label": `More about ${escaped(this.name)}`, "aria-haspopup": "menu", onclick: () => menu(this.more, this.actions.menuOf(this.#job, this.#job)) },
      icon("more"),
    );
    this.buttons = h("div.buttons", {}, this.turn, this.sync, this.more);
    this.tabs = TABS.map(([tab, word, , control]) => {
      const tally = h("span.count", { hidden: true });
      const link = h("a", { href: to("job", this.source, this.name, ...(tab ? [tab] : [])) }, word, tally);
      show(link, !control || this.app.control.may(this.source));
      return { tab, link, tally };
    });
    this.place = h("div.place");
    this.wrong = h("div.note.bad", { hidden: true }, icon("warning"), h("p", {}));
    put(
      this,
      h("nav.crumbs", { "aria-label": "Where you are" }, h("a", { href: "#/" }, "Jobs"), h("span", { "aria-hidden": "true" }, "/"), h("span", {}, this.#host())),
      h(
        "div.page-head",
        {},
        h("div.grow", {}, h("div.line.wrap", {}, h("h1", {}, escaped(this.name)), this.arrow, this.state), this.reason),
        this.buttons,
      ),
      this.under,
      this.wrong,
      (this.strip = h("nav.tabs", { "aria-label": "About this job" }, this.tabs.map(({ link }) => link))),
      this.place,
    );
  }

  #host() {
    const source = this.app.control.sources.get(this.source);
    return source?.host ? `${source.name} on ${source.host}` : this.source;
  }

  enter() {
    openStream(
      this.app,
      { view: "job", source: this.source, job: this.name },
      {
        snapshot: (data) => this.#snapshot(data),
        event: (data) => this.#event(data),
        progress: (data) => this.#progress(data),
        reset: () => this.#body?.refresh?.(),
      },
      this.signal,
    );
    this.listen(window, "hashchange", () => this.#choose());
    this.every(1, () => {
      this.transfers.expire();
      this.changed();
    });
    this.#choose();
  }

  leave() {
    clearTimeout(this.#due);
  }

  #choose() {
    const [page, source, name, tab = ""] = parts();
    if (page !== "job" || source !== this.source || name !== this.name || tab === this.#tab) return;
    this.#tab = tab;
    const [, , tag] = TABS.find(([each]) => each === tab) ?? TABS[0];
    const body = document.createElement(tag);
    Object.assign(body, { app: this.app, source: this.source, name: this.name, actions: this.actions, transfers: this.transfers });
    this.#body = body;
    put(this.place, body);
    const { link } = this.tabs.find((one) => one.tab === tab) ?? this.tabs[0];
    const row = link.parentElement;
    row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2; // on a phone
    if (this.#job) body.job = this.#job;
    this.changed();
  }

  #snapshot({ job, transfers, error }) {
    this.#problem = error ?? null;
    if (job) {
      this.#job = { ...job, source: this.source };
      this.transfers.replace(transfers ?? []);
      this.#give();
    }
    this.changed();
  }

  #give() {
    if (this.#body) this.#body.job = this.#job;
  }

  #event({ topic, message }) {
    if (nameOf(topic) !== this.name) return;
    if (topic.startsWith("notice/")) {
      this.transfers.ended(message.paths ?? []);
      this.#body?.notice?.(message);
    } else if (topic.endsWith("/status")) {
      if (message.state === "removed") this.#problem = { message: "This job was removed." };
      else if (this.#job) this.#job = withStatus(this.#job, message);
      this.#give();
    }
    this.#look();
    this.changed();
  }

  #progress({ items }) {
    for (const { topic, message } of items) {
      if (topic.startsWith("transfer/")) this.transfers.take(message);
      else if (topic.endsWith("/progress") && nameOf(topic) === this.name && this.#job) this.#job = { ...this.#job, progress: message };
    }
    this.#give();
    this.changed();
  }

  /** Asks for all of the job again, once however much happened. */
  #look() {
    if (this.#due !== null || this.#problem) return;
    this.#due = setTimeout(async () => {
      this.#due = null;
      try {
        const job = await this.app.control.call(this.source, "job.show", { job: this.name }, { signal: this.signal });
        this.#job = { ...job, source: this.source };
        this.#give();
      } catch (error) {
        if (error.code === "unknown_job") this.#problem = error;
        else if (error.name !== "Away") refuse(error);
      }
      this.changed();
    }, SHOW_MS);
  }

  #pauseOrStart() {
    if (this.#job.state === "paused") this.actions.start(this.#job);
    else this.actions.pause(this.#job);
  }

  draw() {
    const job = this.#job;
    show(this.wrong, this.#problem !== null);
    say(this.wrong.querySelector("p"), this.#problem ? told(this.#problem.message) : "");
    show(this.strip, Boolean(job) || !this.#problem);
    show(this.place, Boolean(job) || !this.#problem);
    const may = this.app.control.may(this.source) && !this.#problem;
    show(this.buttons, Boolean(job) && may);
    show(this.state, Boolean(job));
    show(this.under, Boolean(job && moving(job.progress)));
    for (const { tab, link } of this.tabs) mark(link, "aria-current", tab === (this.#tab ?? "") ? "page" : null);
    if (!job) return;
    fillState(this.state, job.state);
    say(this.arrow, ARROWS[job.mode] ?? "");
    const reason = sentence(job, Date.now() / 1000) || (job.state === "synced" ? "Both sides are in step." : "");
    say(this.reason, reason);
    show(this.reason, reason !== "");
    const paused = job.state === "paused";
    setIcon(this.turn, paused ? "play" : "pause");
    say(this.turnWord, paused ? "Start" : "Pause");
    this.turn.classList.toggle("primary", paused);
    this.turn.disabled = job.state === "disabled";
    this.sync.disabled = paused || job.state === "disabled";
    if (moving(job.progress)) {
      const share = fillBar(this.bar, job.progress, `progress of ${escaped(job.name)}`);
      say(this.left, [done(job.progress), pace(job.progress)].filter(Boolean).join(", "));
      say(this.right, share);
    }
    this.#tally("conflicts", job.conflicts, "held");
    this.#tally("", (job.held ? 1 : 0) + (job.errors ?? 0), job.errors ? "bad" : "held");
    this.#body?.changed();
  }

  #tally(tab, number, tone) {
    const { tally } = this.tabs.find((one) => one.tab === tab);
    say(tally, number || "");
    tally.className = `count ${tone}`;
    show(tally, number > 0);
  }
}

customElements.define("cargo-job", Job);

export function page(app, [, source, name], shown) {
  if (shown instanceof Job && shown.source === source && shown.name === name) return shown;
  const job = document.createElement("cargo-job");
  return Object.assign(job, { app, source, name });
}
