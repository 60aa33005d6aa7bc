// The lecture beside the conversation, under the address it has on its own: what the address bar shows
// can be shared, and going back closes it.

import { address, lectureAddress, lectureOf } from "./address.js";
import { Reader } from "./reader.js";

/** Where the lecture covers the conversation instead of standing beside it. */
export const NARROW = matchMedia("(max-width: 1079px)");

export class Panel {
  /** `onAsk(about)` as in Reader; `whenClosed` is focused where what opened the panel is gone. */
  constructor({ onAsk, whenClosed }) {
    this.element = document.querySelector("#panel");
    this.desk = document.querySelector("#desk");
    this.whenClosed = whenClosed;
    this.opener = null;
    this.asking = address("").href;
    this.reader = new Reader(this.element, { onAsk, onClose: () => this.close() });
    NARROW.addEventListener("change", () => this.#cover());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    addEventListener("popstate", () => {
      const lecture = lectureOf(location.href);
      if (lecture) this.#show(lecture.lectureId, lecture.range);
      else this.#hide();
    });
  }

  /** Show a lecture with `range` marked; `opener` is the link that asked for it. */
  open(lectureId, range, opener) {
    if (this.element.hidden) this.asking = location.href;
    this.opener?.removeAttribute("aria-current");
    this.opener = opener;
    opener.setAttribute("aria-current", "true");
    history.pushState(null, "", lectureAddress(lectureId, range));
    this.#show(lectureId, range);
  }

  close({ focus = true } = {}) {
    if (this.element.hidden) return;
    this.#hide(focus);
    history.pushState(null, "", this.asking);
  }

  #show(lectureId, range) {
    this.element.hidden = false;
    document.body.classList.add("with-panel");
    this.#cover();
    this.reader.open(lectureId, range);
  }

  #hide(focus = true) {
    if (this.element.hidden) return;
    this.element.hidden = true;
    document.body.classList.remove("with-panel");
    this.#cover();
    this.opener?.removeAttribute("aria-current");
    if (focus) (this.opener?.isConnected ? this.opener : this.whenClosed).focus();
  }

  /** What is covered must not be reached by keyboard or screen reader. */
  #cover() {
    this.desk.inert = NARROW.matches && !this.element.hidden;
  }
}
