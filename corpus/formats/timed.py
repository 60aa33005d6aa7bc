"""What SRT and WebVTT share: text lines under a timing line, in blocks.

Policy for malformed cues: keep every cue whose two times can be read, and report each one that
cannot with the line of its timing. A missing counter, a missing blank line between cues, an end
before its start and white space around the arrow do not make a cue malformed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from corpus.formats.clock import find_timing
from corpus.formats.markup import collapse, strip_tags, voice_of
from corpus.types import Problem, RawCue

__all__ = ["scan_cues"]

_CLOCK_LIKE = re.compile(r"\d:\d")
_SETTINGS_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")


@dataclass(frozen=True, slots=True)
class _Block:
    timing_line: int
    timing: str
    payload: list[tuple[int, str]]


def scan_cues(lines: list[str], path: str, first_line: int = 1) -> tuple[list[RawCue], list[Problem]]:
    """Read the cues of ``lines``, whose first is line ``first_line`` of the file."""
    cues: list[RawCue] = []
    problems: list[Problem] = []
    speaker: str | None = None
    for block in _blocks(lines, first_line):
        times = find_timing(block.timing)
        if times is None:
            problems.append(
                Problem(
                    path, block.timing_line, f"cue left out: {block.timing.strip()!r} is not a cue timing"
                )
            )
            continue
        raw = "\n".join(text for _, text in block.payload)
        text = collapse(strip_tags(raw))
        if not text:
            continue
        voice = voice_of(raw)
        cues.append(
            RawCue(
                text=text,
                line_start=block.payload[0][0],
                line_end=block.payload[-1][0],
                start_ms=times[0],
                end_ms=max(times),
                speaker=voice,
                starts_block=voice is not None and voice != speaker,
            )
        )
        speaker = voice or speaker
    return cues, problems


def _blocks(lines: list[str], first_line: int) -> Iterator[_Block]:
    timings = [i for i in range(len(lines)) if _opens_cue(lines, i)]
    for here, following in pairwise([*timings, len(lines)]):
        payload: list[tuple[int, str]] = []
        end = following
        # The line over the next timing is its counter or identifier when a blank line, or
        # nothing but digits, sets it apart.
        if following < len(lines) and end - 1 > here:
            above = lines[end - 1].strip()
            if above.isdigit() or (above and not lines[end - 2].strip()):
                end -= 1
        for i in range(here + 1, end):
            if not lines[i].strip():
                if payload and not _continues(lines, i, end):
                    break
                continue
            payload.append((first_line + i, lines[i]))
        yield _Block(first_line + here, lines[here], payload)


def _opens_cue(lines: list[str], i: int) -> bool:
    """Whether line ``i`` is a cue's timing, sound or not; speech may hold an arrow too, as ``a --> b``."""
    if find_timing(lines[i]):
        return True
    if "-->" not in lines[i]:
        return False
    above = lines[i - 1].strip() if i else ""
    starts_block = not above or above.isdigit() or i == 1 or not lines[i - 2].strip()
    return starts_block or _CLOCK_LIKE.search(lines[i]) is not None


def _continues(lines: list[str], blank: int, end: int) -> bool:
    """Whether text after a blank line still belongs to the cue, as in captions broken by an editor.

    A WebVTT NOTE, STYLE or REGION block does not.
    """
    rest = [line.strip() for line in lines[blank:end] if line.strip()]
    return bool(rest) and _SETTINGS_BLOCK.match(rest[0]) is None
