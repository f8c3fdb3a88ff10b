/* What a person may change in a folder. Each asks where it has to, and says what it did. */

import { confirm } from "../common/dialog.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { count, escaped } from "../common/words.js";
import { askWhere, move, whatOf } from "./moving.js";
import { askName } from "./questions.js";
import { join, nameOf } from "./server.js";

/** Changes in the folder at `path`.

    table    whose rows it has
    reading  reads them again */
export class Changes {
  constructor({ server, uploads, workspace, path }, table, reading) {
    Object.assign(this, { server, uploads, workspace, path, table, reading });
  }

  /** Asks for a name, and makes a folder. */
  make() {
    return askName("New folder", "Name", "", "Make", async (name) => {
      const path = join(this.path, name);
      if (this.table.items.some((row) => row.name === name)) throw new Error("something has this name already");
      done(await this.server.operate(this.workspace, [{ op: "mkdir", path, expected: 0 }]));
      await this.reading.refresh();
      this.table.focusRow(name);
    });
  }

  /** Asks for another name. */
  rename(row) {
    if (!row) return undefined;
    return askName("Rename", "New name", row.name, "Rename", async (name) => {
      if (name === row.name) return;
      const operation = { op: "move", path: join(this.path, row.name), to: join(this.path, name), expected: row.version };
      done(await this.server.operate(this.workspace, [operation]));
      this.table.choose([]);
      await this.reading.refresh();
      this.table.focusRow(name);
    });
  }

  /** Asks where to, and moves. */
  async move(rows) {
    if (!rows.length) return;
    const to = await askWhere(this.server, this.workspace, this.path, rows);
    if (to === null) await this.reading.refresh(); // some may have been moved before one could not be
    else await this.#moved(rows, to);
  }

  /** Moves to a folder. */
  async moveTo(rows, to) {
    try {
      await move(this.server, this.workspace, this.path, rows, to);
      await this.#moved(rows, to);
    } catch (error) {
      refuse(error);
      await this.reading.refresh();
    }
  }

  async #moved(rows, to) {
    const where = to === "" ? this.workspace : nameOf(to);
    const open = () => (location.hash = addressOf(this.workspace, to));
    toast(`${whatOf(rows)} ${rows.length === 1 ? "is" : "are"} in ${escaped(where)} now`, { action: ["Show", open] });
    this.table.choose([]);
    await this.reading.refresh();
  }

  /** Asks, and moves to the trash. */
  async remove(rows) {
    if (!rows.length) return;
    const one = rows.length === 1;
    const what = one ? escaped(rows[0].name) : count(rows.length, "entry", "entries");
    const run = newRun();
    const gone = await confirm(`Delete ${what}?`, `${one ? "It goes" : "They go"} to the trash, and can be put back from there.`, "Delete", async () => {
      const folders = rows.some((row) => row.kind === "d");
      const seen = folders ? await this.server.sequence(this.workspace) : null;
      const operations = rows.map((row) => ({ op: "delete", path: join(this.path, row.name), expected: row.version, ...(row.kind === "d" ? { seen } : {}) }));
      try {
        done(await this.server.operate(this.workspace, operations, run));
      } finally {
        this.table.choose([]);
        await this.reading.refresh();
      }
    });
    if (gone) toast(`${what} ${one ? "is" : "are"} in the trash`, { action: ["Put back", () => this.#undo(run)] });
  }

  async #undo(run) {
    try {
      const { rows } = await this.server.trash(this.workspace, { run });
      done(await this.server.restore(this.workspace, rows.map((row) => row.id)));
      await this.reading.refresh();
    } catch (error) {
      refuse(error);
    }
  }

  /** Uploads what was chosen or dropped: files, and folders that may be empty. */
  async send({ files, folders }) {
    try {
      this.uploads.add(this.workspace, this.path, files);
      if (folders.length) done(await this.server.operate(this.workspace, folders.map((path) => ({ op: "mkdir", path: join(this.path, path), expected: 0 }))));
      if (folders.length) await this.reading.refresh();
    } catch (error) {
      refuse(error);
    }
  }
}

/** The address of a folder. */
function addressOf(workspace, path) {
  return to("files", workspace, ...(path ? path.split("/") : []));
}

/** Throws the first refusal of some results. */
function done(results) {
  const failed = results.find((one) => one.code !== "done");
  if (failed) throw Object.assign(new Error(failed.message), { hint: failed.hint ?? "" });
}

/** The name of a run in the trash: by it, what was deleted now is found again. */
function newRun() {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return `${time}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
