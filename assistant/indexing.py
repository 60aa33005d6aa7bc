"""Transcript files → the lectures of the next index: what is added, updated, kept and removed."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assistant.building import Changes, GenerationBuilder, Progress
from assistant.config import Settings
from assistant.earlier import Earlier, open_earlier
from assistant.embedding import PassageEncoder
from assistant.errors import IndexDamaged, LectureConflict, NothingReadable, NotIndexed
from assistant.migration import upgrade_current
from assistant.salvage import Salvage, salvage
from assistant.store import writing
from assistant.uploads import discard_upload
from corpus import CorpusError, Lecture, Problem, Source, find_sources, read_lecture
from corpus.describing import TOML
from corpus.errors import LectureIdTaken
from corpus.sources import present_sources

__all__ = ["IndexReport", "index_lectures", "index_paths", "remove_lectures"]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an ``index`` run did."""

    changes: Changes
    problems: tuple[Problem, ...]
    """Cues that were left out."""
    failures: tuple[str, ...]
    """Files that could not be read; what was indexed of them before is kept. And lectures of a damaged
    index that could not be saved."""
    gone: dict[str, str]
    """Where every indexed file was to be read again, those that are no longer there, by the id of their
    lecture, which is kept."""
    renamed: dict[str, str]
    """The new id of each lecture whose file is called otherwise now, by its old id."""


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
        LectureIdTaken: two files claim one id.
        CorpusError: a path holds no transcript, the only file cannot be read, or, with ``strict``, any file
            is not sound in every cue.
        NothingReadable: none of several files can be read, and there is no index yet.
        AssistantError: the home or the model is not usable, or another process is indexing.
    """
    with writing(settings.home):
        with _known(settings.home) as known:
            present = present_sources(known.sources.values())
            sources = find_sources(
                paths or [Path(source) for source in known.sources.values() if source in present]
            )
            _refuse_taken_ids(sources, known.sources, present)
            fresh, failures = _read(sources, progress, strict)
            unread = [_root(source) for source, _ in failures]
            renamed = _renamed(sources, fresh, known.sources)
            lectures = {
                lecture_id: known.as_it_is(lecture_id)
                for lecture_id, source in known.sources.items()
                if lecture_id not in renamed
                and (source in present or not _is_within(source, paths) or _is_within(source, unread))
            } | fresh
            if not lectures:
                raise NothingReadable(f"nothing was indexed: {failures[0][1]}")
            builder = GenerationBuilder(settings, progress, encoder)
            changes = builder.build(list(lectures.values()), known.earlier, known.retired)
        lost = [line for lecture_id, line in known.lost.items() if lecture_id not in fresh]
        problems = tuple(problem for lecture in fresh.values() for problem in lecture.problems)
        gone = {} if paths else {i: file for i, file in known.sources.items() if file not in present}
        faults = (*(str(error) for _, error in failures), *lost)
        return IndexReport(changes, problems, faults, gone, renamed)


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
    with writing(settings.home), _known(settings.home) as known:
        builder = GenerationBuilder(settings, progress, encoder)
        return builder.build(lectures, known.earlier, known.retired)


def remove_lectures(
    lecture_ids: Sequence[str],
    settings: Settings,
    progress: Progress,
    encoder: PassageEncoder | None = None,
) -> Changes:
    """Take lectures out of the index, all or none; their files stay where they are, but uploads go.

    Raises:
        NotIndexed: there is no such lecture.
        LectureConflict: none would be left, and an index holds at least one.
        AssistantError: the home or the model is not usable, or another process is indexing.
    """
    with writing(settings.home), _known(settings.home) as known:
        for lecture_id in lecture_ids:
            if lecture_id not in known.sources:
                raise NotIndexed(f"there is no lecture {lecture_id!r}")
        rest = [known.as_it_is(other) for other in known.sources if other not in lecture_ids]
        if not rest:
            raise LectureConflict(
                f"{lecture_ids[-1]!r} is the last lecture, which cannot be removed; add another one first"
            )
        changes = GenerationBuilder(settings, progress, encoder).build(rest, known.earlier, known.retired)
        for lecture_id in lecture_ids:
            discard_upload(settings.home, known.sources[lecture_id])
        return changes


class _Known:
    """What the index holds: rows to take over, or, where a byte of them was altered, what was saved."""

    def __init__(self, earlier: Earlier | None, saved: Salvage | None) -> None:
        self.earlier = earlier
        self._saved = {lecture.lecture_id: lecture for lecture in saved.lectures} if saved else {}
        self.lost = saved.lost if saved else {}
        self.retired = saved.retired if saved else ()
        self.sources = (
            earlier.catalog.sources() if earlier else {i: item.source for i, item in self._saved.items()}
        )

    def __enter__(self) -> "_Known":
        return self

    def __exit__(self, *_: object) -> None:
        if self.earlier:
            self.earlier.close()

    def as_it_is(self, lecture_id: str) -> Lecture | str:
        """The lecture, or its id where the generation before has it."""
        return self._saved.get(lecture_id, lecture_id)


def _known(home: Path) -> _Known:
    with suppress(IndexDamaged):
        upgrade_current(home)
    earlier = open_earlier(home)
    if earlier:
        return _Known(earlier, None)
    try:
        return _Known(None, salvage(home))
    except IndexDamaged:
        return _Known(None, None)


def _refuse_taken_ids(sources: Sequence[Source], old: dict[str, str], present: set[str]) -> None:
    """Two files that both exist may not share an id; a file that was moved keeps its own.

    One that is among ``sources`` has given up the id that it had, and so has one that is no longer the
    transcript of its folder, for another one is.
    """
    read = {str(source.path.resolve()) for source in sources}
    for source in sources:
        if source.fault:  # it takes no id
            continue
        other = old.get(source.lecture_id)
        if other is None or other in read or other not in present:
            continue
        folder = source.path.parent.resolve()
        if Path(other).parent != folder or not (folder / TOML).is_file():
            raise LectureIdTaken(
                f"lecture id {source.lecture_id!r} is already that of {other}; rename this file or "
                "set another id in a lecture.toml beside it",
                path=source.path,
            )


def _renamed(
    sources: Sequence[Source], fresh: Mapping[str, Lecture], old: Mapping[str, str]
) -> dict[str, str]:
    """New ids by old ones, of files that were read where they are, and not through a link to them.

    An earlier version called them otherwise, or their ``lecture.toml`` has changed.
    """
    new: dict[str, str] = {}
    for source in sources:
        file = str(source.path.resolve())
        is_linked = os.path.abspath(source.path) != file  # noqa: PTH100 (which follows links)
        if source.lecture_id in fresh and not is_linked and old.get(source.lecture_id) != file:
            new[file] = source.lecture_id
    return {name: new[file] for name, file in old.items() if file in new and name not in fresh}


def _read(
    sources: Sequence[Source], progress: Progress, strict: bool
) -> tuple[dict[str, Lecture], list[tuple[Source, CorpusError]]]:
    lectures, failures = {}, []
    for number, source in enumerate(sources, start=1):
        progress("reading", number, len(sources))
        try:
            lecture = read_lecture(source)
        except CorpusError as error:
            if strict or len(sources) == 1:
                raise
            failures.append((source, error))
            continue
        if strict and lecture.problems:
            first = lecture.problems[0]
            raise CorpusError(f"{first.reason} (refused by --strict)", path=first.path, line=first.line)
        lectures[source.lecture_id] = lecture
    return lectures, failures


def _root(source: Source) -> Path:
    """Under what lies all that ``source`` may have been before it could not be read."""
    return source.path.parent if source.path.name == TOML else source.path


def _is_within(source: str, paths: Sequence[Path]) -> bool:
    return any(Path(source).is_relative_to(path.resolve()) for path in paths)
