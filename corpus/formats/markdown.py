"""Markdown (CommonMark and tables, by markdown-it-py): headings, paragraphs, items and cells become cues."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus.formats.markup import collapse
from corpus.types import Problem, RawCue

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["markdown_title", "read_markdown"]

_LONGEST_TITLE = 200
_CELLS = ("th_open", "td_open")

# A rule of dashes opens no front matter: a key follows that.
_FRONT_MATTER = re.compile(
    r"\ufeff?---[ \t]*\n(?=[ \t]*[\w\"#-][^\n:]*:)(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|$)"
)


def read_markdown(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read the words of a Markdown file; front matter, code blocks, HTML and link targets are left out."""
    from markdown_it import MarkdownIt

    front = _FRONT_MATTER.match(text)
    if front:
        # Blank lines keep the line numbers.
        text = "\n" * front[0].count("\n") + text[front.end() :]
    cues = []
    # Blocks first and what is in each one after the other: all at once would take 65 times the file.
    parser = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
    references: dict[str, Any] = {}
    first = True
    for token in parser.parse(text, references):
        # A row is a block of its cells, so that what is said of its first one stays with it.
        first = first or (token.nesting > 0 and token.type not in _CELLS)
        if token.type != "inline" or token.map is None:
            continue
        children: list[Token] = []
        parser.inline.parse(token.content, parser, references, children)
        lines = _words(children).split("\n")
        # A code span or a tag that runs over lines has lost its line ends.
        lost = token.content.count("\n") + 1 - len(lines)
        for offset, line in enumerate(lines):
            if collapse(line):
                number = token.map[0] + offset + 1
                cues.append(RawCue(collapse(line), number, number + lost, starts_block=first))
                first = False
    return cues, []


def markdown_title(text: str, cues: Sequence[RawCue]) -> str | None:
    """The heading of the first level that a Markdown file opens with, of at most 200 characters, if it does.

    ``cues`` are what was read of ``text``.
    """
    if not cues or len(cues[0].text) > _LONGEST_TITLE:
        return None
    opening, underline, *_ = [*text.split("\n")[cues[0].line_start - 1 :], ""]
    is_heading = opening.lstrip("\ufeff ").startswith("# ") or set(underline.strip()) == {"="}
    return cues[0].text if is_heading else None


def _words(children: "list[Token]") -> str:
    parts = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type in ("text", "text_special", "code_inline", "image"):
            parts.append(child.content)
    return "".join(parts)
