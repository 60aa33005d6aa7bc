"""The values that flow from a transcript file to passages.

All offsets are Python character offsets into ``Lecture.transcript``, half open; lines are 1-based
lines of the source file, both ends included, and of slides, which have no lines, their pages; times are
integer milliseconds from the start of the recording, or ``None`` where the format has none.
"""

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["NOTES", "Cue", "Lecture", "PageKind", "Passage", "Problem", "RawCue", "Sentence"]

PageKind = Literal["page", "slide"]
"""What the source calls what its lines are numbers of, where it is no text: a page or a slide."""

NOTES = "Speaker notes"
"""The speaker of what stands in the notes of a slide: it is on no slide, and so marked."""


@dataclass(frozen=True, slots=True)
class RawCue:
    """One caption as its format's reader found it: plain text, not yet placed in a transcript."""

    text: str
    line_start: int
    line_end: int
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str | None = None
    starts_block: bool = False
    """True where no sentence may reach back across: a heading, a list item, another speaker."""
    lines: tuple[tuple[int, str], ...] = field(default=(), compare=False, repr=False)
    """Line number and words of each line with words, where the caption is shown on several."""

    @property
    def rows(self) -> tuple[tuple[int, str], ...]:
        """Line number and words of each line; the whole where it is shown on one."""
        return self.lines or ((self.line_start, self.text),)


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a source that was left out, and why."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption and the characters of the transcript that it says."""

    char_start: int
    char_end: int
    line_start: int
    line_end: int
    start_ms: int | None
    end_ms: int | None
    speaker: str | None
    starts_block: bool


@dataclass(frozen=True, slots=True)
class Lecture:
    """A transcript with what is known about it.

    ``transcript`` is the cue texts joined by single spaces, so
    ``transcript[cue.char_start:cue.char_end]`` is what each cue says.
    """

    lecture_id: str
    title: str
    course: str | None
    language: str
    speakers: tuple[str, ...]
    url: str | None
    """Where the recording plays; ``{seconds}`` in it stands for the second to start at."""
    source: str
    """The file it was read from, absolute."""
    source_sha256: str
    transcript: str
    cues: tuple[Cue, ...]
    problems: tuple[Problem, ...] = ()
    page_kind: PageKind | None = None
    """Set where the source is slides: then the lines of cues and problems are numbers of pages."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the transcript, without the white space around it."""

    char_start: int
    char_end: int
    is_question: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """Contiguous whole sentences ``sentences[sentence_start:sentence_end]``, what retrieval finds."""

    passage_id: str
    lecture_id: str
    sentence_start: int
    sentence_end: int
    char_start: int
    char_end: int
