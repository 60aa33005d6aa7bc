"""Why an outcome counts as wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.config import CITED
from assistant.evaluation import Outcome

__all__ = ["NO_KIND", "Fault", "fault_of", "faults_by_kind"]

NO_KIND = "no kind given"


@dataclass(frozen=True, slots=True)
class Fault:
    """An outcome that is wrong, and why, in a few words."""

    outcome: Outcome
    why: str


def fault_of(outcome: Outcome, threshold: float) -> Fault | None:
    """What is wrong with an answer that is given from ``threshold`` on; ``None`` if nothing is."""
    why = _why(outcome, answered=bool(outcome.quotes) and outcome.score >= threshold)
    return None if why is None else Fault(outcome, why)


def faults_by_kind(outcomes: Sequence[Outcome], threshold: float) -> dict[str, list[Fault]]:
    """The faults of every kind of question that has any, surest first, most faults first."""
    found: dict[str, list[Fault]] = {}
    for outcome in sorted(outcomes, key=lambda o: -o.score):
        fault = fault_of(outcome, threshold)
        if fault is not None:
            found.setdefault(outcome.question.kind or NO_KIND, []).append(fault)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _why(outcome: Outcome, *, answered: bool) -> str | None:
    question = outcome.question
    if not question.answerable:
        return "answered, but the lectures do not cover it" if answered else None
    rank = outcome.place_rank
    if not answered:
        found = f"; quote {rank} would have been right" if rank is not None and rank <= CITED else ""
        return f"refused, but the lectures cover it{found}"
    if not question.places or (rank is not None and rank <= CITED):
        return None
    cited = outcome.quotes[:CITED]
    if not any(quote.lecture_id == place.lecture_id for quote in cited for place in question.places):
        return "all quotes are from other lectures"
    most = max(
        place.shared_with(quote) / max(place.char_end - place.char_start, 1)
        for quote in cited
        for place in question.places
    )
    if most == 0:
        return "right lecture, but no quote touches a gold place"
    return f"the best quote covers {most:.0%} of a gold place, half is needed"
