"""OpenAI's API against a real server: the openai package, and what Open WebUI and LibreChat send."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from server_process import ServerStart

from api.chat import Reply
from assistant.citations import quote_text
from assistant.config import Settings
from assistant.service import LectureAssistant

REQUESTS = json.loads((Path(__file__).parent / "data" / "chat-requests.json").read_text(encoding="utf-8"))
QUESTION = "Where do you store Docker images?"


@pytest.fixture
def client(server: httpx.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="none", max_retries=0)


def asked(question: str) -> Any:
    return [{"role": "user", "content": question}]


def assert_annotations_quote(content: str, annotations: list[dict[str, Any]], server: httpx.Client) -> None:
    """Each annotation's characters of the content are those of the transcript that its link opens."""
    assert annotations
    for annotation in annotations:
        cited = annotation["url_citation"]
        page, place = cited["url"].split("#c")
        start, end = map(int, place.split("-"))
        base = str(server.base_url).rstrip("/")
        assert page.startswith(f"{base}/lectures/")
        lecture = page.removeprefix(f"{base}/lectures/")
        transcript = server.get(f"/v1/lectures/{lecture}/transcript").json()["transcript"]
        assert content[cited["start_index"] : cited["end_index"]] == transcript[start:end]


def test_the_openai_client_gets_a_cited_answer(client: openai.OpenAI, server: httpx.Client) -> None:
    done = client.chat.completions.create(model="lectures", messages=asked(QUESTION))
    message = done.choices[0].message
    assert message.content == server.post("/v1/ask", json={"question": QUESTION}).json()["answer"]
    assert done.choices[0].finish_reason == "stop"
    assert message.annotations
    annotations = [a.model_dump() for a in message.annotations]
    assert_annotations_quote(message.content or "", annotations, server)
    assert done.usage
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.usage.prompt_tokens == 6  # Where do you store Docker images?


