"""Answers, passages and progress as a terminal shows them. Standard output is the answer alone."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from corpus.formats.clock import format_time

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from assistant.answering import Answer
    from assistant.building import Progress
    from assistant.citations import Citation
    from assistant.service import SearchPage

__all__ = ["note", "print_answer", "print_json", "print_search", "progress_bar"]

_SHOW_AFTER_SECONDS = 2.0


def note(message: str) -> None:
    """A line on standard error."""
    click.echo(message, err=True)


def print_json(value: Any) -> None:
    """A dataclass, or what JSON has, indented."""
    record = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    click.echo(json.dumps(record, indent=2, ensure_ascii=False))


def print_answer(answer: "Answer") -> None:
    """The answer, then where each quote is; for a refusal, the nearest passages, labelled."""
    click.echo(_emphasised(answer))
    if answer.standalone_question != answer.question:
        click.echo(f"\nUnderstood as: {answer.standalone_question}")
    if answer.unsupported:
        click.echo(f"\nNothing found on: {', '.join(answer.unsupported)}")
    if answer.citations:
        click.echo()
    quoted = sum(f"{c.quote} [{c.number}]" in answer.answer for c in answer.citations)
    for citation in answer.citations[:quoted]:
        click.echo(f"  [{citation.number}] {where(citation)}")
    if answer.citations[quoted:]:
        click.echo("\nSee also:")
        for citation in answer.citations[quoted:]:
            click.echo(f"  [{citation.number}] {where(citation)}: {shorten(citation.quote)}")
    if answer.nearest:
        click.echo("\nThe nearest passages, which are not an answer:")
        for citation in answer.nearest:
            click.echo(f"  {where(citation)}: {shorten(citation.quote)}")


def _emphasised(answer: "Answer") -> str:
    """The answer with the words of each quote that matter most in bold."""
    text = answer.answer
    for citation in answer.citations:
        quote, end = citation.quote, f" [{citation.number}]"
        start = citation.highlight.char_start - citation.char_start
        stop = citation.highlight.char_end - citation.char_start
        emphasised = quote[:start] + click.style(quote[start:stop], bold=True) + quote[stop:]
        text = text.replace(quote + end, emphasised + end, 1)
    return text


def print_search(page: "SearchPage") -> None:
    """What was looked for, if not what was typed; words that no lecture has; passages; how to see more."""
    if page.understood != page.query:
        click.echo(f"Understood as: {page.understood}\n")
    if page.unknown:
        click.echo(f"No lecture says: {', '.join(page.unknown)}\n")
    for citation in page.results:
        click.echo(f"[{citation.number}] {click.style(where(citation), bold=True)}\n    {citation.quote}\n")
    if page.next_offset is not None:
        note(f"more: --offset {page.next_offset}")


def where(citation: "Citation") -> str:
    """Lecture, time and speaker where it has them, and lines or pages."""
    unit = citation.page_kind or "line"
    span = f"{unit}s {citation.line_start} to {citation.line_end}"
    if citation.line_start == citation.line_end:
        span = f"{unit} {citation.line_start}"
    time_of = f", {format_time(citation.start_ms)}" if citation.start_ms is not None else ""
    speaker = f", {citation.speaker}" if citation.speaker else ""
    return f"{citation.lecture_id}{time_of}{speaker}, {span}"


def shorten(text: str, width: int = 100) -> str:
    """``text`` cut at a word to at most ``width`` characters."""
    return text if len(text) <= width else text[:width].rsplit(" ", 1)[0] + " …"


@contextmanager
def progress_bar() -> "Iterator[Progress]":
    """A bar with rate and time left on standard error, once work has taken two seconds.

    Where standard error is no terminal only a new kind of work is noted, a line each. Ctrl-C ends the work
    at its next step at the latest: libraries that embed have been seen to swallow it.
    """
    interrupted = False

    def interrupt(signum: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    started = time.monotonic()
    bar: Bar | None = None
    task: TaskID | None = None
    current = ""

    def show(what: str, done: int, total: int) -> None:
        nonlocal bar, task, current
        if interrupted:
            raise KeyboardInterrupt
        if time.monotonic() - started < _SHOW_AFTER_SECONDS:
            return
        if not sys.stderr.isatty():
            if what != current:
                note(f"{what} …")
            current = what
            return
        if bar is None:
            bar = _bar()
            bar.start()
        if what != current or task is None:
            if task is not None:
                bar.remove_task(task)
            task = bar.add_task(what, total=total or None)
            current = what
        bar.update(task, completed=done, total=total or None)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield show
    finally:
        signal.signal(signal.SIGINT, before)
        if bar is not None:
            bar.stop()


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        """Steps a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed else "")

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
