"""Transcripts that were sent to the server, each staged in a folder of its own.

::

    HOME/uploads/.<id>/   being received; removed when that fails, or when the server next starts
    HOME/uploads/<id>/    <lecture id><suffix>, the transcript as it was sent; lecture.toml, what was
                          said of it
"""

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.disk import home_errors
from assistant.errors import UploadInvalid
from corpus import CorpusError, Problem, find_sources, read_lecture
from corpus.describing import file_slug, file_title, lecture_slug
from corpus.formats import SUFFIXES

__all__ = ["Staged", "Staging", "discard_upload", "uploads_folder"]

_DESCRIBED = ("title", "course", "language", "url")
_LONGEST, _LONGEST_ID = 500, 100
_NAME_BYTES = 200


def uploads_folder(home: Path) -> Path:
    """Where uploads are kept."""
    return home / "uploads"


def discard_upload(home: Path, source: str) -> None:
    """Remove the file of a lecture if it is an upload."""
    # Resolved, for an index that was imported may name any path, or none.
    try:
        folder = Path(source).parent.resolve()
    except (OSError, ValueError, RuntimeError):
        return
    if folder.parent == uploads_folder(home).resolve():
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Staged:
    """A transcript that was received and can be read."""

    folder: Path
    lecture_id: str
    problems: tuple[Problem, ...]
    """Cues that will be left out; the path is the file's name."""
    fingerprint: str
    """SHA-256 of the file and of all that was said of it."""

    def discard(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Staging:
    """One upload on its way in; a context that leaves nothing behind unless it was finished."""

    def __init__(self, home: Path, filename: str, described: Mapping[str, str | None]) -> None:
        """``described`` may hold ``lecture_id``, ``title``, ``course``, ``language`` and ``url``.

        Raises:
            UploadInvalid: a name or text cannot be used, or the suffix is no transcript's.
        """
        for name, value in [("filename", filename), *described.items()]:
            if value is not None and not (value.isprintable() and 0 < len(value.strip()) <= _LONGEST):
                raise UploadInvalid(f"{name} must be 1 to {_LONGEST} printable characters")
        suffix = Path(filename).suffix.lower()
        if suffix not in SUFFIXES:
            raise UploadInvalid(
                f"{filename!r} is no transcript; its name must end in one of {', '.join(sorted(SUFFIXES))}"
            )
        given = described.get("lecture_id")
        fit = lecture_slug(lecture_slug(given or file_slug(filename))[:_LONGEST_ID])
        if given not in (None, fit):
            raise UploadInvalid(
                f"lecture_id cannot be {given!r}: it has letters, digits, - and _, at most {_LONGEST_ID}, "
                f"and neither begins nor ends with -; {fit!r} would do"
            )
        self.lecture_id = fit
        self._home = home
        self._given = {key: value for key in _DESCRIBED if (value := described.get(key))}
        # Else the lecture would be called by its folder, whose name is ours.
        self._given.setdefault("title", file_title(filename) or self.lecture_id)
        number = uuid.uuid4().hex
        self._folder = uploads_folder(home) / f".{number}"
        self._final = uploads_folder(home) / number
        # A name of many bytes, as other scripts have, is too long for a file system.
        self._path = self._folder / f"{_cut(self.lecture_id, _NAME_BYTES)}{suffix}"

    def __enter__(self) -> "Staging":
        """Make the folder.

        Raises:
            HomeUnusable: it cannot be made.
        """
        with home_errors(self._home):
            self._folder.mkdir(parents=True)
            self._file = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, chunk: bytes) -> None:
        """Keep the next bytes of the transcript.

        Raises:
            HomeUnusable: the disk is full.
        """
        with home_errors(self._home):
            self._file.write(chunk)

    def finish(self) -> Staged:
        """Read what was received as a lecture and keep it.

        Raises:
            UploadInvalid: it is no transcript; the text says where.
            HomeUnusable: the disk is full.
        """
        with home_errors(self._home):
            self._file.close()
            lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in self._table()]
            (self._folder / "lecture.toml").write_text("".join(lines), encoding="utf-8")
            try:
                lecture = read_lecture(find_sources([self._folder])[0])
            except CorpusError as error:
                raise UploadInvalid(self._told(str(error))) from error
            fingerprint = hashlib.sha256("".join(lines).encode() + self._path.read_bytes()).hexdigest()
            self._folder.rename(self._final)
        problems = tuple(Problem(self._path.name, p.line, p.reason) for p in lecture.problems)
        return Staged(self._final, lecture.lecture_id, problems, fingerprint)

    def _table(self) -> list[tuple[str, str]]:
        return [("id", self.lecture_id), ("transcript", self._path.name), *self._given.items()]

    def _told(self, text: str) -> str:
        """The client knows the file by its name, not by our folders."""
        return text.replace(f"{self._folder}/", "").replace(f"{self._folder.resolve()}/", "")


def _cut(text: str, size: int) -> str:
    """The beginning of ``text`` that takes at most ``size`` bytes."""
    return text.encode()[:size].decode("utf-8", "ignore")
