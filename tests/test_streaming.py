"""The streamed answer against a real server process, and at the seam where a client leaves."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import anyio
import httpx
import pytest
from server_process import ServerStart

from api.server import listen
from api.streaming import answer_events, in_pieces
from assistant.config import Settings
from assistant.errors import IndexDamaged
from assistant.service import LectureAssistant

EVENTS = {"accept": "text/event-stream"}


def events_of(lines: Iterator[str]) -> list[tuple[str, dict[str, object]]]:
    """Name and data of each event; every line must be one of the two fields or end an event."""
    events = []
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            events.append((name, json.loads(line.removeprefix("data: "))))
        else:
            assert line == ""
    return events


def stream(client: httpx.Client, body: dict[str, object]) -> list[tuple[str, dict[str, object]]]:
    with client.stream("POST", "/v1/ask", json=body, headers=EVENTS) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return events_of(response.iter_lines())


def test_a_stream_says_what_the_whole_answer_says(server: httpx.Client) -> None:
    body: dict[str, object] = {
        "question": "And what about EKS?",
        "history": [{"role": "user", "content": "What is ECS?"}],
    }
    events = stream(server, body)
    whole = server.post("/v1/ask", json=body).json()
    names = [name for name, _ in events]
    texts = [str(data["text"]) for name, data in events if name == "text"]
    assert names == ["question", "citations", *["text"] * len(texts), "done"]
    assert events[0][1] == {"question": "And what about EKS?", "standalone_question": "What is EKS?"}
    assert events[1][1] == {k: whole[k] for k in ("answered", "confidence", "citations", "nearest")}
    assert len(texts) > 5
    assert "".join(texts) == whole["answer"]
    done = events[-1][1]
    assert done.keys() == whole.keys()
    assert {**done, "timing_ms": 0} == {**whole, "timing_ms": 0}


def test_a_refusal_streams_the_nearest_passages(server: httpx.Client) -> None:
    events = stream(server, {"question": "What is the capital of France?", "limit": 2})
    assert events[1][1]["answered"] is False
    assert len(events[1][1]["nearest"]) == 2  # type: ignore[arg-type]  # a list
    assert "".join(str(d["text"]) for n, d in events if n == "text") == events[-1][1]["answer"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"question": " "}, 422), ({"question": "x", "course": "nope"}, 404), ({}, 422)],
)
def test_an_error_before_the_first_event_is_problem_json(
    server: httpx.Client, body: dict[str, object], status: int
) -> None:
    response = server.post("/v1/ask", json=body, headers=EVENTS)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "streamed"),
    [
        ("text/event-stream; q=0.9, application/json", True),
        ("text/event-stream;q=0, application/json", False),
        ("text/event-stream; q=0.000", False),
        ("TEXT/EVENT-STREAM", True),
        ("application/json", False),
        ("*/*", False),
    ],
)
def test_the_accept_header_chooses(server: httpx.Client, accept: str, streamed: bool) -> None:
    response = server.post("/v1/ask", json={"question": "What is ECS?"}, headers={"accept": accept})
    assert response.headers["content-type"].startswith(
        "text/event-stream" if streamed else "application/json"
    )


@pytest.mark.parametrize("text", ["", " a  b\nc ", "one", "Zwei Wörter. [1]"])
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(in_pieces(text)) == text


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(IndexDamaged("/srv/secret: gone"), 503, "index-unusable"), (ZeroDivisionError(), 500, "internal")],
)
def test_a_later_error_is_an_event(indexed_home: Path, error: Exception, status: int, said: str) -> None:
    understood = LectureAssistant(Settings(home=indexed_home)).understand("What is ECS?")

    def fails() -> None:
        raise error

    async def collect() -> list[bytes]:
        return [event async for event in answer_events(understood, fails)]  # type: ignore[arg-type]

    events = events_of(iter(b"".join(anyio.run(collect)).decode().splitlines()))
    assert [name for name, _ in events] == ["question", "error"]
    assert events[1][1]["status"] == status
    assert str(events[1][1]["type"]).endswith(said)
    assert "secret" not in json.dumps(events)


def test_the_question_is_sent_before_anything_is_looked_up(indexed_home: Path) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    understood = assistant.understand("What is ECS?")
    looked_up = []

    async def first() -> bytes:
        events = answer_events(understood, lambda: looked_up.append(1) or assistant.answer(understood))  # type: ignore[func-returns-value]
        async for event in events:
            return event
        raise AssertionError

    assert b"standalone_question" in anyio.run(first)
    # The consumer left after the first event, so nothing was ever looked up for it.
    assert looked_up == []


def test_no_answer_waits_for_an_acknowledgement() -> None:
    """Head and body are two writes; Nagle's algorithm would hold the second back for 40 ms."""

    async def option() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            raw = writer.get_extra_info("socket")
            accepted.set_result(raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        server = await asyncio.start_server(connected, sock=listen("127.0.0.1", 0))
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with server:
            found = await accepted
        writer.close()
        await writer.wait_closed()
        return found

    assert asyncio.run(option()) != 0


def test_both_halves_make_the_whole(indexed_home: Path) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    halves = asdict(assistant.answer(assistant.understand("What is Docker Hub?"), limit=2))
    whole = asdict(assistant.ask("What is Docker Hub?", limit=2))
    assert {**halves, "timing_ms": 0} == {**whole, "timing_ms": 0}


def test_a_server_told_to_stop_finishes_its_streams(indexed_home: Path, start_server: ServerStart) -> None:
    question = {"question": "Why do containers start faster than virtual machines?"}
    with start_server(indexed_home) as client, ExitStack() as stack:
        running = [
            stack.enter_context(client.stream("POST", "/v1/ask", json=question, headers=EVENTS))
            for _ in range(8)
        ]
        # The answer's head has come, its body has not been read: now the server is told to stop.
        os.kill(int(client.headers["x-server-pid"]), signal.SIGTERM)
        ends = [events_of(response.iter_lines())[-1][0] for response in running]
    assert ends == ["done"] * 8
