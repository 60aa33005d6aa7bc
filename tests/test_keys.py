"""API keys: the store, the command line, and what a running server does with them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from server_process import ServerStart

from assistant.config import Settings
from assistant.errors import KeyInvalid
from assistant.indexing import index_paths
from assistant.keys import KeyStore

PODS = "1\n00:00:01,000 --> 00:00:04,500\nA pod is the smallest unit of Kubernetes.\n"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def home(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped lecture of course ``aws`` and one of course ``k8s``."""
    folder = tmp_path_factory.mktemp("keyed")
    shutil.copytree(indexed_home, folder / "home")
    lecture = folder / "pods"
    lecture.mkdir()
    (lecture / "pods.srt").write_text(PODS, encoding="utf-8")
    (lecture / "lecture.toml").write_text('course = "k8s"\n', encoding="utf-8")
    index_paths([lecture], Settings(home=folder / "home"), lambda *_: None)
    return folder / "home"


@pytest.fixture(scope="module")
def keyed(home: Path, start_server: ServerStart) -> Iterator[httpx.Client]:
    KeyStore(home).create("everything")
    with start_server(home, ASSISTANT_RATE_LIMIT="40/minute") as client:
        yield client


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(home), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    made = run(tmp_path, "keys", "create", "Ann", "--course", "aws", "--expires", "30")
    key = made.stdout.strip()
    assert made.returncode == 0
    assert made.stderr.startswith("from now on a server asks for a key")
    assert key.startswith("la_")
    assert key.encode() not in (tmp_path / "keys.sqlite").read_bytes()
    if os.name == "posix":
        assert (tmp_path / "keys.sqlite").stat().st_mode & 0o077 == 0
    found = KeyStore(tmp_path).find(key)
    assert found
    assert (found.name, found.courses, found.can_upload) == ("Ann", ("aws",), False)
    assert found.expires == found.created + 30 * 24 * 3600
    listed = run(tmp_path, "keys", "list").stdout
    assert listed.startswith("Ann  valid  (aws, until 20")
    assert key not in listed
    assert run(tmp_path, "keys", "revoke", "Ann").stdout == "revoked Ann\n"
    assert run(tmp_path, "keys", "list").stdout.startswith("Ann  revoked")
    assert KeyStore(tmp_path).find(key) is None


