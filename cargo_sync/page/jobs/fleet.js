/* All jobs of all daemons as the feed tells them: a snapshot of each daemon, then what changes. */

import { nextFrame } from "../common/element.js";

const REMOVED = "removed";
const FIELDS = ["state", "detail", "errors", "next_at", "code", "conflicts", "drifted", "last_run", "succeeded_at"];

/** The key of a job among those of all daemons. */
export function keyOf(source, name) {
  return `${source}\n${name}`;
}

/** The name in a topic of the feed: `job/a%2Fb/status` is about `a/b`. */
export function nameOf(topic) {
  try {
    return decodeURIComponent(topic.split("/")[1] ?? "");
  } catch {
    return "";
  }
}

/** Keeps the jobs; tells `onchange({order, keys})` once a frame: whether rows came, went or have another place, and
    the keys of those that changed. `onunknown(source)`: a message is about a job that no snapshot had. */
export class Fleet {
  jobs = new Map();
  totals = new Map(); // the progress of all jobs of a daemon, by source
  #order = false;
  #keys = new Set();
  #onchange;
  #onunknown;
  #tell = () => {
    const change = { order: this.#order, keys: this.#keys };
    this.#order = false;
    this.#keys = new Set();
    this.#onchange(change);
  };

  constructor(onchange, onunknown = () => {}) {
    this.#onchange = onchange;
    this.#onunknown = onunknown;
  }

  /** All jobs of a daemon, in place of those that were known. */
  snapshot({ source, jobs, progress }) {
    if (!jobs) return;
    const kept = new Set(jobs.map((row) => keyOf(source, row.name)));
    for (const [key, job] of this.jobs) if (job.source === source && !kept.has(key)) this.jobs.delete(key);
    for (const row of jobs) {
      const key = keyOf(source, row.name);
      this.jobs.set(key, { ...row, key, source });
      this.#keys.add(key);
    }
    if (progress) this.totals.set(source, progress);
    this.#changed(true);
  }

  /** A message of a daemon's feed. */
  event({ source, topic, message }) {
    if (!topic.startsWith("job/") || !topic.endsWith("/status")) return;
    const key = keyOf(source, nameOf(topic));
    const job = this.jobs.get(key);
    if (message.state === REMOVED) {
      if (this.jobs.delete(key)) this.#changed(true);
      return;
    }
    if (!job) {
      this.#onunknown(source);
      return;
    }
    const next = withStatus(job, message);
    this.#replace(next, next.state !== job.state || next.conflicts !== job.conflicts);
  }

  /** The newest progress of some jobs. */
  progress({ source, items }) {
    for (const { topic, message } of items) {
      if (topic === "progress/") {
        this.totals.set(source, message);
        this.#changed(false);
      } else if (topic.startsWith("job/") && topic.endsWith("/progress")) {
        const job = this.jobs.get(keyOf(source, nameOf(topic)));
        if (job) this.#replace({ ...job, progress: message }, false);
      }
    }
  }

  #replace(job, order) {
    this.jobs.set(job.key, job);
    this.#keys.add(job.key);
    this.#changed(order);
  }

  #changed(order) {
    this.#order ||= order;
    nextFrame(this.#tell);
  }
}

/** A job after a message about its state. What does not run has no files to move. */
export function withStatus(job, message) {
  const next = { ...job };
  for (const field of FIELDS) if (field in message) next[field] = message[field];
  if (message.state !== "syncing") next.progress = atRest(job.progress);
  return next;
}

function atRest(progress) {
  return progress ? { ...progress, files_done: 0, files_total: 0, bytes_done: 0, bytes_total: 0, speed_bps: 0, eta_s: null } : progress;
}

/** Whether a job, or all of them, has files to move. */
export function moving(progress) {
  return Boolean(progress && progress.files_total > 0 && (progress.files_done < progress.files_total || progress.bytes_done < progress.bytes_total));
}

/** The progress of several daemons together. */
export function together(all) {
  const sum = { files_done: 0, files_total: 0, bytes_done: 0, bytes_total: 0, speed_bps: 0, eta_s: null };
  for (const one of all) for (const field of Object.keys(sum)) if (field !== "eta_s") sum[field] += one?.[field] ?? 0;
  if (sum.speed_bps > 0) sum.eta_s = (8 * (sum.bytes_total - sum.bytes_done)) / sum.speed_bps;
  return sum;
}
