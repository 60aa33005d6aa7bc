"""What goes over the wire and is no value of ``assistant`` already."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.config import CITED
from corpus.types import PageKind

__all__ = [
    "BINARY",
    "LECTURE_FORM",
    "AskRequest",
    "CueItem",
    "HistoryTurn",
    "LectureItem",
    "LecturePage",
    "Named",
    "OpenAIError",
    "OpenAIErrorBody",
    "Problem",
    "QuestionItem",
    "QuestionList",
    "Status",
    "TranscriptItem",
]


Named = Annotated[str, Field(max_length=500)]
"""The id of a lecture or the name of a course. Errors repeat one that is unknown, so none is long."""
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 500}
LECTURE_FORM: dict[str, Any] = {
    "title": "LectureForm",
    "description": "A transcript and what is known of it, as a form.",
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": BINARY,
        "lecture_id": _TEXT,
        "title": _TEXT,
        "course": _TEXT,
        "language": _TEXT,
        "url": _TEXT,
    },
}
"""The fields are read as they come in, so no model stands for them."""


class HistoryTurn(BaseModel):
    """One earlier turn of the conversation."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=20_000)]


class AskRequest(BaseModel):
    """A question and where to look for its answer."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "What is Docker?"}]}
    )

    question: Annotated[str, Field(max_length=100_000, description="At most 2,000 characters.")]
    course: Named | None = None
    lectures: Annotated[list[Named], Field(min_length=1, max_length=1000)] | None = None
    history: Annotated[list[HistoryTurn], Field(max_length=100)] = []
    limit: Annotated[int, Field(ge=1, le=50, description="How many citations at most.")] = CITED


class LectureItem(BaseModel):
    """A lecture as it is listed."""

    model_config = ConfigDict(from_attributes=True)

    lecture_id: str
    title: str
    course: str | None
    language: str
    speakers: tuple[str, ...]
    url: str | None


class LecturePage(BaseModel):
    """One page of lectures; ``next_offset`` is null on the last page."""

    lectures: list[LectureItem]
    courses: list[str]
    offset: int
    limit: int
    next_offset: int | None


class CueItem(BaseModel):
    """A caption: characters of the transcript, lines of the source, milliseconds of the recording.

    Of slides the lines are pages.
    """

    model_config = ConfigDict(from_attributes=True)

    char_start: int
    char_end: int
    line_start: int
    line_end: int
    start_ms: int | None
    end_ms: int | None
    speaker: str | None
    starts_block: bool


class TranscriptItem(LectureItem):
    """A whole transcript. ``transcript[char_start:char_end]``, in Unicode characters, is a cue's text.

    ``page_kind`` is set of slides, whose lines are pages.
    """

    source_sha256: str
    page_kind: PageKind | None
    transcript: str
    cues: list[CueItem]


class QuestionItem(BaseModel):
    """A question a lecture asks, and the characters of its transcript that ask it."""

    model_config = ConfigDict(from_attributes=True)

    question: str
    char_start: int
    char_end: int


class QuestionList(BaseModel):
    """What a learner may begin with."""

    lecture_id: str
    questions: list[QuestionItem]


class Status(BaseModel):
    """What a health check says."""

    status: Literal["ok"] = "ok"


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str


class OpenAIErrorBody(BaseModel):
    """What went wrong, for clients of OpenAI's API."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """An error in the shape that clients of OpenAI's API expect."""

    error: OpenAIErrorBody
