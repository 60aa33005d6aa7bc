"""What can still be read of an index, lecture by lecture, however it was damaged."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.catalog import Catalog, RetiredPassage
from assistant.errors import AssistantError, IndexDamaged
from assistant.manifest import manifest_record
from assistant.migration import lectures_of_format_1
from assistant.store import current_generation, generation_folders
from corpus import CorpusError, Lecture, find_sources, read_lecture

__all__ = ["Salvage", "salvage"]


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was saved."""

    origin: Path
    """The catalogue that says which lectures there are."""
    lectures: tuple[Lecture, ...]
    """Those whose every row is as it was written, and those whose file could be read again."""
    read_again: tuple[str, ...]
    """The ids of those whose rows are damaged and whose file was read instead."""
    lost: dict[str, str]
    """Of every other lecture, by its id, what is known of it and what to do, a line each."""
    retired: tuple[RetiredPassage, ...]


@dataclass(frozen=True, slots=True)
class _Remains:
    """What one generation still says."""

    path: Path
    sources: dict[str, str]
    """The file each lecture of the index was read from, by lecture id."""
    lectures: dict[str, Lecture]
    retired: tuple[RetiredPassage, ...]


def salvage(home: Path) -> Salvage:
    """Save every lecture that the index held.

    The live generation says which lectures there are, or else the newest that can say it. Where rows of
    one are damaged, another generation that a reader still holds may have it, or its file.

    Raises:
        IndexDamaged: there is nothing to save.
    """
    folders = generation_folders(home)
    try:
        live = current_generation(home)
        folders.sort(key=lambda folder: folder != live)
    except AssistantError:
        pass
    remains = [_remains(folder) for folder in folders]
    for found in remains:
        saved: dict[str, Lecture] = {}
        read_again, lost = [], {}
        for lecture_id, source in found.sources.items():
            if lecture := _first_of(lecture_id, [found, *remains]):
                saved[lecture_id] = lecture
            elif lecture := _from_file(lecture_id, source):
                saved[lecture_id] = lecture
                read_again.append(lecture_id)
            else:
                lost[lecture_id] = (
                    f"lecture {lecture_id!r}: its rows in {found.path} are damaged and {source} cannot be "
                    "read; index it again"
                )
        if saved:
            return Salvage(found.path, tuple(saved.values()), tuple(read_again), lost, found.retired)
    raise IndexDamaged(
        f"{home}: no catalogue of any generation can be read; index the transcripts again: "
        "`assistant index PATH...`"
    )


def _remains(folder: Path) -> _Remains:
    path = folder / "catalog.sqlite"
    sources: dict[str, str] = {}
    try:
        record = manifest_record(folder)
        if record["format_version"] == 1:
            old = {part.item.lecture.lecture_id: part.item.lecture for part in lectures_of_format_1(folder)}
            return _Remains(path, {i: lecture.source for i, lecture in old.items()}, old, ())
        sources = {entry["lecture_id"]: entry["source"] for entry in record["lectures"]}
    except (AssistantError, KeyError, TypeError):
        pass
    lectures: dict[str, Lecture] = {}
    retired: tuple[RetiredPassage, ...] = ()
    try:
        with closing(Catalog(path)) as catalog:
            sources = sources or catalog.sources()
            for lecture_id in sources:
                try:
                    lectures[lecture_id] = catalog.lecture(lecture_id)
                except (IndexDamaged, KeyError):
                    continue
            retired = tuple(catalog.retired())
    except IndexDamaged:
        pass
    return _Remains(path, sources, lectures, retired)


def _first_of(lecture_id: str, remains: Iterable[_Remains]) -> Lecture | None:
    return next((r.lectures[lecture_id] for r in remains if lecture_id in r.lectures), None)


def _from_file(lecture_id: str, source: str) -> Lecture | None:
    try:
        return next(read_lecture(s) for s in find_sources([Path(source)]) if s.lecture_id == lecture_id)
    except (CorpusError, StopIteration):
        return None
