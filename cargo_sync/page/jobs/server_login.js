/* The login at the server that a job's form names: with it, the form shows what is there. */

import { ask } from "../common/dialog.js";
import { h, newId } from "../common/element.js";
import { refuse, toast } from "../common/toast.js";
import { escaped } from "../common/words.js";
import { MASK } from "./form.js";

/** form  {control, source, fields, signal, trusts(fingerprint)}: what it says now; the last one writes the fingerprint
          of a server that a person trusts into the fields */
export class ServerLogin {
  #form;
  #open = null; // {key, source, session, workspaces}

  constructor(form) {
    this.#form = form;
  }

  /** Logs in with what the form says, after a person has trusted the server: {session, workspaces}, or null. */
  async connect() {
    const { control, source, signal, fields } = this.#form;
    const { hostname = "", username = "", password, password_file: file } = fields;
    const key = keyOf(fields);
    if (this.#open?.key === key) return this.#open;
    if (!hostname) return toast("First give the address of the server", { kind: "bad" }), null;
    try {
      const url = /^\w+:\/\//.test(hostname) ? hostname : `https://${hostname}`;
      const seen = await control.call(source, "session.look", { url }, { signal });
      if (seen.kind !== "cargo") return toast(seen.message, { kind: "bad" }), null;
      if (seen.sealed && !seen.trusted && !fields.tls_fingerprint && !fields.ca_file && !(await this.#trust(seen))) return null;
      const secret = password && password !== MASK ? password : await askPassword(username, file);
      if (!username || secret === null) return toast("First give the user and the password", { kind: "bad" }), null;
      const args = { url, username, password: secret };
      const now = this.#form.fields; // with the fingerprint, if a person has just trusted it
      for (const name of ["tls_fingerprint", "ca_file", "allow_plain", "workspace"]) if (now[name] !== undefined) args[name] = now[name];
      const opened = await control.call(source, "session.open", args, { signal });
      this.#open = { key: keyOf(now), source, session: opened.session, workspaces: opened.workspaces };
      return this.#open;
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
    if (trusted) this.#form.trusts(seen.fingerprint);
    return trusted === true;
  }

  /** Ends the login, if there is one. */
  close() {
    if (!this.#open) return;
    this.#form.control.call(this.#open.source, "session.close", { session: this.#open.session }).catch(() => {}); // it ends by itself as well
    this.#open = null;
  }
}

/** What a login belongs to: with another one of these, it is another login. */
function keyOf({ hostname = "", username = "", password, tls_fingerprint: fingerprint }) {
  return JSON.stringify([hostname, username, password, fingerprint]);
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
