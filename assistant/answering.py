"""A question → an answer made of quotes, or an honest "not covered"."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from assistant.citations import CharRange, Citation, cite, cite_passages, quote_text
from assistant.config import CITED
from assistant.conversation import Turn
from assistant.coverage import unsupported_words
from assistant.embedding import QuestionEncoder
from assistant.matching import load_matching
from assistant.questions import Question
from assistant.quoting import as_told, spans_quoted
from assistant.ranking import (
    EVIDENCE,
    SPAN_LENGTHS,
    VERDICTS,
    RankedSpan,
    Ranker,
    evidence_of,
    rank_spans,
    rows_to_verify,
)
from assistant.reading import compare
from assistant.regions import Region
from assistant.reranking import RERANKED, Reranker, reranked
from assistant.retrieval import Hit
from assistant.statements import FEATURES, Statements
from assistant.store import Generation
from assistant.understanding import understood
from assistant.verifying import load_verifier, read_windows

__all__ = ["ANSWERED_FROM", "NOT_COVERED", "Answer", "Reader", "Reading", "Spent", "Timing"]

NOT_COVERED = "I found no answer in the lectures; they may not cover this."
ANSWERED_FROM = 0.35
"""Below this confidence the answer is "not covered": the multiple of .05 that refuses nearest to one covered
question in ten of split ``choose`` of our questions. There it refuses 10 % of them and answers 28 % of the
others, nearly all of them near misses; at .4 these are 11 % and 24 %. The rule was written with the figures
of earlier weights in view."""

_CITED_FROM = 0.005
"""Probability from which a further span is cited: of 1,361 second and third ones below it, read of lectures
that their encoder did not see, two were right (with earlier weights and spans of at most 60 words)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds spent."""

    retrieve: float
    read: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant says to a question, in the shape of the HTTP contract.

    When ``answered`` is false, nothing in the lectures is likely enough to answer the question:
    ``citations`` is empty and ``nearest`` holds the closest passages, which are not an answer.
    """

    question: str
    standalone_question: str
    answered: bool
    answer: str
    confidence: float
    """Probability, in [0, 1], that one of the first three citations answers the question."""
    citations: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    unsupported: tuple[str, ...]
    """Content words of ``standalone_question`` that nothing cited comes near, nor the title and the speakers
    of its lectures; where nothing is cited, that nothing read comes near. They may not cover that part."""
    timing_ms: Timing


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds of a reading by its parts, in order of time."""

    encode: float
    """The question made vectors."""
    search: float
    """Dense and BM25 rankings, fused."""
    load: float
    """The question's words, and the sentences of the passages found."""
    compare: float
    """Every statement compared with the question."""
    rank: float
    """Spans, the verifier and the confidence; the cross-encoder, where one is set."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found for a question before it is put into words."""

    question: Question
    hits: tuple[Hit, ...]
    regions: tuple[Region, ...]
    statements: Statements
    spans: tuple[RankedSpan, ...]
    """Candidate answers that share no sentence, in the order of ``rank_spans`` or of the cross-encoder."""
    confidence: float
    spent: Spent


