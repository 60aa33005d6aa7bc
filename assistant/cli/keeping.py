"""The index: ``index``, ``remove``, ``verify``, ``repair``, ``export``, ``import``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.cli.options import DATA_ERROR, FILE_PATH, as_json_option, refuse_existing
from assistant.config import Settings
from assistant.errors import CalibrationInvalid, IndexMissing

if TYPE_CHECKING:
    from assistant.archive import ArchiveContents
    from assistant.building import Changes

__all__ = ["export_index", "import_index", "index", "remove", "repair", "verify"]


@click.command()
@click.argument("paths", nargs=-1, type=FILE_PATH)
@click.option("--strict", is_flag=True, help="Refuse a transcript with any malformed cue.")
@as_json_option
@click.pass_obj
def index(settings: Settings, paths: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Add transcripts (files or folders) to the index, or update them; what a folder has no more goes.

    Without PATHS, read again every file that is indexed; the first time, the lectures that ship.
    """
    from assistant.indexing import index_paths
    from assistant.rendering import note, print_json, progress_bar
    from assistant.store import current_generation
    from corpus import CorpusError, shipped_lectures

    if not paths:
        try:
            current_generation(settings.home)
        except IndexMissing:
            paths = (shipped_lectures(),)
    try:
        with progress_bar() as progress:
            report = index_paths(paths, settings, progress, strict=strict)
    except CorpusError:
        if len(paths) > 1:
            note("nothing was indexed, for one of the paths cannot be:")
        raise
    for problem in report.problems:
        note(f"left out: {problem}")
    for failure in report.failures:
        note(f"not read: {failure}")
    for lecture_id, file in report.gone.items():
        note(f"gone: {file}; the lecture stays until `assistant remove {lecture_id}`")
    if as_json:
        print_json(report)
    else:
        for lecture_id in report.changes.removed:
            new = report.renamed.get(lecture_id)
            why = f"which is {new} now" if new else "whose file is no more in the folder"
            note(f"removed: {lecture_id}, {why}")
        unread = f" · {len(report.failures)} not read" if report.failures else ""
        click.echo(_told(report.changes) + unread)
    if report.failures:
        sys.exit(DATA_ERROR)


@click.command()
@click.argument("lectures", metavar="LECTURE...", nargs=-1, required=True)
@as_json_option
@click.pass_obj
def remove(settings: Settings, lectures: tuple[str, ...], as_json: bool) -> None:
    """Take each LECTURE out of the index; its file stays, and `index` would add it again."""
    from assistant.indexing import remove_lectures
    from assistant.rendering import print_json, progress_bar
    from assistant.service import LectureAssistant

    known = LectureAssistant(settings)
    for lecture_id in lectures:
        known.lecture(lecture_id)  # its error names the lectures that are called much like it
    with progress_bar() as progress:
        changes = remove_lectures(lectures, settings, progress)
    if as_json:
        print_json(changes)
    else:
        click.echo(_told(changes))


@click.command()
@as_json_option
@click.pass_obj
def verify(settings: Settings, as_json: bool) -> None:
    """Check every byte, count and row of the index, a sample of its vectors, and the files beside it."""
    from assistant.calibration import read_calibration
    from assistant.checking import verify_home
    from assistant.records import damaged_records
    from assistant.rendering import print_json

    problems = [*verify_home(settings.home), *damaged_records(settings.home)]
    try:
        read_calibration(settings, model_sha256="")
    except CalibrationInvalid as error:
        problems.append(str(error))
    if as_json:
        print_json({"problems": problems})
    else:
        click.echo("\n".join(problems) or "the index is sound")
    if problems:
        sys.exit(DATA_ERROR)


@click.command()
@as_json_option
@click.pass_obj
def repair(settings: Settings, as_json: bool) -> None:
    """Build the index again from every lecture that can be saved, and say which cannot."""
    from assistant.checking import repair_home
    from assistant.rendering import print_json, progress_bar

    with progress_bar() as progress:
        report = repair_home(settings, progress)
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join([*report.done, *(f"lost: {line}" for line in report.lost)]))
    if report.lost:
        sys.exit(DATA_ERROR)


@click.command("export")
@click.argument("file", type=FILE_PATH)
@click.option("--replace", is_flag=True, help="Also if there is such a FILE.")
@as_json_option
@click.pass_obj
def export_index(settings: Settings, file: Path, replace: bool, as_json: bool) -> None:
    """Write the index and its encoder to FILE, for `import` on another machine."""
    from assistant.archive import export_archive

    refuse_existing(file, replace)
    _tell("exported", export_archive(settings.home, file), as_json=as_json)


@click.command("import")
@click.argument("file", type=FILE_PATH)
@click.option("--replace", is_flag=True, help="Also if that removes lectures which FILE does not hold.")
@as_json_option
@click.pass_obj
def import_index(settings: Settings, file: Path, replace: bool, as_json: bool) -> None:
    """Make the index in FILE, which `export` wrote, the index of this home."""
    from assistant.archive import import_archive

    _tell("imported", import_archive(settings.home, file, replace=replace), as_json=as_json)


def _told(changes: "Changes") -> str:
    counts = ", ".join(
        f"{len(ids)} {name}"
        for name in ("added", "changed", "removed", "unchanged")
        if (ids := getattr(changes, name))
    )
    return f"{counts} · {changes.passages} passages, {changes.passages_embedded or 'none'} embedded"


def _tell(done: str, contents: "ArchiveContents", *, as_json: bool) -> None:
    from assistant.rendering import print_json

    if as_json:
        print_json(contents)
        return
    lectures = "1 lecture" if contents.lectures == 1 else f"{contents.lectures} lectures"
    click.echo(f"{done} {lectures}, {contents.passages} passages, {contents.size / 1e6:.1f} MB")
