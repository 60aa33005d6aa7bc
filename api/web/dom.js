// Elements in one expression. Text is always set as text: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element; `properties` are attributes, but for `on*` functions, which listen. Null leaves one out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const PATHS = {
  close: "M5 5l10 10M15 5L5 15",
  copy: "M7 7V4h9v9h-3M4 7h9v9H4z",
  down: "M6 10l4 4 4-4",
  flag: "M5 17V4h9l-2 3.500 2 3.500H5",
  ask: "M4 5h12v8H9l-4 3v-3H4z",
  no: "M14 12V4.500H6.500l-2 6V12H9l-.5 4c2 0 2.500-2 3-3zM14 4.500h2.500V12H14",
  play: "M7 4.500v11l8.500-5.500z",
  retry: "M15.500 10a5.500 5.500 0 1 1-1.600-3.900L16 8M16 4v4h-4",
  up: "M6 10l4-4 4 4",
  yes: "M6 8v7.500h7.500l2-6V8H11l.5-4c-2 0-2.500 2-3 3zM6 15.500H3.500V8H6",
};

/** One of our line icons, for the eye only. */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 20 20");
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  drawn.append(path);
  return drawn;
}

/** Say something to a screen reader. */
export function announce(message) {
  document.querySelector("#status").textContent = message;
}
