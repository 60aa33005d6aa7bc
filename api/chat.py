"""A conversation in OpenAI's words → a question with its history, and an answer → a completion."""

import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi.sse import format_sse_event

from api.chat_schemas import (
    Annotation,
    AssistantMessage,
    ChatCompletion,
    ChatMessage,
    ChatRequest,
    Choice,
    Source,
    SourceDetail,
    SourceName,
    UrlCitation,
    Usage,
)
from api.errors import RequestUnsupported, openai_error
from api.schemas import Problem
from api.streaming import answer_or_problem, event, in_pieces
from assistant.answering import Answer
from assistant.citations import Citation, quote_text
from assistant.conversation import Turn
from corpus.formats.clock import format_time

__all__ = ["MODEL", "Conversation", "Reply", "completion", "completion_events", "read_conversation"]

MODEL = "lectures"
_TURNS = 100
_TURN_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Conversation:
    """The last message and those before it."""

    question: str
    history: tuple[Turn, ...]


def read_conversation(request: ChatRequest) -> Conversation:
    """What is asked and what was said before.

    Raises:
        RequestUnsupported: something is wanted that an answer of quotes cannot be.
    """
    _refuse_what_quotes_cannot_be(request)
    said = [(number, m) for number, m in enumerate(request.messages) if m.role in ("user", "assistant")]
    if not said or request.messages[-1].role != "user":
        raise RequestUnsupported("the last message must be the user's question", "messages")
    turns = [Turn(message.role, _text(message, number)) for number, message in said]
    history = [Turn(turn.role, turn.content[:_TURN_CHARACTERS]) for turn in turns[-_TURNS - 1 : -1]]
    return Conversation(turns[-1].content, tuple(history))


def _refuse_what_quotes_cannot_be(request: ChatRequest) -> None:
    if request.n is not None and request.n != 1:
        raise RequestUnsupported("there is one answer to a question; leave n out or set it to 1", "n")
    for name in ("tool_choice", "function_call"):
        value = getattr(request, name)
        if value not in (None, "auto", "none"):
            raise RequestUnsupported(f"no tools are called here; leave {name} out or set it to none", name)
    if request.logprobs:
        raise RequestUnsupported("quotes have no token probabilities; leave logprobs out", "logprobs")
    for name, wanted in (
        ("audio", request.audio),
        ("modalities", request.modalities not in (None, [], ["text"])),
    ):
        if wanted:
            raise RequestUnsupported(f"only text is answered; leave {name} out", name)
    if request.response_format and request.response_format.type != "text":
        raise RequestUnsupported(
            "answers are quotes, not JSON; leave response_format out (POST /v1/ask answers in JSON)",
            "response_format",
        )


def _text(message: ChatMessage, number: int) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    for part in message.content:
        if part.type not in ("text", "refusal"):
            raise RequestUnsupported(
                f"only text can be read, not {part.type[:40]!r}", f"messages[{number}].content"
            )
    return "\n".join(part.text or "" for part in message.content)


class Reply:
    """An answer as a chat shows it: text, what is quoted in it, and where every citation opens."""

    def __init__(self, answer: Answer, base_url: str, *, links: bool) -> None:
        """``base_url`` makes links absolute; with ``links`` each ``[1]`` is one, in Markdown."""
        self.annotations: list[Annotation] = []
        self.sources = [_source(citation, base_url) for citation in answer.citations]
        self.content = ""
        rest = answer.answer
        # Quote after quote: they stand in the lecture's order, and words of a lecture may hold a "[1]" too.
        while citation := next((one for one in answer.citations if rest.startswith(_quoted(one))), None):
            url = base_url + citation.url
            marker = f"[[{citation.number}]]({url})" if links else f"[{citation.number}]"
            self.content += " " if self.content else ""
            self.annotations.append(_annotation(citation, len(self.content), url))
            self.content += f"{citation.quote} {marker}"
            rest = rest.removeprefix(_quoted(citation)).removeprefix(" ")
        self.content += rest


def _quoted(citation: Citation) -> str:
    """A citation as the answer's text has it."""
    return quote_text([citation])


def completion(request: ChatRequest, reply: Reply) -> ChatCompletion:
    """The whole answer at once."""
    message = AssistantMessage(content=reply.content, annotations=reply.annotations)
    return ChatCompletion(
        **_head(request),
        choices=[Choice(message=message)],
        usage=_usage(request, reply),
        sources=reply.sources,
    )


async def completion_events(request: ChatRequest, answer: Callable[[], Reply]) -> AsyncIterator[bytes]:
    """The answer in chunks: role, text word by word, annotations with sources, the end, usage if asked for.

    ``answer`` runs in the thread pool.
    """
    head = {**_head(request), "object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**head, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    reply = await answer_or_problem(answer)
    if isinstance(reply, Problem):
        yield event(openai_error(reply).model_dump())
        return
    for piece in in_pieces(reply.content):
        yield chunk({"content": piece})
    if reply.sources:
        annotations = [annotation.model_dump() for annotation in reply.annotations]
        yield chunk({"annotations": annotations}, sources=[source.model_dump() for source in reply.sources])
    yield chunk({}, "stop")
    if request.stream_options and request.stream_options.include_usage:
        yield event({**head, "choices": [], "usage": _usage(request, reply).model_dump()})
    yield format_sse_event(data_str="[DONE]")


def _head(request: ChatRequest) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": request.model}


def _annotation(citation: Citation, start: int, url: str) -> Annotation:
    return Annotation(
        url_citation=UrlCitation(
            start_index=start, end_index=start + len(citation.quote), title=citation.title, url=url
        )
    )


def _source(citation: Citation, base_url: str) -> Source:
    url = base_url + citation.url
    # Open WebUI makes one source of those with the same id, and a link of an id that is a URL.
    place = f"{citation.lecture_id} {citation.char_start}-{citation.char_end}"
    name = f"{citation.title}{_time(citation)}"
    return Source(
        source=SourceName(id=place, name=name, url=url),
        document=[citation.quote],
        metadata=[SourceDetail(source=place, name=name, source_url=url)],
        distances=[citation.score],
    )


def _time(citation: Citation) -> str:
    if citation.start_ms is None:
        return f", {citation.page_kind or 'line'} {citation.line_start}"
    return f", {format_time(citation.start_ms)}"


def _usage(request: ChatRequest, reply: Reply) -> Usage:
    asked = sum(
        _words(content if isinstance(content, str) else " ".join(part.text or "" for part in content or ()))
        for content in (message.content for message in request.messages)
    )
    answered = _words(reply.content)
    return Usage(prompt_tokens=asked, completion_tokens=answered, total_tokens=asked + answered)


def _words(text: str) -> int:
    return len(re.findall(r"\S+", text))
