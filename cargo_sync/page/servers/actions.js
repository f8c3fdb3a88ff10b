/* What a person may do to a server: each is a command, and says what it did or why it was refused. */

import { ask, confirm, STAY } from "../common/dialog.js";
import { h, newId } from "../common/element.js";
import { refuse, toast } from "../common/toast.js";
import { escaped, exactly, speed } from "../common/words.js";

const SPEED_HINT = "Bits per second on the wire: 500kbps, 10mbps, 1.5gbps. Empty for no limit.";
export const DAY = "86400";
export const LASTS = [
  ["3600", "an hour"],
  [DAY, "a day"],
  ["604800", "a week"],
  ["2592000", "30 days"],
];
const GRANTS = [
  ["rw", "read and write"],
  ["ro", "only read"],
  ["wo", "only add files"],
];

/** Asks for some fields at once.

    fields  [{name, label, value, hint, type, choices, required}]: a text, or one of `choices` [[value, word], …]
    run     gets {name: text} of those that differ from `value`, and all that are required */
export function form(title, fields, label, run, more = null) {
  const made = fields.map((field) => {
    const id = newId("field");
    const input = field.choices
      ? h("select", { id }, field.choices.map(([value, word]) => h("option", { value, selected: value === field.value }, word)))
      : h("input", { id, type: field.type ?? "text", value: field.value ?? "", spellcheck: "false", autocapitalize: "none", autocomplete: field.type === "password" ? "new-password" : "off" });
    return { field, input, element: h("div.field", {}, h("label", { for: id }, field.label), input, field.hint ? h("p.hint", {}, field.hint) : null) };
  });
  const send = async () => {
    const values = {};
    for (const { field, input } of made) {
      const value = field.type === "password" ? input.value : input.value.trim();
      if (field.required && !value) {
        input.focus();
        throw new Error(`${field.label} is missing`);
      }
      if (field.required || value !== (field.value ?? "")) values[field.name] = value;
    }
    return (await run(values)) ?? true;
  };
  return ask(title, h("div.stack", {}, more, made.map(({ element }) => element)), [
    { label: "Cancel", value: false },
    { label, value: true, kind: "primary", run: send },
  ]);
}

/** The fields for a quota: bytes as people write them, and files. */
function quotaFields({ quota }, where) {
  return [
    { name: "quota", label: "Quota", value: bytesOf(quota?.bytes), hint: `Bytes in ${where}, such as 500GB. Empty for no limit.` },
    { name: "files", label: "Files", value: quota?.files ? String(quota.files) : "", hint: "How many files at most. Empty for no limit." },
  ];
}

