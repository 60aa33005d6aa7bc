"""A question → the statements that were read for it, each compared with it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.embedding import EncodedText, QuestionEncoder
from assistant.matching import Matching
from assistant.questions import Question, analyse_question
from assistant.regions import Region, read_regions
from assistant.retrieval import Hit, encoded_question, retrieve
from assistant.statements import Statements, find_statements
from assistant.store import Generation

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found for a question, before anything is ranked."""

    encoded: EncodedText
    question: Question
    hits: list[Hit]
    regions: list[Region]
    statements: Statements
    moments: tuple[float, ...]
    """Of ``time.perf_counter``: at the beginning, and after encoding, searching, loading and comparing."""


def compare(
    generation: Generation,
    encoder: QuestionEncoder,
    matching: Matching,
    question: str,
    limit: int,
    lectures: Sequence[str] | None = None,
) -> Comparison:
    """Find ``limit`` passages for a question that stands alone; compare every statement in them with it."""
    moments = [time.perf_counter()]
    encoded = encoded_question(encoder, question)
    moments.append(time.perf_counter())
    hits = retrieve(generation, question, encoded, limit=limit, lectures=lectures)
    moments.append(time.perf_counter())
    analysed = analyse_question(question, generation.lexical)
    regions = read_regions(generation, hits)
    moments.append(time.perf_counter())
    statements = find_statements(generation, regions, analysed, encoded, matching)
    moments.append(time.perf_counter())
    return Comparison(encoded, analysed, hits, regions, statements, tuple(moments))
