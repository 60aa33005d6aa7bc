"""What routes are given."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request

from api.access import MayRead
from api.config import ServerSettings
from api.errors import NotReady
from api.metrics import Metrics
from assistant.answering import Answer
from assistant.citations import Citation
from assistant.config import CITED
from assistant.conversation import Turn
from assistant.errors import AssistantError, HomeUnusable
from assistant.service import LectureAssistant, Understood

__all__ = ["AnyAssistant", "Asking", "Assistant", "Server", "with_prefix"]


def _server(request: Request) -> ServerSettings:
    settings: ServerSettings = request.app.state.server
    return settings


Server = Annotated[ServerSettings, Depends(_server)]


async def _any_assistant(request: Request) -> LectureAssistant:
    assistant: LectureAssistant | None = request.app.state.assistant
    if assistant is None:
        failure: Exception | None = request.app.state.failure
        if failure is not None:
            kind = HomeUnusable if isinstance(failure, HomeUnusable) else AssistantError
            raise kind("the index could not be opened yet")
        raise NotReady
    return assistant


AnyAssistant = Annotated[LectureAssistant, Depends(_any_assistant)]
"""The assistant over everything, for what is nobody's to see."""


async def _assistant(access: MayRead, assistant: AnyAssistant) -> LectureAssistant:
    return assistant if access.courses is None else assistant.within(access.courses)


Assistant = Annotated[LectureAssistant, Depends(_assistant)]
"""The assistant over the courses that the request's key may see."""


class _Asking:
    """One request's way to an answer, counted, logged and linked."""

    def __init__(self, assistant: LectureAssistant, server: ServerSettings, request: Request) -> None:
        self._assistant = assistant
        self._server = server
        self._request = request

    async def understand(
        self,
        question: str,
        history: Sequence[Turn] = (),
        course: str | None = None,
        lectures: Sequence[str] | None = None,
    ) -> Understood:
        """``LectureAssistant.understand`` in the thread pool, and its errors."""
        if self._server.log_questions:
            self._request.state.noted["question"] = question
        return await to_thread.run_sync(
            partial(self._assistant.understand, question, history=history, course=course, lectures=lectures)
        )

    def answer(self, understood: Understood, limit: int = CITED) -> Answer:
        """``LectureAssistant.answer``; it blocks, so run it in the thread pool."""
        answer = self._assistant.answer(understood, limit=limit)
        metrics: Metrics = self._request.app.state.metrics
        metrics.answered(answer)
        prefix = self._server.root_path
        return replace(
            answer,
            citations=with_prefix(answer.citations, prefix),
            nearest=with_prefix(answer.nearest, prefix),
        )


def with_prefix(citations: Sequence[Citation], prefix: str) -> tuple[Citation, ...]:
    """Citations whose links hold behind a proxy that serves us under ``prefix``."""
    return tuple(replace(citation, url=prefix + citation.url) for citation in citations)


async def _asking(assistant: Assistant, server: Server, request: Request) -> _Asking:
    return _Asking(assistant, server, request)


Asking = Annotated[_Asking, Depends(_asking)]
