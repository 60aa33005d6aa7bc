"""Candidate answers: spans of one to four contiguous sentences, and what speaks for each.

For each token of the question the best token of a candidate counts ("late interaction", Khattab and
Zaharia, ColBERT, SIGIR 2020), once as the cosine of their contextual vectors and once as what the
question's token looks for (``matching.py``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.embedding import EncodedText
from assistant.matching import Matching
from assistant.questions import Question
from assistant.regions import Region, unit_tokens
from assistant.store import Generation
from assistant.wording import SHAPED_KINDS, expansion_of, has_shape, is_signpost, joins_on, leans_back

__all__ = ["FEATURES", "MAX_SENTENCES", "Spans", "find_spans"]

MAX_SENTENCES = 4
_ACRONYM = re.compile(r"[A-Za-z]{2,6}")

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.intp]

FEATURES = (
    # What the question's tokens look for: in the span, at its weakest, with its neighbours, in the
    # span's first, last and weakest sentence, in all that was read of the lecture.
    "sought",
    "sought_low",
    "sought_context",
    "sought_first",
    "sought_last",
    "sought_weakest",
    "sought_lecture",
    # The same as plain cosines, all tokens alike: in the span, of the worst three, with its neighbours.
    "match",
    "match_low",
    "match_context",
    # Soft coverage of the question's content words: each one's cosine to its nearest word, weighted by
    # idf, plain, and of the worst; in the span, with its neighbours, in the lecture.
    "coverage",
    "coverage_mean",
    "coverage_worst",
    "coverage_context",
    "coverage_worst_context",
    "coverage_lecture",
    # Cosine of question and span, and of question and span with the question the speaker asked before it.
    "cosine",
    "cosine_with_question",
    "asked_before",
    "asked_before_match",
    # How much of the span is about the question: near 1 where it only repeats it.
    "echo",
    # The best passage around it: cosine, BM25 against the best, fused score; its lecture's share of hits.
    "passage_cosine",
    "passage_bm25",
    "passage_fused",
    "lecture_share",
    # Does it spell out an acronym of the question.
    "expands",
    "log_words",
    "sentences",
    "very_short",
    "position",
    "is_opening",
    "signpost",
    "signpost_share",
    "leans_back",
    "joins_on",
    *(f"shape_{kind}" for kind in SHAPED_KINDS),
)
"""Names of the columns of ``Spans.features``."""


@dataclass(frozen=True, slots=True)
class Spans:
    """``n`` candidates; candidate ``i`` is sentences ``first[i]`` to ``end[i]`` of region ``region[i]``."""

    region: Counts
    first: Counts
    end: Counts
    words: Counts
    features: Array
    """Shape (n, len(FEATURES))."""
    support: Array
    """Shape (n, content words of the question): the cosine of each word to its nearest."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The question's side of every comparison."""

    encoded: EncodedText
    sought: Array
    shares: Array
    """Weight of each token in ``sought``; they sum to 1."""
    pieces: tuple[tuple[int, ...], ...]
    """The tokens of each content word."""
    rarity: Array
    """idf of each content word; they sum to 1."""


@dataclass(frozen=True, slots=True)
class _Sentences:
    """All sentences of all regions, a row each."""

    region: Counts
    index: Counts
    candidate: Flags
    """False for what is context only."""
    question: Flags
    words: Counts
    tokens: Counts
    cosine: Array
    """Shape (n, question tokens): of each token to its nearest in the sentence."""
    sought: Array
    """The same for what the tokens look for."""
    echo: Array
    """Sum over the sentence's tokens of their cosine to the nearest token of the question."""
    vector: Array
    """Sum of the token vectors."""
    lecture: Array
    """Shape (n, 2): ``sought_lecture`` and ``coverage_lecture``."""
    passage: Array
    """Shape (n, 4): the three passage features and ``lecture_share``."""
    position: Array
    signpost: Flags
    leans_back: Flags
    joins_on: Flags
    shape: Flags
    expands: Flags


