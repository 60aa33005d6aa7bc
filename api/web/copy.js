// Text to the clipboard.

import { announce, element, icon } from "./dom.js";

const SAID_MS = 2000;

/** A button that copies what `text()` gives and says so. */
export function copyButton(text, label = "Copy with citation") {
  const words = element("span", {}, label);
  return element("button", {
    type: "button", class: "action",
    onclick: async () => {
      const done = await copyText(text());
      words.textContent = done ? "Copied" : "Could not copy";
      announce(words.textContent);
      setTimeout(() => (words.textContent = label), SAID_MS);
    },
  }, icon("copy"), words);
}

/** Put text on the clipboard; false where the browser refuses it. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A frame of another site, or plain HTTP: the old way still works there.
    const field = element("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
