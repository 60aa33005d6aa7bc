"""How good the answers are: ``eval``, ``calibrate``."""

from pathlib import Path

import click

from assistant.cli.options import FILE_PATH, as_json_option
from assistant.config import Settings

__all__ = ["calibrate", "evaluate"]


@click.command(name="eval")
@click.argument("questions", type=FILE_PATH)
@click.option("--corpus", "corpus_file", type=FILE_PATH, help="Index this corpus.jsonl for the run.")
@click.option("--lectures", "lectures_path", type=FILE_PATH, help="Index these transcripts for the run.")
@click.option("--in-document", is_flag=True, help="Look only in the question's own lecture.")
@click.option("--split", multiple=True, help="Only questions of this split (repeatable).")
@click.option(
    "--report",
    "report_folder",
    type=FILE_PATH,
    metavar="DIR",
    help="Write a page with plots and every fault.",
)
@as_json_option
@click.pass_obj
def evaluate(
    settings: Settings,
    questions: Path,
    corpus_file: Path | None,
    lectures_path: Path | None,
    in_document: bool,
    split: tuple[str, ...],
    report_folder: Path | None,
    as_json: bool,
) -> None:
    """Measure answers to QUESTIONS (JSON Lines) beside BM25, dense and fused passages.

    \b
    lecture recall k    the right lecture is among the first k lectures quoted
    hit k               one of the first k quotes covers half of a gold place
    mrr                 mean of 1 / rank of the first that does
    words               of the first quote; of all that is quoted, for parts
    parts quoted        of questions that need every place, the share quoted
    auroc               confidence tells covered questions from uncovered
    false answers       uncovered ones answered, at 5 refused: where 5 % of the
                        covered ones are refused, else at our threshold
    false refusals      covered ones refused, at our threshold
    calibration error   of the confidence, expected (ECE)
    aurc                area under the curve of risk over coverage
    p50, p95 ms         time of an answer
    """  # noqa: D301 (click's mark of what is not to be wrapped)
    from assistant.evaluation_run import print_reports, run_evaluation
    from assistant.rendering import note, progress_bar

    with progress_bar() as progress:
        run = run_evaluation(
            settings,
            questions,
            corpus_file=corpus_file,
            lectures_path=lectures_path,
            in_document=in_document,
            splits=split,
            progress=progress,
        )
    print_reports(run.reports, as_json=as_json)
    if report_folder is not None:
        from assistant.report_page import write_report

        note(f"report: {write_report(run, report_folder)}")


@click.command()
@click.argument("questions", type=FILE_PATH, required=False)
@click.option("--reset", is_flag=True, help="Go back to the confidence that ships.")
@as_json_option
@click.pass_obj
def calibrate(settings: Settings, questions: Path | None, reset: bool, as_json: bool) -> None:
    """Fit the confidence to labelled QUESTIONS (as for eval) about the lectures in the index.

    A running server takes it up with the next question.
    """
    from assistant.calibration import remove_calibration, write_calibration
    from assistant.rendering import print_json, progress_bar

    if reset == (questions is not None):
        raise click.UsageError("give a file of questions, or --reset alone")
    if questions is None:
        removed = remove_calibration(settings.home)
        if as_json:
            print_json({"removed": removed})
        else:
            click.echo("the confidence is the shipped one again" if removed else "there was no calibration")
        return
    from assistant.calibration_run import calibrate as fit

    with progress_bar() as progress:
        fitted = fit(settings, questions, progress)
    path = write_calibration(settings.home, fitted)
    if as_json:
        print_json(fitted)
        return
    click.echo(f"slope {fitted.slope:.3f}, offset {fitted.offset:+.3f} → {path}")
    click.echo(
        f"log loss {fitted.error_before:.3f} → {fitted.error_after:.3f}, cross-validated on "
        f"{fitted.questions} questions, {fitted.right} of them answered by one of three quotes"
    )
    if fitted.error_after >= fitted.error_before:
        click.echo("no gain on questions it was not fitted on: `assistant calibrate --reset` undoes it")
