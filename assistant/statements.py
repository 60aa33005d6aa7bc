"""The statements that were read for a question, and what speaks for each one as its answer.

For each token of the question the best token of a sentence counts ("late interaction", Khattab and
Zaharia, ColBERT, SIGIR 2020), once as the cosine of their contextual vectors and once as what the
question's token looks for (``matching.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.embedding import EncodedText
from assistant.matching import Matching
from assistant.products import token_products
from assistant.questions import Question, weighed_words
from assistant.regions import Region
from assistant.store import Generation
from assistant.wording import (
    SHAPED_KINDS,
    Wording,
    asks_number,
    has_negation,
    has_shape,
    wording_of,
)

__all__ = ["FEATURES", "TITLE", "WORDING", "Statements", "find_statements"]

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.intp]

_ASKED_WITHIN = 4
_OPENING = 0.02
_VERY_SHORT = 6

WORDING = (
    "log_words",
    "very_short",
    "position",
    "is_opening",
    "signpost",
    "leans_back",
    "joins_on",
    *(f"shape_{kind}" for kind in SHAPED_KINDS),
)
"""How a statement is worded and where it stands, whatever is asked."""
TITLE = ("title_asked", "title_told")
"""Content words of the question that the lecture's title has, and those of the title that the question has,
as shares by idf."""
FEATURES = (
    # What the question's tokens look for: in the sentence, its worst three, with the two sentences before
    # and the one after, in those alone, in all that was read of the lecture.
    "sought",
    "sought_low",
    "sought_around",
    "sought_before",
    "sought_after",
    "sought_lecture",
    # The same as plain cosines, all tokens alike.
    "match",
    "match_low",
    "match_around",
    # Soft coverage of the question's content words: each one's cosine to its nearest word, weighted by
    # idf, plain, and of the worst; in the sentence, with its neighbours, in the lecture.
    "coverage",
    "coverage_mean",
    "coverage_worst",
    "coverage_around",
    "coverage_worst_around",
    "coverage_lecture",
    # Mean cosine of the sentence's tokens to the whole question.
    "cosine",
    # Did the speaker ask in the sentence before, or up to four before; how well does that question match.
    "asked_before",
    "asked_before_match",
    "asked_lately_match",
    # How much of the sentence is about the question: near 1 where it only repeats it.
    "echo",
    # The best passage around it: cosine, BM25 against the best, fused score; its lecture's share of hits.
    "passage_cosine",
    "passage_bm25",
    "passage_fused",
    "lecture_share",
    *TITLE,
    # Only the question denies, or only the sentence; the question asks for a number and there is none.
    "denial_missing",
    "denial_added",
    "number_missing",
    *WORDING,
)
"""Names of the columns of ``Statements.features``."""

_COLUMN = {name: number for number, name in enumerate(FEATURES)}


@dataclass(frozen=True, slots=True)
class Statements:
    """``n`` sentences that are no questions; number ``i`` is sentence ``index[i]`` of region ``region[i]``.

    They come in the order of the regions and of the transcript.
    """

    region: Counts
    index: Counts
    words: Counts
    """How many words it has; like the two above, of shape (n,)."""
    features: Array
    """Shape (n, len(FEATURES))."""
    support: Array
    """Shape (n, content words of the question): the cosine of each word to its nearest."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question's side of every comparison."""

    sought: Array
    shares: Array
    """Weight of each token in ``sought``; they sum to 1."""
    pieces: Array
    """``pieces[i, j]`` is the share of token ``i`` in content word ``j``; a word's tokens share alike."""
    rarity: Array
    """idf of each content word; they sum to 1."""

    def support(self, cosine: Array) -> Array:
        """How well each content word is matched: the mean over its tokens."""
        matched: Array = cosine @ self.pieces
        return matched


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """Which sentence stands how far from each one in its region."""

    region_of: Counts

    def rows(self, values: Array, offset: int) -> Array:
        """Row ``i + offset`` of ``values`` at ``i``; the last row where that is in another region or nowhere.

        ``values`` has that one row more than there are sentences.
        """
        count = len(self.region_of)
        near = np.full(count, count)
        inside = slice(max(0, -offset), min(count, count - offset))
        there = slice(max(0, offset), min(count, count + offset))
        if inside.start < inside.stop:
            same = self.region_of[inside] == self.region_of[there]
            near[inside] = np.where(same, np.arange(count)[there], count)
        shifted: Array = values[near]
        return shifted