/** Bytes as `500GB`, exactly. */
function bytesOf(bytes) {
  if (!bytes) return "";
  for (const [unit, factor] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (bytes % factor === 0) return `${bytes / factor}${unit}`;
  return `${bytes}B`;
}

/** Unix seconds as a time that a server takes: `2027-01-31T18:00+00:00`. */
function momentOf(seconds) {
  return seconds ? new Date(seconds * 1000).toISOString().replace(/:\d\d\.\d+Z$/, "+00:00") : "";
}

const none = (text) => (text === "" ? "none" : text);
const limitOf = (bits) => (bits === null || bits === undefined ? "" : speed(bits));

export class ServerActions {
  constructor({ control }, source) {
    this.control = control;
    this.source = source;
  }

  async call(cmd, args, words) {
    const result = await this.control.call(this.source, cmd, args);
    if (words) toast(words);
    return result;
  }

  /** The same for a button: a refusal is shown. */
  async press(cmd, args, words) {
    try {
      return await this.call(cmd, args, words);
    } catch (error) {
      refuse(error);
      return null;
    }
  }

  bandwidth(rows, done) {
    const fields = rows.map((one) => ({ name: one.name, label: one.name === "upload" ? "All uploads together" : "All downloads together", value: limitOf(one.now), hint: SPEED_HINT }));
    return form("Bandwidth", fields, "Set", async (values) => {
      const args = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, none(text)]));
      if (Object.keys(args).length) await this.call("bandwidth.set", args, "The new bandwidth counts at once");
      done();
    });
  }

  // -- users ---------------------------------------------------------------------------------------

  addUser(done) {
    return form(
      "Add a user",
      [
        { name: "user", label: "Name", required: true },
        { name: "path", label: "Folder on the server's machine", required: true, hint: "An absolute path. It is made if it is missing; the folder above it must be there." },
        { name: "password", label: "Password", type: "password", required: true },
      ],
      "Add",
      async (values) => {
        await this.call("user.add", values, `${escaped(values.user)} was added`);
        done();
      },
    );
  }

  /** Limits of a user: only what was changed is sent. */
  limits(row, done) {
    const fields = [
      ["upload_speed", "One upload"],
      ["download_speed", "One download"],
      ["upload_bandwidth", "All uploads of this user"],
      ["download_bandwidth", "All downloads of this user"],
    ].map(([name, label]) => ({ name, label, value: limitOf(row[name]), hint: name === "upload_speed" ? SPEED_HINT : "" }));
    fields.push(...quotaFields(row, "the user's folder"));
    fields.push({ name: "expires", label: "May log in until", value: momentOf(row.expires), hint: "A day, such as 2027-01-31: until its end. Empty for no end." });
    fields.push({ name: "networks", label: "From these networks only", value: (row.networks ?? []).join(" "), hint: "Addresses and networks, such as 10.0.0.0/8 2001:db8::/32. Empty for all." });
    return form(`Limits of ${escaped(row.user)}`, fields, "Set", async (values) => {
      const args = { user: row.user };
      for (const [name, text] of Object.entries(values)) args[name] = name === "networks" ? none(text).split(/[\s,]+/) : none(text);
      if (Object.keys(args).length > 1) await this.call("user.set", args, `${escaped(row.user)}: the new limits count at once`);
      done();
    });
  }

  password(row, done) {
    return form(
      `New password of ${escaped(row.user)}`,
      [{ name: "password", label: "Password", type: "password", required: true, hint: "The user's logins and transfers end." }],
      "Set",
      async ({ password }) => {
        await this.call("user.passwd", { user: row.user, password }, `${escaped(row.user)} has a new password`);
        done();
      },
    );
  }

  async enable(row, done) {
    if (await this.press("user.enable", { user: row.user }, `${escaped(row.user)} may log in again`)) done();
  }

  async disable(row, done) {
    const text = "Their logins and transfers end at once. Their files stay.";
    if (await confirm(`Disable ${escaped(row.user)}?`, text, "Disable", () => this.call("user.disable", { user: row.user }, `${escaped(row.user)} is disabled`))) done();
  }

  async remove(row, done) {
    const text = h("p", {}, "Their logins and transfers end at once. The files in ", h("code", {}, escaped(row.path)), " stay.");
    if (await confirm(`Remove ${escaped(row.user)}?`, text, "Remove", () => this.call("user.remove", { user: row.user }, `${escaped(row.user)} was removed`))) done();
  }

  /** Makes an invitation. Its token is made here, and the server keeps only its hash.

      row    the user, or null for a new one
      known  the address that the server knows of itself, or "" */
  async invite(row, done, known) {
    const token = newToken();
    let found = null;
    const wanted = await form(
      row ? `Invite ${escaped(row.user)}` : "Invite somebody",
      [
        ...(row
          ? []
          : [
              { name: "user", label: "Name", required: true, hint: "Who is not a user yet becomes one." },
              { name: "path", label: "Folder on the server's machine", hint: "Of a new user. Empty if the server gives new users their folders (users_dir)." },
            ]),
        { name: "address", label: "Address of the server", hint: `HOST:PORT by which the person reaches it.${known ? ` Empty for ${known}.` : ""}`, required: !known },
        { name: "seconds", label: "It works for", value: DAY, choices: LASTS },
      ],
      "Invite",
      async ({ user = row?.user, address, path, seconds = DAY }) => {
        const given = Object.entries({ address, path }).filter(([, text]) => text);
        found = await this.call("user.invite", { user, token, seconds: Number(seconds), ...Object.fromEntries(given) });
      },
    );
    if (!wanted || !found) return;
    done();
    await showInvitation(
      found.user,
      found,
      token,
      h("p.hint", {}, "They give it to ", h("code", {}, "cargo_sync init job"), ", or to the server's page of files, where they choose a password."),
    );
  }

  // -- workspaces ----------------------------------------------------------------------------------

  addWorkspace(done) {
    return form(
      "Add a workspace",
      [
        { name: "workspace", label: "Name", required: true },
        { name: "path", label: "Folder on the server's machine", required: true, hint: "An absolute path." },
      ],
      "Add",
      async (values) => {
        await this.call("workspace.add", values, `${escaped(values.workspace)} was added`);
        done();
      },
    );
  }

  quota(row, done) {
    return form(`Quota of ${escaped(row.workspace)}`, quotaFields(row, "the workspace"), "Set", async (values) => {
      const args = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, none(text)]));
      if (Object.keys(args).length) await this.call("workspace.set", { workspace: row.workspace, ...args }, `${escaped(row.workspace)}: the new quota counts at once`);
      done();
    });
  }

  grant(row, users, done) {
    return form(
      `Who may use ${escaped(row.workspace)}?`,
      [
        { name: "user", label: "User", required: true, choices: users.map((one) => [one.user, escaped(one.user)]) },
        { name: "access", label: "May", required: true, value: "rw", choices: GRANTS },
        { name: "path", label: "Only this folder of it", hint: "The user sees it as the workspace. Empty for all of it." },
      ],
      "Grant",
      async (values) => {
        await this.call("workspace.grant", { workspace: row.workspace, ...values }, `${escaped(values.user)} may use ${escaped(row.workspace)}`);
        done();
      },
    );
  }

  async revoke(row, user, done) {
    const text = "Their transfers in it end at once.";
    const run = () => this.call("workspace.revoke", { workspace: row.workspace, user }, `${escaped(user)} may not use ${escaped(row.workspace)} any more`);
    if (await confirm(`Take ${escaped(row.workspace)} away from ${escaped(user)}?`, text, "Take away", run)) done();
  }

  async removeWorkspace(row, done) {
    const text = h("p", {}, "Nobody can use it any more. The files in ", h("code", {}, escaped(row.path)), " stay.");
    const run = () => this.call("workspace.remove", { workspace: row.workspace }, `${escaped(row.workspace)} was removed`);
    if (await confirm(`Remove ${escaped(row.workspace)}?`, text, "Remove", run)) done();
  }
}

