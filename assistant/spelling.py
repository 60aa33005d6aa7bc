"""Words of a question that no lecture has → the words of the lectures that were meant.

A question is typed in haste ("datset", "mehtod") or dictated to what does not know the terms ("my sql"). Such
a word is told by two signs: no passage has it, and the encoder, which has a piece of its own for every common
English word, takes it to pieces. So a question about what the lectures do not cover keeps its words.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from assistant.embedding import QuestionEncoder
from assistant.lexical import LexicalIndex
from assistant.questions import FUNCTION_WORDS, analyse_question, has_content
from assistant.store import Generation

__all__ = ["corrected"]

_ALIKE = 0.85
"""Least similarity of a word and what it is taken for."""
_HEAD_ALIKE = 0.75
"""Least similarity of an index term, which is a word without its ending, and as many letters of the word."""
_FEWEST_LETTERS, _MOST_LETTERS, _LETTERS_OF_HALF = 3, 40, 3
_TERMS, _PASSAGES = 5, 10
"""How many of the likeliest index terms are looked at, and how many passages are read for each."""
_MOST_UNKNOWN = 12
"""A question with more unknown words is in another language."""
_WORD = re.compile(r"\w+")


def corrected(
    question: str, generation: Generation, encoder: QuestionEncoder, lectures: Sequence[str] | None = None
) -> str:
    """``question`` with mistyped and mis-heard words replaced by words of the index, or of ``lectures``.

    A content word that no passage of the index has is joined with its neighbour where that makes a known word
    ("my sql"); else, if the encoder splits it, it is replaced by the known word most like it, or parted where
    the lectures part it ("dockerfile"). A name, told by its capital, only becomes a name, and an ending "'s"
    stays. A question of known words comes back as it is.

    Raises:
        IndexDamaged: a file of the index cannot be read.
    """
    unknown = _unknown(question, generation.lexical)
    if not 0 < len(unknown) <= _MOST_UNKNOWN:
        return question
    known = _Known(generation, lectures)
    whole: set[int] | None = None
    written, end = "", 0
    words = list(_WORD.finditer(question))
    for n, word in enumerate(words):
        if word.start() not in unknown or word.start() < end:
            continue
        near = [w for w in words[max(n - 1, 0) : n + 2] if w.start() >= end]
        start, stop, meant = word.start(), word.end(), ""
        for first, second in pairwise(near):
            between = question[first.end() : second.start()]
            if not meant and between in (" ", "-") and known.passages(first[0] + second[0]):
                start, stop, meant = first.start(), second.end(), first[0] + second[0]
        if not meant and (meant := known.meant(word[0], begins=n == 0)):
            if whole is None:  # encoding takes the longest, and few questions need it
                whole = _whole_words(question, encoder)
            meant = "" if word.start() in whole else meant
        if meant:
            written, end = written + question[end:start] + meant, stop
    return written + question[end:]


def _unknown(question: str, lexical: LexicalIndex) -> set[int]:
    """Where the content words begin that no passage has."""
    analysed = analyse_question(question, lexical)
    rare = [w for w in analysed.words if w.idf >= analysed.highest_idf and has_content(w.text)]
    found = set()
    for word in rare:
        term = "".join(lexical.terms(re.sub("['’]s$", "", word.text)))
        if term and lexical.idf(term) >= analysed.highest_idf:
            found.add(word.start)
    return found


def _whole_words(question: str, encoder: QuestionEncoder) -> set[int]:
    """Where the words begin that the encoder has a piece for, or does not read any more."""
    begins = [start for start, _ in encoder.encode_question(question).spans]
    words = _WORD.finditer(question)
    return {w.start() for w in words if sum(w.start() <= begin < w.end() for begin in begins) < 2}


class _Known:
    """The words of the lectures that are looked in."""

    def __init__(self, generation: Generation, lectures: Sequence[str] | None) -> None:
        self._catalog = generation.catalog
        self._lexical = generation.lexical
        self._lectures = lectures

    def passages(self, word: str) -> int:
        """How many passages have ``word`` or another form of it."""
        term = self._term(word)
        return self._lexical.terms_from(term, self._lectures).get(term, 0) if term else 0

    def meant(self, word: str, *, begins: bool) -> str:
        """The word, or two, that the unknown ``word`` is taken for; empty if none is.

        ``begins`` says that it begins the question, where a capital says nothing.
        """
        if not word.isalpha() or not _FEWEST_LETTERS <= len(word) <= _MOST_LETTERS:
            return ""
        named = not word[begins:].islower()
        _, found = max(self._alike(word.lower(), named), default=(0.0, ""))
        return found or self._parted(word)

    def _alike(self, word: str, named: bool) -> Iterator[tuple[float, str]]:
        """Similarity and text of the words that ``word`` is much like and begins as."""
        # With three letters, one in doubt, it is an acronym as soon as a slip: only "teh" is safe.
        words = FUNCTION_WORDS if len(word) == _FEWEST_LETTERS else FUNCTION_WORDS | self._near(word)
        for other in words:
            low = other.lower()
            # An inflection ("tester") is no slip, but the last letter typed twice is ("forgett").
            ending = word[len(low) :] if word.startswith(low) else ""
            if low[0] != word[0] or (named and other.islower()) or ending.strip(low[-1]):
                continue
            if similarity := _similarity(word, low, _ALIKE):
                yield similarity, other if named else low

    def _near(self, word: str) -> set[str]:
        """Words that begin as ``word``, of the passages with the index terms it may be a form of."""
        first = self._term(word)[:1]
        heads = (
            (_similarity(word[: len(term)], term, _HEAD_ALIKE), passages, term)
            for term, passages in self._lexical.terms_from(first, self._lectures).items()
            if len(term) <= len(word) + 1
        )
        likely = sorted((head for head in heads if head[0]), reverse=True)[:_TERMS]
        beginning = re.compile(rf"\b{word[0]}\w+", re.IGNORECASE)
        return {
            other for _, _, term in likely for text in self._texts(term) for other in beginning.findall(text)
        }

    def _parted(self, word: str) -> str:
        """``word`` as two, where a passage has the two one after the other; empty if none has."""
        for i in range(_LETTERS_OF_HALF, len(word) - _LETTERS_OF_HALF + 1):
            halves = word[:i], word[i:]
            if all(map(self.passages, halves)):
                together = re.compile(r"\b" + r"[ -]".join(halves), re.IGNORECASE)
                if any(map(together.search, self._texts(*map(self._term, halves)))):
                    return " ".join(halves)
        return ""

    def _term(self, word: str) -> str:
        return "".join(self._lexical.terms(word))

    def _texts(self, *terms: str) -> Iterator[str]:
        """The best passages with these index terms."""
        hits = self._lexical.search_terms(terms, _PASSAGES, self._lectures)
        for passage in self._catalog.passages(row for row, _ in hits).values():
            transcript = self._catalog.header(passage.lecture_id).transcript
            yield transcript[passage.char_start : passage.char_end]


def _similarity(word: str, other: str, least: float) -> float:
    """Twice the letters in common, in order, by the letters of both; 0 below ``least``."""
    both = len(word) + len(other)
    if 2 * min(len(word), len(other)) < least * both:
        return 0.0
    if len(word) == len(other) and sorted(word) == sorted(other):
        return 1.0 - 0.5 / both  # letters exchanged are one slip, which by the count weighs as two
    if 2 * sum(letter in other for letter in word) < least * both:
        return 0.0
    ratio = difflib.SequenceMatcher(None, word, other, autojunk=False).ratio()
    return ratio if ratio >= least else 0.0
