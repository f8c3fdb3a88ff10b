/* The questions of a job's form: one input each, what it does to the fields, and what is wrong with it. */

import { h, mark, newId, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { CallbacksField } from "./callbacks_field.js";
import { DIRECTIONS, fullMode, GROUPS, MASK, parsed, shown, valueAt, withValue } from "./form.js";

/** element  all of them
    fields   of the job, as they are answered now; after they were set: fill() */
export class Questions {
  fields = { sync_mode: "upload" };
  #inputs = new Map();
  #left = new Set(); // fields that were left once: only they show what is wrong, until it is sent
  #masked = new Set(); // secrets that the file has: an empty answer leaves them as they are
  #callbacks = null;
  #buttons;
  #changed;
  #check;

  /** buttons         {folder, remote, server}: what those beside the questions of these kinds do
      changed(name)   an answer is another one
      check()         somebody has left a question */
  constructor(buttons, changed, check) {
    this.#buttons = buttons;
    this.#changed = changed;
    this.#check = check;
    this.element = h(
      "div.stack",
      {},
      GROUPS.map(({ title, questions }) =>
        h("fieldset.sheet", {}, h("legend", {}, title), h("div.questions", {}, questions.map((question) => this.#question(question)))),
      ),
    );
  }

  #question([name, label, kind, help, only = null]) {
    if (kind === "callbacks") return this.#callbacksOf(name, label);
    const id = newId("field");
    const [hintId, wrongId] = [`${id}-hint`, `${id}-wrong`];
    const wrong = h("p.wrong", { id: wrongId, hidden: true });
    const about = { id, "aria-describedby": [help ? hintId : "", wrongId].filter(Boolean).join(" "), onblur: () => this.#leave(name) };
    const take = () => this.#take(name, kind, kind === "flag" ? input.checked : input.value);
    const input = this.#input(name, kind, about, take);
    const box = h(
      `div.field.of-${kindClass(kind)}`,
      { data: { field: name } },
      kind === "flag"
        ? h("label.line", { for: id }, input, label)
        : kind === "direction"
          ? h("span.label", { id: `${id}-label` }, label)
          : h("label", { for: id }, label),
      kind === "flag" ? null : this.#beside(name, kind, input),
      help ? h("p.hint", { id: hintId }, help) : null,
      wrong,
    );
    if (kind === "direction") mark(input, "aria-labelledby", `${id}-label`);
    this.#inputs.set(name, { input, kind, wrong, box, only });
    return box;
  }

  #callbacksOf(name, label) {
    this.#callbacks = new CallbacksField(
      (events) => {
        this.fields = withValue(this.fields, name, events);
        this.#changed(name);
      },
      () => this.#check(),
    );
    return h("div.field.of-callbacks", { data: { field: name } }, h("p.hint", {}, label), this.#callbacks.element);
  }

  #input(name, kind, about, take) {
    if (kind === "direction") return this.#directions(name, about);
    if (kind === "flag") return h("input", { ...about, type: "checkbox", onchange: take });
    if (kind === "lines") return h("textarea", { ...about, rows: 3, oninput: take, spellcheck: "false" });
    if (Array.isArray(kind)) return h("select", { ...about, onchange: take }, kind.map(([value, word]) => h("option", { value }, word)));
    const type = kind === "secret" ? "password" : "text";
    const list = kind === "workspace" ? { list: `${about.id}-list` } : {};
    return h("input", { ...about, ...list, type, oninput: take, spellcheck: "false", autocapitalize: "none", autocomplete: kind === "secret" ? "new-password" : "off", inputmode: kind === "number" ? "numeric" : null });
  }

  #directions(name, about) {
    const group = h(
      "div.directions",
      { id: about.id, role: "radiogroup" },
      DIRECTIONS.map(([value, picture, word, text]) =>
        h(
          "label",
          {},
          h("input", { type: "radio", name, value, onchange: () => this.#take(name, "direction", value), onblur: about.onblur }),
          icon(picture),
          h("span", {}, h("strong", {}, word), h("span.hint", {}, text)),
        ),
      ),
    );
    return group;
  }

  #beside(name, kind, input) {
    if (kind === "folder") return h("div.line", {}, input, h("button", { type: "button", onclick: this.#buttons.folder }, icon("folder"), "Browse…"));
    if (kind === "remote") return h("div.line", {}, input, h("button", { type: "button", onclick: this.#buttons.remote }, icon("folder"), "Browse…"));
    if (kind === "server") return h("div.line", {}, input, h("button", { type: "button", onclick: this.#buttons.server }, icon("link"), "Connect"));
    if (kind === "workspace") {
      this.workspaces = h("datalist", { id: `${input.id}-list` });
      return h("div", {}, input, this.workspaces);
    }
    return input;
  }

  /** Brings the questions up to date with the fields, but not the one that somebody types into. */
  fill() {
    for (const [name, { input, kind, box, only }] of this.#inputs) {
      const value = valueAt(this.fields, name);
      show(box, this.#has(only));
      if (kind === "direction") {
        for (const radio of input.querySelectorAll("input")) radio.checked = radio.value === fullMode(value);
      } else if (document.activeElement === input) continue;
      else if (kind === "flag") input.checked = shown(kind, value);
      else if (Array.isArray(kind)) this.#fillChoice(input, shown(kind, value));
      else input.value = shown(kind, value);
      if (value === MASK) {
        this.#masked.add(name);
        input.placeholder = "as it is";
      }
    }
    this.#callbacks.fill(this.fields.events);
  }

  /** Whether a question has a meaning now. */
  #has(only) {
    if (typeof only === "function" && !only(this.fields)) return false;
    return !Array.isArray(only) || only.includes(fullMode(this.fields.sync_mode));
  }

  /** A choice that the form does not offer stays what it is. */
  #fillChoice(input, value) {
    const known = { keep: "", keep_both: "" }[value] ?? value;
    if (![...input.options].some((option) => option.value === known)) input.append(h("option", { value: known }, known));
    input.value = known;
  }

  #take(name, kind, typed) {
    const value = parsed(kind, typed) ?? (this.#masked.has(name) ? MASK : undefined);
    this.fields = withValue(this.fields, name, value);
    if (name === "sync_mode") this.#clearOthers();
    else if (name === "hostname") this.fill(); // each kind of server has questions of its own
    else if (kind === "flag" || Array.isArray(kind)) this.fill(); // others may have a meaning now
    this.#changed(name);
  }

  /** Fields that have no meaning in the new direction, or for the new server. Those within a field go with it. */
  #clearOthers() {
    for (const [name, { only }] of this.#inputs)
      if (!name.includes(".") && !this.#has(only)) this.fields = withValue(this.fields, name, undefined);
    this.fill();
  }

  #leave(name) {
    this.#left.add(name);
    if (name === "hostname") this.#clearOthers();
    this.#check();
  }

  /** Writes `value` into a question, as if somebody had typed it. */
  set(name, value) {
    const { kind, input } = this.#inputs.get(name);
    input.value = value;
    this.#take(name, kind, value);
    this.#leave(name);
  }

  /** Offers the names of workspaces: [{name, access}, …]. */
  offer(workspaces) {
    put(this.workspaces, workspaces.map(({ name, access }) => h("option", { value: name }, `${name} (${access})`)));
  }

  /** What is wrong with callbacks that the file does not have yet. */
  get problems() {
    return this.#callbacks.problems;
  }

  /** Says beside each question what is wrong with it.

      all  also beside those that nobody has left yet
      Returns the problems that belong to no question. */
  tell(errors, all) {
    const told = new Set(this.#callbacks.tell(errors, all));
    for (const [name, { input, wrong, kind }] of this.#inputs) {
      const own = errors.filter((error) => belongs(error.field, name) && !this.#isAsked(error.field, name));
      own.forEach((error) => told.add(error));
      const shownNow = own.length > 0 && (all || this.#left.has(name));
      say(wrong, shownNow ? own.map((error) => [error.message, error.hint ? `(${error.hint})` : ""].join(" ").trim()).join("; ") : "");
      show(wrong, shownNow);
      if (kind !== "direction") mark(input, "aria-invalid", shownNow ? "true" : null);
    }
    return errors.filter((error) => !told.has(error));
  }

  /** What has the first problem that is shown, or undefined. */
  get firstWrong() {
    const first = [...this.#inputs.values()].find(({ wrong }) => !wrong.hidden);
    return first?.input.querySelector?.("input") ?? first?.input ?? this.#callbacks.element.querySelector("[aria-invalid]");
  }

  /** Whether a problem is about a question that is a part of this one: `guard.share` of `guard`. */
  #isAsked(field, name) {
    return [...this.#inputs].some(([other, { only }]) => other.startsWith(`${name}.`) && belongs(field, other) && this.#has(only));
  }
}

function kindClass(kind) {
  return Array.isArray(kind) ? "choice" : kind;
}

/** Whether a problem of a file is about a question: `speed[0].from` is about `speed`. */
function belongs(field, name) {
  return field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`);
}
