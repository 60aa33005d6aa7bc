"""What the encoder says of a lecture.

Each passage is encoded once, and everything else comes from that: its vector for retrieval, and
for each sentence the contextual token vectors that it has in the passage around it ("late
chunking", Günther et al. 2024, arXiv:2409.04701).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.embedding import EncodedText, PassageEncoder
from assistant.rows import IndexedLecture
from assistant.tokens import quantise
from corpus import Passage, Sentence

__all__ = ["LectureVectors", "embed_lecture"]


@dataclass(frozen=True, slots=True)
class LectureVectors:
    """The vectors of one lecture."""

    passages: NDArray[np.float32]
    """Shape (passages, dimension), unit rows."""
    tokens: NDArray[np.int8]
    """Shape (tokens, dimension); a row divided by its norm is a token's unit vector."""
    token_ends: tuple[int, ...]
    """Sentence ``i`` has the rows from ``token_ends[i - 1]`` (or 0) to ``token_ends[i]``."""


def embed_lecture(
    item: IndexedLecture, encoder: PassageEncoder, step: Callable[[int], None]
) -> LectureVectors:
    """Encode every passage of a lecture; ``step`` gets how many were done since the last call."""
    transcript = item.lecture.transcript
    texts = [transcript[p.char_start : p.char_end] for p in item.passages]
    encoded = list(encoder.encode_passages(texts, step))
    tokens, ends = [], []
    total = 0
    for number, sentence in enumerate(item.sentences):
        home = _passage_around(item.passages, number)
        rows = _token_rows(encoded[home], item.passages[home], sentence)
        tokens.append(quantise(rows))
        total += len(rows)
        ends.append(total)
    return LectureVectors(np.stack([e.vector for e in encoded]), np.concatenate(tokens), tuple(ends))


def _passage_around(passages: Sequence[Passage], number: int) -> int:
    """The passage in which sentence ``number`` stands nearest the middle: it has most context there."""
    holding = [i for i, p in enumerate(passages) if p.sentence_start <= number < p.sentence_end]
    return min(
        holding, key=lambda i: abs(passages[i].sentence_start + passages[i].sentence_end - 1 - 2 * number)
    )


def _token_rows(encoded: EncodedText, passage: Passage, sentence: Sentence) -> NDArray[np.float32]:
    start, end = sentence.char_start - passage.char_start, sentence.char_end - passage.char_start
    inside = [i for i, (first, _) in enumerate(encoded.spans) if start <= first < end]
    # A sentence of nothing but characters the encoder drops still gets a vector: its passage's.
    return encoded.tokens[inside] if inside else encoded.vector[np.newaxis, :]
