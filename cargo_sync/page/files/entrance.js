/* The way in: a name and a password. */

import { brand } from "../common/brand.js";
import { Dialog } from "../common/dialog.js";
import { h, newId, put, say, show } from "../common/element.js";
import { escaped } from "../common/words.js";

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

function form(place, done, { title, word, fields, send, failed }) {
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
    ),
  );
  fields[0].input.focus();
}
