"""Plain text: one caption a line, blank lines ignored, no times."""

from corpus.formats.markup import collapse
from corpus.types import Problem, RawCue

__all__ = ["read_plain"]


def read_plain(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Every line with words in it is a cue; a sentence may run over lines and blank lines."""
    cues = [
        RawCue(collapse(line), number, number)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    return cues, []
