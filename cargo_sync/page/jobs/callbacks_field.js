/* The callbacks of a job in its form: a list of HTTP requests, each for one moment. `job.check` says what is wrong with
   them, as it does for all fields; only what cannot become a value of the file is said here. */

import { h, mark, newId, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { MASK } from "./form.js";

const MOMENTS = [
  ["onStart", "A file begins to be sent"],
  ["onUpdate", "While a file is sent, once a second"],
  ["onFinish", "A file has arrived"],
  ["onError", "A file could not be sent"],
  ["onConflict", "Both sides changed a file"],
  ["onHeld", "The job is held"],
  ["onJobError", "The job fails as a whole"],
  ["onIdle", "The job has finished"],
];
const METHODS = ["POST", "PUT", "GET", "DELETE", "UPDATE"];
const NEW = { method: "POST", url: "", body: { job: "{{ SYNC_NAME }}" } };
const NO_JSON = "this is not JSON; variables stand in quotes here, such as \"{{ SYNC_NAME }}\"";

/** onchange(events): something was typed, undefined for no callbacks; onleave(): a field was left. */
export class CallbacksField {
  #rows = new Map(); // event -> {element, inputs, wrongs, problem}
  #events = {};
  #left = new Set();

  constructor(onchange, onleave) {
    this.onchange = onchange;
    this.onleave = onleave;
    this.list = h("div.stack");
    this.add = h("button", { type: "button", onclick: () => this.#add() }, icon("plus"), "Add a callback");
    this.element = h("div.callback-list.stack", {}, this.list, h("div.buttons", {}, this.add));
  }

  /** What has no value for the file, as problems of it. */
  get problems() {
    return [...this.#rows].filter(([, row]) => row.problem).map(([event, row]) => ({ field: `events.${event}.body`, message: row.problem, hint: "", line: null }));
  }

  /** Shows what the file has now, but not in the field that somebody types into. */
  fill(events) {
    this.#events = typeof events === "object" && events !== null ? events : {};
    const known = Object.keys(this.#events).filter((name) => isObject(this.#events[name]));
    if (known.join() !== [...this.#rows.keys()].join()) {
      this.#rows = new Map(known.map((event) => [event, this.#row(event)]));
      put(this.list, [...this.#rows.values()].map(({ element }) => element));
    }
    for (const [event, row] of this.#rows) this.#fillRow(row, this.#events[event]);
    show(this.add, this.#free().length > 0);
  }

  /** Shows the problems of fields that were left once, or of all; gives those that it showed, or would show later. */
  tell(errors, all) {
    const own = errors.filter(({ field }) => [...this.#rows.keys()].some((event) => field === `events.${event}` || field.startsWith(`events.${event}.`)));
    for (const [event, row] of this.#rows)
      for (const [name, wrong] of Object.entries(row.wrongs)) {
        const at = `events.${event}.${name}`;
        const here = own.filter(({ field }) => field === at || field.startsWith(`${at}.`) || (name === "url" && field === `events.${event}`));
        const shown = here.length > 0 && (all || this.#left.has(at));
        say(wrong, shown ? here.map(({ message, hint }) => (hint ? `${message} (${hint})` : message)).join("; ") : "");
        show(wrong, shown);
        mark(row.inputs[name], "aria-invalid", shown ? "true" : null);
      }
    return own;
  }

  #free() {
    return MOMENTS.filter(([event]) => !(event in this.#events));
  }

  #add() {
    const [event] = this.#free().find(([name]) => name === "onFinish") ?? this.#free()[0];
    this.#change({ ...this.#events, [event]: NEW });
    this.#rows.get(event).inputs.url.focus();
  }

  #change(events) {
    this.fill(events);
    this.onchange(Object.keys(events).length ? events : undefined);
  }

  #set(event, name, value) {
    const next = { ...this.#events[event] };
    if (value === undefined) delete next[name];
    else next[name] = value;
    this.#change({ ...this.#events, [event]: next });
  }

  #rename(from, to) {
    this.#change(Object.fromEntries(Object.entries(this.#events).map(([name, value]) => [name === from ? to : name, value])));
    this.#rows.get(to)?.inputs.event.focus();
  }

  #remove(event) {
    const { [event]: _, ...rest } = this.#events;
    this.#change(rest);
    this.add.focus();
  }

  #row(event) {
    const row = { inputs: {}, wrongs: {}, problem: "" };
    const field = (name, label, input, help = "") => {
      const id = newId("callback");
      const wrong = h("p.wrong", { id: `${id}-wrong`, hidden: true });
      mark(input, "id", id);
      mark(input, "aria-describedby", [help ? `${id}-hint` : "", `${id}-wrong`].filter(Boolean).join(" "));
      input.addEventListener("blur", () => {
        this.#left.add(`events.${event}.${name}`);
        this.onleave();
      });
      row.inputs[name] = input;
      row.wrongs[name] = wrong;
      return h(`div.field.of-${name}`, {}, h("label", { for: id }, label), input, help ? h("p.hint", { id: `${id}-hint` }, help) : null, wrong);
    };
    const text = (run, props = {}) => h("input", { type: "text", spellcheck: "false", autocapitalize: "none", autocomplete: "off", ...props, oninput: (change) => run(change.target.value) });
    const lines = (run, rows) => h("textarea", { rows, spellcheck: "false", oninput: (change) => run(change.target.value) });
    const free = new Set(this.#free().map(([name]) => name));
    const moments = MOMENTS.filter(([name]) => name === event || free.has(name));
    if (!moments.some(([name]) => name === event)) moments.unshift([event, event]); // the check says that it is none
    const choose = h("select", { onchange: () => this.#rename(event, choose.value) }, moments.map(([value, word]) => h("option", { value, selected: value === event }, word)));
    const method = h("select", { onchange: () => this.#set(event, "method", method.value) });
    row.element = h(
      "div.callback",
      { role: "group", "aria-label": `Callback: ${wordOf(event)}` },
      h("div.callback-head", {}, field("event", "When", choose), field("method", "Method", method), h("button.icon-only.quiet", { type: "button", "aria-label": `Remove the callback: ${wordOf(event)}`, title: "Remove", onclick: () => this.#remove(event) }, icon("trash"))),
      field("url", "Address", text((value) => this.#set(event, "url", value), { inputmode: "url" }), "http:// or https://; behind the host it may have variables"),
      field("body", "Body", lines((value) => this.#body(event, row, value), 3), "JSON; variables stand in its texts"),
      field("headers", "Headers", lines((value) => this.#set(event, "headers", headersOf(value)), 2), "Name: value, one on a line"),
      field("secret", "Secret", text((value) => this.#set(event, "secret", value || undefined), { type: "password", autocomplete: "new-password" }), "signs the request"),
    );
    return row;
  }

  #body(event, row, typed) {
    row.problem = "";
    if (!typed.trim()) return this.#set(event, "body", undefined);
    try {
      this.#set(event, "body", JSON.parse(typed));
    } catch {
      row.problem = NO_JSON;
      this.onchange(this.#events);
    }
  }

  #fillRow(row, fields) {
    const { url, method, body, headers, secret } = row.inputs;
    const name = String(fields.method ?? "").toUpperCase();
    const names = METHODS.includes(name) || !name ? METHODS : [name, ...METHODS];
    if (method.options.length !== names.length) put(method, names.map((one) => h("option", { value: one }, one)));
    method.value = name;
    const write = (input, value) => {
      if (document.activeElement !== input && input.value !== value) input.value = value;
    };
    write(url, String(fields.url ?? ""));
    if (!row.problem) write(body, fields.body === undefined || fields.body === null ? "" : JSON.stringify(fields.body, null, 2));
    write(headers, isObject(fields.headers) ? Object.entries(fields.headers).map(([one, value]) => `${one}: ${value}`).join("\n") : "");
    write(secret, String(fields.secret ?? ""));
    secret.placeholder = "none";
    mark(secret, "title", fields.secret === MASK ? "It is as it was; empty it, and requests are not signed" : null);
  }
}

function wordOf(event) {
  return MOMENTS.find(([name]) => name === event)?.[1] ?? event;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function headersOf(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.length) return undefined;
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}
