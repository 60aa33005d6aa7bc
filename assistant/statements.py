"""The statements that were read for a question, and what speaks for each one as its answer.

For each token of the question the best token of a sentence counts ("late interaction", Khattab and
Zaharia, ColBERT, SIGIR 2020), once as the cosine of their contextual vectors and once as what the
question's token looks for (``matching.py``).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.embedding import EncodedText
from assistant.matching import Matching
from assistant.questions import Question
from assistant.regions import Region, unit_tokens
from assistant.store import Generation
from assistant.wording import SHAPED_KINDS, expansion_of, has_shape, is_signpost, joins_on, leans_back

__all__ = ["FEATURES", "Statements", "find_statements"]

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.intp]

_ACRONYM = re.compile(r"[A-Za-z]{2,6}")
_ASKED_WITHIN = 4
_OPENING = 0.02
_VERY_SHORT = 6

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
    "expands",
    "log_words",
    "very_short",
    "position",
    "is_opening",
    "signpost",
    "leans_back",
    "joins_on",
    *(f"shape_{kind}" for kind in SHAPED_KINDS),
)
"""Names of the columns of ``Statements.features``."""


@dataclass(frozen=True, slots=True)
class Statements:
    """``n`` sentences that are no questions; number ``i`` is sentence ``index[i]`` of region ``region[i]``.

    They come in the order of the regions and of the transcript.
    """

    region: Counts
    index: Counts
    words: Counts
    features: Array
    """Shape (n, len(FEATURES))."""
    support: Array
    """Shape (n, content words of the question): the cosine of each word to its nearest."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question's side of every comparison."""

    encoded: EncodedText
    sought: Array
    shares: Array
    """Weight of each token in ``sought``; they sum to 1."""
    pieces: tuple[tuple[int, ...], ...]
    """The tokens of each content word."""
    rarity: Array
    """idf of each content word; they sum to 1."""

    def support(self, cosine: Array) -> Array:
        """How well each content word is matched: the mean over its tokens."""
        # Past the encoder's window a word has no tokens, and so no support.
        none = np.zeros(len(cosine), dtype=np.float32)
        return np.stack([cosine[:, p].mean(axis=1) if p else none for p in self.pieces], axis=1)


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
        encoded=encoded,
        sought=matching.look_for(encoded.tokens),
        shares=matching.weights(encoded.tokens),
        pieces=tuple(
            tuple(i for i, (start, end) in enumerate(encoded.spans) if start < w.end and end > w.start)
            for w in question.words
        ),
        rarity=_shares([word.idf for word in question.words]),
    )
    sizes = [len(region.sentences) for region in regions]
    stored = [s for region in regions for s in region.sentences]
    texts = [text for region in regions for text in region.texts]
    region_of = np.repeat(np.arange(len(regions)), sizes)
    index = np.concatenate([np.arange(size) for size in sizes])
    is_question = np.array([s.sentence.is_question for s in stored])
    lengths = np.array([s.token_end - s.token_start for s in stored])
    starts = np.cumsum(lengths) - lengths
    count = len(asked.shares)

    question_side = np.concatenate([encoded.tokens, asked.sought, encoded.vector[np.newaxis]])
    similarity = unit_tokens(generation, regions) @ question_side.T
    best = np.maximum.reduceat(similarity[:, :-1], starts, axis=0)
    cosine, sought = best[:, :count], best[:, count:]
    support = asked.support(cosine)
    columns = {
        "cosine": np.add.reduceat(similarity[:, -1], starts) / lengths,
        "echo": np.add.reduceat(similarity[:, :count].max(axis=1), starts) / lengths,
        **_match_features(cosine, sought, support, region_of, asked),
        **_lecture_features(regions, sizes, best, asked),
        **_asking_features(cosine, is_question, region_of),
        **_passage_features(regions),
        **_place_features(regions),
        **_text_features(texts, question),
    }
    features = np.stack([np.asarray(columns[name], dtype=np.float32) for name in FEATURES], axis=1)
    kept = ~is_question & (index >= np.repeat([region.lead for region in regions], sizes))
    words = np.array([len(text.split()) for text in texts])
    return Statements(region_of[kept], index[kept], words[kept], features[kept], support[kept])


def _match_features(
    cosine: Array, sought: Array, support: Array, region_of: Counts, asked: _Asked
) -> dict[str, Array]:
    before = np.maximum(_shifted(sought, region_of, -1), _shifted(sought, region_of, -2))
    after = _shifted(sought, region_of, 1)
    around = cosine
    for offset in (-1, -2, 1):
        around = np.maximum(around, _shifted(cosine, region_of, offset))
    support_around = asked.support(around)
    return {
        "sought": sought @ asked.shares,
        "sought_low": np.sort(sought, axis=1)[:, :3].mean(axis=1),
        "sought_around": np.maximum(np.maximum(sought, before), after) @ asked.shares,
        "sought_before": before @ asked.shares,
        "sought_after": after @ asked.shares,
        "match": cosine.mean(axis=1),
        "match_low": np.sort(cosine, axis=1)[:, :3].mean(axis=1),
        "match_around": around.mean(axis=1),
        "coverage": support @ asked.rarity,
        "coverage_mean": support.mean(axis=1),
        "coverage_worst": support.min(axis=1),
        "coverage_around": support_around @ asked.rarity,
        "coverage_worst_around": support_around.min(axis=1),
    }


