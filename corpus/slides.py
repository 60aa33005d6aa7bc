"""Slides (PDF, PowerPoint) as transcripts: pages instead of lines and times.

The libraries that read them are an extra. They run in ``slide_process``; what cannot be read of one page
is reported with its number, and the rest is kept.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from corpus.errors import SlidesExtraMissing, TranscriptUnreadable, in_one_line
from corpus.formats.pdf import drop_running_lines
from corpus.formats.slide_page import MAX_PAGES, SlideLine, SlidePage
from corpus.types import NOTES, PageKind, Problem, RawCue

__all__ = ["SLIDE_FORMATS", "SlideFormat", "SlideLimits", "Slides", "read_slides", "slide_format"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from corpus.slide_process import main; main(sys.argv[2:])"
)


@dataclass(frozen=True, slots=True)
class SlideFormat:
    """A format of slides."""

    name: str
    kind: str
    """As ``slide_process`` knows it, and the suffix."""
    page_kind: PageKind
    library: str
    """The module that reads it."""


@dataclass(frozen=True, slots=True)
class SlideLimits:
    """What one file may take. Seconds are of the processor, but for ``patience``, which is by the clock."""

    page_seconds: float = 10.0
    seconds: float = 120.0
    patience: float = 600.0
    memory: int = 2**30 + 2**29
    """Bytes of address space, on systems that bound it; the readers themselves take a fifth."""


@dataclass(frozen=True, slots=True)
class Slides:
    """What was read out of one file. The lines of a cue and of a problem are page numbers."""

    cues: list[RawCue]
    problems: list[Problem]
    pages: int
    repeats: int
    """Heads and feet of pages that were there before, said once."""


SLIDE_FORMATS = (
    SlideFormat("PDF", "pdf", "page", "pypdf"),
    SlideFormat("PowerPoint", "pptx", "slide", "pptx"),
)
_PDF, _PPTX = SLIDE_FORMATS
_LIMITS = SlideLimits()


def slide_format(data: bytes, path: Path) -> SlideFormat | None:
    """The format of ``data`` if it is slides, by what it holds; the name of ``path`` decides nothing.

    Raises:
        TranscriptUnreadable: it is an office document of an old kind or with a password.
    """
    # A header may come late, but what a text says of PDF is none.
    if data[:1024].lstrip(b"\xef\xbb\xbf\x00\t\n\r ").startswith(b"%PDF-"):
        return _PDF
    if data.startswith(_OLE):
        raise TranscriptUnreadable(
            "an office document of the old kind (.ppt) or with a password; save it as .pptx without one",
            path=path,
        )
    if data.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(BytesIO(data)) as packed:
                return _PPTX if "ppt/presentation.xml" in packed.NameToInfo else None
        except Exception as error:
            # As in archives.py: a damaged directory raises errors of many kinds.
            if path.suffix.lower() == ".pptx":
                raise TranscriptUnreadable(
                    f"damaged presentation ({in_one_line(error)}); save it again", path=path
                ) from error
    return None


def read_slides(data: bytes, path: Path, kind: SlideFormat, limits: SlideLimits = _LIMITS) -> Slides:
    """Read every page of ``data`` that can be read.

    Raises:
        SlidesExtraMissing: the library that reads this kind is not installed.
        TranscriptUnreadable: it has a password, is damaged, or no page of it has text.
    """
    if find_spec(kind.library) is None:
        raise SlidesExtraMissing(
            f"{kind.name} is read by an extra that is not installed: pip install 'lecture-assistant[slides]'",
            path=path,
        )
    pages, problems, total = _read_pages(data, path, kind, limits)
    repeats = 0
    if kind is _PDF:
        pages, repeats = drop_running_lines(pages)
    cues = [cue for page in pages for cue in _cues_of(page)]
    problems += [Problem(str(path), page.number, page.left_out) for page in pages if page.left_out]
    problems.sort(key=lambda problem: problem.line)
    if not cues:
        reason = f"; first problem: {problems[0].reason}" if problems else ""
        raise TranscriptUnreadable(
            f"no text on any {kind.page_kind} of it, {total:,} in all{reason}",
            path=path,
            line=problems[0].line if problems else None,
        )
    return Slides(cues, problems, total, repeats)


def _read_pages(
    data: bytes, path: Path, kind: SlideFormat, limits: SlideLimits
) -> tuple[list[SlidePage], list[Problem], int]:
    """The pages that were read, what was not, and how many there are."""
    output, ended = _run(data, kind, limits)
    total = 0
    complete = False
    pages: list[SlidePage] = []
    for message in _messages(output):
        if isinstance(message, list):
            number, lines, left_out = message
            pages.append(SlidePage(number, tuple(SlideLine(*line) for line in lines), left_out))
        elif "error" in message:
            raise TranscriptUnreadable(message["error"], path=path)
        else:
            total = message.get("pages", total)
            complete = complete or "end" in message
    problems = []
    if not complete:
        if not total:
            raise TranscriptUnreadable(f"cannot be opened ({ended}); export it again", path=path)
        problems.append(_rest(path, kind, len(pages) + 1, total, ended))
    elif total > MAX_PAGES:
        problems.append(_rest(path, kind, MAX_PAGES + 1, total, f"{MAX_PAGES:,} at most are read; split it"))
    return pages, problems, total


def _run(data: bytes, kind: SlideFormat, limits: SlideLimits) -> tuple[bytes, str]:
    """What the process said, and how it ended."""
    root = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-P", "-c", _START, root, kind.kind]
    command += [str(limits.page_seconds), str(limits.seconds), str(limits.memory)]
    # Files and not pipes: nobody waits for the other, whatever the sizes.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(data)
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            command, stdin=given, stdout=said, stderr=subprocess.DEVNULL
        )
        try:
            code = process.wait(limits.patience)
            ended = f"reading it takes more than {limits.seconds:g} s or {limits.memory:,} bytes"
            if code >= 0:
                ended = f"its reader failed with code {code}"
        except subprocess.TimeoutExpired:
            ended = f"reading it took more than {limits.patience:g} s"
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        return said.read(), ended


def _messages(output: bytes) -> list[Any]:
    # A process that was killed may have left half a line.
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def _rest(path: Path, kind: SlideFormat, first: int, total: int, reason: str) -> Problem:
    which = f"{kind.page_kind} {first:,}" if first == total else f"{kind.page_kind}s {first:,} to {total:,}"
    return Problem(str(path), first, f"{which} left out: {reason}")


def _cues_of(page: SlidePage) -> Sequence[RawCue]:
    cues: list[RawCue] = []
    was_note = False
    for line in page.lines:
        starts = line.starts_block or not cues or line.is_note != was_note
        speaker = NOTES if line.is_note else None
        cues.append(RawCue(line.text, page.number, page.number, speaker=speaker, starts_block=starts))
        was_note = line.is_note
    return cues
