"""Errors as RFC 9457 problem details, with a stable ``type`` for each."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.schemas import Problem
from assistant.errors import AssistantError, NotIndexed, QuestionInvalid

__all__ = ["NotReady", "add_error_handlers", "problem_of", "problem_responses"]

_logger = logging.getLogger(__name__)
_BASE = "urn:lecture-assistant:problem:"


class NotReady(Exception):
    """The index is still being opened."""


_KINDS: tuple[tuple[type[Exception], int, str, str | None], ...] = (
    (QuestionInvalid, 422, "question-invalid", None),
    (NotIndexed, 404, "not-indexed", None),
    (NotReady, 503, "not-ready", "the index is still being opened; try again in a moment"),
)
"""Which error is which problem; without a text of its own, the error's."""


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error; what it may not see is left to the log."""
    if isinstance(error, RequestValidationError):
        return _problem(422, "request-invalid", "; ".join(_invalid_part(item) for item in error.errors()))
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        return _problem(error.status_code, phrase.lower().replace(" ", "-"), str(error.detail))
    for kind, status, name, detail in _KINDS:
        if isinstance(error, kind):
            return _problem(status, name, detail or str(error))
    if isinstance(error, AssistantError):
        # The message names files of the server.
        _logger.error("%s", error)
        return _problem(503, "index-unusable", "the index cannot be read; the operator's log says why")
    return _problem(500, "internal", "something went wrong; the operator's log has more")


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error with ``application/problem+json``."""

    async def answer(_: Request, error: Exception) -> JSONResponse:
        problem = problem_of(error)
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        return JSONResponse(
            problem.model_dump(), problem.status, headers, media_type="application/problem+json"
        )

    for kind in (AssistantError, NotReady, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The ``responses`` of a route for OpenAPI."""
    schema = Problem.model_json_schema()
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


def _problem(status: int, kind: str, detail: str) -> Problem:
    return Problem(type=_BASE + kind, title=HTTPStatus(status).phrase, status=status, detail=detail)


def _invalid_part(item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"][1:]) or "body"
    return f"{place}: {item['msg']}"
