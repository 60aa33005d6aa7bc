"""Which words of a question have no support in what was found: the part that is not covered."""

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import chain

from assistant.questions import Question, Word, has_content, is_command
from assistant.ranking import RankedSpan
from assistant.regions import Region
from assistant.statements import Statements

__all__ = ["unsupported_words"]

_UNCITED_FROM, _UNREAD_FROM = 0.66, 0.5
"""Rarity of a word times how far it is from the nearest word, cited or read. The first is set on the splits
``fit`` and ``choose`` of our questions, where answers to 4 % of the covered ones name a word; a refusal has
no answer to cast doubt on, so the second is lower."""
_ALIKE = 0.8
_WORD = re.compile(r"\w+")


def unsupported_words(
    question: Question,
    regions: Sequence[Region],
    statements: Statements,
    spans: Sequence[RankedSpan],
    names: Iterable[str] = (),
) -> tuple[str, ...]:
    """The content words of ``question``, as written, that nothing in ``spans`` comes near.

    Without spans, that nothing in all that was read comes near. A word counts by how rare it is in the index:
    what every lecture says is no topic of its own. One that is spelled much like a word that was read, or
    that is in ``names`` (titles and speakers of the lectures that count), is there.
    """
    if not len(statements.words) or not has_content(question.text):
        return ()
    limit = _UNCITED_FROM if spans else _UNREAD_FROM
    rows = [row for span in spans for row in span.rows] or slice(None)
    support = statements.support[rows].max(axis=0)
    highest = max(question.highest_idf, 1e-6)
    far = {
        word.text: word
        for word, cosine in zip(question.words, support.tolist(), strict=True)
        if word.idf / highest * (1.0 - cosine) > limit and not is_command(word)
    }
    read = chain(names, (text for region in regions for text in region.texts))
    return tuple(_unlike_any(far.values(), read)) if far else ()


def _unlike_any(words: Iterable[Word], texts: Iterable[str]) -> list[str]:
    read = set(_WORD.findall("\n".join(texts).lower()))
    return [word.text for word in words if not _is_like_any(word.text.lower(), read)]


def _is_like_any(word: str, read: set[str]) -> bool:
    if word in read:
        return True
    # Words too short or too long to be alike, and those with too few letters in common, are most of them.
    size = len(word)
    sizes = {other for other in range(2 * size) if 2 * min(size, other) >= _ALIKE * (size + other)}
    without_its_letters = str.maketrans(dict.fromkeys(word))
    near = [
        other
        for other in read
        if len(other) in sizes
        and 2 * (len(other) - len(other.translate(without_its_letters))) >= _ALIKE * (size + len(other))
    ]
    return bool(difflib.get_close_matches(word, near, n=1, cutoff=_ALIKE))
