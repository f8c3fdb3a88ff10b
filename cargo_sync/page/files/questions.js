/* What a person is asked: a name, and which of two files stays. */

import { ask, Dialog } from "../common/dialog.js";
import { h, newId, put, say, show } from "../common/element.js";
import { count, escaped } from "../common/words.js";
import { nameOf } from "./server.js";

/** Asks for a name; `run` gets it and does the work. A promise of whether it was done. */
export function askName(title, label, value, word, run) {
  const dialog = new Dialog(title);
  const id = newId("name");
  const wrong = h("p.wrong", { role: "alert", hidden: true });
  const input = h("input", { id, value, required: true, spellcheck: "false", autocomplete: "off" });
  const button = h("button.primary", { type: "submit" }, word);
  const tell = (text) => {
    say(wrong, text);
    show(wrong, text !== "");
  };
  const form = h(
    "form.stack",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        const problem = badName(input.value);
        if (problem) return tell(problem);
        button.disabled = true;
        try {
          await run(input.value);
          dialog.close(true);
        } catch (error) {
          tell(error.hint ? `${error.message} (${error.hint})` : error.message);
          button.disabled = false;
        }
        return undefined;
      },
    },
    h("div.field", {}, h("label", { for: id }, label), input),
    wrong,
    h("div.buttons.end", {}, h("button", { type: "button", onclick: () => dialog.close(false) }, "Cancel"), button),
  );
  put(dialog.body, form);
  input.focus();
  const dot = value.lastIndexOf(".");
  input.setSelectionRange(0, dot > 0 ? dot : value.length);
  return dialog.closed;
}

function badName(name) {
  if (name.trim() === "") return "a name is needed";
  if (name.includes("/")) return "a name cannot have a slash";
  if (name === "." || name === "..") return "this is no name";
  return "";
}

/** Something stands at the place of an upload: {what: "replace" | "both" | "skip", all}. */
export async function askWhichStays(item, others, may) {
  const all = h("input", { type: "checkbox" });
  const text = h(
    "div.stack",
    {},
    h("p", {}, h("b", {}, escaped(nameOf(item.path))), " is there already.", may.replace ? " If you replace it, it goes to the trash." : ""),
    others > 0 ? h("label.line", {}, all, `The same for ${count(others, "other file")} of this choice, where it is so`) : null,
  );
  const what = await ask("Which one stays?", text, [
    { label: "Leave mine out", value: "skip" },
    ...(may.both ? [{ label: "Keep both", value: "both" }] : []),
    ...(may.replace ? [{ label: "Replace", value: "replace", kind: "primary" }] : []),
  ]);
  return { what: what ?? "skip", all: all.checked };
}
