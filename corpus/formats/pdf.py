"""PDF, by pypdf: a line of a page is a cue, and its page stands where others have a line and a time.

Only ``corpus.slide_process`` calls this, in a process whose time and memory are bounded.
"""

import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from corpus.errors import in_one_line
from corpus.formats.markup import collapse
from corpus.formats.slide_page import SlideLine, SlidePage, SlidesUnreadable

if TYPE_CHECKING:
    from pypdf import PageObject

__all__ = ["drop_running_lines", "open_pdf", "page_of_pdf"]

_BULLET = re.compile(r"[•◦▪▫■□●○‣⁃∙·➢➤►▶✓✔❖◆◇\x95\uf0a7\uf0b7\uf0d8\uf076-]\s*(?=\S)|[–—*]\s+(?=\S)")
_NUMBERED = re.compile(r"(?:\(?[0-9]{1,2}[.)]|\(?[a-zA-Z][.)])\s+\S")
_OTHER_SIZE = 1.1
"""From this ratio on two lines are set in different sizes: a title and what is under it."""
_LIGATURES = {
    ord(one): two for one, two in zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "ft", "st"), strict=True)
}
_RUNNING_PAGES = 3
_HEAD, _FOOT = 1, 2
"""How many lines at the top and at the bottom of a page may be of that kind."""
_DRAWS = re.compile(rb"\b(?:Do|BI)\b")
_NUMBER = re.compile(r"\d+")


def open_pdf(data: bytes) -> "Sequence[PageObject]":
    """The pages of a PDF, each read when it is asked for.

    Raises:
        SlidesUnreadable: it has a password, or is damaged past reading.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        # Many are encrypted only against changes: then the empty password opens them.
        if reader.is_encrypted and not reader.decrypt(""):
            raise SlidesUnreadable("it has a password; save a copy without one")
        pages = reader.pages
        count = len(pages)
    except DependencyError as error:
        raise SlidesUnreadable(
            "it is encrypted by AES, which needs another package; install it: pip install 'pypdf[crypto]'"
        ) from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise SlidesUnreadable(f"damaged PDF ({in_one_line(error)}); export it again") from error
    if not count:
        raise SlidesUnreadable("no page in it; export it again")
    return pages


def page_of_pdf(page: "PageObject", number: int) -> SlidePage:
    """The lines of one page, in the order in which the file draws them."""
    pieces: list[tuple[str, float]] = []

    def keep(text: str, cm: Any, tm: Any, font: Any, size: float) -> None:
        if text:
            scale = math.sqrt(abs(tm[0] * tm[3] - tm[1] * tm[2]) * abs(cm[0] * cm[3] - cm[1] * cm[2]))
            pieces.append((text, size * scale))

    page.extract_text(visitor_text=keep)
    lines = tuple(_lines(pieces))
    left_out = None
    if not lines and _shows_image(page):
        left_out = "no text on this page, only a picture (scanned?); run OCR on the file to have it read"
    return SlidePage(number, lines, left_out)


def drop_running_lines(pages: Sequence[SlidePage]) -> tuple[list[SlidePage], int]:
    """The pages without the heads and feet that stand on half of them, and how many lines those were.

    Each is said once, on its first page. A page that has nothing else keeps them.
    """
    written = [page for page in pages if page.lines]
    seen = Counter(
        key for page in written for key in {_running_key(page.lines, i) for i in _edges(page.lines)}
    )
    running = {key for key, count in seen.items() if count >= max(_RUNNING_PAGES, len(written) / 2)}
    said: set[tuple[str, str]] = set()
    kept, repeats = [], 0
    for page in pages:
        edges = {i: _running_key(page.lines, i) for i in _edges(page.lines)}
        again = {i for i, key in edges.items() if key in running and key in said}
        said |= {key for key in edges.values() if key in running}
        if again and len(again) < len(page.lines):
            repeats += len(again)
            lines = tuple(line for i, line in enumerate(page.lines) if i not in again)
            page = SlidePage(page.number, lines, page.left_out)  # noqa: PLW2901  the same page, shorter
        kept.append(page)
    return kept, repeats


def _edges(lines: Sequence[SlideLine]) -> list[int]:
    return [i for i in range(len(lines)) if i < _HEAD or i >= len(lines) - _FOOT]


def _running_key(lines: Sequence[SlideLine], i: int) -> tuple[str, str]:
    """What makes two lines one: the same words, at the foot but for numbers ("Lecture 3 · 12 / 40")."""
    text = lines[i].text
    has_letters = any(c.isalpha() for c in text)
    is_foot = i >= max(_HEAD, len(lines) - _FOOT)
    # "Exercise 3" at the top is another title than "Exercise 4".
    return ("foot", _NUMBER.sub("#", text)) if is_foot or not has_letters else ("head", text)


def _lines(pieces: Sequence[tuple[str, float]]) -> Iterator[SlideLine]:
    drawn: list[tuple[str, float]] = [("", 0.0)]
    for text, size in pieces:
        for n, part in enumerate(text.split("\n")):
            if n:
                drawn.append(("", 0.0))
            if part:
                before, largest = drawn[-1]
                drawn[-1] = (before + part, max(largest, size if part.strip() else 0.0))
    rows = [(collapse(text.translate(_LIGATURES)), size) for text, size in drawn if text.strip()]
    for (_, size_before), (text, size) in pairwise([("", 0.0), *rows]):
        sizes = sorted((size_before, size))
        mark = _BULLET.match(text)
        starts = mark is not None or _NUMBERED.match(text) is not None or sizes[1] > sizes[0] * _OTHER_SIZE
        words = text[mark.end() :] if mark else text
        yield SlideLine(words, starts)


def _shows_image(page: "PageObject") -> bool:
    try:
        contents = page.get_contents()
        # A picture among a page's resources need not be on it: pages may share them.
        return (
            contents is not None and _DRAWS.search(contents.get_data()) is not None and len(page.images) > 0
        )
    except Exception:  # noqa: BLE001  whatever is wrong with a picture, it is one
        return True
