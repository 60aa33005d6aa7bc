"""Errors as RFC 9457 problem details, with a stable ``type`` for each."""

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.schemas import OpenAIError, OpenAIErrorBody, Problem
from assistant.errors import (
    AssistantError,
    HomeUnusable,
    LectureConflict,
    NotIndexed,
    QuestionInvalid,
    UploadInvalid,
)

__all__ = [
    "NotReady",
    "RequestUnsupported",
    "Responses",
    "add_error_handlers",
    "error_response",
    "is_openai",
    "openai_error",
    "openai_responses",
    "problem_of",
    "problem_responses",
]

_logger = logging.getLogger(__name__)
_BASE = "urn:lecture-assistant:problem:"
_OPENAI = re.compile(r"/v1/(?:chat|models)(?:/|$)")
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_WORDS = {401: "key-invalid", 403: "not-allowed", 413: "too-large", 429: "too-many-requests"}

Responses = dict[int | str, dict[str, Any]]


class RequestUnsupported(Exception):
    """A valid request for something that quoting lectures cannot do; ``param`` is what asks for it."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class NotReady(Exception):
    """The index is still being opened."""

    def __init__(self) -> None:
        super().__init__("the index is still being opened; try again in a moment")


_KINDS: tuple[tuple[type[Exception], int, str], ...] = (
    (QuestionInvalid, 422, "question-invalid"),
    (NotIndexed, 404, "not-indexed"),
    (RequestUnsupported, 400, "unsupported"),
    (UploadInvalid, 422, "upload-invalid"),
    (LectureConflict, 409, "lecture-conflict"),
    (NotReady, 503, "not-ready"),
)
"""Which error is which problem; its text is the error's."""


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error; what it may not see is left to the log."""
    if isinstance(error, RequestValidationError):
        return _problem(422, "request-invalid", "; ".join(_invalid_part(item) for item in error.errors()))
    if isinstance(error, HTTPException):
        words = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return _problem(error.status_code, _WORDS.get(error.status_code, words), str(error.detail))
    for kind, status, name in _KINDS:
        if isinstance(error, kind):
            return _problem(status, name, str(error))
    if isinstance(error, AssistantError):
        # The message names files of the server.
        _logger.error("%s", error)
        if isinstance(error, HomeUnusable):
            return _problem(
                503, "storage-unusable", "nothing can be kept or read now; the operator's log says why"
            )
        return _problem(503, "index-unusable", "the index cannot be read; the operator's log says why")
    return _problem(500, "internal", "something went wrong; the operator's log has more")


def error_response(path: str, error: Exception) -> JSONResponse:
    """The response to an error: problem+json, or OpenAI's shape where its clients call."""
    problem = problem_of(error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if is_openai(path):
        param = error.param if isinstance(error, RequestUnsupported) else None
        shaped = openai_error(problem, param)
        # OpenAI's clients know 400, not 422.
        return JSONResponse(shaped.model_dump(), 400 if problem.status == 422 else problem.status, headers)
    return JSONResponse(problem.model_dump(), problem.status, headers, media_type="application/problem+json")


def is_openai(path: str) -> bool:
    """Whether a path is of OpenAI's API, also behind a prefix."""
    return _OPENAI.search(path) is not None


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error that a route or dependency raises."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        return error_response(request.scope["path"], error)

    for kind in (AssistantError, NotReady, RequestUnsupported, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def openai_error(problem: Problem, param: str | None = None) -> OpenAIError:
    """A problem in OpenAI's words; ``code`` is the end of the problem's type."""
    kind = _OPENAI_TYPES.get(problem.status, "server_error" if problem.status >= 500 else None)
    return OpenAIError(
        error=OpenAIErrorBody(
            message=problem.detail,
            type=kind or "invalid_request_error",
            param=param,
            code=problem.type.removeprefix(_BASE),
        )
    )


def problem_responses(*statuses: int) -> Responses:
    """The ``responses`` of a route for OpenAPI; 401 and 429 are added to all that take a key."""
    return _responses(statuses, "application/problem+json", "Problem")


def openai_responses(*statuses: int) -> Responses:
    """The same for a route of OpenAI's API."""
    return _responses(statuses, "application/json", "OpenAIError")


def _responses(statuses: Sequence[int], media: str, schema: str) -> Responses:
    content = {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _problem(status: int, kind: str, detail: str) -> Problem:
    return Problem(type=_BASE + kind, title=HTTPStatus(status).phrase, status=status, detail=detail)


def _invalid_part(item: dict[str, Any]) -> str:
    if item["type"] == "json_invalid":
        return f"body: no JSON from character {item['loc'][-1]} on: {item['ctx']['error']}"
    if item["type"] == "model_attributes_type" and item["loc"] == ("body",):
        return "body: send a JSON object, with the header Content-Type: application/json"
    place = ".".join(str(part) for part in item["loc"][1:]) or "body"
    return f"{place}: {item['msg']}"
