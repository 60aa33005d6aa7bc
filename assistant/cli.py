"""The command line. Exit codes: 0 answered, 1 not covered, 2 usage, 3 data or index error."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.config import Settings
from assistant.errors import AssistantError, IndexMissing, NotIndexed, QuestionInvalid
from corpus import CorpusError

if TYPE_CHECKING:
    from assistant.conversation import Turn
    from assistant.service import LectureAssistant

__all__ = ["main"]

_NOT_COVERED, _USAGE, _DATA = 1, 2, 3


class _Commands(click.Group):
    """Turns our errors into one line on standard error and the documented exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (QuestionInvalid, NotIndexed) as error:
            self._fail(context, error, _USAGE)
        except (AssistantError, CorpusError) as error:
            self._fail(context, error, _DATA)

    @staticmethod
    def _fail(context: click.Context, error: Exception, code: int) -> None:
        click.echo(f"{click.style('error:', fg='red')} {error}", err=True)
        context.exit(code)


_path = click.Path(path_type=Path)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_course = click.option("--course", help="Only lectures of this course.")
_lecture = click.option("--lecture", "lectures", multiple=True, help="Only this lecture (repeatable).")
_limit = click.option("--limit", type=click.IntRange(1, 50), default=3, show_default=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=_path, help="Where index and models are kept [default: user data folder].")
@click.version_option(package_name="lecture-assistant")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """Ask lectures; every answer is quoted from the transcript and cited to the word."""
    # The matrices of a look-up are small: a second thread for them costs more than it does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context.obj = Settings.from_environment(os.environ, home)


