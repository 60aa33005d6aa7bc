"""An answer as server-sent events, each sent as soon as it is known."""

import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any, TypeVar

from anyio import to_thread
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request

from api.errors import problem_of
from api.schemas import Problem
from assistant.answering import Answer
from assistant.service import Understood

__all__ = ["answer_events", "answer_or_problem", "event", "event_stream", "in_pieces", "wants_events"]

_logger = logging.getLogger(__name__)
_REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*(?:;|$)")
"""A quality of zero (RFC 9110, section 12.4.2)."""
_Answer = TypeVar("_Answer")


def wants_events(request: Request) -> bool:
    """Whether the client asked for ``text/event-stream``; with ``q=0`` it says that it will not have it."""
    ranges = request.headers.get("accept", "").lower().split(",")
    return any(
        media.split(";")[0].strip() == "text/event-stream" and not _REFUSED.search(media) for media in ranges
    )


def event_stream(events: AsyncIterator[bytes]) -> EventSourceResponse:
    """The response that sends ``events``; a client that leaves cancels them where they wait."""
    # nginx holds a response back unless told otherwise.
    return EventSourceResponse(events, headers={"X-Accel-Buffering": "no"})


async def answer_events(understood: Understood, answer: Callable[[], Answer]) -> AsyncIterator[bytes]:
    """``question``, ``citations``, ``text`` many times and ``done``; or ``error`` in place of the rest.

    ``answer`` runs in the thread pool. Joined, the texts are exactly the answer's text.
    """
    yield event(
        {"question": understood.question, "standalone_question": understood.standalone_question}, "question"
    )
    outcome = await answer_or_problem(answer)
    if isinstance(outcome, Problem):
        yield event(outcome.model_dump(), "error")
        return
    found = asdict(outcome)
    yield event({key: found[key] for key in ("answered", "confidence", "citations", "nearest")}, "citations")
    for piece in in_pieces(outcome.answer):
        yield event({"text": piece}, "text")
    yield event(found, "done")


async def answer_or_problem(answer: Callable[[], _Answer]) -> _Answer | Problem:
    """What ``answer`` gives, run in the thread pool, or what a client is told of its error.

    For a stream, whose status line is sent already: only an event can tell of an error.
    """
    try:
        return await to_thread.run_sync(answer)
    except Exception as error:
        problem = problem_of(error)
        if problem.status == 500:
            _logger.exception("an answer broke off")
        return problem


def in_pieces(text: str) -> list[str]:
    """``text`` word by word, the white space before each word with it."""
    return re.findall(r"\s*\S+|\s+$", text)


def event(value: dict[str, Any], name: str | None = None) -> bytes:
    """``value`` as the JSON data of an event."""
    return format_sse_event(event=name, data_str=json.dumps(value, ensure_ascii=False))
