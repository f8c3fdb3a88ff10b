/* A job in the list: what each of its cells shows, and how it is kept up to date. */

import { h, mark, put, say, show } from "../common/element.js";
import { icon, setIcon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { to } from "../common/router.js";
import { ago, ARROWS, count, duration, escaped, exactly, number, percent, rate, size, STATES, told, until } from "../common/words.js";
import { moving } from "./fleet.js";
import { need } from "./need.js";

/** The mark of a job's state. */
export function stateMark(className = "") {
  return h(`span.state${className}`);
}

/** Brings it up to date. */
export function fillState(element, state) {
  const [word, tone] = STATES[state] ?? [state, "rest"];
  say(element, word);
  const name = `state ${tone}`;
  if (element.className !== name) element.className = name;
}

/** What a job says in a line: its reason, and when it goes on; at rest its two ends. */
export function sentence(job, now) {
  const parts = [];
  if (job.detail) parts.push(told(job.detail));
  if (job.conflicts) parts.push(count(job.conflicts, "open conflict"));
  if (job.next_at && job.state === "error") parts.push(`next try ${until(job.next_at, now)}`);
  if (job.next_at && job.state === "waiting") parts.push(`opens ${until(job.next_at, now)}`);
  return parts.join("; ");
}

/** How far it is: `12.3 MB/s, 3 min left`. */
export function pace(progress) {
  const parts = [];
  if (progress.speed_bps) parts.push(rate(progress.speed_bps));
  if (progress.eta_s !== null && progress.eta_s !== undefined) parts.push(`${duration(progress.eta_s)} left`);
  return parts.join(", ");
}

/** How much is done: `120 of 3,000 files`. */
export function done(progress) {
  return `${number(progress.files_done)} of ${count(progress.files_total, "file")}`;
}

/** A bar for a job, which two cells of figures stand below. */
export function fillBar(bar, progress, label) {
  const bytes = progress.bytes_total > 0;
  const [part, whole] = bytes ? [progress.bytes_done, progress.bytes_total] : [progress.files_done, progress.files_total];
  bar.set(part, whole, label);
  return whole > 0 ? percent(part, whole) : "";
}

/** What its last run moved: `3,000 files, 256.0 MB`. */
export function lastRun(run) {
  if (!run) return "nothing moved yet";
  if (!run.files && !run.bytes) return run.problem ? "the last run failed" : "nothing to move";
  return `${count(run.files, "file")}, ${size(run.bytes)}`;
}

/** When a run last ended well, whether or not it moved files: `5 min ago`. */
export function lastSuccess(job, now) {
  return job.succeeded_at ? ago(job.succeeded_at, now) : "";
}

/** The columns of the list. app: with `control`; actions: of jobs; several: whether there is more than one daemon. */
export function columns(app, actions, several) {
  return [
    {
      key: "name",
      title: "Job",
      class: "free who",
      head: true,
      make(cell) {
        cell.state = stateMark();
        cell.link = h("a.name", {});
        cell.arrow = h("span.arrow", { "aria-hidden": "true" });
        cell.host = h("span.host.muted");
        cell.detail = h("p.detail.cut");
        put(cell, cell.state, h("div.what", {}, h("div.line.names", {}, cell.link, cell.arrow, cell.host), cell.detail));
      },
      draw(cell, job) {
        const now = Date.now() / 1000;
        fillState(cell.state, job.state);
        say(cell.link, escaped(job.name));
        mark(cell.link, "href", to("job", job.source, job.name));
        say(cell.arrow, ARROWS[job.mode] ?? "");
        mark(cell.arrow, "title", job.mode);
        const source = app.control.sources.get(job.source);
        say(cell.host, several() ? (source?.host || job.source) : "");
        const words = sentence(job, now) || (job.local_dir ? `${escaped(job.local_dir)} ${ARROWS[job.mode] === "↓" ? "←" : ARROWS[job.mode] === "⇅" ? "↔" : "→"} ${escaped(job.remote)}` : "");
        say(cell.detail, words);
        mark(cell.detail, "title", words);
        cell.detail.classList.toggle("muted", need(job) === "");
      },
    },
    {
      key: "progress",
      title: "Progress",
      class: "free progress",
      make(cell) {
        cell.bar = h("cargo-bar");
        cell.left = h("span.cut");
        cell.right = h("span.share");
        put(cell, cell.bar, h("div.figures", {}, cell.left, cell.right));
      },
      draw(cell, job) {
        const now = moving(job.progress) || job.state === "syncing";
        cell.bar.classList.toggle("empty", !now);
        if (now) {
          say(cell.right, fillBar(cell.bar, job.progress, `progress of ${escaped(job.name)}`));
          say(cell.left, pace(job.progress) || (job.progress.files_total ? done(job.progress) : "looks for changes"));
        } else {
          say(cell.left, lastRun(job.last_run));
          say(cell.right, "");
        }
        show(cell.bar, now);
      },
    },
    {
      key: "when",
      title: "Last success",
      class: "when muted",
      make(cell) {
        cell.words = h("span");
        put(cell, cell.words);
      },
      draw(cell, job) {
        const now = Date.now() / 1000;
        say(cell.words, lastSuccess(job, now));
        mark(cell, "title", job.succeeded_at ? exactly(job.succeeded_at) : null);
      },
    },
    {
      key: "actions",
      title: "Actions",
      hidden: true,
      class: "free actions",
      make(cell) {
        const act = (run) => () => run(cell.job);
        cell.turn = h("button.icon-only.quiet.small", { type: "button", onclick: act((job) => (job.state === "paused" ? actions.start(job) : actions.pause(job))) });
        cell.sync = h("button.icon-only.quiet.small", { type: "button", title: "Look for changes now", onclick: act((job) => actions.sync(job)) }, icon("sync"));
        cell.more = h(
          "button.icon-only.quiet.small",
          { type: "button", "aria-haspopup": "menu", onclick: () => menu(cell.more, actions.menuOf(cell.job)) },
          icon("more"),
        );
        put(cell, cell.turn, cell.sync, cell.more);
      },
      draw(cell, job) {
        cell.job = job;
        const may = app.control.may(job.source);
        const paused = job.state === "paused";
        show(cell.turn, may);
        show(cell.sync, may);
        setIcon(cell.turn, paused ? "play" : "pause");
        mark(cell.turn, "title", paused ? "Start" : "Pause");
        mark(cell.turn, "aria-label", `${paused ? "Start" : "Pause"} ${escaped(job.name)}`);
        mark(cell.sync, "aria-label", `Look for changes of ${escaped(job.name)} now`);
        mark(cell.more, "aria-label", `More about ${escaped(job.name)}`);
        cell.turn.disabled = job.state === "disabled";
        cell.sync.disabled = paused || job.state === "disabled";
      },
    },
  ];
}
