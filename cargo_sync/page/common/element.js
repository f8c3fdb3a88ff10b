/* What every component here is made of: a builder of elements, a frame clock, a base class.

   A name of a file or a job may hold anything, so text becomes text nodes only. Nothing here parses HTML, and
   attributes that could run or style something are refused. */

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "indeterminate", "selected", "hidden", "disabled"]);
const REFUSED = new Set(["style", "innerhtml", "outerhtml", "srcdoc"]);
const ADDRESSES = new Set(["href", "src", "action", "formaction"]);

/** An element: `h("button.primary", {type: "button", onclick: start}, icon("play"), "Start")`.

    what      a tag and its classes
    props     attributes; `on…` adds a listener, `data` and `aria` are objects of such attributes, `vars` sets CSS
              variables; true is an empty attribute, false and null leave it out
    children  nodes, texts and lists of them; null and false are left out */
export function h(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  return finish(document.createElement(tag), classes, props, children);
}

/** The same for the elements of a picture. */
export function svg(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  return finish(document.createElementNS(SVG, tag), classes, props, children);
}

function finish(element, classes, props, children) {
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  add(element, children);
  return element;
}

function set(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "vars") vary(element, value);
  else if (name === "data" || name === "aria")
    for (const [each, one] of Object.entries(value)) mark(element, `${name}-${each}`, one);
  else if (PROPERTIES.has(name)) element[name] = value ?? "";
  else mark(element, name, value);
}

function add(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(element, child);
    else if (child !== null && child !== undefined && child !== false)
      element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces everything in `element`. */
export function put(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** The text of `element`, written only if it is another one: what stays is not drawn again. */
export function say(element, text) {
  const words = text === null || text === undefined ? "" : String(text);
  if (element.textContent !== words) element.textContent = words;
}

/** An attribute, written only if it is another one. False and null remove it. */
export function mark(element, name, value) {
  const small = name.toLowerCase();
  if (REFUSED.has(small) || small.startsWith("on")) throw new TypeError(`the attribute ${name} is not set here`);
  if (ADDRESSES.has(small) && value && !/^https?:$/.test(new URL(value, document.baseURI).protocol))
    throw new TypeError(`an address of this kind is not set here`);
  const text = value === true && !small.startsWith("aria-") ? "" : value;
  if (text === false && small.startsWith("aria-")) write(element, name, "false");
  else if (text === false || text === null || text === undefined) element.removeAttribute(name);
  else write(element, name, String(text));
}

function write(element, name, text) {
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** CSS variables of `element`: `vary(bar, {share: 0.4})` sets `--share`. */
export function vary(element, values) {
  for (const [name, value] of Object.entries(values)) {
    const text = String(value);
    if (element.style.getPropertyValue(`--${name}`) !== text) element.style.setProperty(`--${name}`, text);
  }
}

/** Shows or hides `element`. */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

const due = new Set();
let asked = false;
let held = false;

const ROUNDS = 5; // what is asked for while a picture is made belongs to it, unless it never ends

/** Calls `draw` once before the next picture, however often it is asked for. A hidden tab draws nothing. */
export function nextFrame(draw) {
  due.add(draw);
  if (asked || held) return;
  asked = true;
  requestAnimationFrame(() => {
    for (let round = 0; due.size && round < ROUNDS; round += 1) {
      const all = [...due];
      due.clear();
      for (const each of all) each();
    }
    asked = false;
    if (due.size) nextFrame([...due][0]);
  });
}

/** Draws nothing until the promise `ready` is kept, so that what is asked for meanwhile is one picture. */
export async function onePicture(ready) {
  held = true;
  await ready;
  held = false; // who waits for this adds to the picture
  if (due.size) nextFrame([...due][0]);
}

/** Returns after the next picture; at once in a hidden tab, which has none. */
export function afterPicture() {
  return new Promise((done) => (document.hidden ? done() : requestAnimationFrame(() => setTimeout(done))));
}

/** A component, in the light DOM: styles are in files, and labels may refer to ids of the page.

    build()  makes its elements, once
    enter()  it is on the page now; leave() it is not any more
    draw()   brings its elements up to date; changed() asks for it
    signal   ends listeners and requests when the component leaves the page */
export class Part extends HTMLElement {
  #life = new AbortController();
  #built = false;
  #entered = false;
  #draw = () => {
    if (this.isConnected) this.draw();
  };

  get signal() {
    return this.#life.signal;
  }

  connectedCallback() {
    if (this.#entered) return; // it was only moved
    this.#entered = true;
    if (this.#life.signal.aborted) this.#life = new AbortController();
    if (!this.#built) {
      this.#built = true;
      this.build();
    }
    this.enter();
    this.changed();
  }

  disconnectedCallback() {
    if (this.isConnected) return;
    this.#entered = false;
    this.#life.abort();
    this.leave();
  }

  build() {}
  enter() {}
  leave() {}
  draw() {}

  changed() {
    nextFrame(this.#draw);
  }

  /** Calls `run` every so many seconds while this is on the page and the tab is seen. */
  every(seconds, run) {
    const timer = setInterval(() => {
      if (!document.hidden) run();
    }, seconds * 1000);
    this.signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Listens to something beyond this element for as long as it is on the page. */
  listen(target, type, run, options = {}) {
    target.addEventListener(type, run, { ...options, signal: this.signal });
  }
}

let last = 0;

/** An id that no other element of the page has, for labels. */
export function newId(word = "c") {
  last += 1;
  return `${word}-${last}`;
}
