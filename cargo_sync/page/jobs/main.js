/* Where the page of `cargo_ctl web` begins: who is there, then the frame, then the page that the address names.

   What is imported here is in the first script (api/page_pack.py): the list of jobs, which most people see first. The
   document has its frame, which is shown before this script runs. */

import { Control } from "../common/control.js";
import { Login } from "../common/http.js";
import "../common/bar.js";
import "../common/switch.js";
import "../common/table.js";
import { enter } from "./entrance.js";
import "./list.js";
import { openShell } from "./shell.js";

const login = new Login("cargo.web");

async function begin() {
  login.onleave = () => location.reload();
  await enter(login, document.body);
  openShell(document.querySelector(".frame"), { login, control: new Control(login) });
}

// A link that is put into the address of a page which is there already is a new visit.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#key=")) location.reload();
});
begin();
