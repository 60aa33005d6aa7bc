"""``POST /v1/chat/completions`` and ``GET /v1/models``, for clients of OpenAI's API."""

from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request

from api.chat import MODEL, Reply, completion, completion_events, read_conversation
from api.chat_schemas import ChatCompletion, ChatRequest, Model, ModelList
from api.deps import Asking, Assistant, Server
from api.errors import Responses, openai_responses
from api.streaming import event_stream
from assistant.errors import NotIndexed
from assistant.service import LectureAssistant

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

_STREAM: Responses = {
    200: {
        "description": "The answer; with `stream`, `chat.completion.chunk` events and `[DONE]`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/chat/completions",
    operation_id="createChatCompletion",
    response_model=ChatCompletion,
    responses=_STREAM | openai_responses(400, 403, 404, 408, 413, 503),
)
async def create_chat_completion(chat: ChatRequest, asking: Asking, server: Server, request: Request) -> Any:
    """Answer the last message of a conversation with quotes; earlier ones make follow-ups clear.

    The quotes in the content are its `annotations`; `sources` lists every citation for Open WebUI.
    `temperature`, `max_tokens`, `stop`, `seed`, `user`, `tools` and the like are accepted and have no
    effect; usage counts words.
    """
    course = _course_of(chat.model)
    conversation = read_conversation(chat)
    understood = await asking.understand(conversation.question, conversation.history, course)
    # Answers carry the path we are served under; the rest of the address is the request's.
    base_url = server.public_url or str(request.base_url).rstrip("/").removesuffix(server.root_path)

    def answer() -> Reply:
        return Reply(asking.answer(understood), base_url, links=server.chat_links)

    if chat.stream:
        return event_stream(completion_events(chat, answer))
    return completion(chat, await to_thread.run_sync(answer))


@router.get("/models", operation_id="listModels", responses=openai_responses(503))
async def list_models(assistant: Assistant) -> ModelList:
    """`lectures`, and `lectures/<course>` for every course."""
    return ModelList(data=await to_thread.run_sync(partial(_models, assistant)))


@router.get("/models/{model_id:path}", operation_id="retrieveModel", responses=openai_responses(404, 503))
async def retrieve_model(model_id: str, assistant: Assistant) -> Model:
    """One of them."""
    for model in await to_thread.run_sync(partial(_models, assistant)):
        if model.id == model_id:
            return model
    raise NotIndexed(f"there is no model {model_id[:100]!r}; GET /v1/models lists them")


def _models(assistant: LectureAssistant) -> list[Model]:
    named = (f"{MODEL}/{course}" for course in assistant.courses())
    return [Model(id=name, created=0) for name in (MODEL, *named)]


def _course_of(model: str) -> str | None:
    name, _, course = model.partition("/")
    if name != MODEL or model == f"{MODEL}/":
        raise NotIndexed(f"there is no model {model[:100]!r}; GET /v1/models lists them")
    return course or None
