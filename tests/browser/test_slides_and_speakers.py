"""The page over slides and over captions that name their speakers."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from pptx import Presentation

from assistant.config import Settings
from assistant.indexing import index_paths

from .conftest import serving
from .test_page import marked, violations

TALK = (
    "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n<v Ana>A hash function maps keys to buckets.\n\n"
    "00:00:05.000 --> 00:00:08.000\n<v Ben>So two keys may share a bucket.\n"
)


@pytest.fixture(scope="module")
def deck_site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("decks")
    deck = Presentation()
    for title, words, notes in (
        ("Queues", "A queue hands out what came first.", ""),
        ("Stacks", "A stack hands out what came last.", "Show them the plates."),
    ):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = words
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    data = io.BytesIO()
    deck.save(data)
    (folder / "structures.pptx").write_bytes(data.getvalue())
    (folder / "hashing.vtt").write_text(TALK, encoding="utf-8")
    index_paths([folder], Settings(home=folder / "home"), lambda *_: None)
    with serving(Path(folder / "home")) as address:
        yield address


def open_words(page: Page, site: str, lecture: str, first: str, last: str) -> None:
    said = httpx.get(f"{site}v1/lectures/{lecture}/transcript").json()["transcript"]
    page.goto(f"{site}lectures/{lecture}#c{said.index(first)}-{said.index(last) + len(last)}")
    expect(page.locator("mark").first).to_be_in_viewport()


def test_slides_have_a_heading_each_and_a_quote_over_two_is_marked_on_both(
    page: Page, deck_site: str
) -> None:
    open_words(page, deck_site, "structures-pptx", "A queue hands", "what came last.")
    assert page.locator(".transcript h2").all_text_contents() == ["Slide 1", "Slide 2"]
    assert [text.strip() for text in page.locator("mark").all_text_contents()] == [
        "A queue hands out what came first.",
        "Stacks A stack hands out what came last.",
    ]
    expect(page.locator(".bar-place")).to_have_text("slides 1–2")
    expect(page.locator(".speaker")).to_have_attribute("data-text", "Speaker notes")
    # Headings are none of the transcript: what is selected and found is only its text.
    page.get_by_label("Find in this lecture").fill("first. Stacks")
    expect(page.locator(".find-count")).to_have_text("1 of 1")
    assert violations(page) == []


def test_a_citation_names_its_slide_and_its_speakers(page: Page, deck_site: str) -> None:
    page.goto(f"{deck_site}?lecture=structures-pptx")
    page.get_by_label("Your question").fill("What does a stack hand out?")
    page.keyboard.press("Enter")
    expect(page.locator(".source-place").first).to_contain_text("slide")
    open_words(page, deck_site, "hashing", "A hash", "buckets.")
    assert marked(page) == "A hash function maps keys to buckets."
    expect(page.locator(".bar-place")).to_have_text("Ana · 0:01–0:04 · line 4")
    open_words(page, deck_site, "hashing", "A hash", "share a bucket.")
    expect(page.locator(".bar-place")).to_contain_text("Ana, Ben · 0:01–0:08")
