"""``GET /healthz``, ``/readyz`` and ``/metrics``."""

from fastapi import APIRouter, Request, Response

from api.access import MayRead
from api.deps import AnyAssistant
from api.errors import Responses, problem_responses
from api.schemas import Status

router = APIRouter(tags=["operation"])

_TEXT: Responses = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get("/healthz", operation_id="healthz")
async def healthz() -> Status:
    """The process is alive."""
    return Status()


@router.get("/readyz", operation_id="readyz", responses=problem_responses(503))
def readyz(assistant: AnyAssistant) -> Status:
    """The index is open and can be asked."""
    assistant.check()
    return Status()


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses=_TEXT,
)
async def metrics(_: MayRead, request: Request) -> Response:
    """Counts for Prometheus; needs a key where asking does."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4")
