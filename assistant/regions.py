"""Retrieved passages → the sentences that are read for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.catalog import StoredSentence
from assistant.retrieval import Hit
from assistant.store import Generation

__all__ = ["Region", "read_regions"]

_LEAD = 2
"""Sentences read before the first passage of a region: a question may stand there."""


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
