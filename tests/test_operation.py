"""What a server owes those who run it: limits, ids, logs, metrics, headers, and its place behind a proxy."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import sleep_forever
from click.testing import CliRunner
from fastapi.testclient import TestClient
from server_process import ServerStart
from starlette.types import Message, Receive, Scope, Send

from api import create_app
from api.config import VARIABLES, ServerSettings
from api.guarding import Guarding
from assistant.cli.serving import serve
from assistant.config import Settings
from assistant.errors import SettingInvalid

UNLOGGED = "What is my secret question about Fargate?"


@pytest.fixture(scope="module")
def logged(
    indexed_home: Path, start_server: ServerStart, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, Path]]:
    log = tmp_path_factory.mktemp("logged") / "log.jsonl"
    settings = {"ASSISTANT_BODY_BYTES": "2000", "ASSISTANT_CORS_ORIGINS": "https://lms.example"}
    with start_server(indexed_home, "--root-path", "lectures-app/", log=log, **settings) as client:
        yield client, log


def log_lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_body_that_says_it_is_too_large(logged: tuple[httpx.Client, Path]) -> None:
    client, _ = logged
    response = client.post("/v1/ask", json={"question": "x" * 3000})
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:lecture-assistant:problem:too-large"
    assert response.headers["x-request-id"]


def test_a_body_in_chunks_that_becomes_too_large(logged: tuple[httpx.Client, Path]) -> None:
    client, _ = logged

    def chunks() -> Iterator[bytes]:
        yield b'{"question": "'
        for _ in range(30):
            yield b"x" * 100
        yield b'"}'

    headers = {"content-type": "application/json"}
    for path in ("/v1/ask", "/v1/chat/completions"):
        response = client.post(path, content=chunks(), headers=headers)
        assert response.status_code == 413
        assert "at most 2,000 bytes" in response.text
        assert ("error" in response.json()) is ("chat" in path)


def test_a_request_id_is_kept_or_made(logged: tuple[httpx.Client, Path]) -> None:
    client, log = logged
    sent = client.get("/healthz", headers={"x-request-id": "from-the-proxy_1"})
    assert sent.headers["x-request-id"] == "from-the-proxy_1"
    made = [client.get("/healthz", headers={"x-request-id": bad}) for bad in ("", "a b", "x" * 65, '{"')]
    ids = [response.headers["x-request-id"] for response in made]
    assert len(set(ids)) == 4
    assert all(len(one) == 32 for one in ids)
    wanted = {"from-the-proxy_1", *ids}
    # A line is written once its response is sent, so the last one may come a request later.
    for _ in range(50):
        if wanted <= {line.get("request_id") for line in log_lines(log)}:
            return
        client.get("/healthz")
    pytest.fail("a request id is not in the log")


def test_the_log_is_json_and_holds_no_question(
    indexed_home: Path, start_server: ServerStart, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    with start_server(indexed_home, log=log) as client:
        client.headers["x-request-id"] = "asking"
        client.post("/v1/ask", json={"question": UNLOGGED})
        client.get("/v1/search", params={"q": UNLOGGED})
        client.get(f"/v1/lectures/{UNLOGGED}")
        client.get(f"/{UNLOGGED}")
        chat = {"model": "lectures", "messages": [{"role": "user", "content": UNLOGGED}]}
        client.post("/v1/chat/completions", json=chat)
    # A line may come after its answer was read: all are there once the server has stopped.
    lines = [line for line in log_lines(log) if line.get("request_id") == "asking"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/ask", "200"),
        ("GET", "/v1/search", "200"),
        ("GET", "/v1/lectures/{lecture_id}", "404"),
        ("GET", "unmatched", "404"),
        ("POST", "/v1/chat/completions", "200"),
    ]
    assert all(line["event"] == "request" and line["level"] == "info" for line in lines)
    assert lines[0]["client"] == "127.0.0.1"
    assert "secret question" not in log.read_text(encoding="utf-8")


def test_the_log_holds_questions_when_told_to(
    indexed_home: Path, start_server: ServerStart, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    settings = {"ASSISTANT_LOG_QUESTIONS": "1", "ASSISTANT_PUBLIC_READING": "1"}
    with start_server(indexed_home, log=log, **settings) as client:
        client.post("/v1/ask", json={"question": UNLOGGED}, headers={"x-forwarded-for": "203.0.113.7"})
    asked = [line for line in log_lines(log) if line.get("route") == "/v1/ask"]
    assert [line["question"] for line in asked] == [UNLOGGED]
    # No proxy is trusted here, so what it says of the client is not believed.
    assert asked[0]["client"] == "127.0.0.1"


def test_metrics_count_requests_and_answers(logged: tuple[httpx.Client, Path]) -> None:
    client, _ = logged

    def value(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} ")), 0.0)

    answered = 'assistant_answers_total{answered="true"}'
    refused = 'assistant_answers_total{answered="false"}'
    asked = 'assistant_requests_total{method="POST",route="/v1/ask",status="200"}'
    before = [value(name) for name in (answered, refused, asked)]
    client.post("/v1/ask", json={"question": "What is Docker Hub?"})
    client.post(
        "/v1/ask",
        json={"question": "What is the capital of France?"},
        headers={"accept": "text/event-stream"},
    )
    assert [value(name) for name in (answered, refused, asked)] == [
        b + n for b, n in zip(before, (1, 1, 2), strict=True)
    ]
    assert value("assistant_requests_running") == 1  # this one
    assert client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_every_response_is_safe_to_show(logged: tuple[httpx.Client, Path]) -> None:
    client, _ = logged
    for response in (
        client.post("/v1/ask", json={"question": "What is ECS?"}),
        client.post("/v1/ask", json={"question": "What is ECS?"}, headers={"accept": "text/event-stream"}),
        client.post("/v1/ask", json={}),
        client.get("/nowhere"),
        client.get("/healthz"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"


def test_pages_of_named_sites_may_call(logged: tuple[httpx.Client, Path]) -> None:
    client, _ = logged
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    allowed = client.options("/v1/ask", headers={"origin": "https://lms.example", **asking})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://lms.example"
    other = client.options("/v1/ask", headers={"origin": "https://evil.example", **asking})
    assert "access-control-allow-origin" not in other.headers
    question = {"question": "What is ECS?"}
    from_site = client.post("/v1/ask", json=question, headers={"origin": "https://lms.example"})
    assert from_site.status_code == 200
    assert "X-Request-ID" in from_site.headers["access-control-expose-headers"]
    error = client.post("/v1/ask", json={}, headers={"origin": "https://lms.example"})
    assert error.headers["access-control-allow-origin"] == "https://lms.example"


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/feedback", "/v1/chat/completions"])
def test_without_keys_pages_of_other_sites_are_refused(logged: tuple[httpx.Client, Path], path: str) -> None:
    client, _ = logged
    refused = client.post(path, json={}, headers={"origin": "https://evil.example"})
    assert refused.status_code == 403
    own = str(client.base_url).rstrip("/").removesuffix("/lectures-app")
    assert client.post(path, json={}, headers={"origin": own}).status_code in (400, 422)


def test_without_keys_only_names_of_this_machine_are_answered(
    logged: tuple[httpx.Client, Path], indexed_home: Path
) -> None:
    client, _ = logged
    rebound = client.get("/v1/lectures", headers={"host": "evil.example"})
    assert rebound.status_code == 403
    assert "`assistant keys create`" in rebound.json()["detail"]


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip"])
def test_what_a_proxy_brings_needs_a_key(logged: tuple[httpx.Client, Path], header: str) -> None:
    client, _ = logged
    assert client.get("/v1/lectures").status_code == 200
    assert client.get("/v1/lectures", headers={header: "192.0.2.7"}).status_code == 401


def test_behind_a_prefix_links_open(logged: tuple[httpx.Client, Path]) -> None:
    client, _ = logged
    base = str(client.base_url).rstrip("/").removesuffix("/lectures-app")
    assert str(client.base_url).endswith("/lectures-app/")
    # The proxy may strip the prefix or leave it on.
    question = {"question": "What is ECS?"}
    for address in (f"{base}/v1/ask", f"{base}/lectures-app/v1/ask"):
        answer = client.post(address, json=question).json()
        assert answer["citations"][0]["url"].startswith("/lectures-app/lectures/docker-on-aws#c")
    found = client.get("/v1/search", params={"q": "ECS"}).json()
    assert found["results"][0]["url"].startswith("/lectures-app/lectures/docker-on-aws#c")
    passage = client.get(f"/v1/passages/{found['results'][0]['passage_id']}").json()
    assert passage["url"] == found["results"][0]["url"]
    assert client.get("/openapi.json").json()["servers"] == [{"url": "/lectures-app"}]


def test_a_trusted_proxy_is_believed(indexed_home: Path, start_server: ServerStart, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    chat = {"model": "lectures", "messages": [{"role": "user", "content": "What is ECS?"}]}
    headers = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7", "host": "learn.example"}
    settings = {"ASSISTANT_TRUSTED_PROXIES": "127.0.0.1", "ASSISTANT_PUBLIC_READING": "1"}
    with start_server(indexed_home, "--root-path", "lectures-app/", log=log, **settings) as client:
        done = client.post("/v1/chat/completions", json=chat, headers=headers).json()
    cited = done["choices"][0]["message"]["annotations"][0]["url_citation"]
    assert cited["url"].startswith("https://learn.example/lectures-app/lectures/docker-on-aws#c")
    (asked,) = [line for line in log_lines(log) if line.get("route") == "/v1/chat/completions"]
    assert asked["client"] == "192.0.2.7"


def test_a_public_address_goes_before_the_requests(indexed_home: Path) -> None:
    server = ServerSettings(public_url="https://learn.example")
    with TestClient(create_app(Settings(home=indexed_home), server)) as client:
        while client.get("/readyz").status_code != 200:
            pass
        chat = {"model": "lectures", "messages": [{"role": "user", "content": "What is ECS?"}]}
        done = client.post("/v1/chat/completions", json=chat).json()
    assert done["sources"][0]["source"]["url"].startswith("https://learn.example/lectures/docker-on-aws#c")


@pytest.mark.parametrize("path", ["/v1/fault", "/v1/models-fault", "/v1/chat/fault"])
def test_a_fault_nobody_foresaw_is_told_as_little_as_can_be(
    indexed_home: Path, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    app = create_app(Settings(home=indexed_home))

    @app.get(path)
    async def fault() -> None:
        raise ZeroDivisionError("/srv/secret")

    response = TestClient(app).get(path)
    assert response.status_code == 500
    # OpenAI's shape is for its own paths, and not for what only begins as they do.
    if path.startswith("/v1/chat/"):
        assert response.json()["error"]["code"] == "internal"
    else:
        assert response.json()["type"] == "urn:lecture-assistant:problem:internal"
    assert "secret" not in response.text
    assert response.headers["x-request-id"]
    assert "ZeroDivisionError: /srv/secret" in caplog.text


def test_while_the_index_opens_every_route_says_so(indexed_home: Path) -> None:
    # Without its lifespan the application never opens the index.
    client = TestClient(create_app(Settings(home=indexed_home)))
    chat = {"model": "lectures", "messages": [{"role": "user", "content": "What is ECS?"}]}
    vote = {"question": "What is ECS?", "verdict": "up"}
    refused = [
        client.get("/readyz"),
        client.get("/v1/lectures"),
        client.get("/v1/search?q=x"),
        client.get("/v1/lectures/x"),
        client.get("/v1/lectures/x/transcript"),
        client.post("/v1/ask", json={"question": "What is ECS?"}, headers={"accept": "text/event-stream"}),
        client.post("/v1/feedback", json=vote),
        client.get("/v1/models"),
        client.get("/v1/models/lectures"),
        client.post("/v1/chat/completions", json=chat | {"stream": True}),
    ]
    assert [response.status_code for response in refused] == [503] * len(refused)
    assert refused[-1].json()["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASSISTANT_PUBLIC_READING", "perhaps"),
        ("ASSISTANT_RATE_LIMIT", "lots"),
        ("ASSISTANT_BODY_BYTES", "-1"),
        ("ASSISTANT_UPLOAD_BYTES", "1 MB"),
        ("ASSISTANT_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_setting_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        ServerSettings.from_environment({name: value}, open_without_keys=True)


def test_the_help_of_serve_names_every_variable_that_is_read() -> None:
    read: set[str] = set()

    class Environment(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # all that is read has a text
            read.add(name)
            return default

    ServerSettings.from_environment(Environment(), open_without_keys=True)
    assert read == set(VARIABLES)
    shown = CliRunner().invoke(serve, ["--help"]).output
    assert [name for name in VARIABLES if name not in shown] == []
    default = ServerSettings()
    assert f"({default.body_bytes})" in VARIABLES["ASSISTANT_BODY_BYTES"]
    assert f"({default.upload_bytes})" in VARIABLES["ASSISTANT_UPLOAD_BYTES"]
    assert f"{default.rate_limit} (the default)" in VARIABLES["ASSISTANT_RATE_LIMIT"]


def test_settings_come_from_the_environment() -> None:
    environment = {
        "ASSISTANT_PUBLIC_READING": "yes",
        "ASSISTANT_RATE_LIMIT": "5 per second",
        "ASSISTANT_CORS_ORIGINS": "https://a.example, https://b.example",
        "ASSISTANT_BODY_BYTES": "10",
        "ASSISTANT_UPLOAD_BYTES": "20",
        "ASSISTANT_LOG_QUESTIONS": "true",
        "ASSISTANT_LOG_FORMAT": "text",
        "ASSISTANT_PUBLIC_URL": "https://learn.example/",
        "ASSISTANT_TRUSTED_PROXIES": "10.0.0.0/8 127.0.0.1",
        "ASSISTANT_CHAT_LINKS": "on",
    }
    assert ServerSettings.from_environment(
        environment, open_without_keys=False, root_path="app/"
    ) == ServerSettings(
        open_without_keys=False,
        public_reading=True,
        rate_limit="5 per second",
        cors_origins=("https://a.example", "https://b.example"),
        body_bytes=10,
        upload_bytes=20,
        log_questions=True,
        log_format="text",
        public_url="https://learn.example",
        root_path="/app",
        trusted_proxies=("10.0.0.0/8", "127.0.0.1"),
        chat_links=True,
    )
    assert ServerSettings.from_environment({}, open_without_keys=True) == ServerSettings(
        loopback_names_only=True
    )


@pytest.mark.parametrize("name", ["ASSISTANT_PUBLIC_URL", "ASSISTANT_TRUSTED_PROXIES"])
def test_who_names_a_proxy_is_not_alone_on_the_machine(name: str) -> None:
    settings = ServerSettings.from_environment({name: "https://learn.example"}, open_without_keys=True)
    assert not settings.open_without_keys


@pytest.mark.parametrize(("whole", "status"), [(False, 408), (True, 200)])
def test_a_client_that_stops_in_the_middle_of_a_body_is_cut_off(whole: bool, status: int) -> None:
    """One that has sent its body may wait for the answer as long as it takes."""

    async def answers_late(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        with anyio.move_on_after(10 * silence):
            await receive()  # as streams do, to hear of a client that leaves
        await send({"type": "http.response.start", "status": 200, "headers": []})

    silence = 0.01
    sent: list[Message] = []
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": not whole}]

    async def receive() -> Message:
        return parts.pop() if parts else await sleep_forever()

    async def send(message: Message) -> None:
        sent.append(message)

    guarding = Guarding(
        answers_late, body_bytes=9, upload_bytes=9, upload_path="/v1/lectures", silence=silence
    )
    scope = {"type": "http", "path": "/v1/ask", "method": "POST", "headers": []}
    anyio.run(guarding, scope, receive, send)
    assert sent[0]["status"] == status
    assert whole or (b"connection", b"close") in sent[0]["headers"]


def test_a_head_is_that_of_get_without_a_body_and_counts_for_its_route(indexed_home: Path) -> None:
    with TestClient(create_app(Settings(home=indexed_home))) as client:
        got, head = client.get("/v1/models"), client.head("/v1/models")
        assert head.content == b""
        assert head.headers.keys() == got.headers.keys()
        assert head.headers["content-length"] == got.headers["content-length"]
        assert 'method="HEAD",route="/v1/models"' in client.get("/metrics").text
