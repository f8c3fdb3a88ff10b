/* Pages of one document: the part of the address after `#` chooses one. */

/** An address in the page: `to("job", "daemon", "a/b")` is `#/job/daemon/a%2Fb`. */
export function to(...parts) {
  return `#/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}

/** Its parts again. A part that cannot be decoded stays as it is. */
export function parts(hash = location.hash) {
  return hash
    .replace(/^#\/?/, "")
    .split("?")[0]
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

/** Shows pages in `outlet`.

    find(parts)  the page for an address: a promise of an element; the same element again if it only has to turn to
                 another view, which it does by itself on `hashchange`
    title(page)  what the window is called then */
export class Router {
  #shown = null;
  #turn = 0;

  constructor(outlet, find, title) {
    this.outlet = outlet;
    this.find = find;
    this.title = title;
  }

  start() {
    addEventListener("hashchange", () => this.follow());
    return this.follow();
  }

  async follow() {
    const turn = (this.#turn += 1);
    const page = await this.find(parts());
    if (turn !== this.#turn) return; // another address was chosen meanwhile
    document.title = this.title(page);
    if (page === this.#shown) return;
    const first = this.#shown === null;
    this.#shown = page;
    if (page.parentNode !== this.outlet) this.outlet.replaceChildren(page); // the document may have it already
    scrollTo(0, 0);
    if (!first) this.outlet.focus({ preventScroll: true }); // a screen reader begins to read here
  }
}
