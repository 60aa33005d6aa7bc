"""Transcript files → the lectures of the next index: what is added, updated, kept and removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.building import Changes, GenerationBuilder, Progress
from assistant.config import Settings
from assistant.embedding import PassageEncoder
from assistant.errors import AssistantError, IndexDamaged, LectureConflict, NotIndexed
from assistant.store import (
    Generation,
    altered_files,
    current_generation,
    home_errors,
    open_generation,
    whole_catalog,
    writer_lock,
)
from corpus import CorpusError, Lecture, Problem, Source, find_sources, read_lecture
from corpus.sources import is_present

__all__ = ["IndexReport", "index_lectures", "index_paths", "remove_lecture"]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an ``index`` run did."""

    changes: Changes
    problems: tuple[Problem, ...]
    """Cues that were left out."""
    failures: tuple[str, ...]
    """Files that could not be read; what was indexed of them before is kept."""


def index_paths(
    paths: Sequence[Path],
    settings: Settings,
    progress: Progress,
    *,
    strict: bool = False,
    encoder: PassageEncoder | None = None,
) -> IndexReport:
    """Add the transcripts under ``paths`` to the index, or update them.

    Lectures from elsewhere stay; one whose file was under one of ``paths`` and is gone is removed.
    Without paths, every file that was indexed before is read again and none is removed.

    Raises:
        CorpusError: a path holds no transcript, two files claim one id, the only file cannot be
            read, or, with ``strict``, any file is not sound in every cue.
        AssistantError: the home or the model is not usable, or another process is indexing.
    """
    with writer_lock(settings.home), home_errors(settings.home):
        before = _open_current(settings.home)
        old = {item.lecture_id: item for item in _indexed_before(settings.home)}
        sources = _sources(paths, old)
        for source in sources:
            _refuse_taken_id(source, old)
        fresh, failures = _read(sources, progress, strict)
        lectures = {i: lecture for i, lecture in old.items() if not _is_gone(lecture, paths)} | fresh
        if not lectures:
            raise AssistantError(f"nothing was indexed: {failures[0]}")
        changes = GenerationBuilder(settings, progress, encoder).build(list(lectures.values()), before)
        problems = tuple(problem for lecture in fresh.values() for problem in lecture.problems)
        return IndexReport(changes, problems, tuple(failures))


def index_lectures(
    lectures: Sequence[Lecture],
    settings: Settings,
    progress: Progress,
    encoder: PassageEncoder | None = None,
) -> Changes:
    """Make ``lectures`` the whole content of the index.

    Raises:
        AssistantError: the home or the model is not usable, or another process is indexing.
    """
    with writer_lock(settings.home), home_errors(settings.home):
        return GenerationBuilder(settings, progress, encoder).build(lectures, _open_current(settings.home))


def remove_lecture(lecture_id: str, settings: Settings, progress: Progress) -> Changes:
    """Take one lecture out of the index; its file stays where it is.

    Raises:
        NotIndexed: there is no such lecture.
        LectureConflict: it is the last one, and an index holds at least one.
        AssistantError: the home or the model is not usable, or another process is indexing.
    """
    with writer_lock(settings.home), home_errors(settings.home):
        known = _indexed_before(settings.home)
        rest = [lecture for lecture in known if lecture.lecture_id != lecture_id]
        if len(rest) == len(known):
            raise NotIndexed(f"there is no lecture {lecture_id!r}")
        if not rest:
            raise LectureConflict(f"{lecture_id!r} is the last lecture, which cannot be removed")
        return GenerationBuilder(settings, progress).build(rest, _open_current(settings.home))


def _open_current(home: Path) -> Generation | None:
    """The live generation if vectors can be taken over from it: not one byte is altered."""
    try:
        generation = open_generation(current_generation(home))
    except AssistantError:
        return None
    return None if altered_files(generation.folder, generation.manifest) else generation


def _indexed_before(home: Path) -> list[Lecture]:
    """What the index holds, also where its vectors are damaged."""
    try:
        return whole_catalog(home)[1]
    except IndexDamaged:
        return []


def _sources(paths: Sequence[Path], old: dict[str, Lecture]) -> list[Source]:
    if paths:
        return find_sources(paths)
    return find_sources([Path(item.source) for item in old.values() if is_present(item.source)])


def _refuse_taken_id(source: Source, old: dict[str, Lecture]) -> None:
    """Two files that both exist may not share an id; a file that was moved keeps its own."""
    other = old.get(source.lecture_id)
    if other is None or other.source == str(source.path.resolve()) or not is_present(other.source):
        return
    raise CorpusError(
        f"lecture id {source.lecture_id!r} is already that of {other.source}; rename this file or "
        "set another id in a lecture.toml beside it",
        path=source.path,
    )


def _read(
    sources: Sequence[Source], progress: Progress, strict: bool
) -> tuple[dict[str, Lecture], list[str]]:
    lectures, failures = {}, []
    for number, source in enumerate(sources, start=1):
        progress("reading", number, len(sources))
        try:
            lecture = read_lecture(source)
        except CorpusError as error:
            if strict or len(sources) == 1:
                raise
            failures.append(str(error))
            continue
        if strict and lecture.problems:
            first = lecture.problems[0]
            raise CorpusError(f"{first.reason} (refused by --strict)", path=first.path, line=first.line)
        lectures[source.lecture_id] = lecture
    return lectures, failures


def _is_gone(lecture: Lecture, paths: Sequence[Path]) -> bool:
    source = Path(lecture.source)
    return any(source.is_relative_to(path.resolve()) for path in paths) and not is_present(lecture.source)
