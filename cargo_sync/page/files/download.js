/* Downloads: the browser makes them by itself, from an address that is good for one of them. */

import { h } from "../common/element.js";

/** Saves one file, or an archive of files and folders. */
export async function download(server, workspace, entries, paths) {
  const as = entries.length === 1 && entries[0].kind === "f" ? "file" : "zip";
  const link = h("a", { href: await server.ticket(workspace, paths, as), download: "", hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}
