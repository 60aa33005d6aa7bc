"""``GET /v1/search``."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Assistant, Server, with_prefix
from api.errors import problem_responses
from api.schemas import Named
from assistant.service import SearchPage

router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/search", operation_id="search", responses=problem_responses(404, 422, 503))
def search(
    assistant: Assistant,
    server: Server,
    q: Annotated[str, Query(max_length=100_000, description="The words to look for.")],
    course: Named | None = None,
    lecture: Annotated[list[Named] | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 10,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> SearchPage:
    """Passages for some words, best first."""
    page = assistant.search(q, course=course, lectures=lecture, limit=limit, offset=offset)
    return replace(page, results=with_prefix(page.results, server.root_path))
