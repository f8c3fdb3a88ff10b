/* Where the folders of a job are chosen: on the daemon's machine, or on the server of a session. */

const LIMIT = 1000;

/** Lists folders of the daemon's machine. */
export function localFolders(control, source) {
  return {
    list: async (path, after) => {
      const answer = await control.call(source, "local.list", { path, after, limit: LIMIT });
      return { path: answer.path, above: answer.parent, folders: answer.folders, next: answer.next };
    },
    join: (path, name) => `${path.replace(/\/$/, "")}/${name}`,
  };
}

/** Lists folders of a workspace of a session. */
export function serverFolders(control, source, session, may) {
  return {
    list: async (path, after) => {
      const args = { session, path, limit: LIMIT, ...(after ? { after } : {}) };
      const { entries, next } = await control.call(source, "session.list", args);
      const folders = entries.filter((one) => one.kind === "folder").map((one) => one.name);
      return { path, above: path === "" ? null : path.split("/").slice(0, -1).join("/"), folders, next };
    },
    join: (path, name) => (path ? `${path}/${name}` : name),
    make: may ? (path) => control.call(source, "session.mkdir", { session, path }) : null,
  };
}