@main.command()
@click.argument("paths", nargs=-1, type=_path)
@click.option("--strict", is_flag=True, help="Refuse a transcript with any malformed cue.")
@_as_json
@click.pass_obj
def index(settings: Settings, paths: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Add transcripts (files or folders) to the index, or update them.

    Without PATHS, read again every file that is indexed; the first time, the lectures that ship.
    """
    from assistant.indexing import index_paths
    from assistant.rendering import note, print_json, progress_bar
    from assistant.store import current_generation
    from corpus import shipped_lectures

    if not paths:
        try:
            current_generation(settings.home)
        except IndexMissing:
            paths = (shipped_lectures(),)
    with progress_bar() as progress:
        report = index_paths(paths, settings, progress, strict=strict)
    for problem in report.problems:
        note(f"left out: {problem}")
    for failure in report.failures:
        note(f"not read: {failure}")
    changes = report.changes
    if as_json:
        print_json(report)
    else:
        counts = ", ".join(
            f"{len(ids)} {name}"
            for name in ("added", "changed", "removed", "unchanged")
            if (ids := getattr(changes, name))
        )
        embedded = changes.passages_embedded or "none"
        click.echo(f"{counts} · {changes.passages} passages, {embedded} embedded")
    if report.failures:
        sys.exit(_DATA)


@main.command()
@click.argument("question")
@_course
@_lecture
@_limit
@click.option("--history", type=_path, help='JSON file of earlier turns: [{"role": "user", "content": "…"}].')
@_as_json
@click.pass_obj
def ask(
    settings: Settings,
    question: str,
    course: str | None,
    lectures: tuple[str, ...],
    limit: int,
    history: Path | None,
    as_json: bool,
) -> None:
    """Answer QUESTION ("-" reads it from standard input) from the lectures."""
    from assistant.rendering import print_answer, print_json

    if question == "-":
        question = sys.stdin.read()
    turns = _read_history(history) if history else ()
    answer = _open(settings).ask(
        question, history=turns, course=course, lectures=lectures or None, limit=limit
    )
    if as_json:
        print_json(answer)
    else:
        print_answer(answer)
    sys.exit(0 if answer.answered else _NOT_COVERED)


@main.command()
@click.argument("words")
@_course
@_lecture
@click.option("--limit", type=click.IntRange(1, 200), default=5, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0)
@_as_json
@click.pass_obj
def search(
    settings: Settings,
    words: str,
    course: str | None,
    lectures: tuple[str, ...],
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """List passages for WORDS ("-" reads them from standard input), best first."""
    from assistant.rendering import print_json, print_search

    if words == "-":
        words = sys.stdin.read()
    page = _open(settings).search(words, course=course, lectures=lectures or None, limit=limit, offset=offset)
    if as_json:
        print_json(page)
    else:
        print_search(page)
    sys.exit(0 if page.results else _NOT_COVERED)


@main.command()
@_course
@_lecture
@_limit
@click.pass_obj
def chat(settings: Settings, course: str | None, lectures: tuple[str, ...], limit: int) -> None:
    """Ask one question after another; follow-ups are understood. An empty line or Ctrl-D ends it."""
    from assistant.conversation import Turn
    from assistant.rendering import note, print_answer

    assistant = _open(settings)
    turns: list[Turn] = []
    while True:
        try:
            question = click.prompt("?", prompt_suffix=" ", default="", show_default=False, err=True)
        except (click.Abort, EOFError):
            note("")
            return
        if not question.strip():
            return
        try:
            answer = assistant.ask(
                question, history=turns, course=course, lectures=lectures or None, limit=limit
            )
        except QuestionInvalid as error:
            note(f"error: {error}")
            continue
        print_answer(answer)
        click.echo()
        turns += [Turn("user", question), Turn("assistant", answer.answer)]


@main.command()
@_course
@_as_json
@click.pass_obj
def lectures(settings: Settings, course: str | None, as_json: bool) -> None:
    """List the lectures in the index."""
    from assistant.rendering import print_json

    found = _open(settings).lectures(course)
    if as_json:
        print_json(
            [{k: v for k, v in asdict(h).items() if k not in ("transcript", "sentences")} for h in found]
        )
        return
    width = max(len(header.lecture_id) for header in found)
    for header in found:
        course_of = f"  ({header.course})" if header.course else ""
        click.echo(f"{header.lecture_id:{width}}  {header.title}{course_of}")


@main.command()
@click.argument("lecture_id", metavar="LECTURE")
@click.option("--at", "at", metavar="MM:SS", help="Start at this time.")
@_as_json
@click.pass_obj
def show(settings: Settings, lecture_id: str, at: str | None, as_json: bool) -> None:
    """Print the transcript of LECTURE with its times."""
    from assistant.rendering import clock, print_json
    from corpus import parse_time

    start = 0
    if at is not None:
        parsed = parse_time(at)
        if parsed is None:
            raise click.BadParameter(f"{at!r} is not a time; write MM:SS or H:MM:SS", param_hint="--at")
        start = parsed
    lecture = _open(settings).lecture(lecture_id)
    cues = [cue for cue in lecture.cues if at is None or (cue.end_ms is not None and cue.end_ms > start)]
    if at is not None and not cues:
        timed = any(cue.end_ms is not None for cue in lecture.cues)
        raise click.UsageError(
            f"{lecture_id} ends before {at}" if timed else f"{lecture_id} has no times to start at"
        )
    if as_json:
        print_json({**asdict(lecture), "cues": [asdict(cue) for cue in cues]})
        return
    for cue in cues:
        when = f"{clock(cue.start_ms):>8}  " if cue.start_ms is not None else ""
        click.echo(f"{when}{lecture.transcript[cue.char_start : cue.char_end]}")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.pass_obj
def serve(settings: Settings, host: str, port: int) -> None:
    """Serve the HTTP API (documented at /docs)."""
    from importlib import import_module

    # By name, since the api package stands above this one and imports it.
    import_module("api.server").run(settings, host, port)


@main.command(name="eval")
@click.argument("questions", type=_path)
@click.option("--corpus", "corpus_file", type=_path, help="Index this corpus.jsonl for the run.")
@click.option("--lectures", "lectures_path", type=_path, help="Index these transcripts for the run.")
@click.option("--in-document", is_flag=True, help="Look only in the question's own lecture.")
@click.option("--split", multiple=True, help="Only questions of this split (repeatable).")
@_as_json
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


@main.command()
@click.pass_obj
def verify(settings: Settings) -> None:
    """Check every file of the index against its checksums and counts."""
    from assistant.checking import verify_home

    problems = verify_home(settings.home)
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(_DATA)
    click.echo("the index is sound")


@main.command()
@click.pass_obj
def repair(settings: Settings) -> None:
    """Build the index again from the lectures that its catalogue holds."""
    from assistant.checking import repair_home
    from assistant.rendering import progress_bar

    with progress_bar() as progress:
        report = repair_home(settings, progress)
    for line in report:
        click.echo(line)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL; source it from the shell's start-up file."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"no completion for {shell!r}")
    click.echo(kind(main, {}, "assistant", "_ASSISTANT_COMPLETE").source())


def _open(settings: Settings) -> "LectureAssistant":
    """The assistant; with no index yet, the lectures that ship are indexed first."""
    from assistant.service import LectureAssistant

    try:
        return LectureAssistant(settings)
    except IndexMissing:
        from assistant.indexing import index_paths
        from assistant.rendering import note, progress_bar
        from corpus import shipped_lectures

        note(f"no index in {settings.home} yet: indexing the lectures that ship")
        with progress_bar() as progress:
            index_paths([shipped_lectures()], settings, progress)
        return LectureAssistant(settings)


def _read_history(path: Path) -> "Sequence[Turn]":
    from assistant.conversation import Turn

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return [Turn(str(turn["role"]), str(turn["content"])) for turn in json.loads(text)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(
            f'{path}: a JSON list of {{"role", "content"}} is expected ({error!r})', param_hint="--history"
        ) from error
