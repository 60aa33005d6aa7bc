"""Transcripts before they are indexed: ``check``."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.cli.options import DATA_ERROR, FILE_PATH, as_json_option
from assistant.config import Settings
from corpus import CorpusError, Problem

if TYPE_CHECKING:
    from corpus import Source

__all__ = ["check"]

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Checked:
    """What one file holds; ``error`` says why it cannot be read, and then the rest is empty."""

    path: str
    lecture_id: str
    format: str | None = None
    encoding: str | None = None
    cues: int = 0
    sentences: int = 0
    duration_ms: int | None = None
    """The end of the last cue, or ``None`` where the format has no times."""
    speakers: tuple[str, ...] = ()
    sounds: int = 0
    """Cues such as ``[Music]``, which are in no sentence."""
    repeats: int = 0
    """Lines of rolling captions, heads and feet of pages, that were shown again and are said once."""
    pages: int | None = None
    """How many pages slides have, or ``None`` of what has none."""
    left_out: tuple[Problem, ...] = ()
    error: str | None = None

    @property
    def is_sound(self) -> bool:
        return self.error is None and not self.left_out


@click.command()
@click.argument("paths", nargs=-1, required=True, type=FILE_PATH)
@as_json_option
@click.pass_obj
def check(settings: Settings, paths: tuple[Path, ...], as_json: bool) -> None:
    """Read the transcripts at PATHS (files, folders, ZIP archives) without indexing them.

    Exit code 0 if each is sound in every cue, so that index --strict takes them, else 3.
    """
    from assistant.embedding import token_limits
    from assistant.model_files import locate_model
    from assistant.rendering import print_json
    from corpus import find_sources

    count_tokens, max_tokens = token_limits(locate_model(settings.model), settings.passage_tokens)
    checked = [_check(source, count_tokens, max_tokens) for source in find_sources(paths)]
    if as_json:
        print_json([asdict(item) for item in checked])
    else:
        for item in checked:
            _print(item)
    if not all(item.is_sound for item in checked):
        sys.exit(DATA_ERROR)


def _check(source: "Source", count_tokens: Callable[[str], int], max_tokens: int) -> _Checked:
    from corpus import split_sentences
    from corpus.library import lecture_of, transcript_of

    try:
        transcript = transcript_of(source)
    except CorpusError as error:
        return _Checked(str(source.path), source.lecture_id, error=str(error))
    lecture = lecture_of(source, transcript)
    ends = [
        end for cue in lecture.cues if (end := cue.start_ms if cue.end_ms is None else cue.end_ms) is not None
    ]
    return _Checked(
        path=str(source.path),
        lecture_id=source.lecture_id,
        format=transcript.format,
        encoding=transcript.encoding,
        cues=len(lecture.cues),
        sentences=len(split_sentences(lecture, count_tokens, max_tokens)),
        duration_ms=max(ends, default=None),
        speakers=lecture.speakers,
        sounds=transcript.sounds,
        repeats=transcript.repeats,
        pages=transcript.pages,
        left_out=lecture.problems,
    )


def _print(item: _Checked) -> None:
    from corpus.formats.clock import format_time

    if item.error is not None:
        click.echo(f"{click.style('cannot be read:', fg='red')} {item.error}")
        return
    kind = f"{item.format}, {item.encoding}" if item.encoding else str(item.format)
    facts = [kind, _count(item.cues, "cue"), _count(item.sentences, "sentence")]
    if item.pages is not None:
        facts.append(_count(item.pages, "page"))
    if item.duration_ms is not None:
        facts.append(format_time(item.duration_ms))
    if item.speakers:
        facts.append(f"speakers: {', '.join(item.speakers)}")
    if item.sounds:
        facts.append(_count(item.sounds, "sound"))
    if item.repeats:
        facts.append(f"{_count(item.repeats, 'repeated line')} said once")
    click.echo(f"{item.path}: {' · '.join(facts)}")
    for problem in item.left_out[:_MOST_SHOWN]:
        click.echo(f"  {problem}")
    if len(item.left_out) > _MOST_SHOWN:
        click.echo(f"  and {len(item.left_out) - _MOST_SHOWN} more (--json lists all)")


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"
