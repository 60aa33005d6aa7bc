"""The HTTP contract against a real server process."""

import json
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from api import create_app
from assistant.config import Settings
from assistant.service import LectureAssistant

TIMED = "1\n00:00:01,000 --> 00:00:04,500\nA pod is the smallest unit of Kubernetes.\n"


def test_ask_gives_what_the_python_interface_gives(server: httpx.Client, indexed_home: Path) -> None:
    answered = server.post("/v1/ask", json={"question": "Where do you store Docker images?"}).json()
    expected = LectureAssistant(Settings(home=indexed_home)).ask("Where do you store Docker images?")
    assert answered["answer"] == expected.answer
    assert answered["citations"][0]["quote"] == expected.citations[0].quote
    assert answered["citations"][0]["highlight"].keys() == {"char_start", "char_end"}
    assert answered["nearest"] == []


def test_history_makes_a_follow_up_stand_alone(server: httpx.Client) -> None:
    history = [{"role": "user", "content": "What is ECS?"}, {"role": "assistant", "content": "A service."}]
    body = {"question": "And what about EKS?", "history": history}
    assert server.post("/v1/ask", json=body).json()["standalone_question"] == "What is EKS?"


def test_not_covered_is_an_answer_too(server: httpx.Client) -> None:
    response = server.post("/v1/ask", json={"question": "What is the capital of France?", "limit": 2})
    assert response.status_code == 200
    assert response.json()["answered"] is False
    assert response.json()["citations"] == []
    assert len(response.json()["nearest"]) == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/ask", {"question": "What is Docker?", "course": "x" * 300_000}),
        ("POST", "/v1/ask", {"question": "What is Docker?", "lectures": ["x" * 300_000]}),
        ("GET", f"/v1/search?q=docker&lecture={'x' * 8000}", None),
        ("GET", f"/v1/lectures?course={'x' * 8000}", None),
        ("GET", f"/v1/lectures/{'x' * 8000}", None),
        ("DELETE", f"/v1/lectures/{'x' * 8000}", None),
    ],
)
def test_an_error_repeats_no_long_text(server: httpx.Client, method: str, path: str, body: object) -> None:
    response = server.request(method, path, json=body)
    assert response.status_code == 422
    assert len(response.content) < 500


def test_lectures_and_transcript(server: httpx.Client) -> None:
    page = server.get("/v1/lectures").json()
    assert [item["lecture_id"] for item in page["lectures"]] == ["docker-on-aws"]
    assert page["courses"] == ["aws"]
    assert page["next_offset"] is None
    assert server.get("/v1/lectures/docker-on-aws").json()["course"] == "aws"
    whole = server.get("/v1/lectures/docker-on-aws/transcript").json()
    first = whole["cues"][0]
    assert (
        whole["transcript"][first["char_start"] : first["char_end"]] == "Hello, and welcome to this section"
    )


