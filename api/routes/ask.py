"""``POST /v1/ask``."""

from fastapi import APIRouter

from api.deps import Assistant
from api.errors import problem_responses
from api.schemas import AskRequest
from assistant.answering import Answer
from assistant.conversation import Turn

router = APIRouter(prefix="/v1", tags=["ask"])


# Plain functions: FastAPI runs them in its thread pool, so an encoder at work blocks no other request.
@router.post("/ask", responses=problem_responses(404, 422, 503))
def ask(request: AskRequest, assistant: Assistant) -> Answer:
    """Answer a question with quotes of the lectures, or say that they do not cover it."""
    return assistant.ask(
        request.question,
        history=[Turn(turn.role, turn.content) for turn in request.history],
        course=request.course,
        lectures=request.lectures,
        limit=request.limit,
    )
