"""The OpenAPI document: FastAPI's, with errors described as they are sent."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.errors import is_openai, openai_responses, problem_responses
from api.schemas import OpenAIError, OpenAIErrorBody, Problem

__all__ = ["describe"]

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


def describe(app: FastAPI) -> None:
    """Make ``app`` serve its document, put together once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
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
    schemas = document["components"]["schemas"]
    for name in _NOT_SENT:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    schemas["OpenAIErrorBody"] = OpenAIErrorBody.model_json_schema()
    schemas["OpenAIError"] = OpenAIError.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas["OpenAIError"].pop("$defs")
    return document
