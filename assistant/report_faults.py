"""The kinds of question in a table, and every fault of ours with the texts it is about."""

from collections.abc import Mapping, Sequence
from html import escape

from assistant.answering import ANSWERED_FROM
from assistant.config import CITED
from assistant.evaluation import Outcome
from assistant.evaluation_data import Place
from assistant.evaluation_run import shown
from assistant.faults import NO_KIND, Fault, fault_of, faults_by_kind
from assistant.metrics import recall_at
from assistant.report_table import Row, table

__all__ = ["fault_list", "kinds_table"]


def kinds_table(ours: Sequence[Outcome]) -> str:
    """Hits, answers and faults of every kind."""
    rows = []
    for kind in sorted({o.question.kind for o in ours}):
        outcomes = [o for o in ours if o.question.kind == kind]
        ranks = [o.place_rank for o in outcomes if o.question.places]
        answered = sum(o.score >= ANSWERED_FROM for o in outcomes) / len(outcomes)
        faults = sum(fault_of(o, ANSWERED_FROM) is not None for o in outcomes)
        measures = (len(outcomes), recall_at(ranks, 1), recall_at(ranks, 3), answered, faults)
        rows.append(Row(kind or NO_KIND, [shown(measure) for measure in measures]))
    return table(["questions", "hit@1", "hit@3", "answered", "faults"], rows)


def fault_list(ours: Sequence[Outcome], transcripts: Mapping[str, str]) -> str:
    """A fold for every kind of question with faults, and in it an article for each."""
    return "".join(
        f'<details><summary><b>{escape(kind)}</b> <span class="soft">{len(faults)}</span></summary>'
        f"{''.join(_article(fault, transcripts) for fault in faults)}</details>"
        for kind, faults in faults_by_kind(ours, ANSWERED_FROM).items()
    )


def _article(fault: Fault, transcripts: Mapping[str, str]) -> str:
    outcome, question = fault.outcome, fault.outcome.question
    understood = "" if outcome.asked == question.question else f" · understood as “{escape(outcome.asked)}”"
    quotes = [
        _quote(place, f"{number}. {place.lecture_id}", "cited", transcripts)
        for number, place in enumerate(outcome.quotes[:CITED], start=1)
    ]
    gold = [_quote(place, f"gold, {place.lecture_id}", "gold", transcripts) for place in question.places]
    return (
        f'<article><h4>{escape(question.question)}</h4><p class="why">{escape(fault.why)}</p>'
        f'<p class="soft">{escape(question.question_id)} · confidence {outcome.score:.2f}{understood}</p>'
        f"{''.join(quotes + gold)}</article>"
    )


def _quote(place: Place, source: str, style: str, transcripts: Mapping[str, str]) -> str:
    text = transcripts.get(place.lecture_id, "")[place.char_start : place.char_end]
    where = f"{source}, characters {place.char_start} to {place.char_end}"
    return f'<blockquote class="{style}">{escape(text)}<small>{escape(where)}</small></blockquote>'
