"""Questions and look-ups: ``ask``, ``search``, ``chat``, ``lectures``, ``show``."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.cli.options import (
    FILE_PATH,
    NOT_COVERED,
    as_json_option,
    course_option,
    joined,
    lecture_option,
    limit_option,
    open_assistant,
    read_stdin,
)
from assistant.config import Settings
from assistant.errors import QuestionInvalid

if TYPE_CHECKING:
    from assistant.conversation import Turn

__all__ = ["ask", "chat", "lectures", "search", "show"]

_ENDS = frozenset({"exit", "exit()", "quit", "quit()", "bye", ":q", "/exit", "/quit"})
"""What ends a conversation, as in other programs that one types to."""
_HISTORY_BYTES = 10_000_000
"""Of a file of earlier turns: far more than a conversation has."""


@click.command()
@click.argument("question", nargs=-1, required=True, callback=joined)
@course_option
@lecture_option
@limit_option
@click.option(
    "--history", type=FILE_PATH, help='JSON file of earlier turns: [{"role": "user", "content": "…"}].'
)
@as_json_option
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
        if str(history) == "-":
            raise click.UsageError("standard input can be the question or the history, not both")
        question = read_stdin()
    turns = _read_history(history) if history else ()
    answer = open_assistant(settings).ask(
        question, history=turns, course=course, lectures=lectures or None, limit=limit
    )
    if as_json:
        print_json(answer)
    else:
        print_answer(answer)
    sys.exit(0 if answer.answered else NOT_COVERED)


@click.command()
@click.argument("words", nargs=-1, required=True, callback=joined)
@course_option
@lecture_option
@click.option("--limit", type=click.IntRange(1, 200), default=5, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0)
@as_json_option
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
        words = read_stdin()
    page = open_assistant(settings).search(
        words, course=course, lectures=lectures or None, limit=limit, offset=offset
    )
    if as_json:
        print_json(page)
    else:
        print_search(page)
    sys.exit(0 if page.results else NOT_COVERED)


@click.command()
@course_option
@lecture_option
@limit_option
@click.pass_obj
def chat(settings: Settings, course: str | None, lectures: tuple[str, ...], limit: int) -> None:
    """Ask one question after another; follow-ups are understood.

    Ctrl-D, "exit", "quit" or a typed empty line ends it.
    """
    from assistant.conversation import Turn
    from assistant.rendering import note, print_answer

    assistant = open_assistant(settings)
    turns: list[Turn] = []
    while True:
        try:
            question = click.prompt("?", prompt_suffix=" ", default="", show_default=False, err=True)
        except (click.Abort, EOFError):
            note("")
            return
        if not question.strip():
            if sys.stdin.isatty():
                return
            continue
        if question.strip().lower() in _ENDS:
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


@click.command()
@course_option
@as_json_option
@click.pass_obj
def lectures(settings: Settings, course: str | None, as_json: bool) -> None:
    """List the lectures in the index."""
    from assistant.rendering import print_json
    from assistant.service import LectureAssistant

    found = LectureAssistant(settings).lectures(course)
    if as_json:
        print_json(
            [
                {k: v for k, v in asdict(h).items() if k not in ("transcript", "sentences", "page_kind")}
                for h in found
            ]
        )
        return
    width = max(len(header.lecture_id) for header in found)
    for header in found:
        course_of = f"  ({header.course})" if header.course else ""
        click.echo(f"{header.lecture_id:{width}}  {header.title}{course_of}")


@click.command()
@click.argument("lecture_id", metavar="LECTURE")
@click.option("--at", "at", metavar="MM:SS", help="Start at this time, or second.")
@click.option("--line", type=click.IntRange(min=1), help="Start at this line of the file, or at this page.")
@as_json_option
@click.pass_obj
def show(settings: Settings, lecture_id: str, at: str | None, line: int | None, as_json: bool) -> None:
    """Print the transcript of LECTURE with its times, pages or else lines, and speakers."""
    from assistant.rendering import print_json
    from assistant.service import LectureAssistant
    from corpus.formats.clock import format_time, parse_time, seconds_to_ms

    if at is not None and line is not None:
        raise click.UsageError("give --at or --line, not both")
    start = 0
    if at is not None:
        parsed = parse_time(at)
        if parsed is None:
            parsed = seconds_to_ms(at)
        if parsed is None:
            raise click.BadParameter(
                f"{at!r} is not a time; write MM:SS, H:MM:SS or seconds", param_hint="--at"
            )
        start = parsed
    lecture = LectureAssistant(settings).lecture(lecture_id)
    cues = [cue for cue in lecture.cues if at is None or (cue.end_ms is not None and cue.end_ms > start)]
    if at is not None and not cues:
        timed = any(cue.end_ms is not None for cue in lecture.cues)
        end = format_time(max(cue.end_ms or 0 for cue in lecture.cues))
        untimed = f"{lecture_id} has no times to start at; use --line"
        raise click.UsageError(
            f"{lecture_id} ends at {end}, nothing is said from {at} on" if timed else untimed
        )
    if line is not None:
        last = max((cue.line_end for cue in cues), default=0)
        cues = [cue for cue in cues if cue.line_end >= line]
        if not cues:
            unit = lecture.page_kind or "line"
            raise click.UsageError(f"{lecture_id} ends at {unit} {last}, before {line}")
    if as_json:
        print_json({**asdict(lecture), "cues": [asdict(cue) for cue in cues]})
        return
    named: str | None = None
    for cue in cues:
        if lecture.page_kind:
            when = f"{lecture.page_kind} {cue.line_start}"
        else:
            when = str(cue.line_start) if cue.start_ms is None else format_time(cue.start_ms)
        speaker = f"{cue.speaker}: " if cue.speaker and cue.speaker != named else ""
        named = cue.speaker
        said = lecture.transcript[cue.char_start : cue.char_end]
        click.echo(f"{when:>{10 if lecture.page_kind else 8}}  {speaker}{said}")


def _read_history(path: Path) -> "Sequence[Turn]":
    from assistant.conversation import Turn

    def unusable(why: object) -> click.BadParameter:
        return click.BadParameter(f"{path}: {why}", param_hint="--history")

    try:
        if str(path) == "-":
            text = read_stdin(_HISTORY_BYTES + 1)
        else:
            with path.open("rb") as file:
                text = file.read(_HISTORY_BYTES + 1).decode("utf-8-sig")
        if len(text) > _HISTORY_BYTES:
            raise unusable(f"more than {_HISTORY_BYTES:,} bytes; give the last turns")
        record = json.loads(text)
    except OSError as error:
        raise unusable(error.strerror or error) from error
    except (ValueError, RecursionError) as error:  # not JSON, or no UTF-8
        raise unusable(f"not JSON: {error}") from error
    if not isinstance(record, list):
        raise unusable('a JSON list of {"role": …, "content": …} is expected')
    for number, turn in enumerate(record, start=1):
        if not isinstance(turn, dict) or not all(
            isinstance(turn.get(name), str) for name in ("role", "content")
        ):
            raise unusable(f'turn {number} has no "role" and "content" of text')
        if turn["role"] not in ("user", "assistant"):
            raise unusable(f'turn {number}: "role" is to be "user" or "assistant", found {turn["role"]!r}')
    return [Turn(turn["role"], turn["content"]) for turn in record]
