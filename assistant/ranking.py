"""Statements → answer spans, best first, and the probability that they answer.

A small network gives every statement read a score; a softmax over all of them makes it the probability
that the answer is there. A span of one to four contiguous statements is worth the sum of its statements'
probabilities, less a little for every word. Another network looks at how the best span stands and gives the
confidence. The weights are in ``ranking.json``, fitted by ``python tests/benchmarks/fit_ranking.py``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from assistant.network import Network
from assistant.questions import Question
from assistant.regions import Region
from assistant.statements import FEATURES, TITLE, WORDING, Statements

__all__ = [
    "EVIDENCE",
    "SPAN_LENGTHS",
    "VERDICTS",
    "RankedSpan",
    "Ranker",
    "SpanLengths",
    "evidence_of",
    "load_ranker",
    "rank_spans",
    "rows_to_verify",
]

MAX_SENTENCES = 4

_OPENS_FROM = 0.1
"""Share of the likeliest statement's probability from which one opens a span that points back ("It's …") or
ahead ("We'll have a look"): what it points at is not quoted, and it reads as said of what was asked. On 5,043
questions that the encoder had not seen this took .001 to .002 from hit@1 and hit@3 and made 5 % of the first
quotes shorter."""
_POINTERS = [FEATURES.index(name) for name in ("leans_back", "signpost")]
_NEAR = 3
"""How many statements on either side of the likeliest are near it."""
VERIFIED = 4
"""How many statements are verified."""
VERDICTS = ("verified", "verified_highest", "verified_mean")

EVIDENCE = (
    *(name for name in FEATURES if name not in (*TITLE, *WORDING)),
    # Its score; the probability of its span, and how far the next span is.
    "score",
    "probability",
    "margin",
    # The best of all that was read, and of the passages found; BM25 as a share of what it could be.
    "best_coverage",
    "best_worst",
    "best_sought",
    # The worst-matched content word where each has its best match: near the likeliest statement, in its
    # lecture, in all that was read; and the mean of the two worst in its lecture.
    "worst_near",
    "worst_in_lecture",
    "worst_in_all",
    "two_worst_in_lecture",
    "top_cosine",
    "bm25_share",
    # Of the question: the log of its content words, the weight of those that no passage has; and how well
    # its rarest is matched.
    "asked_words",
    "unknown_share",
    "rarest_support",
    # The verifier's log-odds (``verifying.py``): of the best span's likeliest statement, the highest of all
    # that were verified, and their mean, weighted by their probabilities.
    *VERDICTS,
)
"""What the confidence is computed from: the features of the likeliest statement, and how it stands. How a
statement is worded and its lecture called tells which one answers, and nothing of whether any does."""

_OWN = [FEATURES.index(name) for name in EVIDENCE if name in FEATURES]
_BEST_OF = [FEATURES.index(name) for name in ("coverage", "coverage_worst", "sought")]

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class SpanLengths:
    """How long spans become. ``fit_ranking.py`` prints what others would give."""

    first: int = 60
    """Words of the best span at most, unless a single sentence has more."""
    further: int = 90
    """The same for the others, which are read where the first does not help."""
    word_cost: float = 0.0002
    """What a word more must add to the probability of a span."""


SPAN_LENGTHS = SpanLengths()


@dataclass(frozen=True, slots=True)
class Ranker:
    """The fitted weights."""

    statement: Network
    confidence: Network


@dataclass(frozen=True, slots=True)
class RankedSpan:
    """A candidate answer: sentences ``first`` to ``end`` of ``region``."""

    region: Region
    first: int
    end: int
    words: int
    probability: float
    """That the answer is in it, among all that was read."""
    best: int
    """Its likeliest statement: the row in the table of statements."""
    best_sentence: int
    """The same as a sentence of ``region``."""

    @property
    def rows(self) -> range:
        """Its statements as rows in the table of statements."""
        start = self.best - (self.best_sentence - self.first)
        return range(start, start + self.end - self.first)

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
    return Ranker(Network.from_json(record["statement"]), Network.from_json(record["confidence"]))


def rank_spans(
    regions: Sequence[Region],
    statements: Statements,
    scores: Floats,
    *,
    limit: int,
    lengths: SpanLengths = SPAN_LENGTHS,
) -> list[RankedSpan]:
    """The ``limit`` best spans that share no sentence, of at least one statement.

    ``scores[i]`` is the log of how likely row ``i`` of ``statements`` is to answer, up to a constant. First
    comes the best that is short enough to be first, then the others, best first: a longer one among them may
    be likelier. A span does not open with a statement that only points elsewhere.
    """
    probability = np.exp(scores - scores.max())
    probability /= probability.sum()
    runs = _runs(statements, probability, lengths)
    order = np.lexsort((runs.start, -runs.worth))
    is_short = (runs.words <= lengths.first) | (runs.end == runs.start + 1)
    # The first comes again in its place, where its statements are taken already.
    order = np.concatenate([order[is_short[order]][:1], order])
    taken = bytearray(len(scores))
    ranked: list[RankedSpan] = []
    for start, end in zip(runs.start[order].tolist(), runs.end[order].tolist(), strict=True):
        if any(taken[start:end]):
            continue
        taken[start:end] = b"\1" * (end - start)
        best = start + int(probability[start:end].argmax())
        first = _opening(statements, probability, start, best)
        ranked.append(
            RankedSpan(
                region=regions[statements.region[first]],
                first=int(statements.index[first]),
                end=int(statements.index[end - 1]) + 1,
                words=int(statements.words[first:end].sum()),
                probability=float(probability[first:end].sum()),
                best=best,
                best_sentence=int(statements.index[best]),
            )
        )
        if len(ranked) == limit:
            break
    return ranked


def _opening(statements: Statements, probability: Floats, start: int, best: int) -> int:
    """The first row from ``start`` to ``best`` that may open a span."""
    points = statements.features[start:best, _POINTERS].any(axis=1)
    opens = np.flatnonzero(~points | (probability[start:best] >= _OPENS_FROM * probability[best]))
    return start + int(opens[0]) if len(opens) else best


def rows_to_verify(scores: Floats, ranked: Sequence[RankedSpan]) -> NDArray[np.intp]:
    """Rows of the likeliest statement of the best span and then of the likeliest others: four, if there are.

    ``scores`` are those that ``rank_spans`` was given.
    """
    best = ranked[0].best
    order = np.argsort(-scores, kind="stable")
    return np.concatenate([[best], order[order != best]])[:VERIFIED].astype(np.intp)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Spans of contiguous statements: what each is worth, first row, row after the last, and words."""

    worth: Floats
    start: Counts
    end: Counts
    words: Counts


