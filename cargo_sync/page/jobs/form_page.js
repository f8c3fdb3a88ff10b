/* The page on which a job is added or edited: questions on one side, the file that they make on the other. */

import { browse } from "../common/browse.js";
import { ask } from "../common/dialog.js";
import { h, mark, newId, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { calmly } from "../common/lists.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { escaped } from "../common/words.js";
import { CallbacksField } from "./callbacks_field.js";
import { localFolders, serverFolders } from "./folders.js";
import { DIRECTIONS, fullMode, GROUPS, MASK, parsed, shown, valueAt, withValue } from "./form.js";

class JobForm extends Part {
  #fields = { sync_mode: "upload" };
  #version = null;
  #text = null; // set while the file is edited as text
  #errors = [];
  #left = new Set(); // fields that were left once: only they show what is wrong, until it is sent
  #all = false;
  #inputs = new Map();
  #session = null; // {key, session, workspaces}
  #turn = 0;
  #callbacks = null;
  #masked = new Set(); // secrets that the file has: an empty answer leaves them as they are

  get heading() {
    return this.job === null ? "Add a job" : `Edit ${escaped(this.job)}`;
  }

  build() {
    this.form = h("div.stack");
    this.preview = h("pre", { tabindex: 0, role: "region", "aria-label": "The job's file" });
    this.editor = h("textarea", { rows: 24, "aria-label": "The job's file as text", hidden: true, spellcheck: "false", oninput: () => this.#typed() });
    this.asText = h("button.small", { type: "button", onclick: () => this.#turnText() });
    this.general = h("ul.problems");
    this.warnings = h("ul.problems.warn");
    this.sources = h("select", { "aria-label": "Daemon", onchange: () => ((this.source = this.sources.value), this.#check()) });
    this.paused = h("input", { type: "checkbox" });
    this.send = h("button.primary", { type: "submit" }, this.job === null ? "Add the job" : "Write the file");
    const back = this.job === null ? "#/" : to("job", this.source, this.job, "file");
    put(
      this,
      h("nav.crumbs", { "aria-label": "Where you are" }, h("a", { href: "#/" }, "Jobs"), h("span", { "aria-hidden": "true" }, "/"), h("span", {}, this.heading)),
      h("div.page-head", {}, h("h1.grow", {}, this.heading), (this.where = h("label.line", {}, "Daemon", this.sources))),
      h(
        "form.form",
        { novalidate: true, onsubmit: (event) => (event.preventDefault(), this.#submit()) },
        this.form,
        h(
          "aside.stack",
          {},
          h("section.sheet", { "aria-label": "The file" }, h("header", {}, h("h2", {}, "Its file"), this.asText), h("div.body", {}, this.preview, this.editor)),
          this.general,
          this.warnings,
          this.job === null ? h("label.line", {}, this.paused, "Add it paused, and start it later") : null,
          h("div.buttons", {}, this.send, h("a.button", { href: back }, "Cancel")),
        ),
      ),
    );
    this.#questions();
  }

  enter() {
    const daemons = [...this.app.control.sources.values()].filter((one) => one.kind === "daemon" && this.app.control.may(one.source));
    put(this.sources, daemons.map((one) => h("option", { value: one.source }, one.host ? `${one.name} on ${one.host}` : one.source)));
    this.source ??= daemons[0]?.source ?? null;
    if (this.source) this.sources.value = this.source;
    show(this.where, this.job === null && daemons.length > 1);
    if (this.job === null) {
      this.#fill();
      this.#check();
    } else this.#read();
  }

  leave() {
    this.#closeSession();
  }

  // -- the questions ---------------------------------------------------------------------------------------------

  #questions() {
    put(
      this.form,
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
        this.#fields = withValue(this.#fields, name, events);
        this.#soon();
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
    if (kind === "folder") return h("div.line", {}, input, h("button", { type: "button", onclick: () => this.#browseHere() }, icon("folder"), "Browse…"));
    if (kind === "remote") return h("div.line", {}, input, h("button", { type: "button", onclick: () => this.#browseThere() }, icon("folder"), "Browse…"));
    if (kind === "server") return h("div.line", {}, input, h("button", { type: "button", onclick: () => this.#connect(true) }, icon("link"), "Connect"));
    if (kind === "workspace") {
      this.workspaces = h("datalist", { id: `${input.id}-list` });
      return h("div", {}, input, this.workspaces);
    }
    return input;
  }

  /** Brings the questions up to date with the fields, but not the one that somebody types into. */
  #fill() {
    for (const [name, { input, kind, box, only }] of this.#inputs) {
      const value = valueAt(this.#fields, name);
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
    this.#callbacks.fill(this.#fields.events);
  }

  /** Whether a question has a meaning now. */
  #has(only) {
    if (typeof only === "function" && !only(this.#fields)) return false;
    return !Array.isArray(only) || only.includes(fullMode(this.#fields.sync_mode));
  }

  /** A choice that the form does not offer stays what it is. */
  #fillChoice(input, value) {
    const known = { keep: "", keep_both: "" }[value] ?? value;
    if (![...input.options].some((option) => option.value === known)) input.append(h("option", { value: known }, known));
    input.value = known;
  }

  #take(name, kind, typed) {
    const value = parsed(kind, typed) ?? (this.#masked.has(name) ? MASK : undefined);
    this.#fields = withValue(this.#fields, name, value);
    if (name === "sync_mode") this.#clearOthers();
    else if (name === "hostname") this.#fill(); // each kind of server has questions of its own
    else if (kind === "flag" || Array.isArray(kind)) this.#fill(); // others may have a meaning now
    if (["hostname", "username", "password", "tls_fingerprint"].includes(name)) this.#closeSession();
    this.#soon();
  }

  /** Fields that have no meaning in the new direction, or for the new server. Those within a field go with it. */
  #clearOthers() {
    for (const [name, { only }] of this.#inputs)
      if (!name.includes(".") && !this.#has(only)) this.#fields = withValue(this.#fields, name, undefined);
    this.#fill();
  }

  #leave(name) {
    this.#left.add(name);
    if (name === "hostname") this.#clearOthers();
    this.#check();
  }

  // -- the check -------------------------------------------------------------------------------------------------

  #soon = calmly(() => this.#check(), 400);

  get #content() {
    return this.#text === null ? { fields: this.#fields } : { text: this.#text };
  }

  /** Checks what is there now, for a person who goes on typing: an answer that is too late is dropped. */
  async #check() {
    const turn = (this.#turn += 1);
    if (!this.source) return;
    try {
      const answer = await this.#ask();
      if (turn === this.#turn) this.#show(answer);
    } catch (error) {
      if (turn === this.#turn) refuse(error);
    }
  }

  #ask() {
    const args = { ...this.#content, ...(this.job === null ? {} : { job: this.job }) };
    return this.app.control.call(this.source, "job.check", args, { signal: this.signal });
  }

  #show(answer) {
    this.#errors = [...answer.errors, ...(this.#text === null ? this.#callbacks.problems : [])];
    this.#tellErrors();
    put(this.warnings, answer.warnings.map((one) => h("li", {}, icon("warning"), sentence(one))));
    if (this.#text === null && answer.text !== null) say(this.preview, answer.text);
    if (this.#text !== null && answer.fields !== null) this.#fields = answer.fields;
  }

  #tellErrors() {
    const general = [];
    const told = new Set(this.#callbacks.tell(this.#text === null ? this.#errors : [], this.#all));
    for (const [name, { input, wrong, kind }] of this.#inputs) {
      const own = this.#errors.filter((error) => belongs(error.field, name) && !this.#isAsked(error.field, name));
      own.forEach((error) => told.add(error));
      const shownNow = own.length > 0 && (this.#all || this.#left.has(name)) && this.#text === null;
      say(wrong, shownNow ? own.map((error) => [error.message, error.hint ? `(${error.hint})` : ""].join(" ").trim()).join("; ") : "");
      show(wrong, shownNow);
      if (kind !== "direction") mark(input, "aria-invalid", shownNow ? "true" : null);
    }
    for (const error of this.#errors) if (this.#text !== null || (this.#all && !told.has(error))) general.push(error);
    put(this.general, general.map((error) => h("li", {}, icon("warning"), error.line && this.#text !== null ? `line ${error.line}: ` : "", sentence(error))));
  }

  /** Whether a problem is about a question that is a part of this one: `guard.share` of `guard`. */
  #isAsked(field, name) {
    return [...this.#inputs].some(([other, { only }]) => other.startsWith(`${name}.`) && belongs(field, other) && this.#has(only));
  }

  // -- as text ---------------------------------------------------------------------------------------------------

  async #turnText() {
    try {
      const answer = await this.#ask();
      this.#show(answer);
      if (this.#text === null) this.editor.value = this.#text = this.preview.textContent;
      else if (answer.fields === null) toast("As long as it is not JSON, it can only be edited as text", { kind: "bad" });
      else {
        this.#text = null;
        this.#fill();
      }
      this.#tellErrors();
      this.changed();
    } catch (error) {
      refuse(error);
    }
  }

  #typed() {
    this.#text = this.editor.value;
    this.#soon();
  }

  draw() {
    const text = this.#text !== null;
    show(this.editor, text);
    show(this.preview, !text);
    say(this.asText, text ? "Back to the form" : "Edit as text");
    show(this.form, !text);
    this.querySelector("form").classList.toggle("as-text", text);
  }

  // -- both sides ------------------------------------------------------------------------------------------------

  async #browseHere() {
    const path = await browse({ title: "A folder here", start: this.#fields.local_dir ?? "", ...localFolders(this.app.control, this.source) });
    if (path !== null) this.#set("local_dir", path);
  }

  async #browseThere() {
    const session = await this.#connect(false);
    if (!session) return;
    const workspace = this.#fields.workspace ?? "default";
    try {
      const { access } = await this.app.control.call(this.source, "session.use", { session: session.session, workspace });
      const folders = serverFolders(this.app.control, this.source, session.session, access === "rw");
      const start = String(this.#fields.remote_dir ?? "").replace(/^\/+|\/+$/g, "");
      const path = await browse({ title: `A folder in ${escaped(workspace)}`, start, ...folders });
      if (path !== null) this.#set("remote_dir", path);
    } catch (error) {
      refuse(error);
    }
  }

  #set(name, value) {
    const { kind, input } = this.#inputs.get(name);
    input.value = value;
    this.#take(name, kind, value);
    this.#leave(name);
  }

  /** Logs in with what the form says, after a person has trusted the server. */
  async #connect(tell) {
    const { hostname = "", username = "", password, password_file: file } = this.#fields;
    const key = JSON.stringify([hostname, username, password, this.#fields.tls_fingerprint]);
    if (this.#session?.key === key) return this.#session;
    if (!hostname) return toast("First give the address of the server", { kind: "bad" }), null;
    try {
      const url = /^\w+:\/\//.test(hostname) ? hostname : `https://${hostname}`;
      const seen = await this.app.control.call(this.source, "session.look", { url }, { signal: this.signal });
      if (seen.kind !== "cargo") return toast(seen.message, { kind: "bad" }), null;
      if (seen.sealed && !seen.trusted && !this.#fields.tls_fingerprint && !this.#fields.ca_file && !(await this.#trust(seen))) return null;
      const secret = password && password !== MASK ? password : await askPassword(username, file);
      if (!username || secret === null) return toast("First give the user and the password", { kind: "bad" }), null;
      const args = { url, username, password: secret };
      for (const name of ["tls_fingerprint", "ca_file", "allow_plain", "workspace"]) if (this.#fields[name] !== undefined) args[name] = this.#fields[name];
      const opened = await this.app.control.call(this.source, "session.open", args, { signal: this.signal });
      const newKey = JSON.stringify([hostname, username, password, this.#fields.tls_fingerprint]);
      this.#session = { key: newKey, source: this.source, session: opened.session, workspaces: opened.workspaces };
      put(this.workspaces, opened.workspaces.map(({ name, access }) => h("option", { value: name }, `${name} (${access})`)));
      if (tell) toast(`Logged in as ${escaped(username)}: ${opened.workspaces.map(({ name }) => escaped(name)).join(", ")}`);
      return this.#session;
    } catch (error) {
      refuse(error);
      return null;
    }
  }

  async #trust(seen) {
    const trusted = await ask(
      "Is this the server?",
      h(
        "div.stack",
        {},
        h("p", {}, escaped(seen.message)),
        h("p.mono.fingerprint", {}, (seen.fingerprint ?? "").replace(/(.{4})(?=.)/g, "$1 ")),
        h("p.hint", {}, "The server printed it at its start. If it is another one, somebody may be in between."),
      ),
      [
        { label: "It is another one", value: false },
        { label: "It is the same", value: true, kind: "primary" },
      ],
    );
    if (trusted) this.#set("tls_fingerprint", seen.fingerprint);
    return trusted === true;
  }

  #closeSession() {
    if (!this.#session) return;
    this.app.control.call(this.#session.source, "session.close", { session: this.#session.session }).catch(() => {}); // it ends by itself as well
    this.#session = null;
  }

  // -- the file --------------------------------------------------------------------------------------------------

  async #read() {
    try {
      const { text, fields, version, file } = await this.app.control.call(this.source, "job.read", { job: this.job }, { signal: this.signal });
      this.#version = version;
      if (fields === null) {
        this.#text = text ?? "";
        this.editor.value = this.#text;
      } else this.#fields = fields;
      this.preview.title = file;
      say(this.preview, text ?? "");
      this.#fill();
      this.changed();
      this.#check();
    } catch (error) {
      refuse(error);
    }
  }

  async #submit() {
    this.#all = true;
    this.send.disabled = true;
    try {
      this.#show(await this.#ask());
      if (this.#errors.length) {
        const first = [...this.#inputs.values()].find(({ wrong }) => !wrong.hidden);
        const field = first?.input.querySelector?.("input") ?? first?.input ?? this.#callbacks.element.querySelector("[aria-invalid]");
        (field ?? this.editor).focus();
        return;
      }
      const added = this.job === null ? await this.#add() : await this.#write();
      location.hash = to("job", this.source, added.name);
    } catch (error) {
      refuse(error);
    } finally {
      this.send.disabled = false;
    }
  }

  async #add() {
    const added = await this.app.control.call(this.source, "job.add", { ...this.#content, paused: this.paused.checked });
    toast(`${escaped(added.name)} was added: ${added.state}`);
    return added;
  }

  async #write() {
    const args = { job: this.job, ...this.#content, ...(this.#version === null ? {} : { version: this.#version }) };
    const written = await this.app.control.call(this.source, "job.write", args);
    toast(written.changed ? `${escaped(written.name)}: its file was written` : "Nothing was changed");
    return written;
  }
}

function kindClass(kind) {
  return Array.isArray(kind) ? "choice" : kind;
}

/** Whether a problem of a file is about a question: `speed[0].from` is about `speed`. */
function belongs(field, name) {
  return field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`);
}

function sentence(error) {
  const field = error.field ? `${error.field}: ` : "";
  return `${field}${error.message}${error.hint ? ` (${error.hint})` : ""}`;
}

async function askPassword(username, file) {
  const id = newId("password");
  const field = h("input", { id, type: "password", autocomplete: "off" });
  const why = file ? "The page cannot read the password file." : "The password of the job is not shown here.";
  const typed = await ask(
    "Password",
    h("div.field", {}, h("label", { for: id }, `Password of ${escaped(username)}`), field, h("p.hint", {}, `${why} It is only used to log in now.`)),
    [
      { label: "Cancel", value: null },
      { label: "Log in", value: "", kind: "primary", run: () => field.value },
    ],
  );
  return typed;
}

customElements.define("cargo-job-form", JobForm);

export function page(app, [kind, source, name], shown) {
  const job = kind === "edit" ? name : null;
  if (shown instanceof JobForm && shown.job === job && shown.source === source) return shown;
  const form = document.createElement("cargo-job-form");
  return Object.assign(form, { app, source: source ?? null, job });
}
