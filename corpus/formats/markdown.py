"""Markdown (CommonMark, by markdown-it-py): headings, paragraphs and list items become cues."""

import re
from typing import TYPE_CHECKING

from corpus.formats.markup import collapse
from corpus.types import Problem, RawCue

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["read_markdown"]

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
    for token in MarkdownIt("commonmark").parse(text):
        if token.type != "inline" or token.map is None:
            continue
        first = True
        lines = _words(token).split("\n")
        # A code span or a tag that runs over lines has lost its line ends.
        lost = token.content.count("\n") + 1 - len(lines)
        for offset, line in enumerate(lines):
            if collapse(line):
                number = token.map[0] + offset + 1
                cues.append(RawCue(collapse(line), number, number + lost, starts_block=first))
                first = False
    return cues, []


def _words(inline: "Token") -> str:
    parts = []
    for child in inline.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type in ("text", "code_inline") or child.type == "image":
            parts.append(child.content)
    return "".join(parts)
