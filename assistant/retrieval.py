"""A question → the passages most likely to hold its answer.

Dense and BM25 rankings are fused by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.embedding import EncodedText, QuestionEncoder
from assistant.questions import punctuated
from assistant.store import Generation
from corpus import Passage

__all__ = ["POOL", "RRF_K", "Hit", "encoded_question", "retrieve"]

POOL = 60
"""How deep each ranking is read before fusing."""
RRF_K = 10
"""Smaller than the customary 60: the two rankings here are short and their heads are good."""
_DENSE_SHARE = 0.6
"""What the dense ranking counts; ``python tests/benchmarks/fusing.py`` tells what other shares would give. Of
900 questions on each kind of lectures, which the encoder was not fitted on, 18 passages hold the answer for
.962 (Hugging Face course) and .932 (written), with equal shares for .957 and .928."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage. ``cosine`` and ``bm25`` are ``None`` where that ranking did not find it."""

    passage: Passage
    row: int
    score: float
    """Fused score in (0, 1]: 1 for a passage that both rankings put first."""
    cosine: float | None
    bm25: float | None


def encoded_question(encoder: QuestionEncoder, question: str) -> EncodedText:
    """``question`` as it is looked up: with a question mark, whether it was typed or not."""
    return encoder.encode_question(punctuated(question))


def retrieve(
    generation: Generation,
    question: str,
    encoded: EncodedText,
    *,
    limit: int,
    lectures: Sequence[str] | None = None,
) -> list[Hit]:
    """The ``limit`` best passages of the index, or of ``lectures``, best first."""
    rows = None if lectures is None else generation.catalog.passage_rows(lectures)
    if rows == []:
        return []
    pool = max(POOL, limit)
    cosines = dict(generation.vectors.search(encoded.vector, pool, rows))
    bm25s = dict(generation.lexical.search(question, pool, lectures))
    fused: dict[int, float] = {}
    for ranking, share in ((cosines, _DENSE_SHARE), (bm25s, 1 - _DENSE_SHARE)):
        for rank, row in enumerate(ranking, start=1):
            fused[row] = fused.get(row, 0.0) + share * (RRF_K + 1) / (RRF_K + rank)
    best = sorted(fused, key=lambda row: (-fused[row], row))[:limit]
    passages = generation.catalog.passages(best)
    return [Hit(passages[row], row, fused[row], cosines.get(row), bm25s.get(row)) for row in best]
