"""``assistant eval``: an index for the run, every system on every question, a table."""

import math
import tempfile
from collections.abc import Container, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import click

from assistant.answering import ANSWERED_FROM
from assistant.building import Progress
from assistant.config import Settings
from assistant.errors import EvaluationInvalid
from assistant.evaluation import Outcome, SystemReport, evaluate, report_of
from assistant.evaluation_data import EvaluationQuestion, load_corpus, load_questions
from assistant.indexing import index_lectures, index_paths
from assistant.opening import open_index
from assistant.rendering import note, print_json

__all__ = ["EvaluationRun", "print_reports", "run_evaluation", "shown"]

_NAMED = 5
"""How many lectures a warning names."""


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """What was asked of what, and what came of it; systems in one order, ours first."""

    questions_file: Path
    model_name: str
    transcripts: dict[str, str]
    """By lecture id."""
    outcomes: dict[str, list[Outcome]]
    reports: list[SystemReport]


def run_evaluation(
    settings: Settings,
    questions_file: Path,
    *,
    corpus_file: Path | None,
    lectures_path: Path | None,
    in_document: bool,
    splits: Sequence[str],
    progress: Progress,
) -> EvaluationRun:
    """Ask every system every question.

    With ``corpus_file`` or ``lectures_path`` an index is built for the run in a temporary folder;
    without them the index of the home is used.

    Raises:
        EvaluationInvalid: a file is not in the evaluation format.
    """
    if corpus_file and lectures_path:
        raise EvaluationInvalid("give --corpus or --lectures, not both")
    with ExitStack() as stack:
        home = settings.home
        texts: dict[str, str] = {}
        if corpus_file or lectures_path:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assistant-eval-")))
            for_run = replace(settings, home=home)
            if corpus_file:
                lectures, texts = load_corpus(corpus_file)
                index_lectures(lectures, for_run, progress)
            elif lectures_path:
                index_paths([lectures_path], for_run, progress)
        opened = open_index(replace(settings, home=home))
        generation = opened.generation
        transcripts = {h.lecture_id: h.transcript for h in generation.catalog.headers()}
        questions = load_questions(questions_file, transcripts, texts)
        if splits:
            questions = [q for q in questions if q.split in splits]
            if not questions:
                raise EvaluationInvalid(f"{questions_file}: no question of split {', '.join(splits)}")
        if absent := _absent_lectures(questions, transcripts):
            named = ", ".join(absent[:_NAMED]) + (", …" if len(absent) > _NAMED else "")
            note(f"warning: not indexed, so that their questions count as missed: {named}")
        outcomes = evaluate(
            generation,
            opened.encoder,
            opened.reader,
            questions,
            in_document=in_document,
            progress=lambda done, total: progress("asking", done, total),
        )
        generation.catalog.close()
    reports = [
        report_of(system, found, ANSWERED_FROM if system == "ours" else None)
        for system, found in outcomes.items()
    ]
    return EvaluationRun(questions_file, generation.manifest.model_name, transcripts, outcomes, reports)


def _absent_lectures(questions: Sequence[EvaluationQuestion], indexed: Container[str]) -> list[str]:
    answering = {
        lecture_id
        for question in questions
        if question.answerable
        for lecture_id in ({place.lecture_id for place in question.places} or question.lecture_ids)
    }
    return sorted(lecture_id for lecture_id in answering if lecture_id not in indexed)


def print_reports(reports: Sequence[SystemReport], *, as_json: bool) -> None:
    """Systems as columns, measures as rows; NaN, which is nothing to measure, as a dash."""
    if as_json:
        print_json([_without_nan(report) for report in reports])
        return
    for field in fields(SystemReport):
        cells = [shown(getattr(report, field.name)) for report in reports]
        click.echo(f"{field.name.replace('_', ' '):28}" + "".join(f"{cell:>10}" for cell in cells))


def _without_nan(report: SystemReport) -> dict[str, object]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(report).items()}


def shown(value: object) -> str:
    """Three decimals below 10, none above, a dash for NaN, which is nothing to measure."""
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
    return str(value)