# BLAS kernels have been seen to raise the flag for finite numbers, which all that is compared here are.
@np.errstate(invalid="ignore")
def find_statements(
    generation: Generation,
    regions: Sequence[Region],
    question: Question,
    encoded: EncodedText,
    matching: Matching,
) -> Statements:
    """Every statement of the passages read. A question is never one: it only asks."""
    if not regions:
        nothing = np.zeros(0, dtype=np.intp)
        none = np.zeros((0, len(question.words)), dtype=np.float32)
        return Statements(nothing, nothing, nothing, np.zeros((0, len(FEATURES)), dtype=np.float32), none)
    asked = _Asked(
        sought=matching.look_for(encoded.tokens),
        shares=matching.weights(encoded.tokens),
        pieces=_pieces(question, encoded),
        rarity=_shares([word.idf for word in question.words]),
    )
    sizes = np.array([len(region.sentences) for region in regions])
    bounds = np.cumsum(sizes) - sizes
    stored = [s for region in regions for s in region.sentences]
    region_of = np.repeat(np.arange(len(regions)), sizes)
    index = np.arange(len(stored)) - bounds[region_of]
    is_question = np.array([s.sentence.is_question for s in stored])
    lengths = np.array([s.token_end - s.token_start for s in stored])
    starts = np.cumsum(lengths) - lengths
    count = len(asked.shares)

    directions = np.concatenate([encoded.tokens, asked.sought, encoded.vector[np.newaxis]])
    products = token_products(generation, regions, directions)
    best = np.maximum.reduceat(products[:, :-1], starts, axis=0)
    support = asked.support(best[:, :count])
    near = _Neighbours(region_of)
    kept = ~is_question & (index >= np.array([region.lead for region in regions])[region_of])
    texts = [text for region in regions for text in region.texts]
    texts = [texts[i] for i in np.flatnonzero(kept).tolist()]
    wordings = np.array([wording_of(text) for text in texts], dtype=np.intp).reshape(-1, len(Wording._fields))
    words = wordings[:, 0]
    columns = {
        "cosine": np.add.reduceat(products[:, -1], starts) / lengths,
        "echo": np.add.reduceat(products[:, :count].T.copy().max(axis=0), starts) / lengths,
        **_match_features(best, support, near, asked),
        **_lecture_features(regions, region_of, np.maximum.reduceat(best, bounds, axis=0), asked),
        **_asking_features(best[:, :count], is_question, near),
        **_passage_features(regions, bounds, region_of),
        **_title_features(generation, regions, region_of, question),
        **_place_features(regions, region_of, index),
    }
    features = np.zeros((len(texts), len(FEATURES)), dtype=np.float32)
    for name, column in columns.items():
        features[:, _COLUMN[name]] = column[kept]
    for name, values in _text_features(texts, wordings, question).items():
        features[:, _COLUMN[name]] = values
    return Statements(region_of[kept], index[kept], words, features, support[kept])


def _pieces(question: Question, encoded: EncodedText) -> Array:
    pieces = np.zeros((len(encoded.spans), len(question.words)), dtype=np.float32)
    for number, word in enumerate(question.words):
        within = [i for i, (start, end) in enumerate(encoded.spans) if start < word.end and end > word.start]
        # Past the encoder's window a word has no tokens, and so no support.
        if within:
            pieces[within, number] = 1.0 / len(within)
    return pieces


def _match_features(best: Array, support: Array, near: _Neighbours, asked: _Asked) -> dict[str, Array]:
    count = len(asked.shares)
    cosine, sought = best[:, :count], best[:, count:]
    padded = np.concatenate([best, np.full((1, best.shape[1]), -1.0, dtype=np.float32)])
    before = np.maximum(near.rows(padded, -1), near.rows(padded, -2))
    after = near.rows(padded, 1)
    around = np.maximum(np.maximum(best, before), after)
    lowest = np.sort(best.reshape(len(best), 2, count), axis=2)[:, :, :3].mean(axis=2)
    support_around = asked.support(around[:, :count])
    return {
        "sought": sought @ asked.shares,
        "sought_low": lowest[:, 1],
        "sought_around": around[:, count:] @ asked.shares,
        "sought_before": before[:, count:] @ asked.shares,
        "sought_after": after[:, count:] @ asked.shares,
        "match": cosine.mean(axis=1),
        "match_low": lowest[:, 0],
        "match_around": around[:, :count].mean(axis=1),
        "coverage": support @ asked.rarity,
        "coverage_mean": support.mean(axis=1),
        "coverage_worst": support.min(axis=1),
        "coverage_around": support_around @ asked.rarity,
        "coverage_worst_around": support_around.min(axis=1),
    }


def _lecture_features(
    regions: Sequence[Region], region_of: Counts, best: Array, asked: _Asked
) -> dict[str, Array]:
    """What is sought and what is covered by everything that was read of a lecture.

    ``best[i]`` is what is found in region ``i``.
    """
    lectures: dict[str, Array] = {}
    for region, own in zip(regions, best, strict=True):
        lectures[region.lecture_id] = np.maximum(lectures.get(region.lecture_id, own), own)
    rows = np.stack([lectures[region.lecture_id] for region in regions])
    count = len(asked.shares)
    return {
        "sought_lecture": (rows[:, count:] @ asked.shares)[region_of],
        "coverage_lecture": (asked.support(rows[:, :count]) @ asked.rarity)[region_of],
    }


