/* The files of a drop or of a choice, folders included: [{file, path}] and the folders that have nothing. */

const MOST = 100_000;

/** What was chosen in `<input type="file">`, also of a folder. */
export function ofInput(input) {
  return { files: [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })), folders: [] };
}

/** What was dropped. It must be called in the handler: the browser forgets the items after it. */
export function ofDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Promise.resolve({ files: [...transfer.files].map((file) => ({ file, path: file.name })), folders: [] });
  return walked(entries);
}

async function walked(entries) {
  const found = { files: [], folders: [] };
  const pending = [...entries];
  while (pending.length) {
    const entry = pending.pop();
    const path = entry.fullPath.replace(/^\//, "");
    if (entry.isFile) found.files.push({ file: await new Promise((done, fail) => entry.file(done, fail)), path });
    else {
      const inside = await all(entry.createReader());
      if (!inside.length) found.folders.push(path);
      pending.push(...inside);
    }
    if (found.files.length + pending.length > MOST) throw new Error("that is too much at once: use a job of Cargo for it");
  }
  found.files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return found;
}

/** A reader gives a hundred entries at a time. */
async function all(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    found.push(...some);
  }
}
