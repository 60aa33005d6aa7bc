"""How good the answers are: ``eval``."""

from pathlib import Path

import click

from assistant.cli.options import FILE_PATH, as_json_option
from assistant.config import Settings

__all__ = ["evaluate"]


@click.command(name="eval")
@click.argument("questions", type=FILE_PATH)
@click.option("--corpus", "corpus_file", type=FILE_PATH, help="Index this corpus.jsonl for the run.")
@click.option("--lectures", "lectures_path", type=FILE_PATH, help="Index these transcripts for the run.")
@click.option("--in-document", is_flag=True, help="Look only in the question's own lecture.")
@click.option("--split", multiple=True, help="Only questions of this split (repeatable).")
@as_json_option
@click.pass_obj
def evaluate(
    settings: Settings,
    questions: Path,
    corpus_file: Path | None,
    lectures_path: Path | None,
    in_document: bool,
    split: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure answers to QUESTIONS (JSON Lines) beside BM25, dense and fused passages."""
    from assistant.evaluation_run import print_reports, run_evaluation
    from assistant.rendering import progress_bar

    with progress_bar() as progress:
        reports = run_evaluation(
            settings,
            questions,
            corpus_file=corpus_file,
            lectures_path=lectures_path,
            in_document=in_document,
            splits=split,
            progress=progress,
        )
    print_reports(reports, as_json=as_json)
