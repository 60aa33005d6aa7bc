"""Files, folders and ZIP archives → the transcripts in them, and what is said of each."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from corpus.archives import is_archive, is_hidden, member_names, read_member
from corpus.decoding import decode_transcript
from corpus.errors import (
    CorpusError,
    LectureFileInvalid,
    LectureIdTaken,
    TranscriptMissing,
    TranscriptUnreadable,
)
from corpus.formats import SHARED_SUFFIXES, SLIDE_SUFFIXES, SUFFIXES
from corpus.transcripts import MAX_BYTES

__all__ = [
    "Source",
    "file_slug",
    "file_title",
    "find_sources",
    "lecture_slug",
    "present_sources",
    "shipped_lectures",
]

_TOML = "lecture.toml"
_MAX_DEPTH = 100
_TEXT_KEYS = ("id", "title", "course", "language", "url", "transcript")


@dataclass(frozen=True, slots=True)
class Source:
    """A transcript file and what its ``lecture.toml`` says of it.

    In a ZIP archive ``path`` is the archive's path with the file's name after it. Where both are one the
    archive, found in a folder, cannot be searched, and whoever reads it is told why.
    """

    path: Path
    lecture_id: str
    title: str
    course: str | None = None
    language: str = "en"
    speakers: tuple[str, ...] = ()
    url: str | None = None
    archive: Path | None = None


def shipped_lectures() -> Path:
    """The folder of lectures that come with the package."""
    return Path(__file__).parent / "lectures"


def find_sources(paths: Iterable[Path]) -> list[Source]:
    """Every transcript under ``paths``, in order of path.

    A folder with a ``lecture.toml`` is one lecture, of its captions rather than of slides beside them; in
    any other folder each file with a transcript's suffix is one, and its folders and ZIP archives are
    searched too. Files that may be anything (JSON, XML, TSV) are taken where captions are in them.

    Raises:
        TranscriptMissing: a path does not exist or holds no transcript.
        TranscriptUnreadable: one of ``paths`` is an archive that is damaged, too large, or names files
            outside itself. One in a folder is found, and cannot be read.
        LectureFileInvalid: a ``lecture.toml`` is wrong.
        LectureIdTaken: two transcripts would have the same id.
    """
    taken: dict[str, Source] = {}
    for path, wanted in _by_archive(paths):
        found = 0
        missing = set(wanted)
        for source in _sources_under(path):
            if wanted and source.path not in wanted:
                continue
            missing.discard(source.path)
            found += 1
            other = taken.setdefault(source.lecture_id, source)
            if other.path.resolve() != source.path.resolve():
                raise LectureIdTaken(
                    f"lecture id {source.lecture_id!r} is already that of {other.path}; "
                    f"rename one file or set another id in its {_TOML}",
                    path=source.path,
                )
        if missing:
            raise TranscriptMissing("no such file or folder", path=min(missing))
        if not found:
            raise TranscriptMissing(
                f"no transcript here; looked for {', '.join(sorted(SUFFIXES))}", path=path
            )
    return list(taken.values())


def file_slug(name: str) -> str:
    """The lecture id of a file that nothing else names: its stem, and of slides with the suffix after it.

    Captions and slides of one lecture tend to have one name, and are two sources.
    """
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    return lecture_slug(path.stem + (f"-{suffix[1:]}" if suffix in SLIDE_SUFFIXES else ""))


def file_title(name: str) -> str:
    """The title of a file that nothing else names: its stem, as words."""
    return PurePosixPath(name).stem.replace("_", " ").replace("-", " ").strip()


def lecture_slug(name: str) -> str:
    """``name`` with letters, digits, ``-`` and ``_`` kept and every other run made one ``-``."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "lecture"


def present_sources(sources: Iterable[str]) -> set[str]:
    """Those of ``sources``, as ``Lecture.source`` names files, that are still there, also in archives."""
    present = set()
    names: dict[Path, list[str]] = {}
    for source in sources:
        path = Path(source)
        if path.is_file():
            present.add(source)
        elif archive := _archive_around(path):
            if archive not in names:
                try:
                    names[archive] = member_names(archive)
                except CorpusError:
                    names[archive] = []
            if path.relative_to(archive).as_posix() in names[archive]:
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
    if _TOML in names:
        toml = path / _TOML
        yield _described(toml, _toml_bytes(toml), names, lambda name: _beginning(path / name))
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
        elif (entry.is_file() or _leads_nowhere(entry)) and _is_transcript(
            entry, lambda name: _beginning(path / name)
        ):
            yield _undescribed(entry)


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
    toml = path.parent / _TOML
    if not toml.is_file():
        return _undescribed(path)
    names = _names_in(path.parent)
    source = _described(toml, _toml_bytes(toml), names, lambda name: _beginning(path.parent / name))
    return source if source.path.resolve() == path.resolve() else _undescribed(path)


