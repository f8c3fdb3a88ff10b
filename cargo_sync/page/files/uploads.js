/* The uploads of this page: some at the same time, tried again when the server is away, continued after a reload.

   A file of 8 MiB or more goes in pieces, each with its digest. The server keeps what has arrived; after a reload the
   person chooses the file again, and its first and last piece are compared. A smaller file goes in one request. */

import { sleep } from "../common/control.js";
import { Away } from "../common/http.js";
import { count } from "../common/words.js";
import { digest, send } from "./sending.js";
import { join, nameOf, parentOf } from "./server.js";

const PIECE = 8 * 2 ** 20;
const AT_ONCE = 3;
const FIRST_MS = 1_000;
const LONGEST_MS = 15_000;
const DROPS = 5;
const SAME_MS = 1; // a file system may keep coarser times than a browser tells
const AGAIN = new Set([408, 425, 429, 502, 503, 504]);
const TAKEN = new Set(["occupied", "changed", "stale"]);

const NEXT = {
  skipped: () => ({ state: "skipped", detail: "left out: something is there already" }),
  done: (item) => ({ state: "done", sent: item.size, detail: "" }),
};

let last = 0;

/** One file on its way.

    state   waiting, sending, checking, offline (nobody answers), asking (something stands at its place),
            paused (it was begun before a reload: the file must be chosen again), done, failed, skipped
    sent    bytes that have arrived or are on their way
    id      of its upload at the server, if it goes in pieces
    name, folder, copy   as it was chosen, and the number in the name beside what is there
    over    what it replaces: the version for pieces, the tag for one request; null: nothing */
class Item {
  constructor(workspace, path, size, file) {
    this.key = `u${(last += 1)}`;
    this.workspace = workspace;
    this.path = path;
    this.size = size;
    this.file = file;
    this.state = "waiting";
    this.detail = "";
    this.sent = 0;
    this.id = null;
    this.over = null;
    this.name = nameOf(path);
    this.folder = parentOf(path);
    this.copy = 1;
    this.batch = null;
    this.life = null;
  }

  get ended() {
    return this.state === "done" || this.state === "failed" || this.state === "skipped";
  }
}

/** Events: `list` (items came or went), `item` (detail: one that has changed). */
export class Uploads extends EventTarget {
  items = [];
  #waiting = [];
  #running = 0;
  #asking = Promise.resolve();

  /* decide  async (item, others, may) => {what: "replace" | "both" | "skip", all}: something stands at its place */
  constructor(server, decide) {
    super();
    this.server = server;
    this.decide = decide;
    addEventListener("beforeunload", (event) => {
      if (this.items.some((item) => item.life)) event.preventDefault();
    });
  }

  /** What was begun before this page was loaded. */
  async load() {
    const { uploads } = await this.server.login.json("GET", "v1/uploads");
    for (const row of uploads) {
      if (this.items.some((item) => item.id === row.id)) continue;
      const item = new Item(row.workspace, row.path, row.size, null);
      Object.assign(item, { id: row.id, sent: row.offset, state: "paused", time: row.mtime_ns / 1e6, over: row.expected || null });
      this.items.push(item);
    }
    this.#tell("list");
  }

  /** Sends files into a folder. files: [{file, path}], with paths relative to the folder. */
  add(workspace, folder, files) {
    const batch = { choice: null, count: files.length };
    for (const { file, path } of files) {
      const place = join(folder, path);
      const begun = this.items.find((item) => item.state === "paused" && isSame(item, workspace, place, file));
      if (begun) {
        this.resume(begun, file);
        continue;
      }
      const item = new Item(workspace, place, file.size, file);
      item.batch = batch;
      this.items.push(item);
      this.#waiting.push(item);
    }
    this.#tell("list");
    this.#start();
  }

  /** Goes on with an upload that was begun before; `file` is the same file again. */
  resume(item, file) {
    if (file.size !== item.size)
      return this.#set(item, { detail: `that is another file: it has ${count(file.size, "byte")}, not ${count(item.size, "byte")}` });
    return this.#restart(item, file);
  }