def test_the_openai_client_streams_the_same(client: openai.OpenAI, server: httpx.Client) -> None:
    whole = client.chat.completions.create(model="lectures/aws", messages=asked(QUESTION))
    chunks = list(
        client.chat.completions.create(
            model="lectures/aws",
            messages=asked(QUESTION),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    annotated = [c for c in chunks if c.choices and getattr(c.choices[0].delta, "annotations", None)]
    assert len(annotated) == 1
    assert_annotations_quote(text, annotated[0].choices[0].delta.annotations, server)  # type: ignore[attr-defined]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)


@pytest.mark.parametrize("request_of", REQUESTS, ids=lambda r: r["client"])
def test_chat_programs_work_unchanged(request_of: dict[str, Any], server: httpx.Client) -> None:
    body = request_of["body"]
    with server.stream("POST", "/v1/chat/completions", json=body, headers=request_of["headers"]) as response:
        assert response.status_code == 200
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert all("choices" in chunk for chunk in chunks)
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    expected = server.post("/v1/ask", json={"question": request_of["standalone"]}).json()
    assert text == expected["answer"]
    sources = next(chunk["sources"] for chunk in chunks if "sources" in chunk)
    assert [source["document"] for source in sources] == [[c["quote"]] for c in expected["citations"]]
    # Open WebUI makes one source of those with one id, and [2] is the second source.
    assert len({source["metadata"][0]["source"] for source in sources}) == len(sources)
    assert chunks[-1]["usage"]["completion_tokens"] == len(text.split())


def test_what_is_not_covered_is_said_without_sources(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="lectures", messages=asked("What is the capital of France?"))
    assert done.choices[0].message.content == "I found no answer in the lectures; they may not cover this."
    assert done.choices[0].message.annotations == []
    assert done.model_extra == {"sources": []}


def test_models_are_the_courses(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["lectures", "lectures/aws"]
    assert client.models.retrieve("lectures/aws").owned_by == "lecture-assistant"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"model": "gpt-4o"}, 404, "not-indexed", None),
        ({"model": "lectures/nope"}, 404, "not-indexed", None),
        ({"model": "lectures/"}, 404, "not-indexed", None),
        ({"n": 2}, 400, "unsupported", "n"),
        ({"tool_choice": "required"}, 400, "unsupported", "tool_choice"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            400,
            "unsupported",
            "tool_choice",
        ),
        ({"logprobs": True}, 400, "unsupported", "logprobs"),
        ({"modalities": ["text", "audio"]}, 400, "unsupported", "modalities"),
        ({"response_format": {"type": "json_object"}}, 400, "unsupported", "response_format"),
        ({"messages": [{"role": "assistant", "content": "Hello"}]}, 400, "unsupported", "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            400,
            "unsupported",
            "messages[0].content",
        ),
        ({"messages": []}, 400, "request-invalid", None),
        ({"messages": asked(" ")}, 400, "question-invalid", None),
        ({"messages": asked("w " * 3000)}, 400, "question-invalid", None),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_errors_have_openais_shape(
    server: httpx.Client, streamed: bool, change: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    body = {"model": "lectures", "messages": asked("What is ECS?"), "stream": streamed} | change
    response = server.post("/v1/chat/completions", json=body)
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["message"]


def test_the_client_raises_what_it_knows(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="one answer"):
        client.chat.completions.create(model="lectures", messages=asked("What is ECS?"), n=3)


def test_links_in_the_content_keep_the_annotations_right(
    indexed_home: Path, start_server: ServerStart
) -> None:
    with start_server(indexed_home, ASSISTANT_CHAT_LINKS="1") as server:
        question = "What is the difference between Docker Hub and Amazon ECR?"
        body = {"model": "lectures", "messages": asked(question)}
        message = server.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
        assert_annotations_quote(message["content"], message["annotations"], server)
    linked = re.findall(r" \[\[\d\]\]\((\S+)\)", message["content"])
    assert linked == [annotation["url_citation"]["url"] for annotation in message["annotations"]]
    assert len(linked) > 1


@pytest.mark.parametrize("number", [0, 2])
def test_half_a_character_breaks_nothing(server: httpx.Client, number: int) -> None:
    said = ["What is ECS?", "A service.", "And what about EKS?"]
    said[number] = "And \ud83d what about EKS?"
    roles = ("user", "assistant", "user")
    messages = [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]
    body = json.dumps({"model": "lectures", "messages": messages})
    response = server.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200


def test_a_source_past_an_hour_says_the_hour(indexed_home: Path) -> None:
    answer = LectureAssistant(Settings(home=indexed_home)).ask(QUESTION)
    late = replace(answer.citations[0], start_ms=3_725_000, end_ms=3_729_000)
    (source,) = Reply(replace(answer, citations=(late,)), "https://lectures.example", links=False).sources
    assert source.source.name == f"{late.title}, 1:02:05"


def test_without_links_the_content_is_the_answer(indexed_home: Path) -> None:
    answer = LectureAssistant(Settings(home=indexed_home)).ask("What are ECS, EKS and Fargate?")
    reply = Reply(answer, "https://lectures.example", links=False)
    assert reply.content == answer.answer
    quoted = [reply.content[a.url_citation.start_index : a.url_citation.end_index] for a in reply.annotations]
    assert quoted == [c.quote for c in answer.citations[: len(quoted)]]


@pytest.mark.parametrize("links", [False, True])
def test_every_quote_is_annotated_in_any_order_whatever_its_words(indexed_home: Path, links: bool) -> None:
    answer = LectureAssistant(Settings(home=indexed_home)).ask("What are ECS, EKS and Fargate?")
    later, earlier = (replace(one, quote=f"See [1] and [2]: {one.quote}") for one in answer.citations[:2])
    answer = replace(answer, answer=quote_text([earlier, later]), citations=(later, earlier))
    reply = Reply(answer, "https://lectures.example", links=links)
    quoted = [reply.content[a.url_citation.start_index : a.url_citation.end_index] for a in reply.annotations]
    assert quoted == [earlier.quote, later.quote]
    assert reply.content.count("](https://") == (2 if links else 0)
    assert links or reply.content == answer.answer
