"""What the commands share: options, exit codes, and the assistant opened for a look-up."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.config import CITED, Settings

if TYPE_CHECKING:
    from assistant.service import LectureAssistant

__all__ = [
    "CLOSED_PIPE",
    "DATA_ERROR",
    "FILE_PATH",
    "INTERRUPTED",
    "NOT_COVERED",
    "USAGE_ERROR",
    "as_json_option",
    "course_option",
    "joined",
    "lecture_option",
    "limit_option",
    "open_assistant",
    "read_stdin",
    "refuse_existing",
]

_STDIN_BYTES = 1_000_000
"""Far more than a question may have."""
NOT_COVERED, USAGE_ERROR, DATA_ERROR = 1, 2, 3
INTERRUPTED, CLOSED_PIPE = 128 + 2, 128 + 13
"""What a shell shows of a program that SIGINT or SIGPIPE ended."""

FILE_PATH = click.Path(path_type=Path)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
course_option = click.option("--course", help="Only lectures of this course.")
lecture_option = click.option("--lecture", "lectures", multiple=True, help="Only this lecture (repeatable).")
limit_option = click.option("--limit", type=click.IntRange(1, 50), default=CITED, show_default=True)


def joined(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> str:
    """The words of an argument as one text, whether the shell was told by quotes that they are one or not."""
    return " ".join(words)


def refuse_existing(file: Path, replace: bool) -> None:
    """Nothing, unless ``file`` is there and may not be replaced. A pipe or a terminal can be written to.

    Raises:
        click.BadParameter: the file is there.
    """
    if file.is_file() and not replace:
        raise click.BadParameter(f"{file} exists; give --replace to write over it", param_hint="FILE")


def read_stdin(most: int = _STDIN_BYTES) -> str:
    """At most ``most`` bytes of standard input; those that are no UTF-8 are marked as such."""
    return sys.stdin.buffer.read(most).decode("utf-8", "replace")


def open_assistant(settings: Settings) -> "LectureAssistant":
    """The assistant; with no index yet, the lectures that ship are indexed first, and that is said."""
    from assistant.errors import IndexMissing
    from assistant.service import LectureAssistant, index_shipped

    try:
        return LectureAssistant(settings)
    except IndexMissing:
        from assistant.rendering import note, progress_bar

        note(f"no index in {settings.home} yet: indexing the lectures that ship")
        with progress_bar() as progress:
            index_shipped(settings, progress)
        return LectureAssistant(settings)
