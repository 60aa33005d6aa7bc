"""How quick the page is: `python tests/browser/measure_page.py`; medians of seven fresh profiles."""

import statistics
import tempfile
from pathlib import Path

from conftest import CHROMIUM, serving
from playwright.sync_api import Browser, sync_playwright

from assistant.config import Settings
from assistant.indexing import index_paths
from corpus import shipped_lectures

ROUNDS = 7
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
SENT = "performance.getEntriesByType('resource').reduce((sum, part) => sum + part.transferSize, 0)"
ASKED = """() => new Promise((answered) => {
    const started = performance.now();
    const watch = () => document.querySelector(".chip") && answered(performance.now() - started);
    new MutationObserver(watch).observe(document.body, { subtree: true, childList: true });
    document.querySelector("#composer").requestSubmit();
})"""


def measure(browser: Browser, site: str) -> dict[str, float]:
    """Milliseconds, and bytes over the wire for everything but the page's own HTML."""
    context = browser.new_context()
    page = context.new_page()
    found = {}
    for visit in ("first", "second"):
        page.goto(site)
        page.locator(".suggestion").first.wait_for()
        found |= {f"{visit} visit, painted (ms)": page.evaluate(PAINTED)}
        found |= {f"{visit} visit, fetched (bytes)": page.evaluate(SENT)}
    page.get_by_label("Your question").fill("Where do you store Docker images?")
    found["question to citation (ms)"] = page.evaluate(ASKED)
    context.close()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        index_paths([shipped_lectures()], Settings(home=home), lambda *_: None)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with serving(home) as site:
            rounds = [measure(browser, site) for _ in range(ROUNDS)]
        browser.close()
    for name in rounds[0]:
        print(f"{name}: {statistics.median(one[name] for one in rounds):.0f}")


if __name__ == "__main__":
    main()
