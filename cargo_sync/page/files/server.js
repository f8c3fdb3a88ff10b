/* The server's HTTP API (docs/http-api.md), as this page uses it. Addresses are relative to the page. */

const PAGE = 2_000; // entries of a folder that are asked for at once
const AT_ONCE = 500; // operations, or versions to restore, of one request
const FIELDS = ["name", "kind", "size", "mtime_ns", "mode", "version", "ident", "hash", "target"];

/** The parent of a path; that of the workspace is the workspace. */
export const parentOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
export const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
export const join = (folder, name) => (folder ? `${folder}/${name}` : name);
const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");

export class Server {
  #back = null;

  /* again  (login, user) => asks a person whose login has ended for the password; a promise */
  constructor(login, again) {
    this.login = login;
    this.again = again;
    this.user = login.value?.user ?? "";
    this.workspaces = new Map(); // by their name: {name, access, sequence, problem}
  }

  /** Waits until the person is logged in again. */
  back() {
    this.#back ??= this.again(this.login, this.user).finally(() => {
      this.#back = null;
    });
    return this.#back;
  }

  async readWorkspaces() {
    const { workspaces } = await this.login.json("GET", "v1/workspaces");
    this.workspaces = new Map(workspaces.map((one) => [one.name, one]));
    return workspaces;
  }

  /** What this person may do in a workspace: "rw", "ro" or "wo". */
  access(workspace) {
    return this.workspaces.get(workspace)?.access ?? "ro";
  }

  address(workspace, path) {
    return `v1/files/${encodeURIComponent(workspace)}/${encoded(path)}`;
  }

  #of(workspace, what, query = {}) {
    const asked = new URLSearchParams(query).toString();
    return `v1/workspaces/${encodeURIComponent(workspace)}/${what}${asked ? `?${asked}` : ""}`;
  }

  /** A page of a folder: {rows, next}. */
  async list(workspace, path, after = "", signal = undefined) {
    const query = { path, after, limit: PAGE };
    const { entries, next } = await this.login.json("GET", this.#of(workspace, "tree", query), undefined, { signal });
    return { rows: rows(entries), next };
  }

  /** What is at a path now, or null. */
  async entry(workspace, path) {
    try {
      const { entry } = await this.login.json("GET", this.#of(workspace, "entry", { path }));
      return Object.fromEntries(FIELDS.map((field, at) => [field, entry[at]]));
    } catch (error) {
      if (error.code === "unknown" || error.code === "vanished") return null;
      throw error;
    }
  }

  /** The tag of the file at a path now, for a condition. */
  async etag(workspace, path) {
    return (await this.login.send("HEAD", this.address(workspace, path))).headers.get("ETag");
  }

  /** Waits for a change at or below a folder: {sequence, changed}. */
  async change(workspace, path, since, wait, signal) {
    const query = { since, under: path, wait, limit: 1 };
    const { sequence, rows } = await this.login.json("GET", this.#of(workspace, "changes", query), undefined, { signal });
    return { sequence, changed: rows.length > 0 };
  }

  /** Changes without content, in the parts that a request may have; gives one result for each. */
  async operate(workspace, operations, run = "web") {
    const results = [];
    for (let at = 0; at < operations.length; at += AT_ONCE) {
      const body = { run, operations: operations.slice(at, at + AT_ONCE) };
      results.push(...(await this.login.json("POST", this.#of(workspace, "operations"), body)).results);
    }
    return results;
  }

  /** The sequence of the newest change that is known. */
  async sequence(workspace) {
    return (await this.readWorkspaces()).find((one) => one.name === workspace)?.sequence ?? 0;
  }

  /** The address of a download that the browser makes by itself. */
  async ticket(workspace, paths, as) {
    const { url } = await this.login.json("POST", "v1/tickets", { workspace, paths, as });
    return `v1/tickets/${url.slice(url.lastIndexOf("/") + 1)}`;
  }

  async trash(workspace, query, signal = undefined) {
    return this.login.json("GET", this.#of(workspace, "trash", query), undefined, { signal });
  }

  async restore(workspace, ids) {
    const results = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const body = { ids: ids.slice(at, at + AT_ONCE) };
      results.push(...(await this.login.json("POST", this.#of(workspace, "trash/restore"), body)).results);
    }
    return results;
  }

  async free(workspace, ids) {
    for (let at = 0; at < ids.length; at += AT_ONCE)
      await this.login.json("POST", this.#of(workspace, "trash/empty"), { ids: ids.slice(at, at + AT_ONCE) });
  }

  async logout() {
    this.login.onleave = () => location.reload();
    try {
      await this.login.json("POST", "v1/logout", {});
    } finally {
      this.login.forget();
    }
  }
}

/** Columns to entries. */
function rows(columns) {
  if (!columns.length) return [];
  return columns[0].map((_, at) => Object.fromEntries(FIELDS.map((field, number) => [field, columns[number][at]])));
}
