/* The page of all jobs: what needs a person on top, then what moves, then the rest. */

import { h, mark, Part, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { to } from "../common/router.js";
import { refuse } from "../common/toast.js";
import { count, duration, number, rate } from "../common/words.js";
import { Actions } from "./actions.js";
import { Fleet, moving, together } from "./fleet.js";
import { byNeed, GROUPS, headline, matches, need } from "./need.js";
import { columns } from "./row.js";
import { openStream } from "./stream.js";

const LOOK_SECONDS = 15; // for what only time changes: "5 min ago", "next try in 20 s"
const REFRESH_MS = 1_000;
const SUCCESS_SECONDS = 60; // the feed does not tell each look of each job that changed nothing

class Jobs extends Part {
  heading = "Jobs";
  #group = "all";
  #typed = "";
  #asked = new Set();
  #drawn = false;
  #isReady = () => {};
  ready = new Promise((done) => (this.#isReady = done));

  build() {
    const { control } = this.app;
    this.actions = new Actions(this.app);
    this.fleet = new Fleet(
      (change) => this.#told(change),
      (source) => this.#refresh(source),
    );
    this.line = this.querySelector("h1");
    this.figures = this.querySelector(".figures");
    this.add = this.querySelector(".page-head > a");
    this.rates = this.querySelector(".rates"); // as high as what comes in its place
    this.#groups();
    this.#search();
    this.table = h("cargo-table", { class: "jobs plain" });
    Object.assign(this.table, {
      label: "Jobs",
      columns: columns(this.app, this.actions, () => this.#daemons().length > 1),
      key: (job) => job.key,
      state: (job) => `${need(job)} ${control.sources.get(job.source)?.state === "away" ? "stale" : ""}`,
      open: (job) => (location.hash = to("job", job.source, job.name)),
      keys: {
        p: (job) => control.may(job.source) && (job.state === "paused" ? this.actions.start(job) : this.actions.pause(job)),
        s: (job) => control.may(job.source) && this.actions.sync(job),
        v: (job) => control.may(job.source) && this.actions.speed(job),
      },
      empty: "",
    });
    this.first = this.#first();
    this.keys = h("p.hint.keys.wide-only", { hidden: true }, "Arrow keys move through the jobs, Enter opens one, P pauses or starts it, S looks for changes now, V sets its speed.");
    this.querySelector("section").append(this.first, this.table);
    this.append(this.keys); // with the rows, which would move it
  }

  #groups() {
    const [all] = this.querySelectorAll("section .segments > button");
    this.groups = GROUPS.map(([name, word]) => {
      const button = name === "all" ? all : h("button", { type: "button", hidden: true }, word, " ", h("span.tally"));
      button.addEventListener("click", () => this.#choose(name));
      all.parentNode.append(button);
      return { name, button, tally: button.querySelector(".tally") };
    });
  }

  #search() {
    const field = this.querySelector("input[type=search]");
    const take = () => (this.#typed = field.value.trim());
    take(); // somebody may have been quicker than this script
    field.addEventListener("input", () => {
      take();
      this.#order();
    });
  }

  #first() {
    return h(
      "div.none.first",
      { hidden: true },
      h("p", {}, "A job keeps a folder here in step with a folder on a server."),
      h("p", {}, h("a.button.primary", { href: to("add") }, icon("plus"), "Add the first job")),
    );
  }

  /** What the first picture does not wait for. */
  async #addRates() {
    const { control } = this.app;
    try {
      await import("./rates.js");
    } catch (error) {
      refuse(error);
      return;
    }
    const rates = h("cargo-rates", { class: "sheet rates", role: "region", "aria-label": "Speed and files" });
    rates.control = control;
    rates.sources = () => [...control.sources.values()].filter((one) => one.kind === "daemon" && one.state === "up");
    rates.windows = () => [...this.fleet.jobs.values()].map((job) => job.window).filter(Boolean);
    this.rates.replaceWith(rates);
  }

  enter() {
    openStream(
      this.app,
      { view: "jobs" },
      {
        snapshot: (data) => {
          this.fleet.snapshot(data);
          if (data.jobs || data.state === "away") this.#isReady();
        },
        event: (data) => this.fleet.event(data),
        progress: (data) => this.fleet.progress(data),
        source: () => this.changed(),
        reset: ({ source }) => this.#refresh(source),
      },
      this.signal,
    );
    this.every(LOOK_SECONDS, () => this.table.changed());
    this.every(SUCCESS_SECONDS, () => this.#daemons().forEach((one) => one.state === "up" && this.#refresh(one.source)));
  }

  #daemons() {
    return [...this.app.control.sources.values()].filter((one) => one.kind === "daemon");
  }

  #choose(name) {
    this.#group = name;
    this.#order();
  }

  #told({ order, keys }) {
    if (order) this.#order();
    else this.table.touch([...keys].map((key) => this.fleet.jobs.get(key)).filter(Boolean));
    this.#draw();
  }

  #order() {
    const all = [...this.fleet.jobs.values()].sort(byNeed);
    const [, , belongs] = GROUPS.find(([name]) => name === this.#group);
    this.table.empty = this.#typed ? `No job here has "${this.#typed}" in its name, folders or reason.` : "No job is in this group.";
    this.table.items = all.filter((job) => belongs(job) && (!this.#typed || matches(job, this.#typed)));
    show(this.table, all.length > 0);
    show(this.keys, all.length > 0);
    show(this.first, all.length === 0 && this.#known());
    this.#draw();
  }

  /** Whether every daemon that answers has told its jobs. */
  #known() {
    return this.fleet.totals.size > 0;
  }

  draw() {
    this.table.changed();
    this.#draw();
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => this.#addRates());
  }

  #draw() {
    const jobs = [...this.fleet.jobs.values()];
    const away = this.#daemons().filter((one) => one.state === "away").length;
    const [words, tone] = this.#known() || away ? headline(jobs, away) : ["Jobs", "rest"];
    say(this.line, words);
    this.line.className = `tone ${tone}`;
    const total = together([...this.fleet.totals.values()]);
    say(this.figures, moving(total) ? figures(total) : "");
    for (const { name, button, tally } of this.groups) {
      const [, , belongs] = GROUPS.find(([each]) => each === name);
      const some = jobs.filter(belongs).length;
      say(tally, number(some));
      mark(button, "aria-pressed", name === this.#group);
      show(button, name === "all" || name === this.#group || some > 0);
    }
    show(this.add, this.#daemons().some((one) => this.app.control.may(one.source)));
  }

  /** Reads all jobs of a daemon again, once in a while however often it is asked for. */
  #refresh(source) {
    if (this.#asked.has(source)) return;
    this.#asked.add(source);
    setTimeout(async () => {
      this.#asked.delete(source);
      try {
        const { jobs } = await this.app.control.call(source, "job.list", {}, { signal: this.signal });
        this.fleet.snapshot({ source, jobs });
      } catch (error) {
        refuse(error);
      }
    }, REFRESH_MS);
  }
}

function figures(total) {
  const parts = [];
  if (total.speed_bps) parts.push(rate(total.speed_bps));
  const left = total.files_total - total.files_done;
  parts.push(`${count(left, "file")} to go`);
  if (total.eta_s !== null) parts.push(`${duration(total.eta_s)} left`);
  return parts.join(" · ");
}

const NAME = "cargo-jobs";
const first = document.querySelector(NAME); // in the document, so that the first picture has it without this script
const blank = first.cloneNode(true);

export function page(app, _parts, shown) {
  if (shown instanceof Jobs) return shown;
  const jobs = first.isConnected ? first : blank.cloneNode(true);
  jobs.app = app;
  if (!customElements.get(NAME)) customElements.define(NAME, Jobs); // from now on it lives, and has its `app`
  return jobs;
}
