"""Spans → answers, best first, and the probability that the best one answers.

Two linear models do it; their weights are in ``ranking.json``, fitted by
``python tests/benchmarks/fit_ranking.py`` on questions about lectures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.questions import Question
from assistant.regions import Region
from assistant.spans import FEATURES, Spans

__all__ = ["EVIDENCE", "LinearModel", "RankedSpan", "Ranker", "evidence_of", "load_ranker", "rank_spans"]

EVIDENCE = (
    *FEATURES,
    "score",
    "margin",
    "best_coverage",
    "best_worst",
    "top_cosine",
    "bm25_share",
    "words",
    "unknown_share",
    "rarest_support",
)
"""What the confidence is computed from: the best span's features, and how it stands among the rest."""

_UNKNOWN = 0.999


@dataclass(frozen=True, slots=True)
class LinearModel:
    """``((x - mean) / scale) @ weights + bias`` over named columns."""

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "LinearModel":
        """Read what ``to_json`` wrote."""
        columns = record["columns"]
        values = np.array(list(columns.values()), dtype=np.float64).T
        return cls(tuple(columns), values[0], values[1], values[2], float(record["bias"]))

    def to_json(self) -> dict[str, Any]:
        """Column → [mean, scale, weight], and the bias."""
        rows = zip(self.names, self.mean, self.scale, self.weights, strict=True)
        return {
            "columns": {name: [round(float(v), 6) for v in values] for name, *values in rows},
            "bias": round(self.bias, 6),
        }

    def __call__(self, table: NDArray[np.float32], columns: Sequence[str]) -> NDArray[np.float64]:
        """Scores of the rows of ``table``, whose columns are called ``columns``."""
        chosen = [columns.index(name) for name in self.names]
        scores: NDArray[np.float64] = ((table[:, chosen] - self.mean) / self.scale) @ self.weights + self.bias
        return scores


@dataclass(frozen=True, slots=True)
class Ranker:
    """The fitted weights."""

    score: LinearModel
    confidence: LinearModel


@dataclass(frozen=True, slots=True)
class RankedSpan:
    """A candidate answer: sentences ``first`` to ``end`` of ``region``."""

    candidate: int
    """Its row in the table of candidates."""
    region: Region
    first: int
    end: int
    words: int
    score: float
    support: tuple[float, ...]
    """How well each content word of the question is matched in it, a cosine."""

    @property
    def char_start(self) -> int:
        """Where it begins in the transcript."""
        return self.region.sentences[self.first].sentence.char_start

    @property
    def char_end(self) -> int:
        """Where it ends in the transcript."""
        return self.region.sentences[self.end - 1].sentence.char_end


@cache
def load_ranker() -> Ranker:
    """The weights that ship."""
    record = json.loads(resources.files("assistant").joinpath("ranking.json").read_text(encoding="utf-8"))
    return Ranker(LinearModel.from_json(record["score"]), LinearModel.from_json(record["confidence"]))


def rank_spans(
    regions: Sequence[Region], spans: Spans, scores: NDArray[np.float64], *, limit: int, max_words: int
) -> list[RankedSpan]:
    """The ``limit`` best spans that share no sentence, best first.

    A span of more than ``max_words`` words is passed over where there is a shorter one.
    """
    within = spans.words <= max_words
    order = np.argsort(-(scores - (0.0 if not within.any() else 1e6) * ~within), kind="stable")
    chosen: list[int] = []
    for i in order:
        overlapping = any(
            spans.region[i] == spans.region[c]
            and spans.first[i] < spans.end[c]
            and spans.first[c] < spans.end[i]
            for c in chosen
        )
        if not overlapping:
            chosen.append(int(i))
        if len(chosen) == limit:
            break
    return [
        RankedSpan(
            candidate=i,
            region=regions[spans.region[i]],
            first=int(spans.first[i]),
            end=int(spans.end[i]),
            words=int(spans.words[i]),
            score=float(scores[i]),
            support=tuple(spans.support[i].tolist()),
        )
        for i in chosen
    ]


def evidence_of(
    question: Question, regions: Sequence[Region], spans: Spans, scores: NDArray[np.float64], best: int
) -> NDArray[np.float32]:
    """The values of ``EVIDENCE`` for candidate ``best``, shape (1, len(EVIDENCE))."""
    elsewhere = (
        (spans.region != spans.region[best])
        | (spans.first >= spans.end[best])
        | (spans.end <= spans.first[best])
    )
    second = float(scores[elsewhere].max()) if elsewhere.any() else float(scores.min())
    idf = np.array([word.idf for word in question.words])
    total = max(float(idf.sum()), 1e-6)
    hits = [hit for region in regions for hit in region.hits]
    values = (
        *spans.features[best].tolist(),
        float(scores[best]),
        float(scores[best]) - second,
        float((spans.support @ (idf / total)).max()),
        float(spans.support.min(axis=1).max()),
        max((hit.cosine or 0.0 for hit in hits), default=0.0),
        max((hit.bm25 or 0.0 for hit in hits), default=0.0) / (total + 1.0),
        float(np.log1p(len(idf))),
        float(idf[idf >= _UNKNOWN * question.highest_idf].sum()) / total,
        float(spans.support[best, int(idf.argmax())]),
    )
    return np.asarray([values], dtype=np.float32)
