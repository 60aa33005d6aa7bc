"""``GET /v1/passages/{passage_id}``."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path

from api.deps import Assistant, Server, with_prefix
from api.errors import problem_responses
from assistant.citations import Citation
from assistant.errors import PassageRetired

router = APIRouter(prefix="/v1/passages", tags=["passages"])


@router.get(
    "/{passage_id}",
    operation_id="showPassage",
    responses=problem_responses(404, 410, 422, 503),
)
def show_passage(
    passage_id: Annotated[str, Path(max_length=100)], assistant: Assistant, server: Server
) -> Citation:
    """The passage that a citation named; 410 if its lecture has changed since or was removed."""
    try:
        (passage,) = with_prefix([assistant.passage(passage_id)], server.root_path)
    except PassageRetired as gone:
        raise HTTPException(410, str(gone)) from gone
    return passage
