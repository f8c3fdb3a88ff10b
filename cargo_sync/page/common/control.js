/* Commands to daemons and servers, through the API of `cargo_ctl web` (docs/web.md). */

import { Away, newCommandId, Refusal } from "./http.js";

const AGAIN_MS = 800;
const LOOK_MS = 400;
const LONGEST_LOOK_MS = 2_000;

export class Control {
  constructor(login) {
    this.login = login;
    this.sources = new Map(); // by their name: {source, kind, name, host, state, detail, version, role}
  }

  async readSources() {
    const { sources } = await this.login.json("GET", "api/sources");
    this.sources = new Map(sources.map((one) => [one.source, one]));
    return sources;
  }

  /** Whether this person may change something at a source. */
  may(source) {
    return this.login.value?.role === "control" && this.sources.get(source)?.role !== "watch";
  }

  /** The result of a command. If no answer came, it is sent once more with the same id, so it is done once.

      Raises Refusal with the daemon's code and sentence, or Away. */
  async call(source, cmd, args = {}, { signal = undefined } = {}) {
    const body = { source, cmd, args, id: newCommandId() };
    let reply;
    try {
      reply = await this.login.json("POST", "api/command", body, { signal });
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      await sleep(AGAIN_MS, signal);
      reply = await this.login.json("POST", "api/command", body, { signal });
    }
    if (!reply.ok) throw new Refusal(200, reply.error);
    return reply.result;
  }

  /** Asks with an id of something that takes long, until it is `ready`; gives each answer to `step`. */
  async until(source, cmd, args, word, step, signal) {
    let answer = await this.call(source, cmd, args, { signal });
    const id = answer[word];
    let wait = LOOK_MS;
    for (;;) {
      step(answer);
      if (answer.ready) return answer;
      await sleep(wait, signal);
      wait = Math.min(LONGEST_LOOK_MS, wait * 1.5);
      answer = await this.call(source, cmd, { ...args, [word]: id }, { signal });
    }
  }
}

/** A promise that waits; `signal` ends it with an AbortError. */
export function sleep(ms, signal = undefined) {
  return new Promise((done, fail) => {
    const stop = () => (clearTimeout(timer), fail(new DOMException("it was left", "AbortError")));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), done()), ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