def _lecture_features(
    regions: Sequence[Region], sizes: Sequence[int], best: Array, asked: _Asked
) -> dict[str, Array]:
    """What is sought and what is covered by everything that was read of a lecture."""
    bounds = np.cumsum([0, *sizes])
    lectures: dict[str, Array] = {}
    for region, start, end in zip(regions, bounds[:-1], bounds[1:], strict=True):
        own = best[start:end].max(axis=0)
        lectures[region.lecture_id] = np.maximum(lectures.get(region.lecture_id, own), own)
    rows = np.repeat(np.stack([lectures[region.lecture_id] for region in regions]), sizes, axis=0)
    count = len(asked.shares)
    return {
        "sought_lecture": rows[:, count:] @ asked.shares,
        "coverage_lecture": asked.support(rows[:, :count]) @ asked.rarity,
    }


def _asking_features(cosine: Array, is_question: Flags, region_of: Counts) -> dict[str, Array]:
    """Whether and how well the speaker asked the same shortly before."""
    match = (cosine.mean(axis=1) * is_question)[:, np.newaxis]
    earlier = [_shifted(match, region_of, -back, 0.0)[:, 0] for back in range(1, _ASKED_WITHIN + 1)]
    return {
        "asked_before": (earlier[0] > 0).astype(np.float32),
        "asked_before_match": earlier[0],
        "asked_lately_match": np.max(earlier, axis=0),
    }


def _passage_features(regions: Sequence[Region]) -> dict[str, Array]:
    hits = sorted((hit for region in regions for hit in region.hits), key=lambda hit: -hit.score)
    top_bm25 = max((hit.bm25 or 0.0 for hit in hits), default=0.0) or 1.0
    shares: dict[str, float] = {}
    for rank, hit in enumerate(hits):
        lecture_id = hit.passage.lecture_id
        shares[lecture_id] = shares.get(lecture_id, 0.0) + 1 / (rank + 5)
    top_share = max(shares.values())
    tables = []
    for region in regions:
        number = region.sentences[0].number
        table = np.zeros((len(region.sentences), 4), dtype=np.float32)
        table[:, 3] = shares[region.lecture_id] / top_share
        for hit in region.hits:
            covered = slice(hit.passage.sentence_start - number, hit.passage.sentence_end - number)
            values = (hit.cosine or 0.0, (hit.bm25 or 0.0) / top_bm25, hit.score)
            table[covered, :3] = np.maximum(table[covered, :3], np.array(values, dtype=np.float32))
        tables.append(table)
    names = ("passage_cosine", "passage_bm25", "passage_fused", "lecture_share")
    return dict(zip(names, np.concatenate(tables).T, strict=True))


def _place_features(regions: Sequence[Region]) -> dict[str, Array]:
    position = np.concatenate(
        [(r.sentences[0].number + np.arange(len(r.sentences))) / r.lecture_sentences for r in regions]
    ).astype(np.float32)
    return {"position": position, "is_opening": (position < _OPENING).astype(np.float32)}


def _text_features(texts: Sequence[str], question: Question) -> dict[str, Array]:
    expansion = expansion_of([w.text for w in question.words if _ACRONYM.fullmatch(w.text)])
    words = np.array([len(text.split()) for text in texts], dtype=np.float32)
    features = {
        "log_words": np.log(words),
        "very_short": (words < _VERY_SHORT).astype(np.float32),
        "expands": _flags(expansion is not None and bool(expansion.search(text)) for text in texts),
        "signpost": _flags(map(is_signpost, texts)),
        "leans_back": _flags(map(leans_back, texts)),
        "joins_on": _flags(map(joins_on, texts)),
    }
    nothing = np.zeros(len(texts), dtype=np.float32)
    for kind in SHAPED_KINDS:
        shaped = kind == question.kind
        features[f"shape_{kind}"] = _flags(has_shape(t, kind) for t in texts) if shaped else nothing
    return features


def _shifted(rows: Array, region_of: Counts, offset: int, absent: float = -1.0) -> Array:
    """Row ``i + offset`` at ``i``; ``absent`` where that is in another region or nowhere."""
    near = np.arange(len(rows)) + offset
    inside = np.clip(near, 0, len(rows) - 1)
    same = (near == inside) & (region_of[inside] == region_of)
    shifted: Array = np.where(same[:, np.newaxis], rows[inside], np.float32(absent))
    return shifted


def _flags(values: Iterable[bool]) -> Array:
    return np.fromiter(values, dtype=np.float32)


def _shares(values: Sequence[float]) -> Array:
    shares = np.array(values, dtype=np.float32)
    return shares / max(float(shares.sum()), 1e-6)
