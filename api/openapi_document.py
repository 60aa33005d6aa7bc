"""The OpenAPI document: FastAPI's, with errors described as they are sent."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.errors import is_openai, openai_responses, problem_responses
from api.schemas import LECTURE_FORM, OpenAIError, OpenAIErrorBody, Problem
from assistant.answering import Answer, Timing
from assistant.citations import CharRange, Citation
from assistant.service import SearchPage

__all__ = ["DESCRIPTION", "describe"]

DESCRIPTION = """Offsets are characters (Unicode code points, not UTF-16 units) of a lecture's transcript,
from 0, the end not included; times are milliseconds of the recording, null where the transcript has none;
lines are those of the source file, from 1. `quote == transcript[char_start:char_end]` for every citation.

Lists come in pages: ask again with `offset` set to `next_offset` until that is null. Errors are problem
details (RFC 9457) whose `type` does not change; under `/v1/chat` and `/v1/models` they have OpenAI's
shape."""
_TAGS = (
    ("ask", "Questions, and answers made of quotes."),
    ("search", "Passages."),
    ("passages", "One passage, by the id that a citation gave."),
    ("lectures", "What is indexed, transcripts, and adding and removing lectures."),
    ("feedback", "What readers say of answers."),
    ("OpenAI-compatible", "For clients of OpenAI's API. Errors have its shape."),
    ("operation", "Health and metrics."),
)
_NOT_SENT = ("HTTPValidationError", "ValidationError")
_OF_THE_ASSISTANT = (Answer, CharRange, Citation, SearchPage, Timing)
"""Values that are sent as they are; their fields' docstrings stand in the code alone."""


def describe(app: FastAPI) -> None:
    """Make ``app`` serve its document, put together once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                license_info=app.license_info,
                routes=app.routes,
                tags=[{"name": name, "description": text} for name, text in _TAGS],
                servers=[{"url": app.root_path or "/"}],
            )
            app.openapi_schema = _with_our_errors(made)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _with_our_errors(document: dict[str, Any]) -> dict[str, Any]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            invalid = responses.get("422", {}).get("content", {}).get("application/json", {})
            if str(invalid.get("schema", {}).get("$ref", "")).endswith(_NOT_SENT):
                del responses["422"]
            if "security" in operation:
                described = openai_responses if is_openai(path) else problem_responses
                for status, response in described(401, 429).items():
                    responses.setdefault(str(status), response)
            else:
                operation["security"] = []
    schemas = document["components"]["schemas"]
    for name in _NOT_SENT:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    schemas["OpenAIErrorBody"] = OpenAIErrorBody.model_json_schema()
    schemas["OpenAIError"] = OpenAIError.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas["OpenAIError"].pop("$defs")
    schemas["LectureForm"] = LECTURE_FORM
    for kind in _OF_THE_ASSISTANT:
        for name, text in _field_docstrings(kind).items():
            schemas[kind.__name__]["properties"][name]["description"] = text
    return document


def _field_docstrings(kind: type) -> dict[str, str]:
    """The string below each field of a class, which Python itself does not keep."""
    statements = [node for node in ast.walk(ast.parse(inspect.getsource(kind))) if isinstance(node, ast.stmt)]
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(statements)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
