/* Moving files to another folder of their workspace: chosen in a dialog, or by dragging rows onto a folder. */

import { browse } from "../common/browse.js";
import { count, escaped } from "../common/words.js";
import { join, nameOf, parentOf } from "./server.js";

const TYPE = "application/x-cargo-rows";

/** Asks for a folder, and moves rows of the folder `path` there: a promise of where they are now, or null.

    server, workspace  where they are
    rows               with name, kind and version */
export function askWhere(server, workspace, path, rows) {
  const list = async (at, after) => {
    const found = await server.list(workspace, at, after);
    // What is moved cannot be moved into itself.
    const folders = found.rows.filter((row) => row.kind === "d" && !(at === path && rows.some((one) => one.name === row.name)));
    return { path: at, above: at === "" ? null : parentOf(at), folders: folders.map((row) => row.name), next: found.next };
  };
  return browse({
    title: `Move ${whatOf(rows)} to…`,
    word: "Move here",
    list,
    join,
    start: path,
    make: async (at) => refused(await server.operate(workspace, [{ op: "mkdir", path: at, expected: 0 }]), 1),
    take: (to) => move(server, workspace, path, rows, to),
  });
}

/** Moves rows of the folder `path` to the folder `to`. Raises the first refusal, and says how many were moved. */
export async function move(server, workspace, path, rows, to) {
  if (to === path) throw new Error(rows.length === 1 ? "it is in this folder already" : "they are in this folder already");
  const operations = rows.map((row) => ({ op: "move", path: join(path, row.name), to: join(to, row.name), expected: row.version }));
  refused(await server.operate(workspace, operations), rows.length);
}

/** In words: the name of one row, or how many they are. */
export function whatOf(rows) {
  return rows.length === 1 ? escaped(rows[0].name) : count(rows.length, "entry", "entries");
}

function refused(results, all) {
  const failed = results.filter((one) => one.code !== "done");
  if (!failed.length) return;
  const moved = all - failed.length;
  const rest = moved ? `; ${count(moved, "other was", "others were")} moved` : "";
  throw Object.assign(new Error(`${failed[0].message}${rest}`), { hint: failed[0].hint ?? "" });
}

/** Rows that are dragged onto a folder: of the table, or of the path above it.

    table  a cargo-table; its rows can be dragged, those of folders can be dropped on
    links  () => [[element, path], …]: what else can be dropped on
    rows   (row) => the rows that are dragged with this one
    path   of the folder that is shown
    drop   (rows, to) => moves them */
export function dragRows({ table, links, rows, path, drop, signal }) {
  let dragged = null;
  let over = null;
  const rowOf = (event) => table.itemAt(event.target);
  const mark = (element) => {
    if (over === element) return;
    over?.classList.remove("over");
    over = element;
    over?.classList.add("over");
  };
  /** Where the pointer is: [element, path], or null. */
  const target = (event) => {
    const row = rowOf(event);
    if (row) return row.kind === "d" && !dragged.includes(row) ? [event.target.closest(".row"), join(path, row.name)] : null;
    const link = links().find(([element]) => element.contains(event.target));
    return link && link[1] !== path ? link : null;
  };
  const listen = (element, type, run) => element.addEventListener(type, run, { signal });
  listen(table, "dragstart", (event) => {
    const row = rowOf(event);
    if (!row) return;
    dragged = rows(row);
    event.dataTransfer.setData(TYPE, nameOf(row.name));
    event.dataTransfer.effectAllowed = "move";
  });
  listen(document, "dragover", (event) => {
    if (dragged === null) return;
    const found = target(event);
    mark(found?.[0] ?? null);
    if (!found) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  });
  listen(document, "drop", (event) => {
    const found = dragged === null ? null : target(event);
    if (!found) return;
    event.preventDefault();
    drop(dragged, found[1]);
  });
  listen(document, "dragend", () => {
    dragged = null;
    mark(null);
  });
}
