/* The frame around all pages of `cargo_ctl web`: the bar on top, what is away, and the page that the address names. */

import { brand } from "../common/brand.js";
import { sleep } from "../common/control.js";
import { h, mark, nextFrame, onePicture, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { Router, to } from "../common/router.js";
import { refuse } from "../common/toast.js";

const FIRST_MS = 150; // so long the first picture waits for what is on the page, to be the only one

/* The first part of an address -> the module that makes its page: `page(app, parts, shown)` gives an element with the
   property `heading`, and perhaps `ready`, a promise that its first figures are there; it gives `shown` again if that
   is already the page for this address. */
const PAGES = {
  "": () => import("./list.js"),
  job: () => import("./job.js"),
  add: () => import("./form_page.js"),
  edit: () => import("./form_page.js"),
  servers: () => import("../servers/list.js"),
  server: () => import("../servers/server.js"),
};

/** app: {login, control}, which every page gets; the frame adds `banner`. */
export async function openShell(place, app) {
  let begin = () => {};
  const begun = new Promise((done) => (begin = done));
  const frame = h("div", { hidden: true });
  const before = [...place.children]; // the way in
  place.append(frame);
  onePicture(Promise.race([begun, sleep(FIRST_MS)])).then(() =>
    nextFrame(() => {
      for (const each of before) each.remove();
      show(frame, true);
    }),
  );
  const main = h("main", { id: "main", tabindex: -1 });
  const away = h("div.banner", { role: "status", hidden: true });
  const links = [
    ["", "Jobs", "job", ["", "job", "add", "edit"]],
    ["servers", "Servers", "server", ["servers", "server"]],
  ].map(([name, word, picture, own]) => [h("a", { href: name ? to(name) : "#/" }, icon(picture), word), own, name]);
  const who = h("button.icon-only.quiet", { type: "button", "aria-label": "You", "aria-haspopup": "menu" }, icon("user"));
  who.addEventListener("click", () => menu(who, personal(app)));
  put(
    frame,
    h("a.skip", { href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, "Skip to the page"),
    h("header.top-bar", {}, brand("#/"), h("nav", { "aria-label": "Pages" }, links.map(([link]) => link)), h("cargo-theme"), who),
    away,
    main,
  );
  app.banner = new Banner(away);
  const sources = readSources(app);
  pageOf(part())().catch(() => {}); // its script comes meanwhile; who shows it says what is wrong
  // The list of jobs learns of its daemons from its stream, and draws the rest when it is told.
  if (part() !== "" && !(await sources)) return;
  const turn = () => {
    const kinds = [...app.control.sources.values()].map((one) => one.kind);
    for (const [link, own, name] of links) {
      mark(link, "aria-current", own.includes(part()) ? "page" : null);
      if (name === "servers") show(link, kinds.includes("server") || own.includes(part()));
    }
  };
  addEventListener("hashchange", turn);
  turn();
  let shown = null;
  const router = new Router(
    main,
    async (parts) => {
      try {
        shown = (await pageOf(parts[0])()).page(app, parts, shown);
      } catch (error) {
        refuse(error);
        shown = h("p.none", {}, "This page could not be loaded.");
      }
      return shown;
    },
    (page) => (page.heading ? `${page.heading} · Cargo` : "Cargo"),
  );
  await router.start();
  begin(shown.ready);
  if (await sources) {
    turn();
    shown?.changed?.();
  }
}

/** Whether the person is still logged in after it. */
async function readSources({ login, control, banner }) {
  try {
    await control.readSources();
  } catch (error) {
    if (!login.value) return false;
    banner.tell("web", error.message);
  }
  return true;
}

function pageOf(name = "") {
  return PAGES[name] ?? PAGES[""];
}

function part() {
  return location.hash.replace(/^#\/?/, "").split("/")[0];
}

function personal({ login }) {
  const { user, role } = login.value ?? {};
  const name = user === "link" ? "Here by the link" : user;
  return [
    { label: `${name} (${role === "control" ? "may change things" : "may look"})`, icon: "user", off: true, run: () => {} },
    null,
    {
      label: "Log out",
      icon: "leave",
      run: async () => {
        await login.json("POST", "api/leave", {}).catch(() => {});
        login.forget();
      },
    },
  ];
}

/** What does not answer, as a sentence below the bar. */
class Banner {
  #element;
  #sentences = new Map(); // by what is away

  constructor(element) {
    this.#element = element;
  }

  /** sentence: null if it is there again. */
  tell(what, sentence) {
    if (sentence === null) this.#sentences.delete(what);
    else this.#sentences.set(what, sentence);
    say(this.#element, [...this.#sentences.values()].join(" "));
    show(this.#element, this.#sentences.size > 0);
  }

  /** Only these are still of interest. */
  keep(whats) {
    for (const what of this.#sentences.keys()) if (!whats.has(what)) this.tell(what, null);
  }
}
