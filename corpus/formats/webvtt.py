"""WebVTT (https://www.w3.org/TR/webvtt1/): a header, then cues among notes, styles and regions.

An ``X-TIMESTAMP-MAP`` in the header, which ties a segment to the clock of a broadcast, is
read over: where that clock began is not in the file, so the cue times stay as they are written.
"""

import re

from corpus.formats.clock import find_timing
from corpus.formats.timed import scan_cues
from corpus.types import Problem, RawCue

__all__ = ["read_webvtt"]

_NO_SPEECH = re.compile(r"(?P<kind>\s*\ufeff?\s*WEBVTT|NOTE|STYLE|REGION)(?:\s|$)")


def read_webvtt(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read WebVTT captions; malformed cues are reported and left out.

    As in the standard, a line with nothing on it ends a cue; text after it that has no timing of
    its own is reported. Segments put one after the other, each with its header, are one file.
    """
    kept = []
    block: str | None = None
    after_blank = True
    for line in text.split("\n"):
        # Within a cue, a line that starts with NOTE is speech.
        if after_blank and (opening := _NO_SPEECH.match(line)):
            block = opening["kind"]
        elif not line or (block != "NOTE" and find_timing(line)):
            # A note may quote a timing line; a header without a blank line under it ends at one.
            block = None
        after_blank = not line
        # Blanking what is no speech keeps the line numbers.
        kept.append("" if block else line)
    return scan_cues(kept, path, blank_ends_cue=True)
