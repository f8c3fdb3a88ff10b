/* The page of all servers: one sheet for each, with what needs a person and what moves now. */

import { h, mark, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { to } from "../common/router.js";
import { count, escaped, number, rate } from "../common/words.js";
import { openStream } from "../jobs/stream.js";

class Servers extends Part {
  heading = "Servers";
  #cards = new Map(); // by source

  build() {
    this.cards = h("div.cards");
    this.none = h("p.none.sheet", { hidden: true }, "This page shows no server. Start it with --connect and the key of one.");
    put(this, h("div.page-head", {}, h("h1", {}, "Servers")), this.cards, this.none);
  }

  enter() {
    const { control } = this.app;
    for (const one of control.sources.values()) if (one.kind === "server") this.#card(one.source);
    openStream(
      this.app,
      { view: "servers" },
      {
        snapshot: ({ source, kind, status }) => {
          if (kind !== "server") return;
          this.#card(source).status = status ?? null;
          this.changed();
        },
        event: ({ source, topic, message }) => {
          if (topic === "status/") this.#update(source, message);
        },
        progress: ({ source, items }) => {
          for (const { topic, message } of items) if (topic === "progress/") this.#update(source, { totals: message });
        },
        source: () => this.changed(),
      },
      this.signal,
    );
  }

  #update(source, fields) {
    const card = this.#cards.get(source);
    if (!card?.status) return;
    card.status = joined(card.status, fields);
    this.changed();
  }

  #card(source) {
    let card = this.#cards.get(source);
    if (!card) {
      card = makeCard(source);
      this.#cards.set(source, card);
      this.cards.append(card.element);
    }
    return card;
  }

  draw() {
    show(this.none, this.#cards.size === 0);
    for (const [source, card] of this.#cards) fillCard(card, this.app.control.sources.get(source));
  }
}

function makeCard(source) {
  const name = h("a.name", { href: to("server", source) });
  const state = h("span.state");
  const host = h("span.muted.small");
  const up = h("span.flow-figure");
  const down = h("span.flow-figure");
  const facts = h("p.muted");
  const wrong = h("div.note.bad", { hidden: true }, icon("warning"), h("p", {}));
  const element = h(
    "section.sheet.server-card",
    { "aria-label": escaped(source) },
    h("header", {}, h("h2", {}, name), host, state),
    h("div.body.stack", {}, h("div.flow-figures", {}, h("div", {}, icon("up"), up), h("div", {}, icon("down"), down)), facts, wrong),
  );
  return { element, name, state, host, up, down, facts, wrong, status: null };
}

function fillCard(card, source) {
  const away = source?.state === "away";
  const status = card.status;
  say(card.name, escaped(source?.name ?? ""));
  say(card.host, source?.host ? `on ${escaped(source.host)}` : "");
  const troubles = troubleOf(status);
  const [word, tone] = away ? ["away", "error"] : troubles.length ? ["needs you", "held"] : status?.flows ? ["moves files", "busy"] : ["at rest", "good"];
  say(card.state, word);
  card.state.className = `state ${tone}`;
  mark(card.element, "class", `sheet server-card${away ? " stale" : ""}`);
  say(card.up, rate(status?.totals?.upload_bps ?? 0));
  say(card.down, rate(status?.totals?.download_bps ?? 0));
  say(card.facts, status ? factsOf(status) : "");
  const words = away ? source.detail : troubles[0];
  show(card.wrong, Boolean(words));
  say(card.wrong.querySelector("p"), escaped(words ?? "") + (troubles.length > 1 && !away ? ` (and ${number(troubles.length - 1)} more)` : ""));
}

function factsOf(status) {
  return [
    count(status.flows ?? 0, "flow"),
    count(status.users?.enabled ?? 0, "user"),
    count(status.workspaces ?? 0, "workspace"),
  ].join(" · ");
}

/** What a server says that somebody should do. */
export function troubleOf(status) {
  if (!status) return [];
  return [...(status.errors ?? []).map((one) => one.message), ...(status.warnings ?? [])];
}

/** A status with what the feed says since. Of the warnings it has only those about storage nodes. */
export function joined(status, fields) {
  if (!fields.nodes) return { ...status, ...fields };
  const old = new Set(status?.nodes?.warnings);
  const others = (status?.warnings ?? []).filter((one) => !old.has(one));
  return { ...status, ...fields, warnings: [...others, ...fields.nodes.warnings] };
}

customElements.define("cargo-servers", Servers);

export function page(app, _parts, shown) {
  if (shown instanceof Servers) return shown;
  return Object.assign(document.createElement("cargo-servers"), { app });
}
