// Search inside a transcript: the browser's own highlights, so that the text stays as it is.

import { element, icon } from "./dom.js";

const MOST = 5000;

export class Find {
  /** `text` holds the transcript; its text nodes, one after the other, are all of it and nothing else. */
  constructor(text) {
    this.text = text;
    this.ranges = [];
    this.current = -1;
    this.field = element("input", {
      type: "search", placeholder: "Find in this lecture", "aria-label": "Find in this lecture", autocomplete: "off", enterkeyhint: "search",
      oninput: () => this.#search(),
      onkeydown: (event) => this.#key(event),
    });
    this.count = element("output", { class: "find-count" });
    this.steps = [["up", "Previous", -1], ["down", "Next", 1]].map(([sign, label, by]) =>
      element("button", { type: "button", class: "quiet icon-only", "aria-label": label, disabled: true, onclick: () => this.#go(by) }, icon(sign)));
    this.element = element("div", { class: "find", role: "search" }, this.field, this.count, this.steps);
  }

  /** The text was laid out anew. */
  textChanged() {
    this.nodes = [];
    const walker = document.createTreeWalker(this.text, NodeFilter.SHOW_TEXT, (node) =>
      node.parentElement.closest(".label") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    let start = 0;
    while (walker.nextNode()) {
      this.nodes.push({ node: walker.currentNode, start });
      start += walker.currentNode.length;
    }
    this.whole = this.nodes.map(({ node }) => node.data).join("");
    this.#search(false);
  }

  /** The UTF-16 offsets of a DOM range in the whole text. */
  unitsOf(range) {
    const length = (container, offset) => {
      const before = document.createRange();
      before.setStart(this.text, 0);
      before.setEnd(container, offset);
      return this.nodes.reduce((sum, { node }) => {
        if (node === container) return sum + offset;
        return before.comparePoint(node, node.length) <= 0 ? sum + node.length : sum;
      }, 0);
    };
    return [length(range.startContainer, range.startOffset), length(range.endContainer, range.endOffset)];
  }

  #search(move = true) {
    const wanted = this.field.value.trim();
    this.ranges = wanted ? [...this.#matches(wanted)] : [];
    this.current = -1;
    for (const step of this.steps) step.disabled = !this.ranges.length;
    this.count.textContent = wanted && !this.ranges.length ? "Not found" : "";
    if (this.ranges.length && move) this.#go(1);
    else this.#paint();
  }

  *#matches(wanted) {
    const words = wanted.split(/\s+/).map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}\/-]/g, "\\$&"));
    let found = 0;
    for (const match of this.whole.matchAll(new RegExp(words.join("\\s+"), "giu"))) {
      yield this.#rangeOf(match.index, match.index + match[0].length);
      if (++found === MOST) return;
    }
  }

  #rangeOf(start, end) {
    const range = document.createRange();
    const at = (unit, after) => {
      let low = 0;
      let high = this.nodes.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (after ? this.nodes[middle].start < unit : this.nodes[middle].start <= unit) low = middle;
        else high = middle - 1;
      }
      return [this.nodes[low].node, unit - this.nodes[low].start];
    };
    range.setStart(...at(start, false));
    range.setEnd(...at(end, true));
    return range;
  }

  #go(by) {
    if (!this.ranges.length) return;
    this.current = (this.current + by + this.ranges.length) % this.ranges.length;
    this.count.textContent = `${this.current + 1} of ${this.ranges.length}`;
    this.#paint();
    const range = this.ranges[this.current];
    range.startContainer.parentElement.closest("p").scrollIntoView({ block: "center" });
  }

  #paint() {
    if (!globalThis.CSS?.highlights) return;
    const now = this.ranges[this.current];
    CSS.highlights.set("found", new Highlight(...this.ranges.filter((range) => range !== now)));
    CSS.highlights.set("found-now", now ? new Highlight(now) : new Highlight());
  }

  #key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.#go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && this.field.value) {
      event.preventDefault();
      event.stopPropagation();
      this.field.value = "";
      this.#search();
    }
  }
}
