/* The way in: a name and a password, or an invitation, with which a person chooses a password. */

import { brand } from "../common/brand.js";
import { Dialog } from "../common/dialog.js";
import { h, newId, put, say, show } from "../common/element.js";
import { escaped } from "../common/words.js";

const LEAST = 8; // characters of a password

/** Returns when somebody is logged in. */
export function enter(login, place) {
  if (login.value) return Promise.resolve();
  return new Promise((done) => askPassword(login, place, done));
}

function askPassword(login, place, done) {
  const user = field("User", { autocomplete: "username", autocapitalize: "none" });
  const password = field("Password", { type: "password", autocomplete: "current-password" });
  form(place, done, {
    title: "Log in",
    word: "Log in",
    fields: [user, password],
    other: ["I have an invitation", () => askInvitation(login, place, done)],
    async send() {
      const body = { username: user.input.value, password: password.input.value };
      keep(login, await login.json("POST", "v1/login", body));
    },
    failed() {
      password.input.value = "";
      password.input.focus();
    },
  });
}

function askInvitation(login, place, done) {
  const line = field("Invitation", { placeholder: "cargo://…", autocomplete: "off" });
  const first = field(`New password, at least ${LEAST} characters`, { type: "password", autocomplete: "new-password", minlength: LEAST });
  const again = field("The same again", { type: "password", autocomplete: "new-password" });
  form(place, done, {
    title: "Choose a password",
    word: "Set the password",
    fields: [line, first, again],
    other: ["I have a password", () => askPassword(login, place, done)],
    async send() {
      const invitation = read(line.input.value);
      if (!invitation) throw new Error("this is no invitation: it is one line that begins with cargo://");
      if (first.input.value !== again.input.value) throw new Error("the two passwords differ");
      const body = { user: invitation.user, token: invitation.token, password: first.input.value };
      keep(login, await login.json("POST", "v1/invites/password", body));
    },
    failed() {},
  });
}

/** The name and the token of `cargo://NAME@HOST:PORT/PREFIX#FINGERPRINT.TOKEN`, or null. */
function read(line) {
  const found = /^cargo(?:\+http)?:\/\/([^@/#\s]+)@[^@#\s]+#[\w-]*\.([\w-]+)$/i.exec(line.trim());
  if (!found) return null;
  try {
    return { user: decodeURIComponent(found[1]), token: found[2] };
  } catch {
    return null;
  }
}

/** The login of this person has ended, as with a restart of the server: asks for the password over the page, so that what
    is on its way goes on. A promise that ends when they are back; who does not want to leaves the page. */
export function askAgain(login, user) {
  const dialog = new Dialog("Log in again");
  const name = h("input", { value: user, autocomplete: "username", readonly: true, "aria-label": "User" });
  const password = field("Password", { type: "password", autocomplete: "current-password" });
  const wrong = h("p.wrong", { role: "alert", hidden: true });
  const button = h("button.primary", { type: "submit" }, "Log in");
  const onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      keep(login, await login.json("POST", "v1/login", { username: user, password: password.input.value }));
      dialog.close(true);
    } catch (problem) {
      say(wrong, problem.hint ? `${problem.message} (${problem.hint})` : problem.message);
      show(wrong, true);
      password.input.value = "";
      password.input.focus();
    } finally {
      button.disabled = false;
    }
  };
  const words = `The login of ${escaped(user)} has ended. What is on its way goes on when you are back.`;
  put(dialog.body, h("form.stack", { onsubmit }, h("p", {}, words), h("div", { class: "unseen" }, name), password.element, wrong, h("div.buttons.end", {}, button)));
  password.input.focus();
  return dialog.closed.then((back) => {
    if (!back) location.reload();
    return back ? undefined : new Promise(() => {});
  });
}

function keep(login, answer) {
  login.keep({ bearer: answer.token, user: answer.user });
}

function field(word, props) {
  const id = newId("field");
  const input = h("input", { id, required: true, spellcheck: "false", ...props });
  return { input, element: h("div.field", {}, h("label", { for: id }, word), input) };
}

function form(place, done, { title, word, fields, other: [otherWord, turn], send, failed }) {
  document.title = `${title} · Cargo`;
  const wrong = h("p.wrong", { role: "alert", hidden: true });
  const button = h("button.primary", { type: "submit" }, word);
  const onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await send();
      done();
    } catch (problem) {
      say(wrong, problem.hint ? `${problem.message} (${problem.hint})` : problem.message);
      show(wrong, true);
      failed();
    } finally {
      button.disabled = false;
    }
  };
  put(
    place,
    h(
      "main.entrance.stack",
      {},
      brand("#/"),
      h("h1", {}, title),
      h("form", { onsubmit }, fields.map((one) => one.element), wrong, button),
      h("p", {}, h("button.text", { type: "button", onclick: turn }, otherWord)),
    ),
  );
  fields[0].input.focus();
}