def find_spans(
    generation: Generation,
    regions: Sequence[Region],
    question: Question,
    encoded: EncodedText,
    matching: Matching,
) -> Spans:
    """Every span that may answer; none holds a question, which is where a speaker turns to another thing."""
    asked = _Question(
        encoded=encoded,
        sought=matching.look_for(encoded.tokens),
        shares=matching.weights(encoded.tokens),
        pieces=tuple(
            tuple(i for i, (start, end) in enumerate(encoded.spans) if start < w.end and end > w.start)
            for w in question.words
        ),
        rarity=_shares([word.idf for word in question.words]),
    )
    rows = _read(generation, regions, question, asked)
    tables = [_spans_of(length, rows, question, asked) for length in range(1, MAX_SENTENCES + 1)]
    return Spans(*(np.concatenate(parts) for parts in zip(*tables, strict=True)))


def _read(
    generation: Generation, regions: Sequence[Region], question: Question, asked: _Question
) -> _Sentences:
    count = len(asked.shares)
    stored = [s for region in regions for s in region.sentences]
    lengths = np.array([s.token_end - s.token_start for s in stored])
    starts = np.cumsum(lengths) - lengths
    tokens = unit_tokens(generation, regions)
    similarity = tokens @ np.concatenate([asked.encoded.tokens, asked.sought]).T
    match = np.maximum.reduceat(similarity, starts, axis=0)
    texts = [text for region in regions for text in region.texts]
    sizes = [len(region.sentences) for region in regions]
    expansion = expansion_of([w.text for w in question.words if _ACRONYM.fullmatch(w.text)])
    index = np.concatenate([np.arange(size) for size in sizes])
    return _Sentences(
        region=np.repeat(np.arange(len(regions)), sizes),
        index=index,
        candidate=index >= np.repeat([region.lead for region in regions], sizes),
        question=np.array([s.sentence.is_question for s in stored]),
        words=np.array([len(text.split()) for text in texts]),
        tokens=lengths,
        cosine=match[:, :count],
        sought=match[:, count:],
        echo=np.add.reduceat(similarity[:, :count].max(axis=1), starts),
        vector=np.add.reduceat(tokens, starts, axis=0),
        lecture=_lecture_features(regions, sizes, match, asked),
        passage=_passage_features(regions),
        position=np.concatenate(
            [(r.sentences[0].number + np.arange(len(r.sentences))) / r.lecture_sentences for r in regions]
        ),
        signpost=np.array([is_signpost(text) for text in texts]),
        leans_back=np.array([leans_back(text) for text in texts]),
        joins_on=np.array([joins_on(text) for text in texts]),
        shape=np.array([has_shape(text, question.kind) for text in texts]),
        expands=np.array([expansion is not None and bool(expansion.search(text)) for text in texts]),
    )


def _spans_of(
    length: int, rows: _Sentences, question: Question, asked: _Question
) -> tuple[Counts, Counts, Counts, Counts, Array, Array]:
    starts = np.arange(len(rows.region) - length + 1)
    lasts = starts + length - 1
    sound = (
        (rows.region[starts] == rows.region[lasts])
        & rows.candidate[starts]
        & ~rows.question[starts[:, np.newaxis] + np.arange(length)].any(axis=1)
    )
    starts, lasts = starts[sound], lasts[sound]
    inside = starts[:, np.newaxis] + np.arange(length)
    sought = rows.sought[inside].max(axis=1)
    cosine = rows.cosine[inside].max(axis=1)
    support = _word_support(asked, cosine)
    around = np.maximum(cosine, _around(rows, rows.cosine, starts, lasts))
    support_around = _word_support(asked, around)
    per_sentence = rows.sought @ asked.shares
    vector = rows.vector[inside].sum(axis=1)
    asked_before, before_match, before_vector = _question_before(rows, starts)
    words = rows.words[inside].sum(axis=1)
    columns = [
        sought @ asked.shares,
        np.sort(sought, axis=1)[:, :3].mean(axis=1),
        np.maximum(sought, _around(rows, rows.sought, starts, lasts)) @ asked.shares,
        per_sentence[starts],
        per_sentence[lasts],
        per_sentence[inside].min(axis=1),
        rows.lecture[starts, 0],
        cosine.mean(axis=1),
        np.sort(cosine, axis=1)[:, :3].mean(axis=1),
        around.mean(axis=1),
        support @ asked.rarity,
        support.mean(axis=1),
        support.min(axis=1),
        support_around @ asked.rarity,
        support_around.min(axis=1),
        rows.lecture[starts, 1],
        _cosine(vector, asked.encoded.vector),
        _cosine(vector + before_vector, asked.encoded.vector),
        asked_before,
        before_match,
        rows.echo[inside].sum(axis=1) / rows.tokens[inside].sum(axis=1),
        *rows.passage[starts].T,
        rows.expands[inside].max(axis=1),
        np.log(words),
        np.full(len(starts), length),
        words < 6,
        rows.position[starts],
        rows.position[starts] < 0.02,
        rows.signpost[inside].max(axis=1),
        rows.signpost[inside].mean(axis=1),
        rows.leans_back[starts],
        rows.joins_on[starts],
        *(rows.shape[inside].max(axis=1) * (question.kind == kind) for kind in SHAPED_KINDS),
    ]
    features = np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
    return rows.region[starts], rows.index[starts], rows.index[lasts] + 1, words, features, support


