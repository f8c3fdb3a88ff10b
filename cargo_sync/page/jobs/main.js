/* Where the page of `cargo_ctl web` begins: who is there, then the frame, then the page that the address names.

   What is imported here is in the first script (api/page_pack.py): the list of jobs, which most people see first. */

import { Control } from "../common/control.js";
import { h } from "../common/element.js";
import { Login } from "../common/http.js";
import "../common/bar.js";
import "../common/switch.js";
import "../common/table.js";
import { enter } from "./entrance.js";
import "./list.js";
import { openShell } from "./shell.js";

const login = new Login("cargo.web");
const place = h("div");
document.body.append(place);

async function begin() {
  login.onleave = () => location.reload();
  await enter(login, place);
  const control = new Control(login);
  openShell(place, { login, control });
}

begin();
