"""An answer as server-sent events, each sent as soon as it is known."""

import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any

from anyio import to_thread
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request

from api.errors import problem_of
from assistant.answering import Answer
from assistant.service import Understood

__all__ = ["answer_events", "event_stream", "in_pieces", "wants_events"]

_logger = logging.getLogger(__name__)


def wants_events(request: Request) -> bool:
    """Whether the client asked for ``text/event-stream``."""
    ranges = request.headers.get("accept", "").lower().split(",")
    return any(media.split(";")[0].strip() == "text/event-stream" for media in ranges)


def event_stream(events: AsyncIterator[bytes]) -> EventSourceResponse:
    """The response that sends ``events``; a client that leaves cancels them where they wait."""
    # nginx holds a response back unless told otherwise.
    return EventSourceResponse(events, headers={"X-Accel-Buffering": "no"})


async def answer_events(understood: Understood, answer: Callable[[], Answer]) -> AsyncIterator[bytes]:
    """``question``, ``citations``, ``text`` many times and ``done``; or ``error`` in place of the rest.

    ``answer`` runs in the thread pool. Joined, the texts are exactly the answer's text.
    """
    yield _event(
        "question",
        {"question": understood.question, "standalone_question": understood.standalone_question},
    )
    try:
        found = asdict(await to_thread.run_sync(answer))
    except Exception as error:  # the status line is sent: only an event can tell
        if (problem := problem_of(error)).status == 500:
            _logger.exception("an answer broke off")
        yield _event("error", problem.model_dump())
        return
    yield _event("citations", {key: found[key] for key in ("answered", "confidence", "citations", "nearest")})
    for piece in in_pieces(found["answer"]):
        yield _event("text", {"text": piece})
    yield _event("done", found)


def in_pieces(text: str) -> list[str]:
    """``text`` word by word, the white space before each word with it."""
    return re.findall(r"\s*\S+|\s+$", text)


def _event(name: str, value: dict[str, Any]) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(value, ensure_ascii=False))
