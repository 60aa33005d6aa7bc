"""Cues as a format has them → one transcript, and the place of each cue in it.

Cleaning is reversible: cues are put in order, shortened or dropped, but what is left of each keeps
its own lines and times, so every character of the transcript leads back to the caption it is of.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from corpus.types import Cue, RawCue

__all__ = ["assemble_transcript", "drop_repeats", "is_nonspeech", "order_cues", "part_nonspeech"]

_JUMP_MS = 60_000
_GAP_MS = 2_000
_ROLLING_SHARE = 0.25

# No encoding has them, so no store could keep them: halves of surrogate pairs, and controls.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")

_SOUND_WORDS = (
    "music|applause|laughter|laughs|laughing|cheering|silence|inaudible|indistinct|crosstalk|foreign|noise"
    "|background music|background noise|music playing|no audio|blank_audio|musique|applaudissements|rires"
    "|musik|applaus|lachen|música|aplausos|risas|musica|applausi|risate|музыка|аплодисменты|смех|音乐|掌声|笑声"
    "|音楽|拍手|笑い|笑|음악|박수|موسيقى|تصفيق|ضحك|संगीत|तालियाँ"
)
_KNOWN_SOUND = re.compile(rf"[\[(（【]\s*(?:{_SOUND_WORDS})\s*[\])）】]", re.IGNORECASE)
# Inside a caption only square brackets: a lecture on images adds "(noise)" and means it.
_SOUND_INSIDE = re.compile(rf"[\[【]\s*(?:{_SOUND_WORDS})\s*[\]】]", re.IGNORECASE)
_BRACKETED = re.compile(r"[\[(（【]\s*((?:[^\W\d_]|[ ,.'’&/;-]){1,60}?)\s*[\])）】]")
_NOTES = re.compile("[♪♫♬]+")
_MOST_SOUND_WORDS = 5


def assemble_transcript(raw_cues: Iterable[RawCue]) -> tuple[str, tuple[Cue, ...]]:
    """Join cue texts by single spaces and record where each one stands."""
    parts: list[str] = []
    cues: list[Cue] = []
    position = 0
    for raw in raw_cues:
        text = _UNSTORABLE.sub("\ufffd", raw.text)
        end = position + len(text)
        cues.append(
            Cue(
                char_start=position,
                char_end=end,
                line_start=raw.line_start,
                line_end=raw.line_end,
                start_ms=raw.start_ms,
                end_ms=raw.end_ms,
                speaker=raw.speaker,
                starts_block=raw.starts_block,
            )
        )
        parts.append(text)
        position = end + 1
    return " ".join(parts), tuple(cues)


def order_cues(cues: Sequence[RawCue]) -> list[RawCue]:
    """Timed cues in order of their start, those that start together as the file has them.

    Where the clock falls back by more than a minute and stays there, a second recording begins, as
    in files put one after the other; each part is ordered by itself.
    """
    parts: list[list[RawCue]] = [[]]
    latest = 0
    for number, cue in enumerate(cues):
        if cue.start_ms is None:
            return list(cues)
        following = cues[number + 1].start_ms if number + 1 < len(cues) else cue.start_ms
        if max(cue.start_ms, following or 0) < latest - _JUMP_MS:
            parts.append([])
            latest = 0
        latest = max(latest, cue.start_ms)
        parts[-1].append(cue)
    return [cue for part in parts for cue in sorted(part, key=lambda cue: cue.start_ms or 0)]


def drop_repeats(cues: Sequence[RawCue]) -> tuple[list[RawCue], int]:
    """The cues with every line said once, and how many lines were repeats.

    Rolling captions show a line again above the next one, and a line that grows shows its beginning
    again. Both are taken out only where the file does so all along (in a quarter of its cues and
    twice at least), since a speaker may well say a thing twice.
    """
    shown = [cue.rows for cue in cues]
    overlaps, growth = [], []
    for (before, cue), (rows_before, rows) in zip(pairwise(cues), pairwise(shown), strict=True):
        is_near = _follows(before, cue)
        overlap = _overlap(rows_before, rows)
        # A caption that is nothing but a repeat may be said again, after a while.
        overlaps.append(overlap if is_near or overlap < len(rows) else 0)
        growth.append(_growth(rows_before, rows) if is_near else 0)
    # One line that is the line before says little; it tells where one of the two captions has more.
    rolls = sum(
        overlap > 0 and len(before) + len(rows) > 2
        for overlap, (before, rows) in zip(overlaps, pairwise(shown), strict=True)
    )
    enough = max(2, _ROLLING_SHARE * len(cues))
    is_rolling, is_growing = rolls >= enough, sum(map(bool, growth)) >= enough
    if not (is_rolling or is_growing):
        return list(cues), 0
    kept: list[RawCue] = []
    repeats = 0
    for cue, rows, overlap, grown in zip(cues, shown, [0, *overlaps], [0, *growth], strict=True):
        new = rows
        if overlap and is_rolling:
            new = rows[overlap:]
            repeats += overlap
        elif grown and is_growing:
            new = ((rows[0][0], rows[0][1][grown:]), *rows[1:])
            repeats += 1
        if new == rows:
            kept.append(cue)
        elif new:
            text = " ".join(words for _, words in new)
            kept.append(replace(cue, text=text, line_start=new[0][0], line_end=new[-1][0], lines=new))
    return kept, repeats


def part_nonspeech(cues: Sequence[RawCue]) -> list[RawCue]:
    """A cue with ``[Music]`` before or after its words as two cues of the same time.

    A word that names no common sound stays: in a lecture on language models ``[MASK]`` is speech.
    """
    parted: list[RawCue] = []
    for cue in cues:
        edges = {edge for match in _SOUND_INSIDE.finditer(cue.text) for edge in match.span()}
        cuts = sorted(edges | {0, len(cue.text)})
        pieces = [piece for a, b in pairwise(cuts) if (piece := cue.text[a:b].strip())]
        if len(pieces) < 2 or " ".join(pieces) != cue.text:
            parted.append(cue)
            continue
        parted += [
            replace(cue, text=piece, starts_block=cue.starts_block and not number, lines=())
            for number, piece in enumerate(pieces)
        ]
    return parted


def is_nonspeech(text: str, *, is_timed: bool) -> bool:
    """Whether a whole cue is no speech but a sound: ``[Music]``, ``(door opens)``, ``♪ la la ♪``.

    Such a cue keeps its place in the transcript, and no sentence holds it. In captions with times
    anything in one pair of brackets is a sound, unless it is one word in capitals that names none
    (``[MASK]``); elsewhere only what is known to be one, since written text has asides.
    """
    if _KNOWN_SOUND.fullmatch(text):
        return True
    if _NOTES.match(text):
        # What stands between notes is sung, every second part from the second on.
        return not any(part.strip() for part in _NOTES.split(text)[::2])
    bracketed = _BRACKETED.fullmatch(text) if is_timed else None
    if bracketed is None:
        return False
    words = bracketed[1].split()
    return len(words) <= _MOST_SOUND_WORDS and not (len(words) == 1 and words[0].isupper())


def _overlap(before: tuple[tuple[int, str], ...], rows: tuple[tuple[int, str], ...]) -> int:
    """How many lines at the top of ``rows`` are the last ones of ``before``."""
    said_before, said = [words for _, words in before], [words for _, words in rows]
    for count in range(min(len(said), len(said_before), 4), 0, -1):
        if said_before[-count:] == said[:count]:
            return count
    return 0


def _growth(before: tuple[tuple[int, str], ...], rows: tuple[tuple[int, str], ...]) -> int:
    """How many characters of the first of ``rows`` are the last line of ``before``."""
    start = before[-1][1] + " "
    return len(start) if rows[0][1].startswith(start) else 0


def _follows(before: RawCue, cue: RawCue) -> bool:
    if before.start_ms is None or cue.start_ms is None:
        return False
    return cue.start_ms - (before.end_ms or before.start_ms) <= _GAP_MS
