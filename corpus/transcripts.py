"""One transcript file, or one file of an archive → its clean transcript and cues."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.archives import read_member
from corpus.captions import assemble_transcript, drop_repeats, is_nonspeech, order_cues, part_nonspeech
from corpus.decoding import decode_transcript, encoding_of
from corpus.errors import TranscriptMissing, TranscriptUnreadable
from corpus.speakers import name_speakers
from corpus.types import Cue, PageKind, Problem

__all__ = ["MAX_BYTES", "Transcript", "parse_transcript", "read_transcript"]

MAX_BYTES = 64 * 2**20
"""The largest transcript that is read. An hour has about 0.1 MB, with a time for each word 1 MB."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was read out of one file."""

    format: str
    encoding: str | None
    """``None`` of slides, which are no text."""
    sha256: str
    """Of the file's bytes, hexadecimal."""
    text: str
    """The canonical transcript: the cues' words joined by single spaces."""
    cues: tuple[Cue, ...]
    problems: tuple[Problem, ...]
    sounds: int
    """Cues that are sounds and no speech; they are in ``text`` and in no sentence."""
    repeats: int
    """Lines that rolling captions show again, and heads and feet of pages, said once in ``text``."""
    page_kind: PageKind | None = None
    """Set of slides: then lines are pages."""
    pages: int | None = None
    """How many pages slides have, also those without text."""
    title: str | None = None
    """What the file itself calls the lecture, where its format can say."""


def read_transcript(
    path: Path, *, archive: Path | None = None, speakers: Sequence[str] = (), max_bytes: int = MAX_BYTES
) -> Transcript:
    """Read ``path``, which lies inside ``archive`` if there is one.

    ``speakers`` are names known to be speakers'. A file of more than ``max_bytes`` is refused
    before it is read, so no line is longer than that either.

    Raises:
        TranscriptMissing: the file cannot be opened.
        TranscriptUnreadable: it is empty, binary, too large or of a kind that is not read, or has no
            caption with words.
        SlidesExtraMissing: it is slides, and what reads them is not installed.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise TranscriptMissing("its name is no text in UTF-8; rename it", path=path) from error
    return parse_transcript(_bytes(path, archive, max_bytes), path, speakers)


def parse_transcript(data: bytes, path: Path, speakers: Sequence[str] = ()) -> Transcript:
    """Read the bytes of a transcript; ``path`` only names them, and its suffix decides in doubt.

    Raises:
        SlidesExtraMissing: it is slides, and what reads them is not installed.
        TranscriptUnreadable: as for ``read_transcript``.
    """
    # Looking an index up imports this module too; the readers cost what only indexing should pay.
    from corpus.formats.detection import detect_format
    from corpus.formats.markdown import markdown_title
    from corpus.slides import read_slides, slide_format

    if slides := slide_format(data, path):
        read = read_slides(data, path, slides)
        transcript, cues = assemble_transcript(read.cues)
        return Transcript(
            format=slides.name,
            encoding=None,
            sha256=hashlib.sha256(data).hexdigest(),
            text=transcript,
            cues=cues,
            problems=tuple(read.problems),
            sounds=0,
            repeats=read.repeats,
            page_kind=slides.page_kind,
            pages=read.pages,
        )
    text = decode_transcript(data, path)
    kind = detect_format(text, path)
    raw_cues, problems = kind.read(text, str(path))
    ordered, repeats = drop_repeats(order_cues(raw_cues))
    transcript, cues = assemble_transcript(part_nonspeech(name_speakers(ordered, speakers)))
    sounds = sum(
        is_nonspeech(transcript[c.char_start : c.char_end], is_timed=c.start_ms is not None) for c in cues
    )
    if sounds == len(cues):
        reason = f"; first problem: {problems[0].reason}" if problems else ""
        raise TranscriptUnreadable(
            f"no caption with words in it{reason}", path=path, line=problems[0].line if problems else None
        )
    return Transcript(
        format=kind.name,
        encoding=encoding_of(data),
        sha256=hashlib.sha256(data).hexdigest(),
        text=transcript,
        cues=cues,
        problems=tuple(problems),
        sounds=sounds,
        repeats=repeats,
        title=markdown_title(text, raw_cues) if kind.name == "Markdown" else None,
    )


def _bytes(path: Path, archive: Path | None, max_bytes: int) -> bytes:
    if archive is not None:
        return read_member(archive, path.relative_to(archive).as_posix(), max_bytes)
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise TranscriptMissing(f"cannot be read: {error.strerror}", path=path) from error
    if len(data) > max_bytes:
        raise TranscriptUnreadable(
            f"larger than {max_bytes:,} bytes, the most that is read of one transcript; split it", path=path
        )
    return data