class Reader:
    """Answers questions from one generation of the index."""

    def __init__(
        self,
        generation: Generation,
        encoder: QuestionEncoder,
        ranker: Ranker,
        passages_retrieved: int,
        reranker: Reranker | None = None,
    ) -> None:
        self._generation = generation
        self._encoder = encoder
        self._statement = ranker.statement
        self._reranker = reranker
        self._passages_retrieved = passages_retrieved
        self._matching = load_matching(generation.manifest.model_sha256, generation.manifest.dimension)
        self._verifier = load_verifier(generation.manifest.model_sha256)
        self._confidence = ranker.confidence if self._verifier else ranker.confidence.without(VERDICTS)

    def understand(
        self, question: str, history: Sequence[Turn] = (), lectures: Sequence[str] | None = None
    ) -> str:
        """``question`` as it is looked up in this index (``understanding.py``).

        Where it may change the topic it is completed from ``history`` only if the lectures then answer it
        better than as it stands, which takes two readings.
        """
        return understood(
            question,
            history,
            self._generation,
            self._encoder,
            lectures,
            lambda text: self._read(text, CITED, lectures, None).confidence,
        )

    def read(self, question: str, limit: int, lectures: Sequence[str] | None = None) -> Reading:
        """The ``limit`` best spans for a question that stands alone, from all lectures or those named."""
        return self._read(question, limit, lectures, self._reranker)

    def _read(
        self, question: str, limit: int, lectures: Sequence[str] | None, reranker: Reranker | None
    ) -> Reading:
        found = compare(
            self._generation, self._encoder, self._matching, question, self._passages_retrieved, lectures
        )
        regions, statements = found.regions, found.statements
        ranked: list[RankedSpan] = []
        confidence = 0.0
        if len(statements.words):
            scores = self._statement(statements.features, FEATURES)
            # The confidence looks at the second span, too.
            ranked = rank_spans(regions, statements, scores, limit=max(limit, 2))
            verdicts = None
            if self._verifier is not None:
                rows = rows_to_verify(scores, ranked)
                windows = read_windows(self._generation, regions, statements, rows)
                verdicts = self._verifier(found.encoded.tokens, windows)
            evidence = evidence_of(found.question, regions, statements, scores, ranked, verdicts)
            confidence = _probability(float(self._confidence(evidence, EVIDENCE)[0]))
            if reranker is not None:
                # It may put any of them first.
                alike = replace(SPAN_LENGTHS, further=SPAN_LENGTHS.first)
                depth = max(limit, RERANKED)
                ranked = rank_spans(regions, statements, scores, limit=depth, lengths=alike)
                ranked = reranked(reranker, question, ranked)
        moments = (*found.moments, time.perf_counter())
        return Reading(
            question=found.question,
            hits=tuple(found.hits),
            regions=tuple(regions),
            statements=statements,
            spans=tuple(ranked[:limit]),
            confidence=confidence,
            spent=Spent(*((after - before) * 1000 for before, after in pairwise(moments))),
        )

    def answer(
        self, question: str, standalone: str, limit: int, lectures: Sequence[str] | None = None
    ) -> Answer:
        """Answer ``standalone``, which is ``question`` made complete, with up to ``limit`` citations."""
        started = time.perf_counter()
        reading = self.read(standalone, limit, lectures)
        spent = reading.spent
        answered = bool(reading.spans) and reading.confidence >= ANSWERED_FROM
        first, further = reading.spans[:1], reading.spans[1:]
        cited = (*first, *(s for s in further if s.probability >= _CITED_FROM)) if answered else ()
        citations = tuple(self._cite_span(span, number) for number, span in enumerate(cited, start=1))
        quoted = citations[: spans_quoted(standalone, cited)]
        return Answer(
            question=question,
            standalone_question=standalone,
            answered=answered,
            answer=quote_text(as_told(quoted)) if answered else NOT_COVERED,
            confidence=round(reading.confidence, 4),
            citations=citations,
            nearest=() if answered else cite_passages(self._generation.catalog, reading.hits[:limit]),
            unsupported=unsupported_words(
                reading.question,
                reading.regions,
                reading.statements,
                cited,
                self._names([span.region for span in cited] or reading.regions),
            ),
            timing_ms=Timing(
                retrieve=round(spent.encode + spent.search, 2),
                read=round(spent.load + spent.compare + spent.rank, 2),
                total=round((time.perf_counter() - started) * 1000, 2),
            ),
        )

    def _names(self, regions: Sequence[Region]) -> Iterator[str]:
        for lecture_id in {region.lecture_id for region in regions}:
            header = self._generation.catalog.header(lecture_id)
            yield from (header.title, *header.speakers)

    def _cite_span(self, span: RankedSpan, number: int) -> Citation:
        quoted = CharRange(span.char_start, span.char_end)
        likeliest = span.region.sentences[span.best_sentence].sentence
        return cite(
            self._generation.catalog,
            span.region.lecture_id,
            quoted,
            _passage_of(span),
            number=number,
            score=span.probability,
            highlight=CharRange(likeliest.char_start, likeliest.char_end),
        )


def _passage_of(span: RankedSpan) -> str:
    """The id of the passage that holds most of a span."""

    def shared(hit: Hit) -> tuple[int, float]:
        start = max(hit.passage.char_start, span.char_start)
        return min(hit.passage.char_end, span.char_end) - start, hit.score

    return max(span.region.hits, key=shared).passage.passage_id


def _probability(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-log_odds)))
