"""``GET /v1/lectures``, ``/v1/lectures/{id}`` and its ``/transcript`` and ``/questions``."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Assistant
from api.errors import problem_responses
from api.schemas import LectureItem, LecturePage, Named, QuestionItem, QuestionList, TranscriptItem

router = APIRouter(prefix="/v1/lectures", tags=["lectures"])


@router.get(
    "",
    operation_id="listLectures",
    responses=problem_responses(404, 422, 503),
)
def list_lectures(
    assistant: Assistant,
    course: Named | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> LecturePage:
    """The lectures in the index, or those of a course."""
    # One more than is shown tells whether there is a page after this one.
    found = assistant.lectures(course, offset=offset, limit=limit + 1)
    return LecturePage(
        lectures=[LectureItem.model_validate(header) for header in found[:limit]],
        courses=assistant.courses() if course is None else [course],
        offset=offset,
        limit=limit,
        next_offset=offset + limit if len(found) > limit else None,
    )


@router.get(
    "/{lecture_id}",
    operation_id="showLecture",
    responses=problem_responses(404, 422, 503),
)
def show_lecture(lecture_id: Named, assistant: Assistant) -> LectureItem:
    """What is known of one lecture."""
    return LectureItem.model_validate(assistant.lecture(lecture_id))


@router.get(
    "/{lecture_id}/transcript",
    operation_id="showTranscript",
    responses=problem_responses(404, 422, 503),
)
def show_transcript(lecture_id: Named, assistant: Assistant) -> TranscriptItem:
    """The whole transcript with every caption's place, lines and times."""
    return TranscriptItem.model_validate(assistant.lecture(lecture_id))


@router.get(
    "/{lecture_id}/questions",
    operation_id="listQuestions",
    responses=problem_responses(404, 422, 503),
)
def show_questions(
    lecture_id: Named, assistant: Assistant, limit: Annotated[int, Query(ge=1, le=20)] = 4
) -> QuestionList:
    """Questions the lecture asks and answers itself: what a learner may begin with."""
    found = assistant.questions(lecture_id, limit)
    return QuestionList(
        lecture_id=lecture_id, questions=[QuestionItem.model_validate(question) for question in found]
    )
