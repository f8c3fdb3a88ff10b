/* The fields of a job as a form: what is asked, in which groups, and how it becomes the fields of a job file. Pure,
   apart from the questions' words. A field that the form does not know stays in the file as it is. */

export const DIRECTIONS = [
  ["upload", "up", "Upload", "from here to the server"],
  ["download", "down", "Download", "from the server to here"],
  ["bidirectional", "both", "Both ways", "both sides follow each other"],
];

/* Each question: [field, label, kind, help]. kinds: text, secret, folder, remote, number, lines, flag, and choices as
   [[value, label], …]. `only` says for which directions it has a meaning. */
export const GROUPS = [
  {
    title: "What",
    questions: [
      ["sync_name", "Name", "text", "of the job: no other job of this daemon has it"],
      ["sync_mode", "Direction", "direction", ""],
      ["local_dir", "Folder here", "folder", "on the daemon's machine"],
    ],
  },
  {
    title: "Server",
    questions: [
      ["hostname", "Address", "server", "such as files.example.org; the usual port is 8443"],
      ["username", "User", "text", ""],
      ["password", "Password", "secret", "it is written to the job's file, which only its owner can read"],
      ["password_file", "or a file with it", "text", "on the daemon's machine; its first line is the password"],
      ["tls_fingerprint", "Fingerprint", "text", "64 hex digits, as the server prints them; not needed if its certificate is of an authority"],
      ["workspace", "Workspace", "workspace", "default is the user's own folder"],
      ["remote_dir", "Folder there", "remote", "in the workspace; empty for all of it"],
    ],
  },
  {
    title: "When and how fast",
    questions: [
      ["start_time", "From", "text", "HH:MM; empty: at any time"],
      ["end_time", "To", "text", "HH:MM"],
      ["timezone", "Time zone", "text", "such as Europe/Madrid; empty: the daemon's"],
      ["speed", "Speed", "speed", "such as 10mbps; empty: no limit"],
      ["priority", "Priority", "number", "0 to 100; 50 if empty"],
      ["enabled", "Enabled", "flag", ""],
    ],
  },
  {
    title: "Deletions and changes",
    questions: [
      ["delete", "When a file is deleted at the source", [["", "keep it at the destination"], ["propagate", "delete it there too"]], "", ["upload", "download"]],
      ["conflicts", "When both sides changed a file", [["", "keep both"], ["ask", "ask a person"], ["newest", "the newest wins"], ["local", "the version here wins"], ["remote", "the server's version wins"]], "", ["bidirectional"]],
      ["after_transfer", "After a file was delivered", [["", "keep it at the source"], ["delete", "delete it at the source"]], "", ["upload", "download"]],
      ["trash_days", "Days in the trash", "number", "14 if empty"],
    ],
  },
  {
    title: "Which files",
    questions: [
      ["filters.include", "Only these", "lines", "patterns as in .gitignore, one on a line; empty: everything"],
      ["filters.exclude", "Not these", "lines", "such as *.bak or /drafts/"],
    ],
  },
];

/** What `job.read` shows instead of a secret, and `job.write` takes as "as it is". */
export const MASK = "<unchanged>";

/** The value of a dotted field: `filters.include`. */
export function valueAt(fields, name) {
  return name.split(".").reduce((value, part) => value?.[part], fields);
}

/** The same fields with another value; undefined removes it, and an object that is empty then. */
export function withValue(fields, name, value) {
  const [first, ...rest] = name.split(".");
  const next = { ...fields };
  const inner = rest.length ? withValue(next[first] ?? {}, rest.join("."), value) : value;
  if (inner === undefined || (rest.length && Object.keys(inner).length === 0)) delete next[first];
  else next[first] = inner;
  return next;
}

/** What a field of the file looks like in the form: always a text, or a truth for a flag. */
export function shown(kind, value) {
  if (kind === "flag") return value !== false;
  if (value === undefined || value === null || (kind === "secret" && value === MASK)) return "";
  if (kind === "lines") return Array.isArray(value) ? value.join("\n") : String(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was typed, as a value of the file; undefined leaves the field out. */
export function parsed(kind, typed) {
  if (kind === "flag") return typed ? undefined : false;
  const text = kind === "secret" ? typed : String(typed).trim();
  if (text === "") return undefined;
  if (kind === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "number") return Number.isFinite(Number(text)) ? Number(text) : text;
  if (/^[[{]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text; // the check says what is wrong with it
    }
  }
  return text;
}

/** The direction, whatever form a file says it in. */
export function fullMode(value) {
  return { up: "upload", down: "download", bi: "bidirectional" }[value] ?? value;
}
