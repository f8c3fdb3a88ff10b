/* What a person may do to the storage nodes of a server. Each asks first, and says what it did. */

import { confirm } from "../common/dialog.js";
import { h } from "../common/element.js";
import { escaped } from "../common/words.js";
import { DAY, form, LASTS, newToken, showInvitation } from "./actions.js";

export class NodeActions {
  /** `actions` are those of the server: they send the commands. */
  constructor(actions) {
    this.call = (...args) => actions.call(...args);
    this.press = (...args) => actions.press(...args);
  }

  async scrub({ node }, done) {
    const text = "It reads all that it keeps, as fast as its file allows, and finds what has become damaged.";
    const run = () => this.call("node.scrub", { node }, `${escaped(node)} checks all of its copies now`);
    if (await confirm(`Check all copies of ${escaped(node)}?`, text, "Check", run, { kind: "primary" })) done();
  }

  async drain({ node }, done) {
    const text = "Its copies are made on other nodes, and it gets no new ones. Until then they can still be read. When nothing is missing any more, it can be removed.";
    const run = () => this.call("node.drain", { node }, `${escaped(node)} is drained: its copies are made elsewhere`);
    if (await confirm(`Drain ${escaped(node)}?`, text, "Drain", run, { kind: "primary" })) done();
  }

  async keep({ node }, done) {
    if (await this.press("node.drain", { node, undo: true }, `${escaped(node)} keeps its copies`)) done();
  }

  async remove({ node }, done) {
    const text = "Nobody asks for it any more. It must be drained first. What its folder holds stays there.";
    if (await confirm(`Remove ${escaped(node)}?`, text, "Remove", () => this.call("node.remove", { node }, `${escaped(node)} was removed`))) done();
  }

  async removeLost({ node }, done) {
    const text = "Only if its disk is lost. Its copies count no more at once, and are made again from other nodes. What lies there alone cannot be read any more.";
    const run = () => this.call("node.remove", { node, lost: true }, `${escaped(node)} was removed`);
    if (await confirm(`Remove ${escaped(node)} as lost?`, text, "Remove as lost", run)) done();
  }

  /** Makes an invitation. `known` is the address that the server knows of itself, or "". */
  async invite(done, known) {
    const token = newToken();
    let found = null;
    const fields = [
      { name: "node", label: "Name", required: true, hint: "A node that has lost its disk is invited again under its old name." },
      { name: "zone", label: "Zone", hint: "What it may fail together with, such as a building. Empty for a zone of its own." },
      { name: "address", label: "Address of the server", hint: `HOST:PORT by which the node reaches it.${known ? ` Empty for ${known}.` : ""}`, required: !known },
      { name: "seconds", label: "It works for", value: DAY, choices: LASTS },
    ];
    const wanted = await form("Invite a storage node", fields, "Invite", async ({ node, zone, address, seconds = DAY }) => {
      const given = Object.entries({ zone, address }).filter(([, text]) => text);
      found = await this.call("node.invite", { node, token, seconds: Number(seconds), ...Object.fromEntries(given) });
    });
    if (!wanted || !found) return;
    done();
    const hint = h("p.hint", {}, "On the node's machine, give it to ", h("code", {}, "cargo_sync init node"), ". Who has it gets copies of your users' files.");
    await showInvitation(found.node, found, token, hint);
  }
}
