"""Adding and removing lectures over HTTP: jobs, idempotency, who may, and what is left behind."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_process import ServerStart

from assistant.config import Settings
from assistant.errors import HomeUnusable, UploadInvalid
from assistant.job_records import Job, JobRecords
from assistant.jobs import JobRunner
from assistant.keys import KeyStore
from assistant.service import LectureAssistant
from assistant.store import writer_lock
from assistant.uploads import Staged, Staging, discard_upload
from corpus import find_sources

PODS = """1
00:00:01,000 --> 00:00:04,500
A pod is the smallest unit of Kubernetes.

2
00:00:xx,000 --> 00:00:06,000
Lost.
"""
LAST = "'docker-on-aws' is the last lecture, which cannot be removed; add another one first"
QUESTION = {"question": "What is the smallest unit of Kubernetes?"}


@pytest.fixture(scope="module")
def home(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uploads") / "home"
    shutil.copytree(indexed_home, folder)
    return folder


@pytest.fixture(scope="module")
def client(home: Path, start_server: ServerStart) -> Iterator[httpx.Client]:
    with start_server(home, ASSISTANT_UPLOAD_BYTES="3000") as client:
        yield client


def ended(client: httpx.Client, reply: httpx.Response, **headers: str) -> dict[str, Any]:
    """The job of a 202, once it has ended."""
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == f"/v1/jobs/{reply.json()['job_id']}"
    while True:
        job: dict[str, Any] = client.get(reply.headers["location"] + "?wait=20", headers=headers).json()
        if job["state"] not in ("queued", "running"):
            return job


def staged(home: Path) -> list[str]:
    """What lies in the uploads folder."""
    folder = home / "uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_lecture_is_sent_asked_and_removed(client: httpx.Client, home: Path) -> None:
    assert client.post("/v1/ask", json=QUESTION).json()["citations"] == []
    key = {"idempotency-key": "first"}
    described = {
        "filename": "pods.srt",
        "title": 'Über "Pods"',
        "course": "k8s",
        "url": "https://v.example/{seconds}",
    }
    sent = client.post("/v1/lectures", params=described, content=PODS.encode(), headers=key)
    job = ended(client, sent)
    assert (job["kind"], job["lecture_id"], job["state"], job["error"]) == ("add", "pods", "done", None)
    assert [problem["line"] for problem in job["problems"]] == [6]
    answer = client.post("/v1/ask", json=QUESTION | {"course": "k8s"}).json()
    assert answer["citations"][0]["quote"] == "A pod is the smallest unit of Kubernetes."
    assert client.get("/v1/lectures/pods").json()["title"] == 'Über "Pods"'

    # The same request again is the same job; another request under its key is refused.
    again = client.post("/v1/lectures", params=described, content=PODS.encode(), headers=key)
    assert again.json()["job_id"] == job["job_id"]
    other = client.post(
        "/v1/lectures", params=described | {"title": "Else"}, content=PODS.encode(), headers=key
    )
    assert (other.status_code, "Idempotency-Key" in other.json()["detail"]) == (422, True)
    taken = client.post("/v1/lectures", params=described, content=PODS.encode())
    assert taken.status_code == 409
    assert taken.json()["type"] == "urn:lecture-assistant:problem:lecture-conflict"
    assert len(staged(home)) == 1

    gone = client.delete("/v1/lectures/pods", headers={"idempotency-key": "away"})
    assert ended(client, gone)["state"] == "done"
    assert (
        client.delete("/v1/lectures/pods", headers={"idempotency-key": "away"}).json()["job_id"]
        == gone.json()["job_id"]
    )
    assert client.delete("/v1/lectures/pods").status_code == 404
    assert client.get("/v1/lectures/pods").status_code == 404
    assert client.post("/v1/ask", json=QUESTION).json()["citations"] == []
    assert staged(home) == []

    last = ended(client, client.delete("/v1/lectures/docker-on-aws"))
    assert (last["state"], last["error"]) == (
        "failed",
        "'docker-on-aws' is the last lecture, which cannot be removed; add another one first",
    )
    assert client.get("/v1/lectures/docker-on-aws").status_code == 200


@pytest.mark.parametrize(
    ("filename", "title"), [("Pods_and-nodes.srt", "Pods and nodes"), ("a/b.txt", "b"), ("--.txt", "lecture")]
)
def test_without_a_title_an_upload_is_called_by_its_file(tmp_path: Path, filename: str, title: str) -> None:
    with Staging(tmp_path, filename, {}) as staging:
        staging.write(PODS.encode())
        folder = staging.finish().folder
    assert [source.title for source in find_sources([folder])] == [title]


@pytest.mark.parametrize(
    ("params", "content", "status", "said"),
    [
        ({}, b"x", 422, "needs a name"),
        ({"filename": "slides.exe"}, b"x", 422, "must end in one of"),
        ({"filename": "empty.srt"}, b"", 422, "empty.srt"),
        ({"filename": "binary.txt"}, bytes(range(256)) * 4, 422, "binary.txt"),
        ({"filename": "a.txt", "title": "\n"}, b"Words.", 422, "title must be"),
        ({"filename": "a.txt", "title": "x" * 501}, b"Words.", 422, "title"),
        ({"filename": "a.txt", "lecture_id": "week 1/é"}, b"Words.", 422, "'week-1-é' would do"),
        ({"filename": "a.txt", "lecture_id": "-week1"}, b"Words.", 422, "nor ends with -; 'week1' would do"),
        ({"filename": "a.txt", "lecture_id": "a" * 99 + " b"}, b"Words.", 422, f"'{'a' * 99}' would do"),
        ({"filename": "../../a.txt", "lecture_id": "docker-on-aws"}, b"Words.", 409, "docker-on-aws"),
        ({"filename": "big.txt"}, b"Words. " * 500, 413, "at most 3,000 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(
    client: httpx.Client, home: Path, params: dict[str, str], content: bytes, status: int, said: str
) -> None:
    before = staged(home)
    response = client.post("/v1/lectures", params=params, content=content)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]
    assert str(home) not in response.text
    assert staged(home) == before


def test_forms_are_checked_alike(client: httpx.Client, home: Path) -> None:
    before = staged(home)
    nothing = client.post("/v1/lectures", files={"other": ("a.txt", b"Words.")})
    assert (nothing.status_code, "no file" in nothing.json()["detail"]) == (422, True)
    wrong = client.post("/v1/lectures", files={"file": ("a.exe", b"Words.")}, data={"title": "A"})
    assert (wrong.status_code, "must end in" in wrong.json()["detail"]) == (422, True)
    taken = client.post(
        "/v1/lectures", files={"file": ("a.txt", b"Words.")}, data={"lecture_id": "docker-on-aws"}
    )
    assert taken.status_code == 409
    broken = client.post(
        "/v1/lectures", content=b"no form", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code in (400, 422)
    unbounded = client.post(
        "/v1/lectures", content=b"no form", headers={"content-type": "multipart/form-data"}
    )
    assert unbounded.status_code == 400
    assert unbounded.headers["content-type"] == "application/problem+json"
    assert staged(home) == before


def test_a_chunked_upload_that_becomes_too_large_leaves_nothing(client: httpx.Client, home: Path) -> None:
    before = staged(home)

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"Words. " * 20

    response = client.post("/v1/lectures", params={"filename": "a.txt"}, content=chunks())
    assert response.status_code == 413
    assert staged(home) == before


def test_only_a_key_that_may_upload_does(
    indexed_home: Path, start_server: ServerStart, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    store = KeyStore(home)
    reader = {"authorization": f"Bearer {store.create('reader')}"}
    teacher = {"authorization": f"Bearer {store.create('teacher', ['k8s'], can_upload=True)}"}
    other = {"authorization": f"Bearer {store.create('other', can_upload=True)}"}
    with start_server(home) as client:
        for headers, status in (({}, 401), (reader, 403)):
            assert (
                client.post("/v1/lectures?filename=a.txt", content=b"Words.", headers=headers).status_code
                == status
            )
            assert client.delete("/v1/lectures/docker-on-aws", headers=headers).status_code == status
            assert client.get("/v1/jobs/x", headers=headers).status_code == status
        # A key of some courses adds to these, and cannot see, so not remove, what is in others.
        for course in ({}, {"course": "aws"}):
            refused = client.post(
                "/v1/lectures",
                params={"filename": "pods.srt", **course},
                content=PODS.encode(),
                headers=teacher,
            )
            assert refused.status_code == 403
        assert client.delete("/v1/lectures/docker-on-aws", headers=teacher).status_code == 404
        form = {"files": {"file": ("pods.srt", PODS.encode())}, "data": {"course": "k8s", "title": "Pods"}}
        # While another process writes, the job waits; nothing of it can be seen.
        with writer_lock(home):
            sent = client.post("/v1/lectures", **form, headers=teacher)
            waiting = client.get(sent.headers["location"], headers=teacher).json()
            assert waiting["state"] in ("queued", "running")
            assert client.get("/v1/lectures/pods", headers=teacher).status_code == 404
        assert client.get(sent.headers["location"], headers=other).status_code == 404
        assert ended(client, sent, **teacher)["state"] == "done"
        assert client.get("/v1/lectures/pods", headers=teacher).json()["title"] == "Pods"
        assert client.post("/v1/ask", json=QUESTION, headers=teacher).json()["answered"] is True


def queued(settings: Settings) -> tuple[Staged, Job]:
    """A transcript and its job as a server leaves them that is killed before it comes to it."""
    with Staging(settings.home, "pods.srt", {}) as staging:
        staging.write(PODS.encode())
        upload = staging.finish()
    records = JobRecords(settings.home)
    given = ("ann", "add", upload.lecture_id, upload.fingerprint, None, upload.folder, upload.problems)
    job, _ = records.add(*given)
    records.close()
    return upload, job


def test_what_a_killed_server_left_is_cleared_up(indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    settings = Settings(home=home)
    _, job = queued(settings)
    half = Staging(home, "half.srt", {}).__enter__()
    half.write(b"1\n")
    assert len(staged(home)) == 2

    after = JobRunner(settings)
    after.start()
    found = after.find("ann", job.job_id)
    after.stop()
    assert found
    assert (found.state, found.error) == (
        "failed",
        "the server was stopped before it was done; send it again",
    )
    assert staged(home) == []
    half.__exit__()
    assert [h.lecture_id for h in LectureAssistant(settings).lectures()] == ["docker-on-aws"]


def test_an_index_published_just_before_the_end_counts(indexed_home: Path, tmp_path: Path) -> None:
    from assistant.indexing import index_paths

    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    settings = Settings(home=home)
    upload, job = queued(settings)
    index_paths([upload.folder], settings, lambda *_: None)
    after = JobRunner(settings)
    after.start()
    found = after.find("ann", job.job_id)
    after.stop()
    assert found
    assert found.state == "done"
    assert upload.folder.is_dir()


def test_of_two_servers_over_a_home_one_has_the_jobs(indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    settings = Settings(home=home)
    first, second = JobRunner(settings), JobRunner(settings)
    first.start()
    half = Staging(home, "half.srt", {}).__enter__()
    second.start()
    assert len(staged(home)) == 1  # what the first is receiving was left alone
    with pytest.raises(HomeUnusable, match="another server takes the uploads of this home"):
        second.remove("ann", "docker-on-aws")
    first.stop()
    job = second.remove("ann", "docker-on-aws")
    done = second.find("ann", job.job_id, wait=60)
    second.stop()
    assert done
    assert (done.state, done.error) == (
        "failed",
        "'docker-on-aws' is the last lecture, which cannot be removed; add another one first",
    )
    half.__exit__()


def test_a_name_in_another_script_is_not_too_long_for_the_disk(tmp_path: Path) -> None:
    with Staging(tmp_path, "講" * 120 + ".srt", {}) as staging:
        staging.write(PODS.encode())
        upload = staging.finish()
    assert upload.lecture_id == "講" * 100
    assert sorted(path.name for path in upload.folder.iterdir()) == ["lecture.toml", "講" * 66 + ".srt"]


def test_a_job_that_cannot_be_noted_does_not_end_the_others(indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    runner = JobRunner(Settings(home=home))
    first = runner.remove("ann", "docker-on-aws")
    runner.find("ann", first.job_id, wait=60)
    with sqlite3.connect(home / "jobs.sqlite") as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN old.lecture_id = 'cats' "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    broken, last = runner.remove("ann", "cats"), runner.remove("ann", "docker-on-aws")
    done = runner.find("ann", last.job_id, wait=60)
    runner.stop()
    assert done
    assert (done.state, done.error) == ("failed", LAST)
    kept = runner.find("ann", broken.job_id)
    assert kept
    assert kept.state == "queued"


def test_only_the_folder_of_an_upload_is_discarded(tmp_path: Path) -> None:
    upload = tmp_path / "uploads" / "a"
    upload.mkdir(parents=True)
    for source in (tmp_path / "uploads" / ".." / "x.txt", tmp_path / "uploads" / "x.txt", tmp_path / "x.txt"):
        discard_upload(tmp_path, str(source))
        assert upload.is_dir()
    discard_upload(tmp_path, str(upload / "x.txt"))
    assert list(tmp_path.iterdir()) == [tmp_path / "uploads"]
    assert not upload.exists()


def test_a_job_is_kept_as_it_is_described(tmp_path: Path) -> None:
    runner = JobRunner(Settings(home=tmp_path))
    with runner.stage("pods.srt", {"title": "Pods"}) as staging:
        staging.write(PODS.encode())
        upload = staging.finish()
    assert upload.lecture_id == "pods"
    job = runner.add("ann", upload, "key")
    assert runner.asked("ann", "key") == job
    assert runner.asked("bob", "key") is None
    with pytest.raises(UploadInvalid, match="another request"):
        runner.remove("ann", "pods", "key")
    runner.stop()
    (row,) = sqlite3.connect(tmp_path / "jobs.sqlite").execute("SELECT who, problems FROM jobs").fetchall()
    assert (row[0], json.loads(row[1])[0][0]) == ("ann", 6)
    if os.name == "posix":
        assert (tmp_path / "jobs.sqlite").stat().st_mode & 0o077 == 0
