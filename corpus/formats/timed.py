"""What SRT, SBV and WebVTT share: text lines under a timing line, in blocks.

Policy for malformed captions: keep what is sound, report the rest with file, line and reason.

- Sound is every cue whose two times can be read. A missing counter, a missing blank line between
  cues, overlapping, negative (0) or hour-less times, fractions of one to nine digits and white space
  around the arrow make no cue malformed.
- Reported, and its words kept, is a cue with an end before its start: it ends where it starts.
- Reported and left out is a cue with a timing that cannot be read, and text that stands under no
  timing: before the first cue, under the next cue's counter and, in WebVTT, after the blank line that
  ended a cue. In SRT and SBV other text after a blank line is still the cue's, since editors leave
  blank lines in captions.
- Left out without a word, because nothing is lost: counters and identifiers (also one at the end
  of the file whose cue is missing), and cues without words.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from corpus.formats.clock import find_timing
from corpus.formats.markup import VOICE, collapse, strip_tags, voice_of
from corpus.types import Problem, RawCue

__all__ = ["scan_cues"]

_CLOCK_LIKE = re.compile(r"\d:\d")
_MAX_QUOTED = 60

Line = tuple[int, str]
"""The 1-based number of a line and what is on it."""


@dataclass(frozen=True, slots=True)
class _Block:
    timing: Line
    payload: list[Line]
    stray: list[Line]
    """Lines under the cue that are not its text."""


def scan_cues(
    lines: list[str],
    path: str,
    *,
    timing: Callable[[str], tuple[int, int] | None] = find_timing,
    almost: Callable[[str], object] | None = None,
    blank_ends_cue: bool = False,
) -> tuple[list[RawCue], list[Problem]]:
    """Read the cues of ``lines``.

    ``timing`` reads a sound timing line and ``almost`` knows one that was meant to be; with
    ``blank_ends_cue`` an empty line ends a cue, else only the next timing does.
    """
    cues: list[RawCue] = []
    problems: list[Problem] = []
    speaker: str | None = None
    opens = [i for i in range(len(lines)) if timing(lines[i]) or _is_almost(lines, i, almost)]
    if opens:
        problems += _strays(_above_first(lines, opens[0]), path)
    for block in _blocks(lines, opens, blank_ends_cue):
        number, line = block.timing
        times = timing(line)
        if times is None:
            reason = f"cue left out: {_shortened(line)!r} is not a cue timing"
            problems.append(Problem(path, number, reason))
        else:
            voices = list(_voices(block.payload))
            if voices and times[1] < times[0]:
                reason = f"end left out: {_shortened(line)!r} ends before it begins"
                problems.append(Problem(path, number, reason))
            for voice, said in voices:
                text = " ".join(words for _, words in said)
                starts_block = voice is not None and voice != speaker
                cues.append(
                    RawCue(
                        text, said[0][0], said[-1][0], times[0], max(times), voice, starts_block, tuple(said)
                    )
                )
                speaker = voice or speaker
        problems += _strays(block.stray, path)
    return cues, problems


def _is_almost(lines: list[str], i: int, almost: Callable[[str], object] | None) -> bool:
    """Whether line ``i`` was meant to be a timing; speech may hold an arrow too, as ``a --> b``."""
    if almost is not None:
        return almost(lines[i]) is not None
    if "-->" not in lines[i]:
        return False
    above = lines[i - 1].strip() if i else ""
    starts_block = not above or above.isdigit() or i == 1 or not lines[i - 2].strip()
    return starts_block or _CLOCK_LIKE.search(lines[i]) is not None


def _blocks(lines: list[str], opens: list[int], blank_ends_cue: bool) -> Iterator[_Block]:
    for here, following in pairwise([*opens, len(lines)]):
        end = following
        # The line over the next timing is its counter or identifier when a blank line, or
        # nothing but digits, sets it apart.
        if following < len(lines) and end - 1 > here:
            above = lines[end - 1].strip()
            if above.isdigit() or (above and not lines[end - 2].strip()):
                end -= 1
        first = here + 1
        if blank_ends_cue:
            stop = next((i for i in range(first, end) if not lines[i]), end)
        else:
            stop = _next_counter(lines, here, end)
        yield _Block(
            (here + 1, lines[here]),
            [(i + 1, lines[i]) for i in range(first, stop) if lines[i].strip()],
            [(i + 1, lines[i]) for i in range(stop, end)],
        )


def _next_counter(lines: list[str], here: int, end: int) -> int:
    """Where, before ``end``, the next cue's counter stands after a blank line: that cue has no timing."""
    counter = lines[here - 1].strip() if here else ""
    if not counter.isdecimal() or len(counter) > 9:
        return end
    wanted = str(int(counter) + 1)
    following = (i for i in range(here + 2, end) if lines[i].strip() == wanted and not lines[i - 1].strip())
    return next(following, end)


def _voices(payload: list[Line]) -> Iterator[tuple[str | None, list[Line]]]:
    """The words of a caption by who says them: one part, or one for each change of voice."""
    raw = "\n".join(text for _, text in payload)
    spans = [match.start() for match in VOICE.finditer(raw)]
    bounds = [0, *(at for at in spans if at), len(raw)]
    parts: list[tuple[str | None, list[Line]]] = []
    row = 0
    for start, end in pairwise(bounds):
        part = raw[start:end]
        said = []
        for offset, line in enumerate(strip_tags(part).split("\n")):
            if words := collapse(line):
                said.append((payload[row + offset][0], words))
        row += part.count("\n")
        if not said:
            continue
        voice = voice_of(part)
        if parts and parts[-1][0] == voice:
            parts[-1][1].extend(said)
        else:
            parts.append((voice, said))
    yield from parts


def _above_first(lines: list[str], first: int) -> list[Line]:
    """What stands over the first timing but its own counter or identifier."""
    end = first - 1 if first and lines[first - 1].strip() else first
    return [(i + 1, lines[i]) for i in range(end)]


def _strays(lines: list[Line], path: str) -> Iterator[Problem]:
    """A problem for each run of ``lines`` with words in it."""
    inside = False
    for number, text in lines:
        words = collapse(text)
        if not words or words.isdigit():
            inside = inside and bool(words)
            continue
        if not inside:
            yield Problem(path, number, f"text left out: {_shortened(words)!r} stands under no cue timing")
        inside = True


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
