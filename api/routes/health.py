"""``GET /healthz`` and ``/readyz``."""

from fastapi import APIRouter

from api.deps import Assistant
from api.errors import problem_responses
from api.schemas import Status

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Status:
    """The process is alive."""
    return Status()


@router.get("/readyz", responses=problem_responses(503))
async def readyz(_: Assistant) -> Status:
    """The index is open and can be asked."""
    return Status()
