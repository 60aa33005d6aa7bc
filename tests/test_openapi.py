"""The OpenAPI document, and requests made up from it: no fault of ours, every error as it is described."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from server_process import ServerStart

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def client(
    indexed_home: Path, start_server: ServerStart, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A server that made-up requests may write to."""
    home = tmp_path_factory.mktemp("made-up") / "home"
    shutil.copytree(indexed_home, home)
    with start_server(home) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_says_what_it_takes_and_gives(document: dict[str, Any]) -> None:
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    known_tags = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for _, operation in operations]
    assert len(set(ids)) == len(ids)
    for name, operation in operations:
        assert operation["description"], name
        assert set(operation["tags"]) <= known_tags, name
        open_to_all = name in ("GET /healthz", "GET /readyz")
        assert (operation["security"] == []) is open_to_all, name
        assert open_to_all or {"401", "429"} <= set(operation["responses"]), name
        assert "requestBody" not in operation or "413" in operation["responses"], name
        openai = "/chat" in name or "/models" in name
        for status, response in operation["responses"].items():
            (media, *_), described = list(response["content"]), response["content"]
            if status < "400":
                assert any("schema" in content for content in described.values()), name
            else:
                assert media == ("application/json" if openai else "application/problem+json"), name
                kind = "OpenAIError" if openai else "Problem"
                assert described[media]["schema"] == {"$ref": f"#/components/schemas/{kind}"}, name
    for name in ("AskRequest", "ChatRequest", "FeedbackRequest"):
        assert document["components"]["schemas"][name]["examples"], name


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_made_up_requests(client: httpx.Client, document: dict[str, Any], mode: GenerationMode) -> None:
    """Ones that fit the document and ones that do not."""
    schema = schemathesis.openapi.from_url(f"{str(client.base_url).rstrip('/')}/openapi.json")
    tried = []
    for result in schema.get_all_operations():
        operation = result.ok()
        tried.append(operation.label)

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        def try_it(case: schemathesis.Case) -> None:
            response = case.call()
            case.validate_response(response, checks=CHECKS)
            if response.status_code >= 400:
                openai = case.path.startswith(("/v1/chat", "/v1/models"))
                media = "application/json" if openai else "application/problem+json"
                assert response.headers["content-type"] == [media]
                assert ("error" in response.json()) is openai

        try:
            try_it()
        except Unsatisfiable:
            # A request without anything in it cannot be wrong.
            assert mode == GenerationMode.NEGATIVE
    assert len(tried) == sum(map(len, document["paths"].values()))