def test_search_pages(server: httpx.Client) -> None:
    first = server.get("/v1/search", params={"q": "docker images", "limit": 3}).json()
    second = server.get("/v1/search", params={"q": "docker images", "limit": 3, "offset": 3}).json()
    assert first["next_offset"] == 3
    ids = [r["passage_id"] for r in first["results"] + second["results"]]
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", "/v1/ask", {"question": " "}, 422, "question-invalid"),
        ("POST", "/v1/ask", {"question": "w " * 10_000}, 422, "question-invalid"),
        ("POST", "/v1/ask", {}, 422, "request-invalid"),
        ("POST", "/v1/ask", {"question": "x", "limit": 0}, 422, "request-invalid"),
        ("POST", "/v1/ask", {"question": "x", "surprise": 1}, 422, "request-invalid"),
        ("POST", "/v1/ask", {"question": "x", "course": "nope"}, 404, "not-indexed"),
        ("POST", "/v1/ask", {"question": "x", "lectures": ["nope"]}, 404, "not-indexed"),
        ("GET", "/v1/search?q=", None, 422, "question-invalid"),
        ("GET", "/v1/lectures/nope", None, 404, "not-indexed"),
        ("GET", "/v1/lectures/nope/transcript", None, 404, "not-indexed"),
        ("GET", "/nowhere", None, 404, "not-found"),
        ("GET", "/v1/ask", None, 405, "method-not-allowed"),
    ],
)
def test_every_error_is_problem_json(
    server: httpx.Client, method: str, path: str, body: dict[str, object] | None, status: int, kind: str
) -> None:
    response = server.request(method, path, json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == f"urn:lecture-assistant:problem:{kind}"
    assert response.json()["status"] == status


def test_a_broken_body_is_problem_json(server: httpx.Client) -> None:
    response = server.post("/v1/ask", content=b"{not json", headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"].startswith("body: no JSON from character 1 on: Expecting property name")


def test_a_body_of_another_type_is_told_the_header_to_send(server: httpx.Client) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    response = server.post("/v1/ask", content=b'{"question": "What is Docker?"}', headers=form)
    assert response.status_code == 422
    wanted = "body: send a JSON object, with the header Content-Type: application/json"
    assert response.json()["detail"] == wanted


def test_questions_in_parallel_get_their_own_answers(server: httpx.Client) -> None:
    questions = ["What is Docker?", "What is ECS?", "What is AWS Fargate?", "What is Docker Hub?"] * 6
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda q: server.post("/v1/ask", json={"question": q}).json(), questions))
    assert [answer["question"] for answer in answers] == questions
    assert len({answer["answer"] for answer in answers}) == 4


def test_not_ready_until_the_index_is_open(indexed_home: Path) -> None:
    app = create_app(Settings(home=indexed_home))
    # Without its lifespan the application never opens the index.
    client = TestClient(app)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert [client.head(path).status_code for path in ("/healthz", "/readyz")] == [200, 503]
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:lecture-assistant:problem:not-ready"
    assert client.post("/v1/ask", json={"question": "x"}).status_code == 503


def test_a_port_in_use_is_a_clear_error(indexed_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "assistant", "--home", str(indexed_home), "serve", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_a_running_server_answers_from_a_new_index(indexed_home: Path, tmp_path: Path) -> None:
    from assistant.indexing import index_paths
    from corpus import shipped_lectures

    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(indexed_home / "models")
    settings = Settings(home=home)
    index_paths([shipped_lectures()], settings, lambda *_: None)
    assistant = LectureAssistant(settings)
    assert len(assistant.lectures()) == 1
    (tmp_path / "pods.srt").write_text(TIMED, encoding="utf-8")
    index_paths([tmp_path / "pods.srt"], settings, lambda *_: None)
    answer = assistant.ask("What is the smallest unit of Kubernetes?")
    assert answer.citations[0].quote == "A pod is the smallest unit of Kubernetes."
    assert (answer.citations[0].start_ms, answer.citations[0].end_ms) == (1000, 4500)


def test_the_openapi_document_is_served(server: httpx.Client) -> None:
    document = server.get("/openapi.json").json()
    assert set(document["paths"]) >= {"/v1/ask", "/v1/search", "/v1/lectures", "/healthz", "/readyz"}
    json.dumps(document)


@pytest.mark.parametrize("path", ["/v1/lectures", "/v1/search?q=docker", "/metrics", "/docs"])
def test_what_can_be_got_has_a_head(server: httpx.Client, path: str) -> None:
    got, head = server.get(path), server.head(path)
    assert head.status_code == 200
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.content == b""


def test_what_cannot_be_got_has_none(server: httpx.Client) -> None:
    assert server.head("/v1/ask").status_code == 405


def test_the_documentation_loads_nothing_from_another_site(server: httpx.Client) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]*)"', server.get("/docs").text)
    assert len(loaded) >= 2
    for address in loaded:
        assert address.startswith("/")
        assert server.get(address).status_code == 200
