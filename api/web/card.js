// The card that shows a quote while its chip is pointed at or focused. It can be pointed at itself,
// stays until one leaves it, and goes away on Escape (WCAG 1.4.13).

import { element } from "./dom.js";
import { place } from "./quote.js";

const GAP = 8;
const LEAVE_MS = 160;
const ID = "quote-card";

let card = null;
let owner = null;
let leaving = 0;

/** Show `citation` whenever `chip` is pointed at or focused. */
export function showsQuote(chip, citation, language) {
  const show = () => open(chip, citation, language);
  chip.addEventListener("pointerenter", show);
  chip.addEventListener("focus", show);
  chip.addEventListener("pointerleave", closeSoon);
  chip.addEventListener("blur", hideQuote);
}

/** Take the card away. */
export function hideQuote() {
  clearTimeout(leaving);
  owner?.removeAttribute("aria-describedby");
  card?.remove();
  card = owner = null;
}

function open(chip, citation, language) {
  hideQuote();
  owner = chip;
  card = element("div", { id: ID, role: "tooltip", class: "quote-card" },
    element("p", { class: "quote-card-words", dir: "auto", lang: language }, citation.quote),
    element("p", { class: "quote-card-place" }, `${citation.title} · ${place(citation)}`));
  card.addEventListener("pointerenter", () => clearTimeout(leaving));
  card.addEventListener("pointerleave", closeSoon);
  chip.closest("main").append(card);
  chip.setAttribute("aria-describedby", ID);
  settle();
}

/** Beside the chip; gone with it when it is scrolled out of sight. */
function settle() {
  if (!card) return;
  const at = owner.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  if (!owner.isConnected || at.bottom < 0 || at.top > clientHeight) {
    hideQuote();
    return;
  }
  const size = card.getBoundingClientRect();
  const above = at.top - size.height - GAP;
  card.style.left = `${Math.max(GAP, Math.min(at.left + (at.width - size.width) / 2, clientWidth - size.width - GAP))}px`;
  card.style.top = `${above >= GAP ? above : at.bottom + GAP}px`;
}

function closeSoon() {
  clearTimeout(leaving);
  leaving = setTimeout(() => document.activeElement !== owner && hideQuote(), LEAVE_MS);
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !card) return;
  hideQuote();
  event.stopImmediatePropagation(); // this Escape was for the card alone
}, { capture: true });
addEventListener("scroll", settle, { capture: true, passive: true });
