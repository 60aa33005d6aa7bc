"""Text with a time before each caption: YouTube's transcript panel, Whisper's console, lyrics.

The time stands on a line of its own or before the words, in brackets or not, alone or with an end:
``0:05``, ``[00:08.62] words``, ``[00:01.000 --> 00:02.500] words``. Where it has no end a caption
lasts until the next begins, and the last one has none.
"""

import re
from dataclasses import replace
from itertools import pairwise

from corpus.formats.clock import parse_time
from corpus.formats.markup import collapse
from corpus.types import Problem, RawCue

__all__ = ["looks_timestamped", "read_timestamped"]

_CLOCK = r"(?:\d{1,4}:)?\d{1,3}:\d\d(?:[.,]\d{1,6})?"
_STAMP = re.compile(
    rf"^\s*(?P<open>[\[(])?(?P<start>{_CLOCK})(?:\s*-{{1,2}}>\s*(?P<end>{_CLOCK}))?(?P<close>[\])])?"
    r"(?=\s|[^\W\d]|[\"'¿¡(<♪-]|$)(?P<words>.*)$"
)
# The panel also says the time in words for screen readers: "1 minute, 5 seconds".
_SPOKEN_TIME = re.compile(r"^(?:\d+ hours?(?:, )?)?(?:\d+ minutes?(?:, )?)?(?:\d+ seconds?)?$")
_LINES_LOOKED_AT = 60


def looks_timestamped(text: str) -> bool:
    """Whether a third of the first lines with words, and at least two, begin with a time in order."""
    lines = [line for line in text[:20_000].split("\n") if line.strip()][:_LINES_LOOKED_AT]
    starts = [_start(match) for line in lines if (match := _STAMP.match(line))]
    times = [start for start in starts if start is not None]
    in_order = sum(a <= b for a, b in pairwise(times))
    return len(times) >= 2 and len(times) * 3 >= len(lines) and in_order >= 0.9 * (len(times) - 1)


def read_timestamped(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read captions that each follow their time; text before the first time is reported."""
    cues: list[RawCue] = []
    problems: list[Problem] = []
    times: tuple[int, int | None] | None = None
    rows: list[tuple[int, str]] = []

    def close() -> None:
        if times is not None and rows:
            start, end = times
            words = " ".join(said for _, said in rows)
            cues.append(
                RawCue(words, rows[0][0], rows[-1][0], start, None if end is None else max(start, end))
            )
        elif rows:
            reason = f"text left out: {rows[0][1][:60]!r} stands under no time"
            problems.append(Problem(path, rows[0][0], reason))
        rows.clear()

    for number, line in enumerate(text.split("\n"), start=1):
        match = _STAMP.match(line)
        start = _start(match) if match else None
        if match and start is not None:
            close()
            times = start, parse_time(match["end"]) if match["end"] else None
            said = collapse(match["words"])
        else:
            said = collapse(line)
            if times is not None and not rows and _SPOKEN_TIME.match(said):
                continue
        if said:
            rows.append((number, said))
    close()
    return _with_ends(cues), problems


def _start(match: re.Match[str]) -> int | None:
    return None if bool(match["open"]) != bool(match["close"]) else parse_time(match["start"])


def _with_ends(cues: list[RawCue]) -> list[RawCue]:
    following = [cue.start_ms for cue in cues[1:]]
    return [
        replace(cue, end_ms=max(cue.start_ms or 0, after or 0)) if cue.end_ms is None else cue
        for cue, after in zip(cues, following, strict=False)
    ] + cues[-1:]
