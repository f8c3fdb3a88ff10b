/* The way in: the key of a link, which works once, or a user's name and password. */

import { brand } from "../common/brand.js";
import { h, put, say, show } from "../common/element.js";
import { newId } from "../common/element.js";

/** Returns when somebody is logged in. */
export async function enter(login, place) {
  const key = keyOfLink();
  if (key) {
    try {
      login.keep(await login.json("POST", "api/enter", { key }));
      return;
    } catch (error) {
      if (!login.value) return ask(login, place, error);
    }
  }
  if (!login.value) return ask(login, place, null);
}

/** The key in the address, which is taken out of it at once: a page's address is kept and copied. */
function keyOfLink() {
  const found = /^#key=([^&]+)/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
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
