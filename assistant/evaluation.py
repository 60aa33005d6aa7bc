"""How well questions are answered, ours beside BM25, dense and fused passages in the same run.

A quote hits when it covers at least half of a gold place. A long quote hits by its size, so the words
of the first one are reported beside the hits.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.answering import Reader
from assistant.config import CITED
from assistant.embedding import QuestionEncoder
from assistant.evaluation_data import EvaluationQuestion, Place
from assistant.metrics import (
    area_under_risk_coverage,
    auroc,
    calibration_error,
    false_answers_at,
    mean_reciprocal_rank,
    recall_at,
)
from assistant.quoting import spans_quoted
from assistant.retrieval import encoded_question, retrieve
from assistant.store import Generation

__all__ = [
    "DEPTH",
    "SYSTEMS",
    "Outcome",
    "SystemReport",
    "confidence_labels",
    "evaluate",
    "hits",
    "report_of",
]

SYSTEMS = ("ours", "rrf", "dense", "bm25")
DEPTH = 10
"""How many quotes, or passages of a baseline, are looked at."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one system did with one question."""

    question: EvaluationQuestion
    asked: str
    """The question as it was understood."""
    quotes: tuple[Place, ...]
    words: int
    """Of the first quote."""
    quoted: int
    """How many of the quotes, the first ones, the answer is made of."""
    words_quoted: int
    """Of all these."""
    score: float
    """Higher where the system is surer that it answers."""
    milliseconds: float

    @property
    def place_rank(self) -> int | None:
        """Rank of the first quote that covers a gold place, from 1."""
        ranks = (
            i for i, quote in enumerate(self.quotes, 1) if any(hits(quote, p) for p in self.question.places)
        )
        return next(ranks, None)

    @property
    def lecture_rank(self) -> int | None:
        """Rank of the first right lecture among the distinct lectures quoted, from 1."""
        right = {place.lecture_id for place in self.question.places} or set(self.question.lecture_ids)
        lectures = dict.fromkeys(quote.lecture_id for quote in self.quotes)
        return next((i for i, lecture in enumerate(lectures, 1) if lecture in right), None)

    @property
    def parts_quoted(self) -> float:
        """Share of the gold places that the answer quotes; NaN where there are none."""
        quoted = self.quotes[: self.quoted]
        return _share([any(hits(quote, place) for quote in quoted) for place in self.question.places])


@dataclass(frozen=True, slots=True)
class SystemReport:
    """The measures of one system; shares are in [0, 1], NaN where a set has nothing to measure."""

    system: str
    questions: int
    answerable: int
    lecture_recall_1: float
    lecture_recall_3: float
    lecture_recall_5: float
    lecture_mrr: float
    hit_1: float
    hit_3: float
    hit_5: float
    mrr: float
    words_median: float
    words_max: int
    parts_quoted: float
    """Of the answers whose every part is needed, the mean share of the parts that are quoted."""
    parts_words: float
    """Mean words of these answers."""
    auroc: float
    false_answers_at_5_refused: float
    false_answers: float
    """Share of uncovered questions answered; for ours only, at its own threshold."""
    false_refusals: float
    calibration_error: float
    aurc: float
    """Area under the curve of risk over coverage, a risk being that none of three quotes hits."""
    p50_ms: float
    p95_ms: float


def hits(quote: Place, gold: Place) -> bool:
    """Whether ``quote`` covers at least half of ``gold``."""
    shared = gold.shared_with(quote)
    return shared > 0 and 2 * shared >= gold.char_end - gold.char_start


def evaluate(
    generation: Generation,
    encoder: QuestionEncoder,
    reader: Reader,
    questions: Sequence[EvaluationQuestion],
    *,
    in_document: bool,
    progress: Callable[[int, int], None],
    systems: Sequence[str] = SYSTEMS,
) -> dict[str, list[Outcome]]:
    """Outcomes of every one of ``systems`` on every question, by system."""
    outcomes: dict[str, list[Outcome]] = {system: [] for system in systems}
    for number, question in enumerate(questions, start=1):
        scope = question.lecture_ids if in_document and question.lecture_ids else None
        started = time.perf_counter()
        asked = reader.understand(question.question, question.history, scope)
        understanding = time.perf_counter() - started
        for system, found in outcomes.items():
            started = time.perf_counter()
            if system == "ours":
                said = _ours(reader, asked, scope)
            else:
                said = _baseline(generation, encoder, system, asked, scope)
            elapsed = (time.perf_counter() - started + understanding) * 1000
            found.append(
                Outcome(
                    question=question,
                    asked=asked,
                    quotes=said.quotes,
                    words=said.words[0] if said.words else 0,
                    quoted=len(said.words),
                    words_quoted=sum(said.words),
                    score=said.score,
                    milliseconds=elapsed,
                )
            )
        progress(number, len(questions))
    return outcomes


