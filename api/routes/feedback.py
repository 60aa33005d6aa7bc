"""``POST /v1/feedback``."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.deps import Assistant
from api.errors import problem_responses
from api.schemas import Named
from assistant.errors import QuestionInvalid
from assistant.feedback import Feedback, FeedbackStore, QuotedPlace
from assistant.service import LectureAssistant

router = APIRouter(prefix="/v1", tags=["feedback"])

_LONGEST_QUOTE = 5_000
"""Characters; no answer quotes as many."""
_Question = Annotated[str, Field(min_length=1, max_length=2000)]
_EXAMPLE: dict[str, Any] = {
    "question": "What is Docker?",
    "verdict": "up",
    "citations": [{"lecture_id": "docker-on-aws", "char_start": 0, "char_end": 34}],
}


class PlaceItem(BaseModel):
    """A citation that was shown, by its characters of the transcript."""

    lecture_id: Named
    char_start: Annotated[int, Field(ge=0)]
    char_end: Annotated[int, Field(ge=1)]


class FeedbackRequest(BaseModel):
    """A reader's verdict on an answer; no citations where it was "not covered"."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    question: _Question
    standalone_question: _Question | None = None
    verdict: Literal["up", "down", "wrong_source"]
    citations: Annotated[list[PlaceItem], Field(max_length=50)] = []
    comment: Annotated[str, Field(max_length=2000)] | None = None


class FeedbackKept(BaseModel):
    """The number it was kept under."""

    feedback: int


@router.post(
    "/feedback",
    operation_id="giveFeedback",
    status_code=201,
    responses=problem_responses(400, 403, 404, 408, 413, 422, 503),
)
def give_feedback(given: FeedbackRequest, assistant: Assistant, request: Request) -> FeedbackKept:
    """Say whether an answer was good; `assistant feedback export` makes an evaluation set of it."""
    store: FeedbackStore = request.app.state.feedback
    number = store.add(
        Feedback(
            question=given.question,
            standalone_question=given.standalone_question or given.question,
            verdict=given.verdict,
            citations=tuple(_quoted(place, assistant) for place in given.citations),
            comment=given.comment,
        )
    )
    return FeedbackKept(feedback=number)


def _quoted(place: PlaceItem, assistant: LectureAssistant) -> QuotedPlace:
    transcript = assistant.lecture(place.lecture_id).transcript
    if not place.char_start < place.char_end <= len(transcript):
        raise QuestionInvalid(
            f"characters {place.char_start} to {place.char_end} are not in lecture {place.lecture_id!r}, "
            f"which has {len(transcript)}"
        )
    if place.char_end - place.char_start > _LONGEST_QUOTE:
        raise QuestionInvalid(
            f"characters {place.char_start} to {place.char_end} are no citation: "
            f"none has more than {_LONGEST_QUOTE}"
        )
    quote = transcript[place.char_start : place.char_end]
    return QuotedPlace(place.lecture_id, place.char_start, place.char_end, quote)