def _runs(statements: Statements, probability: Floats, lengths: SpanLengths) -> _Runs:
    """Every span of one to four contiguous statements that is short enough, those of one statement first."""
    follows = (np.diff(statements.region) == 0) & (np.diff(statements.index) == 1)
    start = np.arange(len(probability))
    words, mass = statements.words, probability
    runs = [_Runs(mass - lengths.word_cost * words, start, start + 1, words)]
    for size in range(1, MAX_SENTENCES):
        # A span goes on where the statement after it follows and leaves it short enough.
        last = start + size - 1
        goes_on = last < len(follows)
        goes_on[goes_on] = follows[last[goes_on]]
        start, words, mass = start[goes_on], words[goes_on], mass[goes_on]
        words = words + statements.words[start + size]
        short = words <= max(lengths.first, lengths.further)
        start, words = start[short], words[short]
        mass = mass[short] + probability[start + size]
        runs.append(_Runs(mass - lengths.word_cost * words, start, start + size + 1, words))
    return _Runs(*(np.concatenate([getattr(run, name) for run in runs]) for name in _Runs.__slots__))


def evidence_of(
    question: Question,
    regions: Sequence[Region],
    statements: Statements,
    scores: Floats,
    ranked: Sequence[RankedSpan],
    verdicts: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """The values of ``EVIDENCE`` for the best of ``ranked``, shape (1, len(EVIDENCE)).

    ``scores`` are those that ``rank_spans`` was given; ``verdicts`` are the log-odds of ``rows_to_verify``,
    and without them their columns are NaN.
    """
    best = ranked[0].best
    idf = np.array([word.idf for word in question.words])
    total = max(float(idf.sum()), 1e-6)
    hits = [hit for region in regions for hit in region.hits]
    second = ranked[1].probability if len(ranked) > 1 else 0.0
    values = (
        *statements.features[best, _OWN].tolist(),
        float(scores[best]),
        ranked[0].probability,
        ranked[0].probability - second,
        *statements.features[:, _BEST_OF].max(axis=0).tolist(),
        *_worst_matches(regions, statements, best),
        max((hit.cosine or 0.0 for hit in hits), default=0.0),
        max((hit.bm25 or 0.0 for hit in hits), default=0.0) / (total + 1.0),
        float(np.log1p(len(idf))),
        float(idf[idf >= 0.999 * question.highest_idf].sum()) / total,
        float(statements.support[best, int(idf.argmax())]),
        *_verified(scores, ranked, verdicts),
    )
    return np.asarray([values], dtype=np.float32)


def _worst_matches(
    regions: Sequence[Region], statements: Statements, best: int
) -> tuple[float, float, float, float]:
    support, region = statements.support, statements.region
    distance = np.abs(np.arange(len(region)) - best)
    near = support[(region == region[best]) & (distance <= _NEAR)].max(axis=0)
    lecture_id = regions[region[best]].lecture_id
    is_own = np.array([other.lecture_id == lecture_id for other in regions])[region]
    own = np.sort(support[is_own].max(axis=0))
    return float(near.min()), float(own[0]), float(support.max(axis=0).min()), float(own[:2].mean())


def _verified(
    scores: Floats, ranked: Sequence[RankedSpan], verdicts: NDArray[np.float32] | None
) -> tuple[float, float, float]:
    if verdicts is None:
        return float("nan"), float("nan"), float("nan")
    verified = scores[rows_to_verify(scores, ranked)]
    weight = np.exp(verified - verified.max())
    return float(verdicts[0]), float(verdicts.max()), float(weight @ verdicts / weight.sum())
