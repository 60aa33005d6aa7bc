// The learner's key, kept until the tab is closed.

import { element } from "./dom.js";

const PLACE = "lecture-assistant.key";
let inMemory = null;
let asking = null;

export function currentKey() {
  try {
    return sessionStorage.getItem(PLACE) ?? inMemory;
  } catch {
    return inMemory; // storage is refused to pages framed by another site
  }
}

function keepKey(key) {
  inMemory = key;
  try {
    sessionStorage.setItem(PLACE, key);
  } catch {
    // then it lasts as long as the page
  }
}

/** Asks for a key, once for all that wait for it; resolves to false when the learner gives none. */
export function askForKey() {
  asking ??= showDialog().finally(() => (asking = null));
  return asking;
}

function showDialog() {
  return new Promise((resolve) => {
    const field = element("input", {
      // An HTTP header holds nothing else; a browser would not even send it.
      id: "key", type: "password", required: true, pattern: "\\s*[!-~]+\\s*", title: "Letters, digits and signs of ASCII", autocomplete: "current-password", spellcheck: "false",
    });
    const refused = currentKey() !== null;
    const dialog = element("dialog", { class: "key-dialog", "aria-labelledby": "key-title" },
      element("form", { method: "dialog" },
        element("h2", { id: "key-title" }, refused ? "That key was not accepted" : "A key is needed"),
        element("p", {}, "These lectures are open to those with a key. It is kept until you close this tab."),
        element("label", { for: "key" }, "Key"),
        field,
        element("div", { class: "dialog-actions" },
          element("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel"),
          element("button", { type: "submit", class: "primary", value: "given" }, "Continue"))));
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "given" && field.value.trim();
      if (given) keepKey(field.value.trim());
      dialog.remove();
      resolve(Boolean(given));
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