def report_of(system: str, outcomes: Sequence[Outcome], threshold: float | None = None) -> SystemReport:
    """Sum up one system's outcomes; ``threshold`` is the score from which it answers."""
    covered = [o for o in outcomes if o.question.answerable]
    placed = [o for o in covered if o.question.places]
    lectured = [o for o in covered if o.question.places or o.question.lecture_ids]
    uncovered = [o for o in outcomes if not o.question.answerable]
    lecture_ranks = [o.lecture_rank for o in lectured]
    ranks = [o.place_rank for o in placed]
    positive, negative = [o.score for o in covered], [o.score for o in uncovered]
    words = [o.words for o in covered if o.quotes] or [0]
    in_parts = [o for o in placed if o.question.needs_all]
    times = [o.milliseconds for o in outcomes]
    nan = float("nan")
    return SystemReport(
        system=system,
        questions=len(outcomes),
        answerable=len(covered),
        lecture_recall_1=recall_at(lecture_ranks, 1),
        lecture_recall_3=recall_at(lecture_ranks, 3),
        lecture_recall_5=recall_at(lecture_ranks, 5),
        lecture_mrr=mean_reciprocal_rank(lecture_ranks),
        hit_1=recall_at(ranks, 1),
        hit_3=recall_at(ranks, 3),
        hit_5=recall_at(ranks, 5),
        mrr=mean_reciprocal_rank(ranks),
        words_median=float(np.median(words)),
        words_max=max(words),
        parts_quoted=_share([o.parts_quoted for o in in_parts]),
        parts_words=_share([o.words_quoted for o in in_parts]),
        auroc=auroc(positive, negative),
        false_answers_at_5_refused=false_answers_at(positive, negative),
        false_answers=nan if threshold is None else _share([s >= threshold for s in negative]),
        false_refusals=nan if threshold is None else _share([s < threshold for s in positive]),
        calibration_error=nan if threshold is None else calibration_error(*confidence_labels(outcomes)),
        aurc=area_under_risk_coverage(*confidence_labels(outcomes)),
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
    )


def confidence_labels(outcomes: Sequence[Outcome]) -> tuple[list[float], list[bool]]:
    """Scores, and what they are the probability of: whether one of three quotes hits a gold place.

    Covered questions whose places are not known are left out.
    """
    judged = [o for o in outcomes if o.question.places or not o.question.answerable]
    return [o.score for o in judged], [(o.place_rank or CITED + 1) <= CITED for o in judged]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a system says: all it found, and the words of each of the first ones, which it quotes."""

    quotes: tuple[Place, ...]
    words: tuple[int, ...]
    score: float


def _ours(reader: Reader, question: str, scope: Sequence[str] | None) -> _Said:
    reading = reader.read(question, DEPTH, scope)
    quotes = tuple(Place(s.region.lecture_id, s.char_start, s.char_end) for s in reading.spans)
    quoted = reading.spans[: spans_quoted(question, reading.spans[:CITED])]
    return _Said(quotes, tuple(span.words for span in quoted), reading.confidence)


def _baseline(
    generation: Generation, encoder: QuestionEncoder, system: str, question: str, scope: Sequence[str] | None
) -> _Said:
    if system == "bm25":
        rows = generation.lexical.search(question, DEPTH, scope)
    else:
        encoded = encoded_question(encoder, question)
        if system == "rrf":
            found = retrieve(generation, question, encoded, limit=DEPTH, lectures=scope)
            rows = [(hit.row, hit.score) for hit in found]
        else:
            within = None if scope is None else generation.catalog.passage_rows(scope)
            rows = generation.vectors.search(encoded.vector, DEPTH, within)
    passages = generation.catalog.passages(row for row, _ in rows)
    ordered = [passages[row] for row, _ in rows]
    quotes = tuple(Place(p.lecture_id, p.char_start, p.char_end) for p in ordered)
    words = tuple(
        len(generation.catalog.header(p.lecture_id).transcript[p.char_start : p.char_end].split())
        for p in ordered[:1]
    )
    return _Said(quotes, words, rows[0][1] if rows else 0.0)


def _share(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
