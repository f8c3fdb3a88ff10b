/* The page of one server: what it does now, and behind tabs its users, workspaces, history, log and audit. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { parts, to } from "../common/router.js";
import { escaped } from "../common/words.js";
import { openStream } from "../jobs/stream.js";
import { ServerActions } from "./actions.js";
import { joined } from "./list.js";
import "./now.js";
import "./users.js";
import "./workspaces.js";
import "./nodes.js";
import "./arrivals.js";
import "./audit.js";
import "../jobs/log.js";

/* The tabs: the last part of the address, the word, the element, and whether only who may change things sees it. */
const TABS = [
  ["", "Now", "cargo-server-now", false],
  ["users", "Users", "cargo-server-users", false],
  ["workspaces", "Workspaces", "cargo-server-workspaces", false],
  ["nodes", "Nodes", "cargo-server-nodes", false],
  ["files", "Files", "cargo-server-arrivals", false],
  ["log", "Log", "cargo-log", true],
  ["audit", "Audit", "cargo-server-audit", true],
];
const LOOK_MS = 400;

class Server extends Part {
  state = { status: null, flows: new Map(), users: [], workspaces: [], bandwidth: [], nodes: new Map(), missing: null, repair: null };
  #tab = null;
  #body = null;
  #due = null;

  get heading() {
    return escaped(this.source);
  }

  build() {
    this.actions = new ServerActions(this.app, this.source);
    this.words = h("p.muted");
    this.files = h("a.button", { target: "_blank", rel: "noreferrer noopener", hidden: true }, icon("folder"), "Its files");
    this.tabs = TABS.map(([tab, word, , control]) => {
      const tally = h("span.count", { hidden: true });
      const link = h("a", { href: to("server", this.source, ...(tab ? [tab] : [])) }, word, tally);
      show(link, !control || this.app.control.may(this.source));
      return { tab, link, tally };
    });
    this.place = h("div.place");
    put(
      this,
      h("nav.crumbs", { "aria-label": "Where you are" }, h("a", { href: to("servers") }, "Servers")),
      h("div.page-head", {}, h("div.grow", {}, h("h1", {}, escaped(this.source)), this.words), this.files),
      h("nav.tabs", { "aria-label": "About this server" }, this.tabs.map(({ link }) => link)),
      this.place,
    );
  }

  enter() {
    openStream(
      this.app,
      { view: "server", source: this.source },
      {
        snapshot: (data) => this.#snapshot(data),
        event: (data) => this.#event(data),
        progress: (data) => this.#progress(data),
        reset: () => this.#body?.refresh?.(),
        source: () => this.changed(),
      },
      this.signal,
    );
    this.listen(window, "hashchange", () => this.#choose());
    this.#choose();
  }

  leave() {
    clearTimeout(this.#due);
  }

  #choose() {
    const [page, source, tab = ""] = parts();
    if (page !== "server" || source !== this.source || tab === this.#tab) return;
    this.#tab = tab;
    const [, , tag] = TABS.find(([each]) => each === tab) ?? TABS[0];
    const body = document.createElement(tag);
    Object.assign(body, { app: this.app, source: this.source, actions: this.actions, server: this });
    this.#body = body;
    put(this.place, body);
    const { link } = this.tabs.find((one) => one.tab === tab) ?? this.tabs[0];
    const row = link.parentElement;
    row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2; // on a phone
    this.changed();
  }

  #snapshot({ status, flows, users, workspaces, bandwidth, nodes, missing, repair }) {
    if (status) {
      this.state = { status, users, workspaces, bandwidth, missing, repair, nodes: byName(nodes), flows: new Map((flows ?? []).map((flow) => [flow.id, flow])) };
      this.#body?.snapshot?.();
    }
    this.changed();
  }

  #event({ topic, message }) {
    if (topic === "status/") {
      this.state.status = joined(this.state.status, message);
    } else if (topic.startsWith("node/")) {
      if (message.state === "removed") this.state.nodes.delete(message.node);
      else this.state.nodes.set(message.node, heard(message));
    } else if (topic === "repair/") {
      Object.assign(this.state, { missing: message.missing, repair: message.repair });
    } else if (topic.startsWith("notice/")) {
      if (message.workspace !== undefined && message.user !== undefined && message.count !== undefined) this.#body?.arrived?.(message);
      else this.look();
    }
    this.changed();
  }

  #progress({ items }) {
    for (const { topic, message } of items) {
      if (topic === "progress/") this.state.status = { ...this.state.status, totals: message };
      else if (topic.startsWith("flow/")) {
        if (message.ended) this.state.flows.delete(message.id);
        else this.state.flows.set(message.id, message);
      }
    }
    this.changed();
  }

  /** Reads users, workspaces and limits again, once however much happened. */
  look() {
    if (this.#due !== null) return;
    this.#due = setTimeout(async () => {
      this.#due = null;
      const ask = (cmd) => this.app.control.call(this.source, cmd, {}, { signal: this.signal });
      try {
        const [{ users }, { workspaces }, { bandwidth }, { nodes, missing, repair }] = await Promise.all([ask("user.list"), ask("workspace.list"), ask("bandwidth.show"), ask("node.list")]);
        Object.assign(this.state, { users, workspaces, bandwidth, missing, repair, nodes: byName(nodes) });
        this.#body?.snapshot?.();
        this.changed();
      } catch {
        // a server that is away says so by itself, and then comes a snapshot
      }
    }, LOOK_MS);
  }

  draw() {
    const source = this.app.control.sources.get(this.source);
    const words = [source?.host ? `on ${escaped(source.host)}` : "", source?.version ? `version ${escaped(source.version)}` : ""];
    say(this.words, words.filter(Boolean).join(", "));
    const address = reachable(this.state.status?.address);
    show(this.files, address !== "");
    mark(this.files, "href", address ? `${address}/` : null);
    for (const { tab, link } of this.tabs) mark(link, "aria-current", tab === (this.#tab ?? "") ? "page" : null);
    this.#tally("", this.state.flows.size);
    this.#tally("users", this.state.users?.length ?? 0);
    this.#tally("workspaces", this.state.workspaces?.length ?? 0);
    this.#tally("nodes", this.state.nodes.size);
    this.#body?.changed();
  }

  #tally(tab, number) {
    const { tally } = this.tabs.find((one) => one.tab === tab);
    say(tally, number || "");
    show(tally, number > 0);
  }
}

/** A node's row, with the time at which it was heard: what it says of its silence gets old. */
function heard(row) {
  return { ...row, heard: Date.now() / 1000 - row.silent };
}

function byName(nodes) {
  return new Map((nodes ?? []).map((row) => [row.node, heard(row)]));
}

/** The address of a server, or "" if it leads nowhere from here: loopback, while this page comes from another machine. */
function reachable(address) {
  if (!address || (loopback(new URL(address).hostname) && !loopback(location.hostname))) return "";
  return address;
}

function loopback(host) {
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}

customElements.define("cargo-server", Server);

export function page(app, [, source], shown) {
  if (shown instanceof Server && shown.source === source) return shown;
  return Object.assign(document.createElement("cargo-server"), { app, source });
}
