"""One reader per transcript format: text → cues, and the problems met on the way.

A new format is one file with one function and one line in ``detect_format``.
"""

import re
from collections.abc import Callable
from pathlib import Path

from corpus.formats.markdown import read_markdown
from corpus.formats.plain import read_plain
from corpus.formats.srt import read_srt
from corpus.formats.webvtt import read_webvtt
from corpus.types import Problem, RawCue

__all__ = ["SUFFIXES", "Reader", "detect_format"]

Reader = Callable[[str, str], tuple[list[RawCue], list[Problem]]]

SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ".srt", ".vtt"})

_SRT_TIMING = re.compile(r"^\s*-?\d+:\d+[:.,\d]*\s*--?>\s*-?\d+:\d+", re.MULTILINE)


def detect_format(text: str, path: Path) -> Reader:
    """The reader for ``text``: by what it holds, by its name only where content cannot tell."""
    if text.lstrip("\ufeff").startswith("WEBVTT") or path.suffix.lower() == ".vtt":
        return read_webvtt
    if _SRT_TIMING.search(text) or path.suffix.lower() == ".srt":
        return read_srt
    if path.suffix.lower() in (".md", ".markdown"):
        return read_markdown
    return read_plain