def test_a_course_that_no_lecture_has_is_noted_and_the_key_made(home: Path, tmp_path: Path) -> None:
    own = shutil.copytree(home, tmp_path / "home")
    made = run(own, "keys", "create", "Bob", "--course", "nope", "--course", "aws")
    assert (made.returncode, made.stdout[:3]) == (0, "la_")
    first, warning = made.stderr.splitlines()
    assert first.startswith("from now on a server asks for a key, also once this one is revoked; ")
    assert first.endswith(f"stop it and remove {own / 'keys.sqlite'}")
    assert warning == "warning: no indexed lecture is of course 'nope'; known are aws, k8s"
    assert run(own, "keys", "create", "Eve", "--course", "k8s").stderr == ""
    (own / "CURRENT").write_text("nonsense", encoding="utf-8")
    assert run(own, "keys", "create", "Dan", "--course", "nope").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", " "), "needs a name"),
        (("create", "Bob\nAnn  valid"), "on one line"),
        (("revoke", "Bob"), "there is no key 'Bob'; known are none"),
        (("create", "Bob", "--expires", "0"), "--expires"),
    ],
)
def test_wrong_uses_are_usage_errors(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(tmp_path, "keys", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_name_is_used_once(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.create("Ann")
    store.revoke("Ann")
    with pytest.raises(KeyInvalid, match="there is or was a key 'Ann'"):
        store.create("Ann")
    # Closed stays closed: a revoked key still counts as there being keys.
    assert store.exist()


def test_an_expired_key_is_no_key(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    key = store.create("Ann", days=0)
    assert store.find(key) is None
    assert [k.state(k.created) for k in store.all()] == ["expired"]


def test_without_a_key_nothing_but_health_is_served(keyed: httpx.Client) -> None:
    for method, path in [
        ("POST", "/v1/ask"),
        ("GET", "/v1/search?q=x"),
        ("GET", "/v1/lectures"),
        ("GET", "/v1/lectures/docker-on-aws"),
        ("GET", "/v1/lectures/docker-on-aws/transcript"),
        ("POST", "/v1/feedback"),
        ("GET", "/metrics"),
        ("GET", "/v1/models"),
        ("POST", "/v1/chat/completions"),
    ]:
        for headers in ({}, bearer("la_wrong"), {"authorization": "Basic eA=="}):
            # A body that is wrong too: who may not ask learns nothing about it.
            response = keyed.request(method, path, headers=headers)
            assert response.status_code == 401, path
            assert response.headers["www-authenticate"] == "Bearer"
            body = response.json()
            assert "la_wrong" not in response.text
            if path.startswith(("/v1/models", "/v1/chat")):
                assert body["error"]["code"] == "key-invalid"
            else:
                assert body["type"] == "urn:lecture-assistant:problem:key-invalid"
    assert keyed.get("/healthz").status_code == 200
    assert keyed.get("/readyz").status_code == 200
    assert keyed.get("/openapi.json").status_code == 200


def test_a_key_made_while_the_server_runs_is_let_in_and_shut_out(keyed: httpx.Client, home: Path) -> None:
    store = KeyStore(home)
    key = bearer(store.create("short-lived"))
    question = {"question": "What is the smallest unit of Kubernetes?"}
    assert keyed.post("/v1/ask", json=question, headers=key).json()["answered"] is True
    store.revoke("short-lived")
    assert keyed.post("/v1/ask", json=question, headers=key).status_code == 401


def test_a_key_sees_its_courses_only(keyed: httpx.Client, home: Path) -> None:
    key = bearer(KeyStore(home).create("aws-only", ["aws", "not-indexed-yet"]))
    question = {"question": "What is the smallest unit of Kubernetes?"}
    assert "pods" not in keyed.post("/v1/ask", json=question, headers=key).text
    for body in ({**question, "course": "k8s"}, {**question, "lectures": ["pods"]}):
        refused = keyed.post("/v1/ask", json=body, headers=key)
        assert refused.status_code == 404
        # Not even the name of what may not be seen.
        assert "pods" not in refused.json()["detail"].replace("'pods'", "")
    listed = keyed.get("/v1/lectures", headers=key).json()
    assert (listed["courses"], len(listed["lectures"])) == (["aws"], 1)
    found = keyed.get("/v1/search", params={"q": "pod Kubernetes", "limit": 200}, headers=key).json()
    assert {result["lecture_id"] for result in found["results"]} == {"docker-on-aws"}
    assert keyed.get("/v1/lectures/pods/transcript", headers=key).status_code == 404
    models = keyed.get("/v1/models", headers=key).json()["data"]
    assert [model["id"] for model in models] == ["lectures", "lectures/aws"]
    chat = {"model": "lectures/k8s", "messages": [{"role": "user", "content": "What is a pod?"}]}
    assert keyed.post("/v1/chat/completions", json=chat, headers=key).status_code == 404
    vote = {
        "question": "x",
        "verdict": "up",
        "citations": [{"lecture_id": "pods", "char_start": 0, "char_end": 2}],
    }
    assert keyed.post("/v1/feedback", json=vote, headers=key).status_code == 404


def test_a_key_of_no_indexed_course_sees_nothing(keyed: httpx.Client, home: Path) -> None:
    key = bearer(KeyStore(home).create("elsewhere", ["physics"]))
    answer = keyed.post("/v1/ask", json={"question": "What is Docker?"}, headers=key)
    assert answer.status_code == 200
    assert (answer.json()["answered"], answer.json()["nearest"]) == (False, [])
    assert keyed.get("/v1/search?q=docker", headers=key).json()["results"] == []
    assert keyed.get("/v1/lectures", headers=key).json()["lectures"] == []


def test_each_key_has_its_own_rate(keyed: httpx.Client, home: Path) -> None:
    store = KeyStore(home)
    busy, calm = bearer(store.create("busy")), bearer(store.create("calm"))
    answers = [keyed.get("/v1/lectures", headers=busy) for _ in range(41)]
    assert [a.status_code for a in answers] == [200] * 40 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=40;w=60'
    assert answers[0].headers["ratelimit"].startswith('"key";r=39;t=')
    refused = answers[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["type"] == "urn:lecture-assistant:problem:too-many-requests"
    chat = keyed.get("/v1/models", headers=busy)
    assert (chat.status_code, chat.json()["error"]["type"]) == (429, "rate_limit_error")
    # A stream is refused before it begins, and carries the headers when it is not.
    streamed = {"accept": "text/event-stream"}
    question = {"question": "What is ECS?"}
    assert keyed.post("/v1/ask", json=question, headers=busy | streamed).status_code == 429
    allowed = keyed.post("/v1/ask", json=question, headers=calm | streamed)
    assert (allowed.status_code, "ratelimit" in allowed.headers) == (200, True)


def test_public_reading_lets_readers_in_without_a_key(home: Path, start_server: ServerStart) -> None:
    with start_server(home, ASSISTANT_PUBLIC_READING="1", ASSISTANT_RATE_LIMIT="3/hour") as client:
        statuses = [client.get("/v1/lectures").status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        # A wrong key is not the same as none: its owner should hear of it.
        assert client.get("/v1/lectures", headers=bearer("la_wrong")).status_code == 401


def test_beyond_loopback_without_keys_everything_is_refused(
    indexed_home: Path, start_server: ServerStart, tmp_path: Path
) -> None:
    said = tmp_path / "stderr"
    with start_server(indexed_home, "--host", "0.0.0.0", notes=said) as client:  # noqa: S104  # the point
        assert client.get("/v1/lectures").status_code == 401
        assert client.get("/healthz").status_code == 200
    assert "warning: there are no API keys, so on 0.0.0.0 every request is refused" in said.read_text()


def test_a_setting_that_cannot_be_is_a_usage_error(indexed_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(indexed_home), "serve", "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ASSISTANT_RATE_LIMIT": "many"},
    )
    assert done.returncode == 2
    assert "ASSISTANT_RATE_LIMIT cannot be 'many'; write it like 600/minute" in done.stderr
