/* The frame around all pages of `cargo_ctl web`: the bar on top, what is away, and the page that the address names. */

import { sleep } from "../common/control.js";
import { afterPicture, h, mark, onePicture, say, show } from "../common/element.js";
import { menu } from "../common/menu.js";
import { Router } from "../common/router.js";
import { refuse } from "../common/toast.js";

const FIRST_MS = 150; // so long the page's first picture waits for its figures, to be the only one after the frame's

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

/* The links of the bar: the page that each leads to, and the pages below it. */
const LINKS = [
  ["", ["", "job", "add", "edit"]],
  ["servers", ["servers", "server"]],
];

/** Brings the document's frame to life.

    app  {login, control}, which every page gets; the frame adds `banner` */
export async function openShell(frame, app) {
  let begin = () => {};
  const begun = new Promise((done) => (begin = done));
  const ready = onePicture(Promise.race([begun, sleep(FIRST_MS)]));
  const main = frame.querySelector("main");
  const elements = frame.querySelectorAll("nav > a");
  const links = LINKS.map(([name, own], at) => [elements[at], own, name]);
  const who = frame.querySelector("[aria-haspopup]");
  who.addEventListener("click", () => menu(who, personal(app)));
  frame.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  app.banner = new Banner(frame.querySelector(".banner"));
  // The list of jobs learns of its daemons from its stream: its rows come first, then the rest.
  const sources = part() === "" ? ready.then(afterPicture).then(() => readSources(app)) : readSources(app);
  pageOf(part())().catch(() => {}); // its script comes meanwhile; who shows it says what is wrong
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
  if (part() !== "") main.replaceChildren(); // the document has the list of jobs
  document.documentElement.dataset.shows = "page";
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
