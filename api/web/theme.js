// Light, dark, or what the system says. A classic script in the head, so that the page is never
// painted in the wrong colours first.
"use strict";
(() => {
  const key = "lecture-assistant.theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function kept() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is refused to pages framed by another site
    }
  }

  function keep(theme) {
    try {
      localStorage.setItem(key, theme);
    } catch {
      // the choice then lasts as long as the page
    }
  }

  const chosen = kept();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  const dark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-switch]");
    const name = () => button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
    name();
    system.addEventListener("change", name);
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      keep(root.dataset.theme);
      name();
    });
  });
})();
