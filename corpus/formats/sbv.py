"""SubViewer (.sbv, .sub), as YouTube exports it: ``0:00:01.000,0:00:02.500``, text, a blank line."""

import re

from corpus.formats.clock import find_sbv_timing
from corpus.formats.timed import scan_cues
from corpus.types import Problem, RawCue

__all__ = ["looks_like_sbv", "read_sbv"]

_TIMING = re.compile(r"^[^\S\n]*\d+:\d\d:\d\d\.\d+[^\S\n]*,[^\S\n]*\d+:\d\d:\d\d\.\d+[^\S\n]*$", re.MULTILINE)
_ALMOST_TIMING = re.compile(r"^\s*\d+:\d\d:\S*,\d+:\d\d:\S+\s*$")
_HEADER = re.compile(r"\[[A-Z][A-Z ]*\]")


def looks_like_sbv(text: str) -> bool:
    """Whether any line is an SBV timing."""
    return _TIMING.search(text) is not None


def read_sbv(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read SBV captions; malformed cues are reported and left out, ``[br]`` is a line break."""
    # SubViewer's header lines, [INFORMATION] and what follows it, come before the first timing.
    lines = text.replace("[br]", " ").split("\n")
    for i, line in enumerate(lines):
        if find_sbv_timing(line):
            break
        if _HEADER.match(line):
            lines[i] = ""
    return scan_cues(lines, path, timing=find_sbv_timing, almost=_ALMOST_TIMING.match)
