"""One evaluation as a page of HTML that needs nothing else: tables, plots, and every fault with its texts."""

import math
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from html import escape
from importlib import resources
from pathlib import Path

from assistant.config import CITED
from assistant.errors import EvaluationInvalid
from assistant.evaluation import DEPTH, SystemReport, confidence_labels
from assistant.evaluation_run import EvaluationRun, shown
from assistant.metrics import recall_at, reliability, risk_coverage
from assistant.plots import Axis, Series, line_chart, reliability_diagram
from assistant.report_faults import fault_list, kinds_table
from assistant.report_table import Row, table

__all__ = ["report_page", "write_report"]

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_LOWER_IS_BETTER = {
    *("words_median", "words_max", "parts_words", "p50_ms", "p95_ms"),
    *("false_answers_at_5_refused", "false_answers", "false_refusals", "calibration_error", "aurc"),
}
_TILES = (
    ("hit@1", "hit_1"),
    ("hit@3", "hit_3"),
    ("lecture recall@1", "lecture_recall_1"),
    ("AUROC", "auroc"),
    ("false answers", "false_answers"),
    ("false refusals", "false_refusals"),
)


def write_report(run: EvaluationRun, folder: Path) -> Path:
    """Write the page to ``folder``, which is made if it is not there; returns the file.

    Raises:
        EvaluationInvalid: it cannot be written.
    """
    path = folder / "index.html"
    aside = folder / ".index.html.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside.write_text(report_page(run), encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise EvaluationInvalid(f"{path}: the report cannot be written: {error.strerror}") from error
    return path


def report_page(run: EvaluationRun) -> str:
    """The page."""
    ours = run.outcomes["ours"]
    title = f"How well {run.questions_file.name} is answered"
    when = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    covered = sum(outcome.question.answerable for outcome in ours)
    style = resources.files("assistant").joinpath("report.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{style}</style></head><body><main>
<h1>{escape(title)}</h1>
<p class="soft">{len(ours)} questions, {covered} of them covered by the {len(run.transcripts)} lectures ·
encoder {escape(run.model_name)} ·
<span>{when}</span></p>
{_tiles(run.reports[0])}
<h2>All systems, one run</h2>
<p>A quote hits when it covers at least half of a gold place. A long quote hits by its size, so the words of
the first one are given. The best of a row is bold.</p>
{_systems(run.reports)}
<h2>In pictures</h2>
<div class="plots">{"".join(_plots(run))}</div>
<h2>By kind of question</h2>
{kinds_table(ours)}
<h2>Every fault</h2>
<p>Of ours, with what was cited (at most {CITED} quotes) and the gold text. Surest first.</p>
{fault_list(ours, run.transcripts)}
</main></body></html>
"""


def _tiles(report: SystemReport) -> str:
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{shown(getattr(report, field))}</dd></div>" for name, field in _TILES
    )
    return f'<dl class="tiles">{tiles}</dl>'


def _systems(reports: Sequence[SystemReport]) -> str:
    rows = []
    for field in fields(SystemReport)[3:]:
        values = [float(getattr(report, field.name)) for report in reports]
        known = [value for value in values if not math.isnan(value)]
        choose = min if field.name in _LOWER_IS_BETTER else max
        best = choose(known) if len(known) > 1 else None
        rows.append(
            Row(
                name=field.name.replace("_", " "),
                cells=[shown(getattr(report, field.name)) for report in reports],
                best=frozenset(i for i, value in enumerate(values) if value == best),
            )
        )
    return table([report.system for report in reports], rows)


def _plots(run: EvaluationRun) -> list[str]:
    ranks = Axis("quotes looked at", 1, DEPTH, (1, 2, 3, 5, 10))
    share = Axis("share of questions", 0.0, 1.0, _SHARES, percent=True)
    covered = {s: [o for o in found if o.question.answerable] for s, found in run.outcomes.items()}
    hit = [_recall(s, [o.place_rank for o in found if o.question.places]) for s, found in covered.items()]
    lecture = [
        _recall(s, [o.lecture_rank for o in found if o.question.places or o.question.lecture_ids])
        for s, found in covered.items()
    ]
    risks = [
        Series(report.system, risk_coverage(*confidence_labels(run.outcomes[report.system])))
        for report in run.reports
    ]
    answered = Axis("share of questions answered, surest first", 0.0, 1.0, _SHARES, percent=True)
    wrong = Axis("share of these answered wrongly", 0.0, 1.0, _SHARES, percent=True)
    areas = ", ".join(f"{report.system} {shown(report.aurc)}" for report in run.reports)
    said = reliability(*confidence_labels(run.outcomes["ours"]))
    error = shown(run.reports[0].calibration_error)
    return [
        _figure(
            "A right place among the first k quotes",
            line_chart("Recall at k of places", ranks, share, hit),
            "Of the covered questions with a known place.",
        ),
        _figure(
            "The right lecture among the first k lectures",
            line_chart("Recall at k of lectures", ranks, share, lecture),
            "Of the distinct lectures quoted.",
        ),
        _figure(
            "Does the confidence mean what it says?",
            reliability_diagram("Reliability diagram", said),
            f"On the dashed line it does. Bars count the questions. Expected calibration error {error}.",
        ),
        _figure(
            "Fewer answers, fewer wrong ones",
            line_chart("Risk over coverage", answered, wrong, risks),
            f"Wrong: none of three quotes hits. Area under the curve: {areas}.",
        ),
    ]


def _recall(system: str, ranks: Sequence[int | None]) -> Series:
    return Series(system, [(k, recall_at(ranks, k)) for k in range(1, DEPTH + 1)] if ranks else [])


def _figure(heading: str, picture: str, caption: str) -> str:
    return f"<figure><h3>{heading}</h3>{picture}<figcaption>{escape(caption)}</figcaption></figure>"
