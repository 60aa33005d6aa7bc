"""The pictures of the README: `python tests/browser/take_screenshots.py` writes them beside this file.

They show the first lecture, so nothing in them is anybody's.
"""

import tempfile
from pathlib import Path

from conftest import CHROMIUM, serving
from playwright.sync_api import Browser, Page, sync_playwright

from assistant.config import Settings
from assistant.indexing import index_paths
from corpus import shipped_lectures

FOLDER = Path(__file__).parent / "screenshots"
QUESTION = "Where do you store Docker images?"


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator("article:last-of-type[data-state=done]").wait_for()


def opened(browser: Browser, site: str, scheme: str, width: int, height: int) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(site)
    page.locator(".suggestion").first.wait_for()
    return page


def take(browser: Browser, site: str) -> None:
    page = opened(browser, site, "light", 1200, 720)
    ask(page, QUESTION)
    page.locator(".chip").first.click()
    page.locator("mark").wait_for()
    page.mouse.move(0, 0)
    page.screenshot(path=FOLDER / "conversation.png")
    page = opened(browser, site, "dark", 1200, 720)
    ask(page, QUESTION)
    page.locator("article:last-of-type .chip").click()
    page.locator("mark").wait_for()
    page.reload()
    page.locator("mark").wait_for()
    page.screenshot(path=FOLDER / "reader-dark.png")
    page = opened(browser, site, "light", 320, 640)
    ask(page, QUESTION)
    page.screenshot(path=FOLDER / "narrow.png")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        index_paths([shipped_lectures()], Settings(home=home), lambda *_: None)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with serving(home) as site:
            take(browser, site)
        browser.close()


if __name__ == "__main__":
    main()
