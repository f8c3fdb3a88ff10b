/* Who needs a person: the order of jobs, and the sentence above them. Pure. */

import { count, escaped, number } from "../common/words.js";

const RANKS = { held: 0, error: 1, conflicts: 2, syncing: 3, starting: 4, waiting: 5, paused: 6, synced: 7, disabled: 8 };

/** Why a job needs a person: "held", "error" or "conflicts"; "" if it does not. */
export function need(job) {
  if (job.state === "held" || job.state === "error") return job.state;
  return job.conflicts > 0 && job.state !== "disabled" ? "conflicts" : "";
}

/** What is first in a list has the smallest rank. Speeds do not count: rows would jump. */
export function rank(job) {
  return RANKS[need(job) || job.state] ?? RANKS.disabled;
}

/** Jobs that need a person first, then those that move files, then the others; each by name and daemon. */
export function byNeed(one, other) {
  return rank(one) - rank(other) || compare(one.name, other.name) || compare(one.source, other.source);
}

function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The groups of the list that can be chosen, with what belongs to each. */
export const GROUPS = [
  ["all", "All", () => true],
  ["need", "Need you", (job) => need(job) !== ""],
  ["moving", "Moving", (job) => job.state === "syncing"],
  ["resting", "At rest", (job) => need(job) === "" && ["waiting", "paused", "disabled"].includes(job.state)],
  ["synced", "Synced", (job) => need(job) === "" && ["synced", "starting"].includes(job.state)],
];

/** The page's first sentence, and its tone. away: how many daemons do not answer. */
export function headline(jobs, away = 0) {
  const needed = jobs.filter((job) => need(job) !== "").length;
  const moving = jobs.filter((job) => job.state === "syncing").length;
  const gone = away ? [`${count(away, "daemon")} ${away === 1 ? "does" : "do"} not answer`] : [];
  if (!jobs.length && !away) return ["There are no jobs yet", "rest"];
  if (needed) {
    const held = jobs.some((job) => job.state === "error") || away ? "bad" : "held";
    return [[`${count(needed, "job")} ${needed === 1 ? "needs" : "need"} you`, ...gone].join(", "), held];
  }
  if (away) return [gone[0], "bad"];
  if (moving) return [`${count(moving, "job")} ${moving === 1 ? "moves" : "move"} files`, "busy"];
  const synced = jobs.filter((job) => job.state === "synced").length;
  if (synced === jobs.length) return ["Everything is in step", "good"];
  return [`${synced} of ${count(jobs.length, "job")} in step, nothing needs you`, "good"];
}

/** Whether a job matches what was typed: each word is in its name, its reason or one of its ends. */
export function matches(job, typed) {
  const text = `${job.name}\n${job.detail}\n${job.local_dir}\n${job.remote}\n${job.host ?? ""}`.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** What is held, in a sentence; the paths are below it. */
export function heldWords({ deletions, overwrites, tree, before, where }) {
  const steps = [deletions ? `delete ${count(deletions, "file")}` : "", overwrites ? `replace ${count(overwrites, "file")}` : ""];
  const what = `The next run would ${steps.filter(Boolean).join(" and ")} of ${number(tree)}${where ? ` (${escaped(where)})` : ""}.`;
  return before ? `${what} ${count(before, "file")} went the same way in the last day.` : what;
}
