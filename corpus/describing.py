"""What is said of a transcript file: by its name, or by the ``lecture.toml`` beside it."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from corpus.archives import is_hidden
from corpus.decoding import decode_transcript
from corpus.errors import CorpusError, LectureFileInvalid
from corpus.formats import SHARED_SUFFIXES, SLIDE_SUFFIXES, SUFFIXES

__all__ = [
    "TOML",
    "Source",
    "described",
    "file_slug",
    "file_title",
    "is_titled_by_name",
    "is_transcript",
    "lecture_slug",
    "misdescribed",
    "undescribed",
]

TOML = "lecture.toml"
"""The file of a folder that is one lecture."""
_SAYS_NOTHING = "transcript"
"""What tools call every file they write, each in a folder of its own."""
_TEXT_KEYS = ("id", "title", "course", "language", "url", "transcript")


@dataclass(frozen=True, slots=True)
class Source:
    """A transcript file and what its ``lecture.toml`` says of it.

    In a ZIP archive ``path`` is the archive's path with the file's name after it.
    """

    path: Path
    lecture_id: str
    title: str
    course: str | None = None
    language: str = "en"
    speakers: tuple[str, ...] = ()
    url: str | None = None
    archive: Path | None = None
    fault: CorpusError | None = None
    """Why it cannot be read: then ``path`` is that of a wrong ``lecture.toml``, or of an archive that cannot
    be searched. It keeps nothing else from being found."""


def file_slug(name: str) -> str:
    """The lecture id of a file that nothing else names: its stem, and of slides with the suffix after it.

    Captions and slides of one lecture tend to have one name, and are two sources.
    """
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    return lecture_slug(path.stem + (f"-{suffix[1:]}" if suffix in SLIDE_SUFFIXES else ""))


def file_title(name: str) -> str:
    """The title of a file that nothing else names: its stem, as words."""
    return _as_words(PurePosixPath(name).stem)


def is_titled_by_name(source: Source) -> bool:
    """Whether nothing but its file's name gave ``source`` its title."""
    return source.title == file_title(source.path.name)


def lecture_slug(name: str) -> str:
    """``name`` with letters, digits, ``-`` and ``_`` kept and every other run made one ``-``."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "lecture"


def is_transcript(path: Path, read: Callable[[str], bytes]) -> bool:
    """By its suffix, or, where that says little, by what is in it."""
    suffix = path.suffix.lower()
    if suffix not in SHARED_SUFFIXES:
        return suffix in SUFFIXES
    from corpus.formats.detection import detect_format

    try:
        return detect_format(decode_transcript(read(path.name), path), path).is_timed
    except (CorpusError, OSError):
        return False


def undescribed(path: Path, archive: Path | None = None) -> Source:
    """A transcript that only its name says something of, or where that is ``transcript`` its folder's."""
    if path.stem.lower() == _SAYS_NOTHING:
        name = _folder_name(path.parent, archive)
        return Source(path, file_slug(name + path.suffix), _as_words(name) or path.stem, archive=archive)
    return Source(path, file_slug(path.name), file_title(path.name), archive=archive)


def described(
    toml: Path, data: bytes, names: list[str], read: Callable[[str], bytes], archive: Path | None = None
) -> Source:
    """The lecture of a folder that holds ``names``, as its ``lecture.toml`` describes it.

    ``data`` are the bytes of ``toml``; ``read`` gives those of a file of the folder by its name. Where the
    file is wrong, or names no transcript of the folder, that is the ``fault`` of what is returned.
    """
    try:
        return _described(toml, data, names, read, archive)
    except LectureFileInvalid as error:
        return misdescribed(toml, error, archive)


def misdescribed(toml: Path, fault: CorpusError, archive: Path | None = None) -> Source:
    """The lecture of a folder whose ``lecture.toml`` is wrong, called as the folder."""
    name = _folder_name(toml.parent, archive)
    return Source(toml, lecture_slug(name), _as_words(name), archive=archive, fault=fault)


def _described(
    toml: Path, data: bytes, names: list[str], read: Callable[[str], bytes], archive: Path | None
) -> Source:
    try:
        table: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no TOML error
        is_open = "'\\n'" in str(error)
        told = "a quote is not closed" if is_open else 'texts stand in quotes: course = "aws"'
        raise LectureFileInvalid(f"not valid TOML: {error}; {told}", path=toml) from error
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
    folder = _folder_name(toml.parent, archive)
    return Source(
        path=toml.parent / _chosen(toml, names, table.get("transcript"), read),
        lecture_id=lecture_slug(table.get("id", folder)),
        title=table.get("title", _as_words(folder)),
        course=table.get("course"),
        language=table.get("language", "en"),
        speakers=tuple(speakers),
        url=table.get("url"),
        archive=archive,
    )


def _folder_name(folder: Path, archive: Path | None) -> str:
    """What lies at the top of an archive is in no folder but the archive."""
    return folder.stem if folder == archive else folder.resolve().name


def _as_words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip()


def _chosen(toml: Path, names: list[str], wanted: str | None, read: Callable[[str], bytes]) -> str:
    """The name of the transcript beside ``toml``."""
    if wanted is not None:
        name = str(PurePosixPath(wanted))
        if name not in names:
            raise LectureFileInvalid(f"transcript {wanted!r} is not a file of this folder", path=toml)
        return name
    found = [name for name in names if not is_hidden(name) and is_transcript(toml.parent / name, read)]
    captions = [name for name in found if PurePosixPath(name).suffix.lower() not in SLIDE_SUFFIXES]
    found = captions or found
    chosen = [name for name in found if PurePosixPath(name).stem == _SAYS_NOTHING] or found
    if len(chosen) != 1:
        what = ", ".join(chosen) or "none"
        raise LectureFileInvalid(
            f'one transcript is expected beside this file, found {what}; name it: transcript = "FILE"',
            path=toml,
        )
    return chosen[0]
