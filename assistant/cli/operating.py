"""What the keeper of a server does beside it: ``keys`` and ``feedback``."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from assistant.cli.options import FILE_PATH, as_json_option, refuse_existing
from assistant.config import Settings
from assistant.errors import AssistantError

__all__ = ["feedback", "keys"]


@click.group()
def keys() -> None:
    """API keys: create, list and revoke them. A running server sees the change at once."""


@keys.command()
@click.argument("name")
@click.option("--course", "courses", multiple=True, help="Only lectures of this course (repeatable).")
@click.option("--can-upload", is_flag=True, help="May add and delete lectures.")
@click.option("--expires", "days", type=click.IntRange(1, 36_500), metavar="DAYS", help="End after DAYS.")
@as_json_option
@click.pass_obj
def create(
    settings: Settings, name: str, courses: tuple[str, ...], can_upload: bool, days: int | None, as_json: bool
) -> None:
    """Make a key called NAME and print it; it is shown this once."""
    from assistant.keys import KeyStore
    from assistant.rendering import note, print_json

    keys = KeyStore(settings.home)
    is_first = not keys.exist()
    secret = keys.create(name, courses, can_upload=can_upload, days=days)
    if as_json:
        print_json({"name": name, "key": secret})
    else:
        click.echo(secret)
    if is_first:
        note(
            "from now on a server asks for a key, also once this one is revoked; to undo that, stop it and "
            f"remove {settings.home / 'keys.sqlite'}"
        )
    if courses:
        _note_unknown(settings.home, courses)


def _note_unknown(home: Path, courses: Sequence[str]) -> None:
    """Its lectures may be yet to come, so such a key is made; but it may be a mistyped name."""
    from assistant.catalog import Catalog
    from assistant.rendering import note
    from assistant.store import current_generation

    try:
        with closing(Catalog(current_generation(home) / "catalog.sqlite")) as catalog:
            known = catalog.courses()
    except AssistantError:  # without an index that can be read nothing can be said of it
        return
    for course in courses:
        if course not in known:
            note(
                f"warning: no indexed lecture is of course {course!r}; known are {', '.join(known) or 'none'}"
            )


@keys.command(name="list")
@as_json_option
@click.pass_obj
def list_keys(settings: Settings, as_json: bool) -> None:
    """List every key ever made."""
    from assistant.keys import KeyStore
    from assistant.rendering import print_json

    found = KeyStore(settings.home).all()
    now = time.time()
    if as_json:
        print_json([{**asdict(key), "state": key.state(now)} for key in found])
        return
    for key in found:
        courses = ", ".join(key.courses) if key.courses is not None else "all courses"
        upload = ", may upload" if key.can_upload else ""
        end = f", until {time.strftime('%Y-%m-%d', time.gmtime(key.expires))}" if key.expires else ""
        click.echo(f"{key.name}  {key.state(now)}  ({courses}{upload}{end})")


@keys.command()
@click.argument("name")
@click.pass_obj
def revoke(settings: Settings, name: str) -> None:
    """End the key called NAME."""
    from assistant.keys import KeyStore

    KeyStore(settings.home).revoke(name)
    click.echo(f"revoked {name}")


@click.group()
def feedback() -> None:
    """What readers said of the answers."""


@feedback.command()
@click.argument("file", type=FILE_PATH)
@click.option("--replace", is_flag=True, help="Also if there is such a FILE.")
@click.pass_obj
def export(settings: Settings, file: Path, replace: bool) -> None:
    """Write an evaluation set for `assistant eval` to FILE (JSON Lines; "-" is standard output).

    Questions that no vote can judge have `"answerable": null`, which `eval` leaves out.
    """
    from assistant.errors import NotIndexed
    from assistant.feedback import FeedbackStore, evaluation_lines
    from assistant.service import LectureAssistant

    to_stdout = str(file) == "-"
    if not to_stdout:
        refuse_existing(file, replace)
    assistant = LectureAssistant(settings)

    def transcript_of(lecture_id: str) -> str | None:
        try:
            return assistant.lecture(lecture_id).transcript
        except NotIndexed:
            return None

    lines = evaluation_lines(FeedbackStore(settings.home).all(), transcript_of)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    judged = sum(line["answerable"] is not None for line in lines)
    summary = f"{judged} judged questions, {len(lines) - judged} to be labelled"
    if to_stdout:
        click.echo(text, nl=False)
        click.echo(summary, err=True)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from error
    click.echo(summary)
