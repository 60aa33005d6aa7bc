"""Who speaks, where captions say so in their text: ``NAME: words`` and ``>> NAME: words``."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from corpus.types import RawCue

__all__ = ["name_speakers"]

_LABEL = re.compile(r"(?P<name>[^\W\d_](?:[\w.'’-]|[ ](?=[\w(])|\([\w ]*\)){0,40}?)(?:\s?:\s+|：\s*)(?=\S)")
_TURN = re.compile(r"(?:&gt;|>){2}(?!>)\s*(?=\S)")
_MOST_WORDS = 4


def name_speakers(cues: Sequence[RawCue], known: Sequence[str] = ()) -> list[RawCue]:
    """Take speakers' names out of the text and into ``RawCue.speaker``.

    ``>>`` always marks another speaker, and the name after it, if any, holds until the next mark. A
    name and a colon are a label where half of the captions have one and names come again, as
    Zoom writes them, or where the name is one of ``known``; else a colon is only a colon.
    """
    labels = _labels(cues, known)
    if not labels and not any(_TURN.match(words) for cue in cues for _, words in cue.rows):
        return list(cues)
    named: list[RawCue] = []
    turn: str | None = None
    last: str | None = None
    for cue in cues:
        for part, opens in _turns(cue, labels):
            text = part.text
            label = _label(text)
            if label and (opens or label[0] in labels):
                turn, text = label[0], text[label[1] :]
            elif opens:
                turn = None
            speaker = part.speaker or turn
            starts = part.starts_block or opens or (speaker is not None and speaker != last)
            named.append(replace(part, text=text, speaker=speaker, starts_block=starts, lines=()))
            last = speaker or last
    return named


def _labels(cues: Sequence[RawCue], known: Sequence[str]) -> set[str]:
    found = Counter(label[0] for cue in cues if (label := _label(cue.text)))
    wanted = {name.casefold() for name in known}
    labels = {name for name in found if name.casefold() in wanted}
    total = sum(found.values())
    if total >= 3 and 2 * total >= len(cues) and 2 * len(found) <= total:
        labels |= set(found)
    return labels


def _label(text: str) -> tuple[str, int] | None:
    """The name before a colon at the start of ``text``, and where the words begin."""
    match = _LABEL.match(text)
    if match is None:
        return None
    name = match["name"]
    words = name.split()
    capital = all(not word[0].islower() for word in words if len(word) > 3 or word is words[0])
    return (name, match.end()) if capital and len(words) <= _MOST_WORDS else None


def _turns(cue: RawCue, labels: set[str]) -> list[tuple[RawCue, bool]]:
    """The cue, or one for each of its lines where a speaker begins, and whether ``>>`` opens it.

    The mark is taken out; the name is left to read.
    """
    groups: list[tuple[bool, list[tuple[int, str]]]] = []
    for number, words in cue.rows:
        mark = _TURN.match(words)
        label = _label(words)
        if mark or not groups or (label and label[0] in labels):
            groups.append((mark is not None, []))
        groups[-1][1].append((number, words[mark.end() :] if mark else words))
    if len(groups) == 1 and not groups[0][0]:
        return [(cue, False)]
    return [
        (replace(cue, text=" ".join(w for _, w in rows), line_start=rows[0][0], line_end=rows[-1][0]), opens)
        for opens, rows in groups
    ]
