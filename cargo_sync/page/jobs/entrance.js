/* The way in: the key of a link, which works once, or a user's name and password. */

import { brand } from "../common/brand.js";
import { h, put, say, show } from "../common/element.js";
import { newId } from "../common/element.js";
import { answered } from "../common/http.js";

/** Returns when somebody is logged in. Until then a login stands in `body` in place of its frame. */
export async function enter(login, body) {
  const entered = window.cargoEntered; // by the key of a link (jobs/early.js)
  delete window.cargoEntered;
  let refused = null;
  if (entered) {
    try {
      await answered(entered.response);
      login.keep(await entered.login);
    } catch (error) {
      refused = error;
    }
  }
  if (login.value) return;
  document.documentElement.dataset.shows = "login";
  const place = h("div");
  body.append(place);
  await ask(login, place, refused);
  place.remove();
}

function ask(login, place, error) {
  document.title = "Log in · Cargo";
  return new Promise((done) => {
    const [userId, passwordId] = [newId("user"), newId("password")];
    const wrong = h("p.wrong", { role: "alert", hidden: true });
    const user = h("input", { id: userId, autocomplete: "username", required: true, spellcheck: "false", autocapitalize: "none" });
    const password = h("input", { id: passwordId, type: "password", autocomplete: "current-password", required: true });
    const button = h("button.primary", { type: "submit" }, "Log in");
    const tell = (problem) => {
      say(wrong, problem.hint ? `${problem.message} (${problem.hint})` : problem.message);
      show(wrong, true);
    };
    const form = h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          button.disabled = true;
          try {
            login.keep(await login.json("POST", "api/login", { user: user.value, password: password.value }));
            done();
          } catch (problem) {
            tell(problem);
            password.value = "";
            password.focus();
          } finally {
            button.disabled = false;
          }
        },
      },
      h("div.field", {}, h("label", { for: userId }, "User"), user),
      h("div.field", {}, h("label", { for: passwordId }, "Password"), password),
      wrong,
      button,
    );
    put(
      place,
      h(
        "main.entrance.stack",
        {},
        brand("#/"),
        h("h1", {}, "Log in"),
        form,
        h("p.hint", {}, "On the machine itself, the link that ", h("code", {}, "cargo_ctl web"), " prints logs in without a password."),
      ),
    );
    if (error) tell(error);
    user.focus();
  });
}
