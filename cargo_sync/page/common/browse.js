/* A chooser of one folder: on a machine, or on a server. */

import { Dialog } from "./dialog.js";
import { h, mark, put, say, show } from "./element.js";
import { icon } from "./icons.js";
import { escaped } from "./words.js";

const MOST = 5_000; // folders that are shown

/** Lets a person choose a folder.

    title   of the dialog
    list    async (path, after) => {path, above, folders: [name], next}: `above` is null at the top
    join    (path, name) => the path of a folder in it
    start   where it begins
    make    async (path) => makes a folder, or null
    word    of the button that takes the folder
    take    async (path) => does something with it before the dialog closes; what it throws is shown
    returns a promise of the path, or null */
export async function browse({ title, list, join, start, make = null, word = "Choose this folder", take = async () => {} }) {
  const dialog = new Dialog(title);
  const where = h("p.mono.where");
  const wrong = h("p.wrong", { role: "alert", hidden: true });
  const folders = h("ul.folders", { "aria-label": "Folders" });
  let now = start;
  let above = null;
  const up = h("button.quiet.small", { type: "button", onclick: () => go(above) }, icon("up"), "Up");
  const choose = h("button.primary", { type: "button", onclick: () => chosen() }, word);
  const name = h("input", { placeholder: "New folder", "aria-label": "Name of a new folder", spellcheck: "false" });
  const add = h("button", { type: "submit" }, icon("plus"), "Make");
  const form = h(
    "form.line",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        if (!name.value.trim()) return;
        try {
          await make(join(now, name.value.trim()));
          await go(join(now, name.value.trim()));
          name.value = "";
        } catch (error) {
          tell(error);
        }
      },
    },
    name,
    add,
  );
  put(dialog.body, h("div.line", {}, up, where), wrong, folders, make ? form : null);
  put(dialog.foot, h("button", { type: "button", onclick: () => dialog.close(null) }, "Cancel"), choose);

  async function chosen() {
    choose.disabled = true;
    try {
      await take(now);
      dialog.close(now);
    } catch (error) {
      tell(error);
      choose.disabled = false;
    }
  }

  function tell(error) {
    say(wrong, error.hint ? `${error.message} (${error.hint})` : error.message);
    show(wrong, true);
  }

  async function go(path) {
    show(wrong, false);
    mark(folders, "aria-busy", true);
    try {
      let page = await list(path, "");
      now = page.path;
      above = page.above;
      say(where, escaped(now) || "/");
      up.disabled = above === null;
      put(folders);
      for (;;) {
        folders.append(
          ...page.folders.map((each) =>
            h("li", {}, h("button.quiet", { type: "button", onclick: () => go(join(now, each)) }, icon("folder"), h("span.cut", {}, escaped(each)))),
          ),
        );
        if (page.next === null || folders.children.length >= MOST) break;
        page = await list(now, page.next);
      }
      if (!folders.children.length) put(folders, h("li.none", {}, "There is no folder in it."));
      (folders.querySelector("button") ?? choose).focus();
    } catch (error) {
      tell(error);
    } finally {
      mark(folders, "aria-busy", null);
    }
  }

  await go(start);
  return dialog.closed;
}
