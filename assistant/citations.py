"""Words of a transcript → the citation that opens it at those words."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.catalog import Catalog
from assistant.retrieval import Hit
from corpus.types import PageKind

__all__ = ["CharRange", "Citation", "cite", "cite_passages", "quote_text"]


@dataclass(frozen=True, slots=True)
class CharRange:
    """Characters ``char_start`` to ``char_end`` (half open) of a transcript."""

    char_start: int
    char_end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """Words of a lecture and where they are.

    ``quote == transcript[char_start:char_end]``; lines, times and speakers are those of the cues that
    hold the quote, from the first one's start to the last one's end. Slides have no lines: their
    ``line_start`` and ``line_end`` are the first and the last page.
    """

    number: int
    """From 1, best first; the answer's ``[1]``."""
    lecture_id: str
    title: str
    course: str | None
    passage_id: str
    quote: str
    char_start: int
    char_end: int
    highlight: CharRange
    """The words of the quote that matter most, as characters of the transcript."""
    line_start: int
    line_end: int
    start_ms: int | None
    end_ms: int | None
    page: int | None
    """The page or slide, from 1, that the quote begins on; ``None`` where the source is no slides."""
    page_kind: PageKind | None
    """What to call it."""
    speaker: str | None
    """Who says the quote, where the source names speakers; all of them, in order, with a comma between."""
    url: str
    """Where the lecture opens at these words: a path of the page."""
    score: float
    """Higher is better; comparable within one response only."""


def cite(
    catalog: Catalog,
    lecture_id: str,
    quoted: CharRange,
    passage_id: str,
    *,
    number: int,
    score: float,
    highlight: CharRange | None = None,
) -> Citation:
    """The citation of characters ``quoted`` of a lecture."""
    header = catalog.header(lecture_id)
    cues = catalog.cues_over(lecture_id, quoted.char_start, quoted.char_end)
    # Cues are in order of time, which captions that overlap need not have in their file.
    first_line = min(cue.line_start for cue in cues)
    speakers = dict.fromkeys(cue.speaker for cue in cues if cue.speaker)
    return Citation(
        number=number,
        lecture_id=lecture_id,
        title=header.title,
        course=header.course,
        passage_id=passage_id,
        quote=header.transcript[quoted.char_start : quoted.char_end],
        char_start=quoted.char_start,
        char_end=quoted.char_end,
        highlight=highlight or quoted,
        line_start=first_line,
        line_end=max(cue.line_end for cue in cues),
        start_ms=cues[0].start_ms,
        end_ms=cues[-1].end_ms,
        page=first_line if header.page_kind else None,
        page_kind=header.page_kind,
        speaker=", ".join(speakers) or None,
        url=f"/lectures/{lecture_id}#c{quoted.char_start}-{quoted.char_end}",
        score=round(score, 4),
    )


def cite_passages(catalog: Catalog, hits: Sequence[Hit], first_number: int = 1) -> tuple[Citation, ...]:
    """Whole passages as citations, in the order given."""
    return tuple(
        cite(
            catalog,
            hit.passage.lecture_id,
            CharRange(hit.passage.char_start, hit.passage.char_end),
            hit.passage.passage_id,
            number=number,
            score=hit.score,
        )
        for number, hit in enumerate(hits, start=first_number)
    )


def quote_text(citations: Sequence[Citation]) -> str:
    """The quotes one after the other, each followed by its number."""
    return " ".join(f"{citation.quote} [{citation.number}]" for citation in citations)
