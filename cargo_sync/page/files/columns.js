/* The columns of a folder: what each of its rows shows. */

import { h, mark, put, say, show } from "../common/element.js";
import { icon, setIcon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { to } from "../common/router.js";
import { escaped, exactly, moment, size } from "../common/words.js";
import { join } from "./server.js";

const ICONS = { f: "file", d: "folder", l: "link" };

/** The columns of the folder at `path`.

    reads, changes        whether this person may open files; whether they may change them
    follow(event, row)    a name was clicked
    actions(row)          the menu of a row */
export function columns({ workspace, path }, { reads, changes, follow, actions }) {
  return [
    {
      key: "name",
      title: "Name",
      head: true,
      class: "name",
      sort: true,
      text: (row) => escaped(row.name),
      make: (cell) => {
        cell.link = h("a.cut", { onclick: (event) => follow(event, cell.row) });
        put(cell, icon("file"), cell.link);
      },
      draw: (cell, row) => {
        cell.row = row;
        setIcon(cell, ICONS[row.kind] ?? "file");
        say(cell.link, escaped(row.name) + (row.kind === "l" ? ` → ${escaped(row.target)}` : ""));
        mark(cell.link, "title", cell.link.textContent);
        const opens = row.kind === "d" || (row.kind === "f" && reads);
        mark(cell.link, "href", opens ? to("files", workspace, ...join(path, row.name).split("/")) : null);
      },
    },
    { key: "size", title: "Size", class: "number size", sort: true, text: (row) => (row.kind === "f" ? size(row.size) : "") },
    {
      key: "mtime_ns",
      title: "Changed",
      class: "number when",
      sort: true,
      draw: (cell, row) => {
        const time = row.kind === "f" ? row.mtime_ns / 1e9 : null;
        say(cell, moment(time));
        mark(cell, "title", exactly(time));
      },
    },
    {
      key: "more",
      title: "Actions",
      hidden: true,
      class: "free actions",
      make: (cell) => {
        cell.button = h("button.icon-only.quiet.small", { type: "button", "aria-haspopup": "menu" }, icon("more"));
        cell.button.addEventListener("click", () => menu(cell.button, actions(cell.row)));
        put(cell, cell.button);
      },
      draw: (cell, row) => {
        cell.row = row;
        show(cell.button, reads || changes);
        mark(cell.button, "aria-label", `What to do with ${escaped(row.name)}`);
      },
    },
  ];
}
