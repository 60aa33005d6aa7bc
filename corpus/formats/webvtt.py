"""WebVTT (https://www.w3.org/TR/webvtt1/): a header, then cues among notes, styles and regions."""

from corpus.formats.timed import scan_cues
from corpus.types import Problem, RawCue

__all__ = ["read_webvtt"]


def read_webvtt(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read WebVTT captions; malformed cues are reported and left out."""
    lines = text.split("\n")
    in_note = False
    kept = []
    after_blank = True
    for line in lines:
        # Within a cue, a line that starts with NOTE is speech.
        if after_blank and line.startswith("NOTE") and (len(line) == 4 or line[4].isspace()):
            in_note = True
        elif not line.strip():
            in_note = False
        after_blank = not line.strip()
        # A note may quote a timing line; blanking it keeps the line numbers.
        kept.append("" if in_note else line)
    return scan_cues(kept, path)
