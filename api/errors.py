"""Errors as RFC 9457 problem details, with a stable ``type`` for each."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.schemas import Problem
from assistant.errors import AssistantError, NotIndexed, QuestionInvalid

__all__ = ["NotReady", "add_error_handlers", "problem_responses"]

_logger = logging.getLogger(__name__)
_BASE = "urn:lecture-assistant:problem:"


class NotReady(Exception):
    """The index is still being opened."""


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error with ``application/problem+json``."""

    @app.exception_handler(QuestionInvalid)
    async def invalid(_: Request, error: QuestionInvalid) -> JSONResponse:
        return _problem(422, "question-invalid", str(error))

    @app.exception_handler(NotIndexed)
    async def unknown(_: Request, error: NotIndexed) -> JSONResponse:
        return _problem(404, "not-indexed", str(error))

    @app.exception_handler(NotReady)
    async def starting(_: Request, __: NotReady) -> JSONResponse:
        return _problem(503, "not-ready", "the index is still being opened; try again in a moment")

    @app.exception_handler(AssistantError)
    async def broken(_: Request, error: AssistantError) -> JSONResponse:
        # The message names files of the server; it belongs in the log, not on the wire.
        _logger.error("%s", error)
        return _problem(503, "index-unusable", "the index cannot be read; the operator's log says why")

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> JSONResponse:
        details = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'][1:]) or 'body'}: {item['msg']}"
            for item in error.errors()
        )
        return _problem(422, "request-invalid", details)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        answer = _problem(error.status_code, phrase.lower().replace(" ", "-"), str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, __: Exception) -> JSONResponse:
        return _problem(500, "internal", "something went wrong; the operator's log has more")


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


def _problem(status: int, kind: str, detail: str) -> JSONResponse:
    problem = Problem(type=_BASE + kind, title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(problem.model_dump(), status, media_type="application/problem+json")
