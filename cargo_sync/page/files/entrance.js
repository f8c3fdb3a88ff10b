/* The way in: a name and a password. */

import { brand } from "../common/brand.js";
import { h, newId, put, say, show } from "../common/element.js";

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
