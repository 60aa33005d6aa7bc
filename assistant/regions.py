"""Retrieved passages → the sentences that are read for an answer, with their token vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.catalog import StoredSentence
from assistant.retrieval import Hit
from assistant.store import Generation

__all__ = ["Region", "read_regions", "row_products", "token_products", "unit_rows"]

_LEAD = 2
"""Sentences read before the first passage of a region: a question may stand there."""
_SINGLE_THREADED = 2**18
"""Multiplications up to which OpenBLAS takes one thread for a product of matrices. With more, its threads
wait for one another, and where other processes hold the cores that takes a hundred times as long."""


@dataclass(frozen=True, slots=True)
class Region:
    """Contiguous sentences of one lecture that retrieved passages cover."""

    lecture_id: str
    sentences: tuple[StoredSentence, ...]
    texts: tuple[str, ...]
    lead: int
    """How many of the sentences stand before the first passage; they are context only."""
    hits: tuple[Hit, ...]
    lecture_sentences: int


def read_regions(generation: Generation, hits: Sequence[Hit]) -> list[Region]:
    """Merge the passages of ``hits`` that overlap or touch, and read their sentences."""
    by_lecture: dict[str, list[Hit]] = {}
    for hit in hits:
        by_lecture.setdefault(hit.passage.lecture_id, []).append(hit)
    regions = []
    for lecture_id, its_hits in by_lecture.items():
        header = generation.catalog.header(lecture_id)
        for group in _touching(its_hits):
            start = group[0].passage.sentence_start
            end = max(hit.passage.sentence_end for hit in group)
            first = max(0, start - _LEAD)
            read = tuple(generation.catalog.window(lecture_id, first, end))
            regions.append(
                Region(
                    lecture_id=lecture_id,
                    sentences=read,
                    texts=tuple(header.transcript[s.sentence.char_start : s.sentence.char_end] for s in read),
                    lead=start - first,
                    hits=tuple(group),
                    lecture_sentences=header.sentences,
                )
            )
    return regions


def token_products(
    generation: Generation, regions: Sequence[Region], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The inner product of the unit vector of every token, all sentences in order, with each direction.

    ``directions`` has shape (n, dimension), the products (tokens, n).
    """
    rows = _token_rows(generation, regions)
    products = row_products(rows, directions)
    # The products are far fewer numbers than the rows, so they are what is brought to unit length.
    products /= _lengths(rows)
    return products


def row_products(rows: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner product of each row with each direction, shape (rows, directions), on one thread."""
    most = _SINGLE_THREADED // (8 * directions.shape[1])
    if len(directions) > most:
        parts = np.split(directions, range(most, len(directions), most))
        return np.hstack([row_products(rows, part) for part in parts])
    onto = np.ascontiguousarray(directions.T)
    step = max(8, _SINGLE_THREADED // directions.size // 8 * 8)
    even = len(rows) // step * step
    products = np.empty((len(rows), len(directions)), dtype=np.float32)
    blocks = rows[:even].reshape(-1, step, rows.shape[1])
    np.matmul(blocks, onto, out=products[:even].reshape(-1, step, len(directions)))
    np.matmul(rows[even:], onto, out=products[even:])
    return products


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """``rows``, each divided in place by its length."""
    rows /= _lengths(rows)
    return rows


def _token_rows(generation: Generation, regions: Sequence[Region]) -> NDArray[np.float32]:
    slices = [slice(r.sentences[0].token_start, r.sentences[-1].token_end) for r in regions]
    return np.concatenate([generation.tokens[where] for where in slices], dtype=np.float32)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.sqrt(np.vecdot(rows, rows))[:, np.newaxis]
    return lengths


def _touching(hits: Sequence[Hit]) -> list[list[Hit]]:
    groups: list[list[Hit]] = []
    reach = -1
    for hit in sorted(hits, key=lambda h: h.passage.sentence_start):
        if groups and hit.passage.sentence_start <= reach:
            groups[-1].append(hit)
        else:
            groups.append([hit])
            reach = -1
        reach = max(reach, hit.passage.sentence_end)
    return groups
