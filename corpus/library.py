"""Files and folders → lectures."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.captions import assemble_transcript
from corpus.decoding import decode_transcript
from corpus.errors import LectureFileInvalid, LectureIdTaken, TranscriptMissing, TranscriptUnreadable
from corpus.formats import SUFFIXES, detect_format
from corpus.formats.plain import read_plain
from corpus.types import Lecture

__all__ = ["Source", "find_sources", "lecture_from_text", "lecture_slug", "read_lecture", "shipped_lectures"]

_TOML = "lecture.toml"
_TEXT_KEYS = ("id", "title", "course", "language", "url", "transcript")


@dataclass(frozen=True, slots=True)
class Source:
    """A transcript file and what its ``lecture.toml`` says of it."""

    path: Path
    lecture_id: str
    title: str
    course: str | None = None
    language: str = "en"
    speakers: tuple[str, ...] = ()
    url: str | None = None


def shipped_lectures() -> Path:
    """The folder of lectures that come with the package."""
    return Path(__file__).parent / "lectures"


def find_sources(paths: Iterable[Path]) -> list[Source]:
    """Every transcript under ``paths``, in order of path.

    A folder with a ``lecture.toml`` is one lecture; in any other folder each file with a
    transcript's suffix is one, and its folders are searched too.

    Raises:
        TranscriptMissing: a path does not exist or holds no transcript.
        LectureFileInvalid: a ``lecture.toml`` is wrong.
        LectureIdTaken: two transcripts would have the same id.
    """
    taken: dict[str, Source] = {}
    for path in paths:
        found = 0
        for source in _sources_under(path):
            found += 1
            other = taken.setdefault(source.lecture_id, source)
            if other.path.resolve() != source.path.resolve():
                raise LectureIdTaken(
                    f"lecture id {source.lecture_id!r} is already that of {other.path}; "
                    f"rename one file or set another id in its {_TOML}",
                    path=source.path,
                )
        if not found:
            raise TranscriptMissing(
                f"no transcript here; looked for {', '.join(sorted(SUFFIXES))}", path=path
            )
    return list(taken.values())


def read_lecture(source: Source) -> Lecture:
    """Read one transcript. Malformed cues are left out and listed in ``Lecture.problems``.

    Raises:
        TranscriptMissing: the file cannot be opened.
        TranscriptUnreadable: it is empty, binary, or has no sound cue.
    """
    try:
        data = source.path.read_bytes()
    except OSError as error:
        raise TranscriptMissing(f"cannot be read: {error.strerror}", path=source.path) from error
    text = decode_transcript(data, source.path)
    raw_cues, problems = detect_format(text, source.path)(text, str(source.path))
    transcript, cues = assemble_transcript(raw_cues)
    if not cues:
        reason = f"; first problem: {problems[0].reason}" if problems else ""
        raise TranscriptUnreadable(
            f"no caption with words in it{reason}",
            path=source.path,
            line=problems[0].line if problems else None,
        )
    speakers = dict.fromkeys([*source.speakers, *(c.speaker for c in cues if c.speaker)])
    return Lecture(
        lecture_id=source.lecture_id,
        title=source.title,
        course=source.course,
        language=source.language,
        speakers=tuple(speakers),
        url=source.url,
        source=str(source.path.resolve()),
        source_sha256=hashlib.sha256(data).hexdigest(),
        transcript=transcript,
        cues=cues,
        problems=tuple(problems),
    )


def lecture_from_text(
    lecture_id: str, title: str, text: str, *, source: str, language: str = "en"
) -> Lecture:
    """A lecture of plain text that is in no file of its own; each line is a cue.

    Raises:
        TranscriptUnreadable: ``text`` holds no words.
    """
    raw_cues, problems = read_plain(text, source)
    transcript, cues = assemble_transcript(raw_cues)
    if not cues:
        raise TranscriptUnreadable("the text is empty", path=source)
    return Lecture(
        lecture_id=lecture_id,
        title=title,
        course=None,
        language=language,
        speakers=(),
        url=None,
        source=source,
        source_sha256=hashlib.sha256(text.encode()).hexdigest(),
        transcript=transcript,
        cues=cues,
        problems=tuple(problems),
    )


def lecture_slug(name: str) -> str:
    """``name`` with letters, digits, ``-`` and ``_`` kept and every other run made one ``-``."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "lecture"


def _sources_under(path: Path) -> Iterator[Source]:
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError as error:
        raise TranscriptMissing(f"cannot be read: {error.strerror}", path=path) from error
    if is_file:
        beside = path.parent / _TOML
        yield _described(path, beside) if beside.is_file() else _undescribed(path)
    elif is_folder:
        if (path / _TOML).is_file():
            yield _described(None, path / _TOML)
            return
        try:
            entries = sorted(path.iterdir())
        except OSError as error:
            raise TranscriptMissing(f"cannot be read: {error.strerror}", path=path) from error
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir() or entry.suffix.lower() in SUFFIXES:
                yield from _sources_under(entry)
    else:
        raise TranscriptMissing("no such file or folder", path=path)


def _undescribed(path: Path) -> Source:
    return Source(path, lecture_slug(path.stem), path.stem.replace("_", " ").replace("-", " ").strip())


def _described(transcript: Path | None, toml: Path) -> Source:
    try:
        table: dict[str, Any] = tomllib.loads(toml.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LectureFileInvalid(f"not valid TOML: {error}", path=toml) from error
    except OSError as error:
        raise LectureFileInvalid(f"cannot be read: {error.strerror}", path=toml) from error
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
    own = _named_transcript(toml, table.get("transcript"))
    if transcript is not None and own.resolve() != transcript.resolve():
        return _undescribed(transcript)
    return Source(
        path=own,
        lecture_id=lecture_slug(table.get("id", folder.name)),
        title=table.get("title", folder.name.replace("-", " ").replace("_", " ")),
        course=table.get("course"),
        language=table.get("language", "en"),
        speakers=tuple(speakers),
        url=table.get("url"),
    )


def _named_transcript(toml: Path, name: str | None) -> Path:
    if name is not None:
        path = toml.parent / name
        if path.parent.resolve() != toml.parent.resolve() or not path.is_file():
            raise LectureFileInvalid(f"transcript {name!r} is not a file of this folder", path=toml)
        return path
    found = sorted(p for p in toml.parent.iterdir() if p.suffix.lower() in SUFFIXES)
    named = [p for p in found if p.stem == "transcript"] or found
    if len(named) != 1:
        what = ", ".join(p.name for p in named) or "none"
        raise LectureFileInvalid(
            f'one transcript is expected beside this file, found {what}; name it: transcript = "FILE"',
            path=toml,
        )
    return named[0]
