/* What a person may do to a job, from its row and from its page. */

import { h, newId } from "../common/element.js";
import { to } from "../common/router.js";
import { refuse, toast } from "../common/toast.js";
import { heldWords } from "./need.js";
import { escaped, speed } from "../common/words.js";

const dialog = () => import("../common/dialog.js");

/** The actions of a job of a daemon; each says what it did, or why it was refused. */
export class Actions {
  constructor({ control }) {
    this.control = control;
  }

  async #do(job, cmd, args, words) {
    try {
      const result = await this.control.call(job.source, cmd, { job: job.name, ...args });
      toast(`${escaped(job.name)}: ${typeof words === "function" ? words(result) : words}`);
      return result;
    } catch (error) {
      refuse(error);
      return null;
    }
  }

  pause(job) {
    return this.#do(job, "job.pause", {}, "paused");
  }

  start(job) {
    return this.#do(job, "job.start", {}, "started");
  }

  sync(job) {
    return this.#do(job, "job.sync", {}, "looks for changes now");
  }

  reload(job) {
    return this.#do(job, "job.reload", {}, "its file was read again");
  }

  async approve(job, held) {
    const what = held ? heldWords(held) : "Exactly the steps that are held now pass.";
    await (await dialog()).confirm(
      `Let it pass?`,
      h("div.stack", {}, h("p", {}, what), firstPaths(held)),
      "Approve",
      async () => {
        await this.control.call(job.source, "job.approve", { job: job.name });
        toast(`${escaped(job.name)}: approved`);
      },
      { kind: "primary" },
    );
  }

  async reject(job, held) {
    const text =
      "Deletions that are held are forgotten; overwrites wait until their source changes again. The destination stays as it is.";
    await (await dialog()).confirm(
      "Keep what is there?",
      h("div.stack", {}, h("p", {}, text), firstPaths(held)),
      "Reject",
      async () => {
        await this.control.call(job.source, "job.reject", { job: job.name });
        toast(`${escaped(job.name)}: rejected, the destination stays as it is`);
      },
      { kind: "danger" },
    );
  }

  /** Asks for a speed. shown: `speed` of `job.show`. */
  async speed(job, shown = null) {
    const id = newId("speed");
    const field = h("input", { id, placeholder: "10mbps", spellcheck: "false", value: shown?.now ? speed(shown.now) : "" });
    const set = async (value) => {
      const result = await this.control.call(job.source, "job.speed", { job: job.name, speed: value });
      toast(`${escaped(job.name)}: ${result.speed.now === null ? "no limit" : speed(result.speed.now)}`);
    };
    await (await dialog()).ask(
      `Speed of ${escaped(job.name)}`,
      h(
        "div.field",
        {},
        h("label", { for: id }, "At most"),
        field,
        h("p.hint", {}, "Bits per second on the wire: 500kbps, 10mbps, 1.5gbps. It counts at once and survives a restart."),
      ),
      [
        { label: "As in its file", value: true, run: () => set(null) },
        { label: "No limit", value: true, run: () => set("none") },
        { label: "Set", value: true, kind: "primary", run: () => set(field.value.trim() || "none") },
      ],
    );
  }

  /** Asks for a priority, which is a field of the job's file. now: the one of `job.show`. */
  async priority(job, now = 50) {
    const id = newId("priority");
    const field = h("input", { id, type: "number", min: 0, max: 100, step: 1, value: String(now) });
    await (await dialog()).ask(
      `Priority of ${escaped(job.name)}`,
      h(
        "div.field",
        {},
        h("label", { for: id }, "0 to 100"),
        field,
        h("p.hint", {}, "When more jobs have files than may move them at once, the one with the higher number goes first. It is written to the job's file."),
      ),
      [
        { label: "Cancel", value: false },
        {
          label: "Write",
          value: true,
          kind: "primary",
          run: async () => {
            const { fields } = await this.control.call(job.source, "job.read", { job: job.name });
            const text = field.value.trim();
            const priority = /^\d+$/.test(text) ? Number(text) : text;
            await this.control.call(job.source, "job.write", { job: job.name, fields: { ...fields, priority } });
            toast(`${escaped(job.name)}: priority ${text}`);
          },
        },
      ],
    );
  }

  async remove(job) {
    await (await dialog()).confirm(
      `Remove ${escaped(job.name)}?`,
      "The job ends, and what both sides agreed on is forgotten. The files on both sides stay, and so does its history. Its file goes to .removed in the folder of jobs.",
      "Remove",
      async () => {
        await this.control.call(job.source, "job.remove", { job: job.name });
        toast(`${escaped(job.name)} was removed`);
        location.hash = "#/";
      },
    );
  }

  /** What its menu offers. There is nothing in it that a person may not do. */
  menuOf(job, shown = null) {
    const may = this.control.may(job.source);
    const page = (tab) => () => (location.hash = to("job", job.source, job.name, ...(tab ? [tab] : [])));
    const look = [
      { label: "Open", icon: "right", run: page("") },
      { label: "Preview of the next run", icon: "plan", run: page("plan") },
      { label: "History", icon: "history", run: page("history") },
    ];
    if (!may) return look;
    const paused = job.state === "paused";
    return [
      paused
        ? { label: "Start", icon: "play", run: () => this.start(job) }
        : { label: "Pause", icon: "pause", run: () => this.pause(job), off: job.state === "disabled" },
      { label: "Look for changes now", icon: "sync", run: () => this.sync(job), off: paused || job.state === "disabled" },
      { label: "Speed…", icon: "speed", run: () => this.speed(job, shown?.speed) },
      {
        label: "Priority…",
        icon: "order",
        run: async () => {
          try {
            const whole = shown ?? (await this.control.call(job.source, "job.show", { job: job.name }));
            await this.priority(job, whole.settings.priority);
          } catch (error) {
            refuse(error);
          }
        },
      },
      null,
      ...look,
      { label: "Test", icon: "test", run: page("test") },
      null,
      { label: "Edit…", icon: "edit", run: () => (location.hash = to("edit", job.source, job.name)) },
      { label: "Read its file again", icon: "sync", run: () => this.reload(job) },
      { label: "Remove…", icon: "trash", kind: "danger", run: () => this.remove(job) },
    ];
  }
}

function firstPaths(held) {
  const first = held?.first ?? [];
  if (!first.length) return null;
  const all = (held.deletions ?? 0) + (held.overwrites ?? 0);
  return h(
    "ul.paths",
    { tabindex: 0, "aria-label": "Paths" },
    first.map((path) => h("li", {}, escaped(path))),
    all > first.length ? h("li.muted", {}, `and ${all - first.length} more`) : null,
  );
}
