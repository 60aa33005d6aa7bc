"""Cues → sentences.

Sentence ends are found by sentencex in the joined text, so a sentence that captions break over
lines comes out whole. Speech without punctuation gives no ends to find: such a run is cut at the
boundaries of its cues, at the longest pause first.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from sentencex import get_sentence_boundaries

from corpus.types import Cue, Lecture, Sentence

__all__ = ["split_sentences"]

TokenCounter = Callable[[str], int]

_ENDS_AS_QUESTION = re.compile(r"[?？؟][\"'”’»)\]]*$")
_PIECE_TOKENS = 40
_SPACE = re.compile(r"\s+")


def split_sentences(lecture: Lecture, count_tokens: TokenCounter, max_tokens: int) -> tuple[Sentence, ...]:
    """Split ``lecture.transcript`` into sentences of at most ``max_tokens`` tokens.

    Together the sentences hold every character of the transcript but the white space between
    them, in order, without overlap. What sentencex calls one sentence and has more than
    ``max_tokens`` tokens is unpunctuated speech; it is cut into pieces of about a spoken
    sentence (40 tokens at most where there is a place to cut).
    """
    text = lecture.transcript
    sentences = []
    for block_start, block_end in _blocks(lecture.cues, len(text)):
        block = text[block_start:block_end]
        for boundary in get_sentence_boundaries(lecture.language, block):
            start = block_start + boundary["start_index"]
            end = block_start + boundary["end_index"]
            for piece_start, piece_end in _fit(text, start, end, lecture.cues, count_tokens, max_tokens):
                quote = text[piece_start:piece_end]
                question = _ENDS_AS_QUESTION.search(quote) is not None
                sentences.append(Sentence(piece_start, piece_end, question))
    return tuple(sentences)


def _blocks(cues: tuple[Cue, ...], length: int) -> Iterator[tuple[int, int]]:
    starts = [cue.char_start for cue in cues if cue.starts_block and cue.char_start > 0]
    yield from zip([0, *starts], [*starts, length], strict=True)


def _fit(
    text: str, start: int, end: int, cues: tuple[Cue, ...], count_tokens: TokenCounter, max_tokens: int
) -> Iterator[tuple[int, int]]:
    start, end = _trim(text, start, end)
    if start == end:
        return
    if count_tokens(text[start:end]) <= max_tokens:
        yield start, end
        return
    pauses = {
        after.char_start: (after.start_ms or 0) - (before.end_ms or 0)
        for before, after in pairwise(cues)
        if start < after.char_start < end
    }
    yield from _cut(text, start, end, pauses, count_tokens, min(_PIECE_TOKENS, max_tokens))


def _cut(
    text: str, start: int, end: int, pauses: dict[int, int], count_tokens: TokenCounter, limit: int
) -> Iterator[tuple[int, int]]:
    start, end = _trim(text, start, end)
    if start == end:
        return
    if end - start == 1 or count_tokens(text[start:end]) <= limit:
        yield start, end
        return
    middle = (start + end) // 2
    # Not in the outer quarters: a long pause there would leave a stub behind.
    quarter = max((end - start) // 4, 1)
    inner = [p for p in pauses if start + quarter <= p <= end - quarter]
    if inner:
        at = max(inner, key=lambda p: (pauses[p], -abs(p - middle)))
    else:
        spaces = [start + m.end() for m in _SPACE.finditer(text[start:end])]
        at = min(spaces, key=lambda p: abs(p - middle), default=middle)
    yield from _cut(text, start, at, pauses, count_tokens, limit)
    yield from _cut(text, at, end, pauses, count_tokens, limit)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
