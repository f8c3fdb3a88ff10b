/* <cargo-bar>: how much of something is done. */

import { mark, Part, vary } from "./element.js";
import { percent } from "./words.js";

export class Bar extends Part {
  build() {
    mark(this, "role", "progressbar");
    mark(this, "aria-valuemin", 0);
    mark(this, "aria-valuemax", 100);
  }

  /** label is read before the share; without a total the bar only says that something goes on. */
  set(done, total, label = "", text = "") {
    const share = total > 0 ? Math.min(1, done / total) : 0;
    vary(this, { share: share.toFixed(4) });
    mark(this, "aria-valuenow", total > 0 ? Math.floor(share * 100) : null);
    mark(this, "aria-label", label || "progress");
    mark(this, "aria-valuetext", text || (total > 0 ? percent(done, total) : "not known yet"));
    this.classList.toggle("open", !(total > 0));
  }
}

customElements.define("cargo-bar", Bar);
