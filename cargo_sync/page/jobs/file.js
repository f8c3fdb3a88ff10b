/* A job's settings: its file as it is, or, for who may only look, what the daemon says of them. */

import { h, Part, put, say } from "../common/element.js";
import { icon } from "../common/icons.js";
import { to } from "../common/router.js";
import { escaped, speed } from "../common/words.js";

class JobFile extends Part {
  job = null;
  #drawn = "";

  build() {
    const may = this.app.control.may(this.source);
    this.place = h("p.muted.mono.small");
    this.body = h("div.body");
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Settings" },
        h(
          "header",
          {},
          h("div.grow", {}, h("h2", {}, "Its file"), this.place),
          may ? h("a.button", { href: to("edit", this.source, this.name) }, icon("edit"), "Edit") : null,
        ),
        this.body,
      ),
    );
  }

  enter() {
    this.#drawn = "";
  }

  draw() {
    const settings = this.job?.settings;
    const text = JSON.stringify(settings ?? null);
    if (!settings || this.#drawn === text) return;
    this.#drawn = text;
    say(this.place, escaped(settings.file));
    if (this.app.control.may(this.source)) this.#read();
    else put(this.body, h("dl.facts", {}, Object.entries(settings).filter(([name]) => name !== "file").map(([name, value]) => [h("dt", {}, name), h("dd", {}, words(name, value))])));
  }

  async #read() {
    try {
      const { text } = await this.app.control.call(this.source, "job.read", { job: this.name }, { signal: this.signal });
      put(this.body, h("pre", { tabindex: 0, role: "region", "aria-label": "The text of its file" }, text));
    } catch (error) {
      put(this.body, h("p.wrong", {}, error.message));
    }
  }
}

function words(name, value) {
  if (name === "speed") return typeof value === "number" ? speed(value) : value === null ? "no limit" : value.map((row) => `${row.from} to ${row.to} ${speed(row.speed)}`).join(", ");
  if (Array.isArray(value)) return value.map(escaped).join(", ") || "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === "") return "none";
  return typeof value === "object" ? JSON.stringify(value) : escaped(value);
}

customElements.define("cargo-file", JobFile);
