"""OpenAI's chat completions, as much of them as quoting lectures can fill."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Annotation",
    "AssistantMessage",
    "ChatCompletion",
    "ChatMessage",
    "ChatRequest",
    "Choice",
    "Model",
    "ModelList",
    "Source",
    "SourceDetail",
    "SourceName",
    "UrlCitation",
    "Usage",
]

_EXAMPLE: dict[str, Any] = {
    "model": "lectures",
    "messages": [{"role": "user", "content": "What is Docker?"}],
    "stream": False,
}


class ContentPart(BaseModel):
    """A part of a message; only ``text`` can be read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    """One message; system messages and tool results are passed over."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None


class AnyObject(BaseModel):
    """An object whose fields are not looked at."""

    model_config = ConfigDict(extra="allow")


class ResponseFormat(BaseModel):
    """The form of the answer; only ``text`` is there."""

    model_config = ConfigDict(extra="allow")

    type: str = "text"


class StreamOptions(BaseModel):
    """What a stream ends with."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """A conversation whose last message asks. Any other field of OpenAI's is accepted and has no effect."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_EXAMPLE]})

    model: Annotated[str, Field(description="`lectures`, or `lectures/<course>`.")]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    tool_choice: str | AnyObject | None = None
    function_call: str | AnyObject | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    audio: AnyObject | None = None


class UrlCitation(BaseModel):
    """Characters ``start_index`` to ``end_index`` of the content are words of the lecture at ``url``."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A citation of the content."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class SourceName(BaseModel):
    """Where a quote is, for people."""

    id: str
    name: str
    url: str


class SourceDetail(BaseModel):
    """The same for Open WebUI, which tells sources apart by ``source``."""

    source: str
    name: str
    source_url: str


class Source(BaseModel):
    """A citation in Open WebUI's words; the first one is the content's ``[1]``."""

    source: SourceName
    document: list[str]
    metadata: list[SourceDetail]
    distances: list[float]


class AssistantMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: str | None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The one answer there is."""

    index: int = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(BaseModel):
    """Words, since nothing is generated token by token."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    sources: list[Source]


class Model(BaseModel):
    """All lectures, or those of a course, under the name of a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "lecture-assistant"


class ModelList(BaseModel):
    """What can be asked."""

    object: Literal["list"] = "list"
    data: list[Model]