def _sources_in_archive(archive: Path) -> Iterator[Source]:
    """As in a folder: a folder with a ``lecture.toml`` is one lecture, else each transcript is."""
    folders: dict[PurePosixPath, list[str]] = {}
    for name in member_names(archive):
        path = PurePosixPath(name)
        folders.setdefault(path.parent, []).append(path.name)
    described = {folder for folder, names in folders.items() if _TOML in names}
    for folder, names in folders.items():
        if any(above in described for above in folder.parents):
            continue

        def read(name: str, folder: PurePosixPath = folder) -> bytes:
            return read_member(archive, (folder / name).as_posix(), MAX_BYTES)

        if folder in described:
            toml = archive / folder / _TOML
            yield _described(toml, read(_TOML), sorted(names), read, archive)
            continue
        for name in names:
            member = archive / folder / name
            if _is_transcript(member, read):
                yield _undescribed(member, archive)


def _sources_in_found_archive(archive: Path) -> Iterator[Source]:
    """The same of an archive that nobody named: it alone is not read where it cannot be searched."""
    try:
        sources = list(_sources_in_archive(archive))
    except (TranscriptMissing, TranscriptUnreadable):
        sources = [_undescribed(archive, archive)]
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


def _is_transcript(path: Path, read: Callable[[str], bytes]) -> bool:
    """By its suffix, or, where that says little, by what is in it."""
    suffix = path.suffix.lower()
    if suffix not in SHARED_SUFFIXES:
        return suffix in SUFFIXES
    from corpus.formats.detection import detect_format

    try:
        return detect_format(decode_transcript(read(path.name), path), path).is_timed
    except (CorpusError, OSError):
        return False


def _undescribed(path: Path, archive: Path | None = None) -> Source:
    return Source(path, file_slug(path.name), file_title(path.name), archive=archive)


def _toml_bytes(toml: Path) -> bytes:
    try:
        return toml.read_bytes()
    except OSError as error:
        raise LectureFileInvalid(f"cannot be read: {error.strerror}", path=toml) from error


def _described(
    toml: Path, data: bytes, names: list[str], read: Callable[[str], bytes], archive: Path | None = None
) -> Source:
    """The lecture of a folder that holds ``names``, as its ``lecture.toml`` describes it."""
    try:
        table: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LectureFileInvalid(f"not valid TOML: {error}", path=toml) from error
    unknown = sorted(set(table) - {*_TEXT_KEYS, "speakers"})
    if unknown:
        known = ", ".join((*_TEXT_KEYS, "speakers"))
        raise LectureFileInvalid(f"unknown key {unknown[0]!r}; known are {known}", path=toml)
    for key in _TEXT_KEYS:
        if key in table and not (isinstance(table[key], str) and table[key].strip()):
            raise LectureFileInvalid(f"{key} must be a text, got {table[key]!r}", path=toml)
    speakers = table.get("speakers", [])
    if not isinstance(speakers, list) or not all(isinstance(s, str) for s in speakers):
        raise LectureFileInvalid(f"speakers must be a list of texts, got {speakers!r}", path=toml)
    folder = toml.parent.resolve()
    return Source(
        path=toml.parent / _chosen(toml, names, table.get("transcript"), read),
        lecture_id=lecture_slug(table.get("id", folder.name)),
        title=table.get("title", folder.name.replace("-", " ").replace("_", " ")),
        course=table.get("course"),
        language=table.get("language", "en"),
        speakers=tuple(speakers),
        url=table.get("url"),
        archive=archive,
    )


def _chosen(toml: Path, names: list[str], wanted: str | None, read: Callable[[str], bytes]) -> str:
    """The name of the transcript beside ``toml``."""
    if wanted is not None:
        name = str(PurePosixPath(wanted))
        if name not in names:
            raise LectureFileInvalid(f"transcript {wanted!r} is not a file of this folder", path=toml)
        return name
    found = [name for name in names if not is_hidden(name) and _is_transcript(toml.parent / name, read)]
    captions = [name for name in found if PurePosixPath(name).suffix.lower() not in SLIDE_SUFFIXES]
    found = captions or found
    chosen = [name for name in found if PurePosixPath(name).stem == "transcript"] or found
    if len(chosen) != 1:
        what = ", ".join(chosen) or "none"
        raise LectureFileInvalid(
            f'one transcript is expected beside this file, found {what}; name it: transcript = "FILE"',
            path=toml,
        )
    return chosen[0]
