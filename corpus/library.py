"""A source → a lecture: its transcript with what is known about it."""

import hashlib

from corpus.captions import assemble_transcript
from corpus.describing import Source, is_titled_by_name
from corpus.errors import TranscriptUnreadable
from corpus.formats.plain import read_plain
from corpus.transcripts import MAX_BYTES, Transcript, read_transcript
from corpus.types import NOTES, Lecture

__all__ = ["lecture_from_text", "lecture_of", "read_lecture", "transcript_of"]


def read_lecture(source: Source, *, max_bytes: int = MAX_BYTES) -> Lecture:
    """Read one transcript. Malformed cues are left out and listed in ``Lecture.problems``.

    Raises: as ``transcript_of``.
    """
    return lecture_of(source, transcript_of(source, max_bytes=max_bytes))


def transcript_of(source: Source, *, max_bytes: int = MAX_BYTES) -> Transcript:
    """What is read out of the file of ``source``.

    Raises:
        LectureFileInvalid: what describes it is wrong.
        TranscriptMissing: the file cannot be opened.
        TranscriptUnreadable: it is empty, binary, larger than ``max_bytes``, or has no caption with words.
        SlidesExtraMissing: it is slides, and what reads them is not installed.
    """
    if source.fault:
        raise source.fault
    return read_transcript(source.path, archive=source.archive, speakers=source.speakers, max_bytes=max_bytes)


def lecture_of(source: Source, transcript: Transcript) -> Lecture:
    """The lecture whose ``source`` was read as ``transcript``."""
    named = (cue.speaker for cue in transcript.cues if cue.speaker and cue.speaker != NOTES)
    speakers = dict.fromkeys([*source.speakers, *named])
    return Lecture(
        lecture_id=source.lecture_id,
        title=transcript.title if transcript.title and is_titled_by_name(source) else source.title,
        course=source.course,
        language=source.language,
        speakers=tuple(speakers),
        url=source.url,
        source=str(source.path.resolve()),
        source_sha256=transcript.sha256,
        transcript=transcript.text,
        cues=transcript.cues,
        problems=transcript.problems,
        page_kind=transcript.page_kind,
    )


def lecture_from_text(
    lecture_id: str, title: str, text: str, *, source: str, language: str = "en"
) -> Lecture:
    """A lecture of plain text that is in no file of its own; each line is a cue.

    Half a surrogate pair, which no file can hold, becomes U+FFFD.

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
        source_sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        transcript=transcript,
        cues=cues,
        problems=tuple(problems),
    )
