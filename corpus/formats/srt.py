"""SubRip: a counter, a timing line with comma milliseconds, text, a blank line."""

from corpus.formats.timed import scan_cues
from corpus.types import Problem, RawCue

__all__ = ["read_srt"]


def read_srt(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read SubRip captions; malformed cues are reported and left out."""
    return scan_cues(text.split("\n"), path)
