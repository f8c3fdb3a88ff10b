/* The stream of a page of jobs: it tells the frame what is away, and the page the rest. */

import { Feed } from "../common/feed.js";

const WEB = "web";

/** Opens the stream of a view until `signal` ends it.

    query   {view, source, job}
    take    {snapshot, event, progress, source, reset}: functions of an event's data; each may be left out */
export function openStream({ login, control, banner }, query, take, signal) {
  const path = `api/feed?${new URLSearchParams(query)}`;
  const feed = new Feed(login, path, onevent, online);
  signal.addEventListener("abort", () => {
    feed.close();
    banner.keep(new Set());
  });

  function onevent(type, data) {
    if (type === "source" || type === "snapshot") tell(data);
    take[type]?.(data);
  }

  function tell({ source, state, detail, kind }) {
    const known = control.sources.get(source) ?? { source, kind, name: source, host: "" };
    control.sources.set(source, { ...known, state, detail });
    const named = known.name === known.kind ? "" : known.name;
    const name = [known.kind || "daemon", named, known.host ? `on ${known.host}` : ""].filter(Boolean).join(" ");
    banner.tell(
      source,
      state === "away"
        ? `The ${name} does not answer${detail ? `: ${detail}` : ""}. What you see is what it said last; the page goes on by itself.`
        : null,
    );
  }

  function online(there, error) {
    if (!there && error?.status === 401) return;
    const why = error?.status ? `It was refused: ${error.message}.` : "cargo_ctl web does not answer. The page tries again by itself.";
    banner.tell(WEB, there ? null : why);
  }

  return feed;
}