  /** Tries once more what failed. */
  again(item) {
    if (item.file) this.#restart(item, item.file);
  }

  #restart(item, file) {
    item.file = file;
    item.batch ??= { choice: null, count: 1 };
    this.#set(item, { state: "waiting", detail: "" });
    this.#waiting.push(item);
    this.#start();
  }

  /** Gives an upload up, with what has arrived of it. */
  async cancel(item) {
    item.life?.abort();
    this.items = this.items.filter((each) => each !== item);
    this.#waiting = this.#waiting.filter((each) => each !== item);
    this.#tell("list");
    if (item.id && item.state !== "done") await this.#drop(item.id);
  }

  /** Takes what has ended off the list. */
  clear() {
    this.items = this.items.filter((item) => !item.ended);
    this.#tell("list");
  }

  // -- within ----------------------------------------------------------------------------------------------------------

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #set(item, values) {
    Object.assign(item, values);
    this.#tell("item", item);
  }

  #start() {
    while (this.#running < AT_ONCE && this.#waiting.length) {
      const item = this.#waiting.shift();
      this.#running += 1;
      this.#run(item).finally(() => {
        this.#running -= 1;
        this.#start();
      });
    }
  }

  async #run(item) {
    item.life = new AbortController();
    this.#set(item, { state: "sending", detail: "" });
    try {
      if (!item.id || (await this.#isSame(item))) await this.#sendAll(item);
    } catch (error) {
      if (error.name !== "AbortError") this.#set(item, { state: "failed", detail: sentence(error) });
    } finally {
      item.life = null;
      this.#tell("item", item);
    }
  }

  async #sendAll(item) {
    let wait = FIRST_MS;
    for (;;) {
      try {
        await (item.size < PIECE && !item.id ? this.#whole(item) : this.#pieces(item));
        return this.#set(item, NEXT.done(item));
      } catch (error) {
        if (error.status === 401) {
          this.#set(item, { state: "offline", detail: "the login has ended" });
          await this.server.back();
          this.#set(item, { state: "sending", detail: "" });
        } else if (error instanceof Away || AGAIN.has(error.status)) {
          await item.file.slice(0, 1).arrayBuffer(); // a file that is gone looks like a cut connection
          this.#set(item, { state: "offline", detail: sentence(error) });
          await sleep(1000 * Number(error.answer?.header("Retry-After") ?? 0) || wait, item.life.signal);
          wait = Math.min(LONGEST_MS, wait * 2);
          this.#set(item, { state: "sending", detail: "" });
        } else if (TAKEN.has(error.code) && item.batch) {
          const next = await this.#settle(item);
          if (next !== "go") return this.#set(item, NEXT[next](item));
        } else throw error;
      }
    }
  }

  /** Something stands at the place of an item: "go" on, it is "skipped", or "done" already. */
  async #settle(item) {
    this.#set(item, { state: "asking" });
    const asked = this.#asking.then(() => item.batch.choice ?? this.#decision(item));
    this.#asking = asked.catch(() => {}); // one question at a time
    const chosen = await asked;
    if (chosen.all) item.batch.choice = chosen;
    if (chosen.what === "skip") {
      if (item.id) await this.#drop(item.id);
      item.id = null;
      return "skipped";
    }
    if (chosen.what === "both" && !item.id) item.path = await this.#free(item);
    else item.over = await this.#standing(item);
    this.#set(item, { state: "sending" });
    return item.id ? this.#expect(item) : "go";
  }

  #decision(item) {
    const may = { replace: this.server.access(item.workspace) === "rw", both: item.id === null };
    return this.decide(item, item.batch.count - 1, may);
  }

  /** What an item is to replace, as it is now. */
  async #standing(item) {
    if (item.size < PIECE && !item.id) return this.server.etag(item.workspace, item.path);
    return (await this.server.entry(item.workspace, item.path))?.version ?? null;
  }

  /** A path beside that of an item where nothing is. */
  async #free(item) {
    const [, stem, ending] = /^(.*?)(\.[^.]*)?$/s.exec(item.name);
    for (;;) {
      item.copy += 1; // a drop box does not show what others have there: then the next one is tried
      const path = join(item.folder, `${stem} (${item.copy})${ending ?? ""}`);
      if ((await this.server.entry(item.workspace, path)) === null) return path;
    }
  }

  /** One request for a small file. */
  async #whole(item) {
    const headers = {
      "Content-Type": "application/octet-stream",
      "X-Mtime": (Math.max(0, item.file.lastModified) / 1000).toFixed(3),
      ...(item.over === null ? { "If-None-Match": "*" } : { "If-Match": item.over }),
    };
    await send(this.server.login, "PUT", this.server.address(item.workspace, item.path), item.file, headers, {
      progress: (sent) => this.#set(item, { sent }),
      signal: item.life.signal,
    });
  }

  async #pieces(item) {
    if (!globalThis.crypto?.subtle) throw new Error("a browser sends a file of this size only over https");
    if (!item.id) await this.#begin(item);
    let refused = -1;
    for (;;) {
      const at = item.sent;
      const piece = await digest(item.file.slice(at, Math.min(at + PIECE, item.size)));
      try {
        const headers = { "Upload-Offset": String(at), "Content-Digest": piece.header, "Content-Type": "application/octet-stream" };
        const { json } = await send(this.server.login, "PATCH", `v1/uploads/${item.id}`, piece.bytes, headers, {
          progress: (sent) => this.#set(item, { sent: at + sent }),
          signal: item.life.signal,
        });
        if (json.published) return;
        this.#set(item, { sent: json.offset });
      } catch (error) {
        this.#set(item, { sent: at });
        const there = error.code === "stale" ? error.answer.header("Upload-Offset") : null;
        if (there === null) throw error;
        if (refused === at) throw new Error("the server does not take the piece that it has asked for");
        refused = at;
        this.#set(item, { sent: Number(there) });
      }
    }
  }

  /** Drops an upload at the server. A piece that was cut off may still be in work there. */
  async #drop(id) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.server.login.json("DELETE", `v1/uploads/${id}`);
      } catch (error) {
        if (error.code === "unknown") return undefined;
        if (error.code !== "busy" || tries === DROPS) throw error;
        await sleep(FIRST_MS);
      }
    }
  }

  async #begin(item) {
    const body = {
      workspace: item.workspace,
      path: item.path,
      size: item.size,
      mtime_ns: Math.max(0, item.file.lastModified) * 1_000_000,
      expected: item.over ?? 0,
    };
    const { id } = await this.server.login.json("POST", "v1/uploads", body, { signal: item.life.signal });
    this.#set(item, { id, sent: 0 });
  }

  /** Tells the server what an upload that was begun is to replace. One that is complete is published then. */
  async #expect(item) {
    const body = { expected: item.over ?? 0 };
    const { published } = await this.server.login.json("POST", `v1/uploads/${item.id}`, body, { signal: item.life.signal });
    return published ? "done" : "go";
  }

  /** Compares a file that was chosen again with what the server has of it. For another one it waits on. */
  async #isSame(item) {
    this.#set(item, { state: "checking" });
    const { offset, digests } = await this.server.login.json("GET", `v1/uploads/${item.id}`, undefined, { signal: item.life.signal });
    for (const one of digests) {
      const { hex } = await digest(item.file.slice(one.start, one.end));
      if (hex !== one.digest) {
        this.#set(item, { state: "paused", file: null, detail: "that is another file: its content differs" });
        return false;
      }
    }
    this.#set(item, { state: "sending", sent: offset });
    return true;
  }
}

function isSame(item, workspace, path, file) {
  const near = Math.abs(item.time - file.lastModified) <= SAME_MS;
  return item.workspace === workspace && item.path === path && item.size === file.size && near;
}

function sentence(error) {
  if (error.name === "NotReadableError" || error.name === "NotFoundError") return "the file on this machine cannot be read any more";
  return error.hint ? `${error.message} (${error.hint})` : error.message;
}
