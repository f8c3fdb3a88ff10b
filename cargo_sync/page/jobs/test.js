/* A test of a job, step by step: its server, its login, its folders, its speed. */

import { h, Part, put, say, show } from "../common/element.js";
import { icon } from "../common/icons.js";
import { escaped } from "../common/words.js";

class Test extends Part {
  job = null;
  #running = false;

  build() {
    this.button = h("button.primary", { type: "button", onclick: () => this.#run() }, icon("test"), "Test now");
    this.words = h("p.muted", { role: "status" }, "It looks at everything that a run needs, and moves no file.");
    this.steps = h("ol.steps");
    put(
      this,
      h(
        "section.sheet",
        { "aria-label": "Test" },
        h("header", {}, h("div.grow", {}, h("h2", {}, "Test"), this.words), this.button),
        this.steps,
      ),
    );
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    this.button.disabled = true;
    put(this.steps);
    say(this.words, "It is being tested…");
    try {
      const answer = await this.app.control.until(this.source, "job.test", { job: this.name }, "test", ({ steps }) => this.#draw(steps), this.signal);
      const failed = answer.steps.filter((step) => !step.ok).length;
      const warned = answer.steps.filter((step) => step.ok && step.hint).length;
      say(this.words, failed ? `${failed} failed: nothing after it can work.` : warned ? "It works, with a warning." : "Everything that a run needs is there.");
    } catch (error) {
      say(this.words, error.name === "AbortError" ? "" : error.message);
    } finally {
      this.#running = false;
      this.button.disabled = false;
    }
  }

  #draw(steps) {
    for (const step of steps.slice(this.steps.children.length)) {
      const tone = !step.ok ? "bad" : step.hint ? "held" : "good";
      this.steps.append(
        h(
          `li.${tone}`,
          {},
          icon(step.ok ? (step.hint ? "warning" : "check") : "cross"),
          h(
            "div",
            {},
            h("h3", {}, step.name, h("span.unseen", {}, step.ok ? (step.hint ? ": a warning" : ": good") : ": failed")),
            h("p", {}, escaped(step.message)),
            step.hint ? h("p.hint", {}, escaped(step.hint)) : null,
          ),
        ),
      );
    }
    show(this.steps, this.steps.children.length > 0);
  }
}

customElements.define("cargo-test", Test);
