/* Where the server's page of files begins: who is there, then the frame, then the folder that the address names. */

import { h } from "../common/element.js";
import { Login } from "../common/http.js";
import "../common/bar.js";
import "../common/switch.js";
import "../common/table.js";
import { askAgain, enter } from "./entrance.js";
import { Server } from "./server.js";
import { openShell } from "./shell.js";

const login = new Login("cargo.files");
const place = h("div");
document.body.append(place);

async function begin() {
  await enter(login, place);
  openShell(place, new Server(login, askAgain));
}

begin();
