/* Server-sent events by fetch, since an EventSource cannot send a header.

   One stream per page. It is closed ten seconds after its tab was hidden, and opened again when it is seen: a browser
   has six connections to a host, and nobody looks. After a break it goes on behind the last event that came. */

const HIDDEN_MS = 10_000;
const FIRST_MS = 500;
const LONGEST_MS = 10_000;
const SILENT_MS = 45_000;
const FINAL = new Set([400, 403, 404]);

/** Splits a stream of text into events: feed it texts, it gives [{id, event, data}]. */
export class EventParser {
  #rest = "";
  #event = { id: null, event: "message", data: [] };

  take(text) {
    const events = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const ended of lines) {
      const line = ended.replace(/\r$/, "");
      if (line === "") {
        const { id, event, data } = this.#event;
        if (data.length) events.push({ id, event, data: data.join("\n") });
        this.#event = { id: null, event: "message", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a comment: it only shows that the other side lives
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") this.#event.data.push(value);
      else if (name === "event") this.#event.event = value;
      else if (name === "id") this.#event.id = value;
    }
    return events;
  }
}

/** The answer that was asked for before this script was there (jobs/early.js), once, if it is the one that is wanted. */
function earlyOf(path, bearer) {
  const early = window.cargoEarly;
  delete window.cargoEarly;
  if (early?.path === path && early.bearer === bearer) return early;
  early?.request.abort();
  return null;
}

/** A stream that lives as long as its page.

    login    adds the bearer
    path     where it is
    onevent  (type, data) => …
    online   (there: bool, error) => …: whether the other side answers */
export class Feed {
  #login;
  #path;
  #onevent;
  #online;
  #last = null;
  #request = null;
  #timer = null;
  #hidden = null;
  #wait = FIRST_MS;
  #closed = false;
  #watch = () => this.#turn();

  constructor(login, path, onevent, online = () => {}) {
    this.#login = login;
    this.#path = path;
    this.#onevent = onevent;
    this.#online = online;
    document.addEventListener("visibilitychange", this.#watch);
    this.#open();
  }

  close() {
    this.#closed = true;
    document.removeEventListener("visibilitychange", this.#watch);
    clearTimeout(this.#timer);
    clearTimeout(this.#hidden);
    this.#request?.abort();
  }

  #turn() {
    clearTimeout(this.#hidden);
    if (document.hidden) {
      this.#hidden = setTimeout(() => {
        clearTimeout(this.#timer);
        this.#request?.abort();
        this.#request = null;
      }, HIDDEN_MS);
    } else if (this.#request === null) {
      clearTimeout(this.#timer);
      this.#wait = FIRST_MS;
      this.#open();
    }
  }

  async #open() {
    const early = earlyOf(this.#path, this.#login.value?.bearer);
    const request = early?.request ?? new AbortController();
    this.#request = request;
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.#last !== null) headers["Last-Event-ID"] = this.#last;
      const response = early
        ? await this.#login.answered(early.response)
        : await this.#login.send("GET", this.#path, { headers, signal: request.signal });
      this.#online(true, null);
      this.#wait = FIRST_MS;
      const { reader, first } = early ? await early.begun : { reader: response.body.getReader(), first: null };
      await this.#read(reader, first, request);
      throw new Error("the stream ended");
    } catch (error) {
      if (this.#request !== request) return; // it was closed on purpose
      this.#request = null;
      if (this.#closed || error.status === 401) return;
      if (error.name !== "AbortError" || !document.hidden) this.#online(false, error);
      if (FINAL.has(error.status)) return; // the same request would be refused again
      this.#timer = setTimeout(() => {
        if (!this.#closed && !document.hidden) this.#open();
      }, this.#wait);
      this.#wait = Math.min(LONGEST_MS, this.#wait * 2);
    }
  }

  /** first: a read that was begun already, or null. */
  async #read(reader, first, request) {
    const decoder = new TextDecoder();
    const parser = new EventParser();
    let alarm = null;
    const wake = () => {
      clearTimeout(alarm);
      alarm = setTimeout(() => request.abort(), SILENT_MS);
    };
    try {
      for (let next = first ?? reader.read(); ; next = reader.read()) {
        wake();
        const { done, value } = await next;
        if (done) return;
        for (const { id, event, data } of parser.take(decoder.decode(value, { stream: true }))) {
          if (id !== null) this.#last = id;
          if (event === "reset") this.#last = null;
          try {
            this.#onevent(event, JSON.parse(data));
          } catch (error) {
            reportError(error); // a mistake in drawing one event does not end the stream
          }
        }
      }
    } finally {
      clearTimeout(alarm);
    }
  }
}
