"""Sentences → overlapping passages, the units that are embedded and retrieved."""

import hashlib
from collections.abc import Callable

from corpus.types import Lecture, Passage, Sentence

__all__ = ["build_passages"]


def build_passages(
    lecture: Lecture,
    sentences: tuple[Sentence, ...],
    count_tokens: Callable[[str], int],
    *,
    max_tokens: int,
    overlap_tokens: int,
) -> tuple[Passage, ...]:
    """Cover ``sentences`` with windows of whole sentences of at most ``max_tokens`` tokens.

    Neighbours share sentences worth up to ``overlap_tokens`` tokens. Speakers ask and then answer,
    so a question stays with the sentence after it: no passage ends in a question that the
    lecture goes on to answer, unless the two do not fit in one passage.

    Raises:
        ValueError: ``overlap_tokens`` is not below ``max_tokens``.
    """
    if not 0 <= overlap_tokens < max_tokens:
        raise ValueError(f"overlap_tokens must be in [0, {max_tokens}), got {overlap_tokens!r}")
    sizes = [count_tokens(lecture.transcript[s.char_start : s.char_end]) for s in sentences]
    units = _units(sentences, sizes, max_tokens)
    weights = [sum(sizes[a:b]) for a, b in units]
    passages = []
    first = 0
    while first < len(units):
        last = first + 1
        total = weights[first]
        while last < len(units) and total + weights[last] <= max_tokens:
            total += weights[last]
            last += 1
        passages.append(_passage(lecture, sentences, units[first][0], units[last - 1][1]))
        if last == len(units):
            break
        first = _step_back(weights, first, last, overlap_tokens, max_tokens)
    return tuple(passages)


def _units(sentences: tuple[Sentence, ...], sizes: list[int], max_tokens: int) -> list[tuple[int, int]]:
    """Sentence ranges that stay together: questions with the sentence that follows them."""
    units = []
    start = 0
    for i, sentence in enumerate(sentences):
        follows = i + 1 < len(sentences)
        if sentence.is_question and follows:
            if sum(sizes[start : i + 2]) <= max_tokens:
                continue
            if start < i and sizes[i] + sizes[i + 1] <= max_tokens:
                # Of a run of questions too long for one passage, the last is the one answered.
                units.append((start, i))
                start = i
                continue
        units.append((start, i + 1))
        start = i + 1
    return units


def _step_back(weights: list[int], first: int, last: int, overlap_tokens: int, max_tokens: int) -> int:
    """Where the next window starts: as far before ``last`` as the overlap allows.

    The window must also have room for unit ``last``, or it would hold nothing new.
    """
    start = last
    shared = 0
    while (
        start - 1 > first
        and shared + weights[start - 1] <= overlap_tokens
        and shared + weights[start - 1] + weights[last] <= max_tokens
    ):
        start -= 1
        shared += weights[start]
    return start


def _passage(lecture: Lecture, sentences: tuple[Sentence, ...], start: int, end: int) -> Passage:
    char_start, char_end = sentences[start].char_start, sentences[end - 1].char_end
    text = lecture.transcript[char_start:char_end]
    identity = f"{lecture.lecture_id}\x1f{char_start}\x1f{text}"
    return Passage(
        passage_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        lecture_id=lecture.lecture_id,
        sentence_start=start,
        sentence_end=end,
        char_start=char_start,
        char_end=char_end,
    )