def _asking_features(cosine: Array, is_question: Flags, near: _Neighbours) -> dict[str, Array]:
    """Whether and how well the speaker asked the same shortly before."""
    match = np.append(cosine.mean(axis=1) * is_question, np.float32(0.0))
    earlier = [near.rows(match, -back) for back in range(1, _ASKED_WITHIN + 1)]
    return {
        "asked_before": (earlier[0] > 0).astype(np.float32),
        "asked_before_match": earlier[0],
        "asked_lately_match": np.max(earlier, axis=0),
    }


def _passage_features(regions: Sequence[Region], bounds: Counts, region_of: Counts) -> dict[str, Array]:
    hits = sorted((hit for region in regions for hit in region.hits), key=lambda hit: -hit.score)
    top_bm25 = max((hit.bm25 or 0.0 for hit in hits), default=0.0) or 1.0
    shares: dict[str, float] = {}
    for rank, hit in enumerate(hits):
        lecture_id = hit.passage.lecture_id
        shares[lecture_id] = shares.get(lecture_id, 0.0) + 1 / (rank + 5)
    top_share = max(shares.values())
    table = np.zeros((len(region_of), 3), dtype=np.float32)
    for region, start in zip(regions, bounds.tolist(), strict=True):
        first = start - region.sentences[0].number
        for hit in region.hits:
            covered = table[first + hit.passage.sentence_start : first + hit.passage.sentence_end]
            values = (hit.cosine or 0.0, (hit.bm25 or 0.0) / top_bm25, hit.score)
            np.maximum(covered, np.array(values, dtype=np.float32), out=covered)
    return {
        "passage_cosine": table[:, 0],
        "passage_bm25": table[:, 1],
        "passage_fused": table[:, 2],
        "lecture_share": np.array([shares[r.lecture_id] / top_share for r in regions])[region_of],
    }


def _title_features(
    generation: Generation, regions: Sequence[Region], region_of: Counts, question: Question
) -> dict[str, Array]:
    asked = [(word.term, word.idf) for word in question.words]
    shared: dict[str, tuple[float, float]] = {}
    for lecture_id in {region.lecture_id for region in regions}:
        title = weighed_words(generation.catalog.header(lecture_id).title, generation.lexical)
        shared[lecture_id] = (_share_in(asked, title), _share_in(title, asked))
    table = np.array([shared[region.lecture_id] for region in regions], dtype=np.float32)[region_of]
    return dict(zip(TITLE, table.T, strict=True))


def _share_in(words: Sequence[tuple[str, float]], others: Sequence[tuple[str, float]]) -> float:
    """The share, by idf, of ``words`` that ``others`` have."""
    terms = {term for term, _ in others}
    total = sum(idf for _, idf in words)
    return sum(idf for term, idf in words if term in terms) / max(total, 1e-6)


def _place_features(regions: Sequence[Region], region_of: Counts, index: Counts) -> dict[str, Array]:
    first = np.array([region.sentences[0].number for region in regions])[region_of]
    all_of = np.array([region.lecture_sentences for region in regions])[region_of]
    position = ((first + index) / all_of).astype(np.float32)
    return {"position": position, "is_opening": (position < _OPENING).astype(np.float32)}


def _text_features(texts: Sequence[str], wordings: Counts, question: Question) -> dict[str, Array]:
    """``wordings`` has a row of ``Wording`` for each of ``texts``."""
    told = dict(zip(Wording._fields, wordings.T.astype(np.float32), strict=True))
    features = {
        "log_words": np.log(told["words"]),
        "very_short": (told["words"] < _VERY_SHORT).astype(np.float32),
        "signpost": told["is_signpost"],
        "leans_back": told["leans_back"],
        "joins_on": told["joins_on"],
    }
    asked = question.text.lower()
    if has_negation(asked):
        features["denial_missing"] = 1 - told["has_negation"]
    else:
        features["denial_added"] = told["has_negation"]
    if asks_number(asked):
        features["number_missing"] = 1 - told["has_number"]
    if question.kind in SHAPED_KINDS:
        shaped = (has_shape(text.lower(), question.kind) for text in texts)
        features[f"shape_{question.kind}"] = _flags(shaped)
    return features


def _flags(values: Iterable[bool]) -> Array:
    return np.fromiter(values, dtype=np.float32)


def _shares(values: Sequence[float]) -> Array:
    shares = np.array(values, dtype=np.float32)
    return shares / max(float(shares.sum()), 1e-6)
