/* The page on which a job is added or edited: questions on one side, the file that they make on the other. */

import { browse } from "../common/browse.js";
import { h, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { calmly } from "../common/lists.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { escaped } from "../common/words.js";
import { localFolders, serverFolders } from "./folders.js";
import { Questions } from "./questions.js";
import { ServerLogin } from "./server_login.js";

const OF_LOGIN = new Set(["hostname", "username", "password", "tls_fingerprint"]);

class JobForm extends Part {
  #version = null;
  #text = null; // set while the file is edited as text
  #errors = [];
  #all = false; // it was sent once: all that is wrong is shown
  #turn = 0;

  get heading() {
    return this.job === null ? "Add a job" : `Edit ${escaped(this.job)}`;
  }

  build() {
    const buttons = { folder: () => this.#browseHere(), remote: () => this.#browseThere(), server: () => this.#connect() };
    this.questions = new Questions(buttons, (name) => this.#answered(name), () => this.#check());
    this.login = new ServerLogin(this);
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
        this.questions.element,
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
  }

  /** What the login at the server needs to know. */
  get control() {
    return this.app.control;
  }

  get fields() {
    return this.questions.fields;
  }

  trusts(fingerprint) {
    this.questions.set("tls_fingerprint", fingerprint);
  }

  #answered(name) {
    if (OF_LOGIN.has(name)) this.login.close();
    this.#soon();
  }

  enter() {
    const daemons = [...this.app.control.sources.values()].filter((one) => one.kind === "daemon" && this.app.control.may(one.source));
    put(this.sources, daemons.map((one) => h("option", { value: one.source }, one.host ? `${one.name} on ${one.host}` : one.source)));
    this.source ??= daemons[0]?.source ?? null;
    if (this.source) this.sources.value = this.source;
    show(this.where, this.job === null && daemons.length > 1);
    if (this.job === null) {
      this.questions.fill();
      this.#check();
    } else this.#read();
  }

  leave() {
    this.login.close();
  }

  // -- the check -------------------------------------------------------------------------------------------------

  #soon = calmly(() => this.#check(), 400);

  get #content() {
    return this.#text === null ? { fields: this.fields } : { text: this.#text };
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
    this.#errors = [...answer.errors, ...(this.#text === null ? this.questions.problems : [])];
    this.#tellErrors();
    put(this.warnings, answer.warnings.map((one) => h("li", {}, icon("warning"), sentence(one))));
    if (this.#text === null && answer.text !== null) say(this.preview, answer.text);
    if (this.#text !== null && answer.fields !== null) this.questions.fields = answer.fields;
  }

  #tellErrors() {
    const text = this.#text !== null;
    const others = this.questions.tell(text ? [] : this.#errors, this.#all);
    const general = text ? this.#errors : this.#all ? others : [];
    put(this.general, general.map((error) => h("li", {}, icon("warning"), error.line && text ? `line ${error.line}: ` : "", sentence(error))));
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
        this.questions.fill();
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
    show(this.questions.element, !text);
    this.querySelector("form").classList.toggle("as-text", text);
  }

  // -- both sides ------------------------------------------------------------------------------------------------

  async #browseHere() {
    const path = await browse({ title: "A folder here", start: this.fields.local_dir ?? "", ...localFolders(this.app.control, this.source) });
    if (path !== null) this.questions.set("local_dir", path);
  }

  async #browseThere() {
    const session = await this.#loggedIn();
    if (!session) return;
    const workspace = this.fields.workspace ?? "default";
    try {
      const { access } = await this.app.control.call(this.source, "session.use", { session: session.session, workspace });
      const folders = serverFolders(this.app.control, this.source, session.session, access === "rw");
      const start = String(this.fields.remote_dir ?? "").replace(/^\/+|\/+$/g, "");
      const path = await browse({ title: `A folder in ${escaped(workspace)}`, start, ...folders });
      if (path !== null) this.questions.set("remote_dir", path);
    } catch (error) {
      refuse(error);
    }
  }

  async #loggedIn() {
    const opened = await this.login.connect();
    if (opened) this.questions.offer(opened.workspaces);
    return opened;
  }

  async #connect() {
    const opened = await this.#loggedIn();
    if (!opened) return;
    toast(`Logged in as ${escaped(this.fields.username)}: ${opened.workspaces.map(({ name }) => escaped(name)).join(", ")}`);
  }

  // -- the file --------------------------------------------------------------------------------------------------

  async #read() {
    try {
      const { text, fields, version, file } = await this.app.control.call(this.source, "job.read", { job: this.job }, { signal: this.signal });
      this.#version = version;
      if (fields === null) {
        this.#text = text ?? "";
        this.editor.value = this.#text;
      } else this.questions.fields = fields;
      this.preview.title = file;
      say(this.preview, text ?? "");
      this.questions.fill();
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
        (this.questions.firstWrong ?? this.editor).focus();
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

function sentence(error) {
  const field = error.field ? `${error.field}: ` : "";
  return `${field}${error.message}${error.hint ? ` (${error.hint})` : ""}`;
}

customElements.define("cargo-job-form", JobForm);

export function page(app, [kind, source, name], shown) {
  const job = kind === "edit" ? name : null;
  if (shown instanceof JobForm && shown.job === job && shown.source === source) return shown;
  const form = document.createElement("cargo-job-form");
  return Object.assign(form, { app, source: source ?? null, job });
}
