"""Cues → sentences.

Sentence ends are found by sentencex in the joined text, so a sentence that captions break over
lines comes out whole. Speech without punctuation gives no ends to find: such a run is cut at the
boundaries of its cues, at the longest pause first. Another speaker and a sound (``[Music]``) end a
sentence too, and a sound is in none.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise

from sentencex import get_sentence_boundaries

from corpus.captions import is_nonspeech
from corpus.types import Cue, Lecture, Sentence

__all__ = ["split_sentences"]

TokenCounter = Callable[[str], int]

_ENDS_AS_QUESTION = re.compile(r"[?？؟][\"'”’»)\]]*$")
_PIECE_TOKENS = 40
_SPACE = re.compile(r"\s+")
_MARK = re.compile(r"[.?!…。！？．｡؟۔।॥](?=[\s\"'”’»)\]]|$|[^\x00-\x7f])")
_WORDS_A_MARK = 50
_CHARACTERS_A_WORD = 5
_PORTION = 10_000


def split_sentences(lecture: Lecture, count_tokens: TokenCounter, max_tokens: int) -> tuple[Sentence, ...]:
    """Split ``lecture.transcript`` into sentences of at most ``max_tokens`` tokens.

    Together the sentences hold every character of the transcript but the white space between
    them and the cues that are sounds, in order, without overlap. What sentencex calls one sentence
    and has more than ``max_tokens`` tokens is unpunctuated speech; it is cut into pieces of about a
    spoken sentence (40 tokens at most where there is a place to cut). In a transcript with hardly a
    mark at all nothing longer than that is left whole.
    """
    text = lecture.transcript
    language = lecture.language.partition("-")[0].lower()
    longest = min(_PIECE_TOKENS, max_tokens) if _is_unpunctuated(text) else max_tokens
    pauses = _Pauses(lecture.cues)
    sentences = []
    for block_start, block_end in _portions(lecture):
        block = text[block_start:block_end]
        for boundary in get_sentence_boundaries(language, block):
            start = block_start + boundary["start_index"]
            end = block_start + boundary["end_index"]
            for piece_start, piece_end in _fit(text, start, end, pauses, count_tokens, longest):
                quote = text[piece_start:piece_end]
                question = _ENDS_AS_QUESTION.search(quote) is not None
                sentences.append(Sentence(piece_start, piece_end, question))
    return tuple(sentences)


def _is_unpunctuated(text: str) -> bool:
    """Whether marks that end a sentence are so rare that they end hardly any."""
    # Where words are not set apart, a word counts as five characters at most.
    words = max(text.count(" ") + 1, len(text) // (2 * _CHARACTERS_A_WORD))
    return words > _WORDS_A_MARK and sum(1 for _ in _MARK.finditer(text)) * _WORDS_A_MARK < words


def _portions(lecture: Lecture) -> Iterator[tuple[int, int]]:
    """Blocks, those longer than sentencex reads in good time cut where a caption ends a sentence.

    It looks for the other end of every quotation mark, so unbalanced ones cost it the square of the
    length.
    """
    text = lecture.transcript
    ends = [cue.char_end for cue in lecture.cues]
    for start, end in _blocks(lecture):
        position = start
        while end - position > _PORTION:
            near = ends[bisect_right(ends, position) : bisect_right(ends, position + _PORTION)]
            marked = (at for at in reversed(near) if _MARK.match(text, at - 1))
            cut = next(marked, near[-1] if near else position + _PORTION)
            yield position, cut
            position = cut
        yield position, end


def _blocks(lecture: Lecture) -> Iterator[tuple[int, int]]:
    """Ranges that no sentence crosses: what is said between headings, speakers and sounds."""
    start = 0
    for cue in lecture.cues:
        nonspeech = is_nonspeech(
            lecture.transcript[cue.char_start : cue.char_end], is_timed=cue.start_ms is not None
        )
        if (nonspeech or cue.starts_block) and cue.char_start > start:
            yield start, cue.char_start
            start = cue.char_start
        if nonspeech:
            start = cue.char_end
    if start < len(lecture.transcript):
        yield start, len(lecture.transcript)


class _Pauses:
    """How long nothing is said before each cue, in milliseconds; 0 where there are no times."""

    def __init__(self, cues: tuple[Cue, ...]) -> None:
        self._starts = [after.char_start for after in cues[1:]]
        self._lengths = [
            (after.start_ms or 0) - (before.end_ms or before.start_ms or 0)
            for before, after in pairwise(cues)
        ]

    def between(self, start: int, end: int) -> list[tuple[int, int]]:
        """The places from ``start`` to ``end``, both included, where a cue begins, with the pause there."""
        first = bisect_left(self._starts, start)
        last = bisect_right(self._starts, end)
        return list(zip(self._starts[first:last], self._lengths[first:last], strict=True))


def _fit(
    text: str, start: int, end: int, pauses: _Pauses, count_tokens: TokenCounter, max_tokens: int
) -> Iterator[tuple[int, int]]:
    start, end = _trim(text, start, end)
    if start == end:
        return
    if count_tokens(text[start:end]) <= max_tokens:
        yield start, end
        return
    yield from _cut(text, start, end, pauses, count_tokens, min(_PIECE_TOKENS, max_tokens))


def _cut(
    text: str, start: int, end: int, pauses: _Pauses, count_tokens: TokenCounter, limit: int
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
    inner = pauses.between(start + quarter, end - quarter)
    if inner:
        at, _ = max(inner, key=lambda place: (place[1], -abs(place[0] - middle)))
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
