/* <cargo-uploads>: what is on its way, at the edge of the page. */

import { h, mark, nextFrame, Part, put, say, show } from "../common/element.js";
import { icon, setIcon } from "../common/icons.js";
import { refuse } from "../common/toast.js";
import { count, escaped, number, percent, size } from "../common/words.js";
import { ofInput } from "./chosen.js";
import { nameOf } from "./server.js";

const WORDS = {
  waiting: () => "waits",
  checking: () => "compares what has arrived",
  sending: (item) => `${size(item.sent)} of ${size(item.size)}`,
  offline: (item) => `tries again: ${item.detail}`,
  asking: () => "something is there already",
  paused: (item) => item.detail || `${size(item.sent)} of ${size(item.size)} have arrived`,
  done: (item) => size(item.size),
  failed: (item) => item.detail,
  skipped: (item) => item.detail,
};
const CALM_MS = 150; // between two pictures of what moves
const TONES = { done: "good", failed: "bad", offline: "held", paused: "held", skipped: "rest" };

class Progress extends Part {
  uploads = null;
  #touched = new Set();
  #timer = null;
  #open = true;

  build() {
    mark(this, "role", "region");
    mark(this, "aria-label", "Uploads");
    this.input = h("input", { type: "file", hidden: true, "aria-hidden": "true", tabindex: -1 });
    this.input.addEventListener("change", () => {
      const [chosen] = ofInput(this.input).files;
      if (chosen && this.resumed) this.uploads.resume(this.resumed, chosen.file);
      this.input.value = "";
    });
    this.told = h("span", { role: "status" });
    this.fold = h("button.icon-only.quiet.small", { type: "button", onclick: () => ((this.#open = !this.#open), this.changed()) }, icon("below"));
    this.clear = h("button.quiet.small", { type: "button", onclick: () => this.uploads.clear() }, "Clear");
    this.bar = h("cargo-bar");
    this.list = h("div.list", { tabindex: -1 });
    this.table = h("cargo-table.plain");
    Object.assign(this.table, {
      label: "Uploads",
      key: (item) => item.key,
      state: (item) => TONES[item.state] ?? "",
      columns: [this.#name(), this.#actions()],
      empty: "",
    });
    put(this.list, this.table);
    put(this, h("section.sheet", {}, h("header", {}, h("h2", {}, this.told), this.clear, this.fold), this.bar, this.list), this.input);
  }

  #name() {
    return {
      key: "name",
      title: "File",
      head: true,
      class: "name",
      text: (item) => escaped(item.path),
      make: (cell) => {
        cell.word = h("span.cut");
        cell.detail = h("span.cut.muted.small.detail");
        cell.bar = h("cargo-bar");
        put(cell, h("div.line", {}, cell.word), cell.bar, cell.detail);
      },
      draw: (cell, item) => {
        say(cell.word, escaped(nameOf(item.path)));
        mark(cell.word, "title", escaped(item.path));
        say(cell.detail, WORDS[item.state](item));
        mark(cell.detail, "title", cell.detail.textContent);
        show(cell.bar, item.state === "sending" || item.state === "paused" || item.state === "offline");
        cell.bar.set(item.sent, item.size || 1, escaped(nameOf(item.path)));
      },
    };
  }

  #actions() {
    return {
      key: "actions",
      title: "Actions",
      hidden: true,
      class: "free actions",
      make: (cell) => {
        cell.go = h("button.small", { type: "button", onclick: () => this.#go(cell.item) }, h("span", {}, ""));
        cell.end = h("button.icon-only.quiet.small", { type: "button", onclick: () => this.uploads.cancel(cell.item).catch(refuse) }, icon("cross"));
        put(cell, cell.go, cell.end);
      },
      draw: (cell, item) => {
        cell.item = item;
        const name = escaped(nameOf(item.path));
        const again = item.state === "failed";
        show(cell.go, again || item.state === "paused");
        say(cell.go.firstChild, again ? "Try again" : "Choose the file");
        mark(cell.go, "aria-label", `${again ? "Try again" : "Choose the file"}: ${name}`);
        mark(cell.end, "aria-label", item.ended ? `Take ${name} off the list` : `Stop and drop ${name}`);
      },
    };
  }

  #go(item) {
    if (item.state === "failed") return this.uploads.again(item);
    this.resumed = item;
    return this.input.click();
  }

  enter() {
    this.listen(this.uploads, "list", () => this.changed());
    this.listen(this.uploads, "item", ({ detail }) => {
      this.#touched.add(detail);
      this.#timer ??= setTimeout(() => nextFrame(this.#touch), CALM_MS);
    });
  }

  #touch = () => {
    this.#timer = null;
    if (!this.isConnected) return;
    this.table.touch(this.#touched);
    this.#touched.clear();
    this.#head();
  };

  draw() {
    const { items } = this.uploads;
    show(this, items.length > 0);
    this.table.items = items;
    show(this.list, this.#open);
    setIcon(this.fold, this.#open ? "below" : "up");
    mark(this.fold, "aria-expanded", this.#open);
    mark(this.fold, "aria-label", this.#open ? "Hide the list of uploads" : "Show the list of uploads");
    this.#head();
  }

  #head() {
    const { items } = this.uploads;
    const tally = (state) => items.filter((item) => item.state === state).length;
    const going = items.filter((item) => !item.ended && item.state !== "paused");
    const [done, failed, paused] = [tally("done"), tally("failed"), tally("paused")];
    const counted = items.filter((item) => item.state !== "skipped" && item.state !== "paused");
    const total = counted.reduce((sum, item) => sum + item.size, 0);
    const sent = counted.reduce((sum, item) => sum + Math.min(item.sent, item.size), 0);
    const words = [];
    if (going.length) words.push(`Uploading ${count(going.length, "file")}, ${percent(sent, total)}`);
    else if (done) words.push(`${count(done, "file")} uploaded`);
    if (failed) words.push(`${number(failed)} failed`);
    if (paused) words.push(`${count(paused, "file")} to choose again`);
    say(this.told, words.join(", ") || "Uploads");
    this.bar.set(sent, total || 1, "all uploads");
    show(this.bar, going.length > 0);
    show(this.clear, items.some((item) => item.ended));
  }
}


customElements.define("cargo-uploads", Progress);
