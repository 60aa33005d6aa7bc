"""What can go wrong with a transcript.

CorpusError
├── TranscriptMissing    no such file, or it cannot be read
├── TranscriptUnreadable the bytes are not a transcript (binary, empty, no caption with words)
├── SlidesExtraMissing   slides, and what reads them is not installed
├── LectureFileInvalid   a lecture.toml that does not parse or holds a wrong value
└── LectureIdTaken       two files claim the same lecture id
"""

from pathlib import Path

__all__ = [
    "CorpusError",
    "LectureFileInvalid",
    "LectureIdTaken",
    "SlidesExtraMissing",
    "TranscriptMissing",
    "TranscriptUnreadable",
    "in_one_line",
]

_LONGEST = 200


def in_one_line(error: BaseException) -> str:
    """What an error of another library says, on one line and cut to 200 characters, or else its kind."""
    return (" ".join(str(error).split()) or type(error).__name__)[:_LONGEST]


class CorpusError(Exception):
    """Root of every error this package raises; the message says which file, what and the fix."""

    def __init__(self, message: str, *, path: Path | str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line is not None else str(path)
        # A name on disk need not be text: what no encoding has is written as \\udc80 to \\udcff.
        super().__init__(f"{where}: {message}".encode("utf-8", "backslashreplace").decode())
        self._given = (message, path, line)
        self.path = str(path)
        self.line = line

    def __reduce__(self) -> tuple[object, ...]:
        """The path and the line come with it to another process."""
        return _made_again, (type(self), *self._given)


def _made_again(kind: type[CorpusError], message: str, path: Path | str, line: int | None) -> CorpusError:
    return kind(message, path=path, line=line)


class TranscriptMissing(CorpusError):
    """The file or folder does not exist, holds no transcript, or cannot be opened."""


class TranscriptUnreadable(CorpusError):
    """The file was read but no transcript came out of it."""


class SlidesExtraMissing(CorpusError):
    """The file is slides, which an optional extra reads that is not installed."""


class LectureFileInvalid(CorpusError):
    """A ``lecture.toml`` is not valid TOML or has a wrong value."""


class LectureIdTaken(CorpusError):
    """Two sources would get the same lecture id."""