def _word_support(asked: _Question, cosine: Array) -> Array:
    """How well each content word is matched: the mean over its tokens."""
    # Past the encoder's window a word has no tokens, and so no support.
    none = np.zeros(len(cosine), dtype=np.float32)
    return np.stack([cosine[:, p].mean(axis=1) if p else none for p in asked.pieces], axis=1)


def _around(rows: _Sentences, match: Array, starts: Counts, lasts: Counts) -> Array:
    """The best match in the two sentences before and the one after, of the same region."""
    best = np.full((len(starts), match.shape[1]), -1.0, dtype=np.float32)
    for edge, offset in ((starts, -1), (starts, -2), (lasts, 1)):
        near = np.clip(edge + offset, 0, len(rows.region) - 1)
        same = (rows.region[near] == rows.region[edge]) & (near == edge + offset)
        best = np.maximum(best, np.where(same[:, np.newaxis], match[near], -1.0))
    return best


def _question_before(rows: _Sentences, starts: Counts) -> tuple[Flags, Array, Array]:
    """Whether the speaker asked just before, how well that matches, and its vector."""
    before = np.maximum(starts - 1, 0)
    asked = rows.question[before] & (rows.region[before] == rows.region[starts]) & (starts > 0)
    return asked, rows.cosine[before].mean(axis=1) * asked, rows.vector[before] * asked[:, np.newaxis]


def _cosine(vectors: Array, unit: Array) -> Array:
    cosine: Array = vectors @ unit / np.maximum(np.linalg.norm(vectors, axis=1), 1e-6)
    return cosine


def _lecture_features(
    regions: Sequence[Region], sizes: Sequence[int], match: Array, asked: _Question
) -> Array:
    """What is sought and what is covered by everything that was read of a lecture."""
    bounds = np.cumsum([0, *sizes])
    best: dict[str, Array] = {}
    for region, start, end in zip(regions, bounds[:-1], bounds[1:], strict=True):
        own = match[start:end].max(axis=0)
        best[region.lecture_id] = np.maximum(best.get(region.lecture_id, own), own)
    count = len(asked.shares)
    features = {
        lecture_id: (
            row[count:] @ asked.shares,
            (_word_support(asked, row[np.newaxis, :count]) @ asked.rarity)[0],
        )
        for lecture_id, row in best.items()
    }
    return np.repeat(
        np.array([features[region.lecture_id] for region in regions], dtype=np.float32), sizes, axis=0
    )


def _passage_features(regions: Sequence[Region]) -> Array:
    """``passage_cosine``, ``passage_bm25``, ``passage_fused`` and ``lecture_share`` of each sentence."""
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
    return np.concatenate(tables)


def _shares(values: Sequence[float]) -> Array:
    shares = np.array(values, dtype=np.float32)
    return shares / max(float(shares.sum()), 1e-6)