/** Shows an invitation, which is not shown again.

    whom   it is for
    found  {invitation, ends}: the server's answer, to which the token belongs
    hint   what is done with it */
export function showInvitation(whom, found, token, hint) {
  const line = found.invitation + token;
  const shown = h("p.mono.token", { tabindex: 0, "aria-label": "The invitation" }, line);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(line); // there is none on pages over plain HTTP from elsewhere
      toast("The invitation was copied");
    } catch {
      getSelection().selectAllChildren(shown);
      throw new Error("This browser does not let the page copy. The line is selected: copy it yourself.");
    }
    return STAY; // it is not shown again
  };
  return ask(
    "The invitation",
    h(
      "div.stack",
      {},
      h("p", {}, `Give this line to ${escaped(whom)} on a way that nobody else can read. It works once, until ${exactly(found.ends)}, and is not shown again.`),
      shown,
      hint,
    ),
    [
      { label: "Close", value: false },
      { label: "Copy", value: true, kind: "primary", run: copy },
    ],
    { wide: true },
  );
}

/** 16 random bytes in base64url. */
export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What a grant says: a word, or an object with the access and a folder. */
export function grantWords(grant) {
  const { access, path = "" } = typeof grant === "string" ? { access: grant } : grant;
  const word = GRANTS.find(([value]) => value === access)?.[1] ?? access;
  return path ? `${word}, in ${escaped(path)}` : word;
}
