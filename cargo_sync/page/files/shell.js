/* The frame of the page of files: the bar on top, the workspaces, the uploads at the edge. */

import { brand } from "../common/brand.js";
import { h, mark, put, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { menu } from "../common/menu.js";
import { Router, to } from "../common/router.js";
import { refuse } from "../common/toast.js";
import { escaped } from "../common/words.js";
import { FolderPage } from "./folder.js";
import { askWhichStays } from "./questions.js";
import { TrashPage } from "./trash.js";
import { Uploads } from "./uploads.js";
import "./progress.js";

/** Shows the page; `server` has a login. */
export async function openShell(place, server) {
  const app = { server, uploads: new Uploads(server, askWhichStays) };
  const main = h("main", { id: "main", tabindex: -1 });
  const spaces = h("nav", { "aria-label": "Workspaces" });
  const who = h("button.icon-only.quiet", { type: "button", "aria-label": "You", "aria-haspopup": "menu" }, icon("user"));
  who.addEventListener("click", () => menu(who, personal(server)));
  const progress = Object.assign(h("cargo-uploads"), { uploads: app.uploads });
  put(
    place,
    h("a.skip", { href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, "Skip to the files"),
    h("header.top-bar", {}, brand("#/"), spaces, h("cargo-theme"), who),
    main,
    progress,
  );
  const read = async () => {
    await server.readWorkspaces();
    await app.uploads.load();
  };
  try {
    await read();
  } catch (error) {
    if (!server.login.value) await server.back().then(read).catch(refuse);
    else refuse(error);
  }
  server.login.onleave = () => server.back().then(() => router.follow());
  const links = [...server.workspaces.keys()].map((name) => {
    const link = h("a", { href: to("files", name) }, h("span.cut", {}, escaped(name)));
    return [name, link];
  });
  put(spaces, links.map(([, link]) => link));
  show(spaces, links.length > 1);
  const router = new Router(
    main,
    async (parts) => {
      const [kind, workspace = links[0]?.[0], ...path] = parts;
      for (const [name, link] of links) mark(link, "aria-current", name === workspace ? "page" : null);
      if (!server.workspaces.has(workspace)) return h("p.none", {}, "There is no such workspace here.");
      const Page = kind === "trash" ? TrashPage : FolderPage;
      const page = new Page();
      Object.assign(page, { app, workspace, path: path.join("/") });
      return page;
    },
    (page) => (page.heading ? `${page.heading} · Cargo` : "Cargo"),
  );
  await router.start();
}

function personal(server) {
  return [
    { label: escaped(server.user), icon: "user", off: true, run: () => {} },
    null,
    { label: "Log out", icon: "leave", run: () => server.logout().catch(() => {}) },
  ];
}
