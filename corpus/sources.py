"""Files, folders and ZIP archives → the transcripts in them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from corpus.archives import is_archive, is_hidden, member_names, read_member
from corpus.describing import TOML, Source, described, is_transcript, misdescribed, undescribed
from corpus.errors import (
    CorpusError,
    LectureFileInvalid,
    LectureIdTaken,
    TranscriptMissing,
    TranscriptUnreadable,
)
from corpus.formats import SUFFIXES
from corpus.transcripts import MAX_BYTES

__all__ = ["find_sources", "present_sources", "shipped_lectures"]

_MAX_DEPTH = 100
_CLASHES_SHOWN = 10


def shipped_lectures() -> Path:
    """The folder of lectures that come with the package."""
    return Path(__file__).parent / "lectures"


def find_sources(paths: Iterable[Path]) -> list[Source]:
    """Every transcript under ``paths``, in order of path.

    A folder with a ``lecture.toml`` is one lecture, of its captions rather than of slides beside them; in
    any other folder each file with a transcript's suffix is one, and its folders and ZIP archives are
    searched too. Files that may be anything (JSON, XML, TSV) are taken where captions are in them. What is
    wrong with a ``lecture.toml``, or with an archive that lies in a folder, is the ``fault`` of its source.

    Raises:
        TranscriptMissing: a path does not exist or holds no transcript.
        TranscriptUnreadable: one of ``paths`` is an archive that is damaged, too large, or names files
            outside itself.
        LectureIdTaken: two transcripts would have the same id.
    """
    taken: dict[tuple[str, Path | None], Source] = {}
    clashes: list[tuple[Source, Source]] = []
    for path, wanted in _by_archive(paths):
        found = 0
        missing = set(wanted)
        for source in _sources_in_found_archive(path) if wanted else _sources_under(path):
            read = {file for file in wanted if _is_of(source, file)}
            if wanted and not read:
                continue
            missing -= read
            found += 1
            # What cannot be read takes no id from what can.
            fault = source.path.resolve() if source.fault else None
            other = taken.setdefault((source.lecture_id, fault), source)
            if other.path.resolve() != source.path.resolve():
                clashes.append((source, other))
        if missing:
            raise TranscriptMissing("no such file or folder", path=min(missing))
        if not found:
            raise TranscriptMissing(
                f"no transcript here; looked for {', '.join(sorted(SUFFIXES))}", path=path
            )
    if clashes:
        raise _ids_taken(clashes)
    return list(taken.values())


def _is_of(source: Source, file: Path) -> bool:
    return source.path == file or (source.fault is not None and file.is_relative_to(source.path.parent))


def _ids_taken(clashes: Sequence[tuple[Source, Source]]) -> LectureIdTaken:
    source, other = clashes[0]
    more = [f"{source.path} and {other.path}" for source, other in clashes[1 : _CLASHES_SHOWN + 1]]
    if len(clashes) > _CLASHES_SHOWN + 1:
        more.append(f"{len(clashes) - _CLASHES_SHOWN - 1} more")
    return LectureIdTaken(
        f"lecture id {source.lecture_id!r} is already that of {other.path}; a lecture is called as its file "
        f"or folder: rename one or set another id in its {TOML}"
        f"{'; the same of ' if more else ''}{', '.join(more)}",
        path=source.path,
    )


def present_sources(sources: Iterable[str]) -> set[str]:
    """Those of ``sources``, as ``Lecture.source`` names files, that are still there, also in archives.

    Of an archive that cannot be searched all are taken to be there.
    """
    present = set()
    names: dict[Path, list[str] | None] = {}
    for source in sources:
        path = Path(source)
        if path.is_file():
            present.add(source)
        elif archive := _archive_around(path):
            if archive not in names:
                try:
                    names[archive] = member_names(archive)
                except CorpusError:
                    names[archive] = None
            found = names[archive]
            if found is None or path.relative_to(archive).as_posix() in found:
                present.add(source)
    return present


def _archive_around(path: Path) -> Path | None:
    """The file that ``path`` goes through, if there is one: a path into an archive does."""
    return next((folder for folder in path.parents if folder.is_file()), None)


def _by_archive(paths: Iterable[Path]) -> Iterator[tuple[Path, set[Path]]]:
    """Each path alone, or an archive with the paths into it: looking for each would list it each time."""
    inside: dict[Path, set[Path]] = {}
    for path in paths:
        try:
            archive = None if path.exists() else _archive_around(path)
        except OSError:  # reported where the path is read
            archive = None
        if archive is None:
            yield path, set()
        else:
            inside.setdefault(archive, set()).add(path)
    yield from inside.items()


def _sources_under(path: Path, above: tuple[Path, ...] = ()) -> Iterator[Source]:
    """``above`` are the folders that led here: a link back to one of them leads round and is passed over."""
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError as error:
        raise TranscriptMissing(f"cannot be read: {error.strerror}", path=path) from error
    if is_file and is_archive(path):
        yield from _sources_in_archive(path)
    elif is_file:
        yield _source_of_file(path)
    elif is_folder:
        yield from _sources_in_folder(path, above)
    else:
        raise TranscriptMissing("no such file or folder", path=path)


def _sources_in_folder(path: Path, above: tuple[Path, ...]) -> Iterator[Source]:
    real = path.resolve()
    if real in above:
        return
    if len(above) == _MAX_DEPTH:
        raise TranscriptMissing(f"more than {_MAX_DEPTH} folders deep; index it by itself", path=path)
    names = _names_in(path)
    if TOML in names:
        yield _described_in(path, names)
        return
    for name in names:
        entry = path / name
        if is_hidden(name):
            continue
        is_zip = entry.suffix.lower() == ".zip" and entry.is_file()
        if is_zip and is_archive(entry):
            yield from _sources_in_found_archive(entry)
        elif is_zip or entry.is_dir():
            yield from _sources_under(entry, (*above, real))
        # A pipe or a device of that name would be waited for.
        elif (entry.is_file() or _leads_nowhere(entry)) and is_transcript(
            entry, lambda name: _beginning(path / name)
        ):
            yield undescribed(entry)


def _leads_nowhere(entry: Path) -> bool:
    """Whether it is a link to what is gone, which whoever reads it reports; one to itself is passed over."""
    try:
        entry.stat()
    except FileNotFoundError:
        return entry.is_symlink()
    except OSError:
        pass
    return False


def _source_of_file(path: Path) -> Source:
    if not os.path.lexists(path.parent / TOML):
        return undescribed(path)
    source = _described_in(path.parent, _names_in(path.parent))
    return source if source.fault or source.path.resolve() == path.resolve() else undescribed(path)


def _described_in(folder: Path, names: list[str]) -> Source:
    toml = folder / TOML
    if not toml.is_file():  # a pipe of that name would be waited for
        return misdescribed(toml, LectureFileInvalid("is no file", path=toml))
    try:
        data = toml.read_bytes()
    except OSError as error:
        return misdescribed(toml, LectureFileInvalid(f"cannot be read: {error.strerror}", path=toml))
    return described(toml, data, names, lambda name: _beginning(folder / name))


def _sources_in_archive(archive: Path) -> Iterator[Source]:
    """As in a folder: a folder with a ``lecture.toml`` is one lecture, else each transcript is."""
    folders: dict[PurePosixPath, list[str]] = {}
    for name in member_names(archive):
        path = PurePosixPath(name)
        folders.setdefault(path.parent, []).append(path.name)
    with_toml = {folder for folder, names in folders.items() if TOML in names}
    for folder, names in folders.items():
        if any(above in with_toml for above in folder.parents):
            continue

        def read(name: str, folder: PurePosixPath = folder) -> bytes:
            return read_member(archive, (folder / name).as_posix(), MAX_BYTES)

        if folder in with_toml:
            yield _described_in_archive(archive, folder, sorted(names), read)
            continue
        for name in names:
            member = archive / folder / name
            if is_transcript(member, read):
                yield undescribed(member, archive)


def _described_in_archive(
    archive: Path, folder: PurePosixPath, names: list[str], read: Callable[[str], bytes]
) -> Source:
    toml = archive / folder / TOML
    try:
        data = read(TOML)
    except CorpusError as error:
        return misdescribed(toml, error, archive)
    return described(toml, data, names, read, archive)


def _sources_in_found_archive(archive: Path) -> Iterator[Source]:
    """The same of an archive that nobody named: it alone is not read where it cannot be searched."""
    try:
        sources = list(_sources_in_archive(archive))
    except (TranscriptMissing, TranscriptUnreadable) as error:
        sources = [replace(undescribed(archive, archive), fault=error)]
    yield from sources


def _beginning(path: Path) -> bytes:
    """As much of a file as is ever read of a transcript."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES)


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in sorted(folder.iterdir())]
    except OSError as error:
        raise TranscriptMissing(f"cannot be read: {error.strerror}", path=folder) from error
