"""The application: what is loaded once, which routes there are, how errors look."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import create_task_group, to_thread
from fastapi import FastAPI

from api.errors import add_error_handlers
from api.routes import ask, health, lectures, passages, search
from assistant.config import Settings
from assistant.errors import AssistantError, IndexMissing
from assistant.indexing import index_paths
from assistant.service import LectureAssistant
from corpus import CorpusError, shipped_lectures

__all__ = ["create_app"]

_logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The API over the index of ``settings.home``.

    The index and the encoder are opened once, beside the running server; with no index yet the
    lectures that ship are indexed first. Until that is done ``/readyz`` and the rest answer 503.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def open_assistant() -> None:
            try:
                app.state.assistant = await to_thread.run_sync(_open, settings)
            except (AssistantError, CorpusError):
                _logger.exception("the index cannot be opened")

        async with create_task_group() as tasks:
            tasks.start_soon(open_assistant)
            yield
            app.state.assistant = None

    app = FastAPI(
        title="lecture-assistant",
        version="1",
        summary="Answers out of lectures, cited to the exact words and second",
        lifespan=lifespan,
    )
    app.state.assistant = None
    add_error_handlers(app)
    for routes in (ask.router, search.router, lectures.router, passages.router, health.router):
        app.include_router(routes)
    return app


def _open(settings: Settings) -> LectureAssistant:
    try:
        return LectureAssistant(settings)
    except IndexMissing:
        index_paths([shipped_lectures()], settings, lambda *_: None)
        return LectureAssistant(settings)
