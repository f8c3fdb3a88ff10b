/* Numbers, sizes, speeds, times and states in words: the same words as those of the terminal. */

const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A foreign name, safe to show: marks that turn the reading direction, line breaks and controls as escapes. */
export function escaped(name) {
  return String(name ?? "").replace(UNSAFE, (mark) => {
    const code = mark.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** A sentence of a daemon for a page: without the commands that it names at its end, which are buttons here. */
export function told(sentence) {
  return escaped(sentence).replace(/[:;,] (?:see |look at |use )?`[a-z.]+(?: [a-z]+)*`.*$/, "");
}

/** Bytes in decimal units: `999 B`, `1.2 MB`. */
export function size(bytes) {
  let count = Number(bytes) || 0;
  if (count < 1000) return `${Math.trunc(count)} B`;
  for (const unit of ["kB", "MB", "GB", "TB"]) {
    count /= 1000;
    if (count < 999.95) return `${count.toFixed(1)} ${unit}`;
  }
  return `${(count / 1000).toFixed(1)} PB`;
}

/** Bits per second, as bytes per second: easy to compare with sizes. */
export function rate(bits) {
  return `${size((Number(bits) || 0) / 8)}/s`;
}

/** Bits per second as job files write them: `10mbps`. */
export function speed(bits) {
  if (bits === null || bits === undefined) return "no limit";
  for (const [unit, factor] of [["g", 1e9], ["m", 1e6], ["k", 1e3]])
    if (bits >= factor) return `${Number((bits / factor).toPrecision(6))}${unit}bps`;
  return `${bits}bps`;
}

/** The two largest units: `45 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(seconds) {
  let rest = Math.max(0, Math.round(seconds));
  if (rest < 60) return `${rest} s`;
  const parts = [];
  let units = 0;
  for (const [name, length] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(rest / length);
    rest %= length;
    if (count || units) {
      if (count) parts.push(`${count} ${name}`);
      units += 1;
    }
    if (units === 2) break;
  }
  return parts.join(" ");
}

/** When something is due: `in 45 s`, or `now`. */
export function until(time, now) {
  const left = time - now;
  return left >= 0.5 ? `in ${duration(left)}` : "now";
}

/** How long ago something was, coarse enough to stay for a while: `just now`, `5 min ago`, `2 d ago`. */
export function ago(time, now) {
  const past = Math.max(0, now - time);
  for (const [name, length] of [["d", 86400], ["h", 3600], ["min", 60]])
    if (past >= length) return `${Math.floor(past / length)} ${name} ago`;
  return past < 10 ? "just now" : `${Math.floor(past / 10) * 10} s ago`;
}

const two = (number) => String(number).padStart(2, "0");

/** A time of day: `19:07`. */
export function clock(time) {
  const date = new Date(time * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A moment, as short as it is clear: `19:07:40` today, `28 Nov 19:07` this year, else `2025-11-28 19:07`. */
export function moment(time, now = Date.now() / 1000) {
  if (time === null || time === undefined) return "";
  const date = new Date(time * 1000);
  const today = new Date(now * 1000);
  if (Number.isNaN(date.getTime())) return String(time); // a file's time may be in a year that nobody can write
  if (date.toDateString() === today.toDateString()) return `${clock(time)}:${two(date.getSeconds())}`;
  if (date.getFullYear() === today.getFullYear())
    return `${date.getDate()} ${MONTHS[date.getMonth()]} ${clock(time)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(time)}`;
}

/** All of a moment, for a tip: `2026-11-28 19:07:40`. */
export function exactly(time) {
  if (time === null || time === undefined) return "";
  const date = new Date(time * 1000);
  if (Number.isNaN(date.getTime())) return String(time);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(time)}:${two(date.getSeconds())}`;
}

/** A whole number with commas: `3,000`. */
export function number(value) {
  // toLocaleString costs 15 ms when it is first called, before the first picture.
  return String(Math.round(Number(value) || 0)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 file`, `3,000 files`, `2 entries`. */
export function count(value, noun, nouns = `${noun}s`) {
  return `${number(value)} ${value === 1 ? noun : nouns}`;
}

/** A share, rounded down: only what is complete is `100%`. */
export function percent(done, total) {
  return total ? `${Math.floor((100 * done) / total)}%` : "100%";
}

/** What the states of a job are called, and the tone in which they are shown. */
export const STATES = {
  held: ["held", "held"],
  error: ["error", "error"],
  syncing: ["syncing", "busy"],
  starting: ["starting", "rest"],
  waiting: ["waiting", "rest"],
  paused: ["paused", "rest"],
  synced: ["synced", "good"],
  disabled: ["disabled", "off"],
  away: ["away", "error"],
};

/** `↑` for an upload, `↓` for a download, `⇅` for both. */
export const ARROWS = { upload: "↑", download: "↓", bidirectional: "⇅" };

/** What happened to a file, as people say it. */
export const KINDS = {
  uploaded: "uploaded",
  downloaded: "downloaded",
  adopted: "equal on both sides",
  deleted: "deleted",
  moved: "renamed",
  displaced: "moved to the trash",
  touched: "time or mode changed",
  kept: "changed there, left alone",
  conflict: "conflict",
  restored: "put back",
  freed: "removed from the trash",
  error: "error",
  held: "held",
  reset: "compared afresh",
  started: "started",
  idle: "finished",
  clock_jumped: "clock jumped",
};
