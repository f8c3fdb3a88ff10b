/* The fields of a job as a form: what is asked, in which groups, and how it becomes the fields of a job file. Pure,
   apart from the questions' words. A field that the form does not know stays in the file as it is. */

export const DIRECTIONS = [
  ["upload", "up", "Upload", "from here to the server"],
  ["download", "down", "Download", "from the server to here"],
  ["bidirectional", "both", "Both ways", "both sides follow each other"],
];

/* Each question: [field, label, kind, help, only]. kinds: text, given (a text that may be empty), secret, folder, remote,
   number, lines, flag, callbacks, and choices as [[value, label], …]; of a value that is an object, `value` is its only name,
   and a third one is what the file gets. `only` says for which directions it has a meaning, or is a function of the fields. */
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
      ["hostname", "Address", "server", "such as files.example.org, whose usual port is 8443, or sftp://nas.example.org/folder"],
      ["username", "User", "text", "of a bucket: the access key"],
      ["password", "Password", "secret", "it is written to the job's file, which only its owner can read"],
      ["password_file", "or a file with it", "text", "on the daemon's machine; its first line is the password"],
      ["key_file", "or a key", "text", "a private key on the daemon's machine", overSsh],
      ["key_passphrase_file", "and its passphrase", "text", "a file whose first line is the passphrase", overSsh],
      ["host_key", "Host key", "text", "SHA256:…, as ssh-keygen -l shows it; else ~/.ssh/known_hosts says it", overSsh],
      ["known_hosts", "Known hosts", "text", "another file of them on the daemon's machine", overSsh],
      ["region", "Region", "text", "such as eu-west-1; AWS needs it", isBucket],
      ["tls_fingerprint", "Fingerprint", "text", "64 hex digits, as the server prints them; not needed if its certificate is of an authority", hasCertificate],
      ["ca_file", "Authorities", "text", "a PEM file on the daemon's machine, if the server's certificate is of an authority of your own", hasCertificate],
      ["workspace", "Workspace", "workspace", "default is the user's own folder", hasWorkspaces],
      ["remote_dir", "Folder there", "remote", "in the workspace, or below the address; empty for all of it"],
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
      ["after_transfer", "After a file was delivered", [["", "keep it at the source"], ["delete", "delete it at the source"], ["move", "move it to a folder", { move: "" }]], "", ["upload", "download"]],
      ["after_transfer.move", "Move it to", "given", "a folder of the source that no job sends", ({ after_transfer: after }) => typeof after === "object"],
      ["trash_days", "Days in the trash", "number", "14 if empty"],
      ["trash", "What is replaced or deleted at the server", [["", "is kept there"], ["none", "is gone"]], "", isForeign],
    ],
  },
  {
    title: "The guard",
    questions: [
      ["guard", "Wait for a person before many files are deleted or overwritten", "flag", ""],
      ["guard.share", "More than this part of the files", "number", "0.5 if empty: half of them", guarded],
      ["guard.at_least", "and more than so many", "number", "10 if empty", guarded],
      ["guard.window", "within", "text", "such as 12h or 1d; a day if empty", guarded],
    ],
  },
  {
    title: "Which files",
    questions: [
      ["filters.include", "Only these", "lines", "patterns as in .gitignore, one on a line; empty: everything"],
      ["filters.exclude", "Not these", "lines", "such as *.bak or /drafts/"],
    ],
  },
  {
    title: "Callbacks",
    questions: [["events", "HTTP requests to other systems when something happens", "callbacks", ""]],
  },
];

function guarded({ guard }) {
  return guard !== false;
}

/** What the address begins with; without it, it is a Cargo server's. */
function scheme({ hostname }) {
  return /^\s*([\w+]+):\/\//.exec(String(hostname ?? ""))?.[1].toLowerCase() ?? "https";
}

function isForeign(fields) {
  return !["https", "http"].includes(scheme(fields));
}

function overSsh(fields) {
  return scheme(fields) === "sftp";
}

function isBucket(fields) {
  return /^s3\b/.test(scheme(fields));
}

function hasCertificate(fields) {
  return !["sftp", "http", "ftp"].includes(scheme(fields)) && !scheme(fields).endsWith("+http");
}

function hasWorkspaces(fields) {
  return !isForeign(fields) || scheme(fields).startsWith("pydio+");
}

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
  if (Array.isArray(kind) && typeof value === "object") return Object.keys(value)[0] ?? "";
  if (kind === "lines") return Array.isArray(value) ? value.join("\n") : String(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was typed, as a value of the file; undefined leaves the field out. */
export function parsed(kind, typed) {
  if (kind === "flag") return typed ? undefined : false;
  const text = kind === "secret" ? typed : String(typed).trim();
  if (kind === "given") return text;
  if (text === "") return undefined;
  if (Array.isArray(kind)) return kind.find(([one]) => one === text)?.[2] ?? text;
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
