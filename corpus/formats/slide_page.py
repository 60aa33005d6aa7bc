"""What a reader of slides finds on one page, and the limits it keeps to."""

from dataclasses import dataclass

__all__ = ["MAX_PAGES", "SlideLine", "SlidePage", "SlidesUnreadable"]

MAX_PAGES = 2_000
"""Pages after this one are reported and not read; a semester's slides in one file have fewer."""


class SlidesUnreadable(Exception):
    """The whole file cannot be read; the text says why and what to do, and names no file."""


@dataclass(frozen=True, slots=True)
class SlideLine:
    """One line of a PDF's page, or one paragraph of a slide."""

    text: str
    starts_block: bool
    """Whether no sentence reaches back across: a heading, a list item, another text box."""
    is_note: bool = False
    """Whether the speaker's notes say it and not the slide."""


@dataclass(frozen=True, slots=True)
class SlidePage:
    """Page ``number`` (from 1) with its lines in reading order."""

    number: int
    lines: tuple[SlideLine, ...]
    left_out: str | None = None
    """What of the page could not be read, and why."""
