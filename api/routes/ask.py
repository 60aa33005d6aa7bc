"""``POST /v1/ask``."""

from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request

from api.deps import Asking
from api.errors import Responses, problem_responses
from api.schemas import AskRequest
from api.streaming import answer_events, event_stream, wants_events
from assistant.answering import Answer
from assistant.conversation import Turn

router = APIRouter(prefix="/v1", tags=["ask"])

_STREAM: Responses = {
    200: {
        "description": "The answer; with `Accept: text/event-stream`, events `question`, `citations`, "
        "`text` (many) and `done` (the whole answer), or `error` (a problem), each with JSON data.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'event: text\ndata: {"text": "Docker"}\n\n',
            }
        },
    }
}


@router.post(
    "/ask",
    operation_id="ask",
    response_model=Answer,
    responses=_STREAM | problem_responses(400, 403, 404, 408, 413, 422, 503),
)
async def ask(question: AskRequest, asking: Asking, request: Request) -> Any:
    """Answer a question with quotes of the lectures, or say that they do not cover it."""
    # The encoder works in the thread pool, where it blocks no other request.
    history = [Turn(turn.role, turn.content) for turn in question.history]
    understood = await asking.understand(question.question, history, question.course, question.lectures)
    answer = partial(asking.answer, understood, question.limit)
    if wants_events(request):
        return event_stream(answer_events(understood, answer))
    return await to_thread.run_sync(answer)
