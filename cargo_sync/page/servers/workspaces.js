/* The named workspaces of a server, and who may use them. */

import { h, Part, put } from "../common/element.js";
import { icon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { escaped, size } from "../common/words.js";
import { grantWords } from "./actions.js";

class Workspaces extends Part {
  #drawn = "";

  build() {
    const may = this.app.control.may(this.source);
    this.list = h("ul.workspaces");
    this.none = h("p.none", {}, "This server has no named workspaces. Each user has the folder of their own.");
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Workspaces" },
        h("header", {}, h("h2", {}, "Workspaces"), may ? h("button.primary", { type: "button", onclick: () => this.actions.addWorkspace(() => this.server.look()) }, icon("plus"), "Add a workspace…") : null),
        this.list,
      ),
    );
  }

  draw() {
    const { workspaces, users } = this.server.state;
    const told = JSON.stringify([workspaces, users?.map((one) => one.user)]);
    if (told === this.#drawn) return;
    this.#drawn = told;
    put(this.list, (workspaces ?? []).map((row) => this.#row(row)), workspaces?.length ? null : h("li", {}, this.none));
  }

  #row(row) {
    const may = this.app.control.may(this.source);
    const done = () => this.server.look();
    const grants = Object.entries(row.grants ?? {});
    const used = row.used ? `${size(row.used.bytes)}${row.quota?.bytes ? ` of ${size(row.quota.bytes)}` : ""}` : "";
    const more = h(
      "button.icon-only.quiet",
      {
        type: "button",
        "aria-label": `More about ${escaped(row.workspace)}`,
        "aria-haspopup": "menu",
        onclick: () =>
          menu(more, [
            { label: "Grant…", icon: "plus", run: () => this.actions.grant(row, this.server.state.users, done) },
            { label: "Quota…", icon: "speed", run: () => this.actions.quota(row, done) },
            null,
            { label: "Remove…", icon: "trash", kind: "danger", run: () => this.actions.removeWorkspace(row, done) },
          ]),
      },
      icon("more"),
    );
    return h(
      "li.workspace",
      {},
      h("div.line", {}, h("div.grow", {}, h("h3", {}, escaped(row.workspace)), h("p.muted.path", {}, escaped(row.path), used ? ` · ${used}` : "")), may ? more : null),
      grants.length ? h("ul.chips", {}, grants.map(([user, grant]) => this.#grant(row, user, grant, may, done))) : h("p.hint", {}, "Nobody may use it yet."),
    );
  }

  #grant(row, user, grant, may, done) {
    const inFile = row.in_file?.includes(user);
    return h(
      "li.chip.grant",
      { title: inFile ? "The server's file says this: change it there" : null },
      h("strong", {}, escaped(user)),
      ` ${grantWords(grant)}`,
      may && !inFile ? h("button.icon-only.quiet.small", { type: "button", "aria-label": `Take ${escaped(row.workspace)} away from ${escaped(user)}`, onclick: () => this.actions.revoke(row, user, done) }, icon("cross")) : null,
    );
  }
}

customElements.define("cargo-server-workspaces", Workspaces);
