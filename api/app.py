"""The application: what is loaded once, which routes there are, how errors look."""

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import CapacityLimiter, Event, create_task_group, move_on_after, to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from api.access import Gate
from api.config import ServerSettings
from api.errors import add_error_handlers
from api.guarding import Guarding
from api.heading import Heading
from api.metrics import Metrics
from api.observing import Observing
from api.openapi_document import DESCRIPTION, describe
from api.routes import ask, chat, feedback, health, lectures, passages, search, uploads
from api.routes.pages import page_routes
from assistant.config import Settings
from assistant.errors import AssistantError, IndexBusy, IndexMissing
from assistant.feedback import FeedbackStore
from assistant.job_process import index_first
from assistant.jobs import JobRunner
from assistant.keys import KeyStore
from assistant.service import LectureAssistant
from corpus import CorpusError

__all__ = ["create_app"]

_logger = logging.getLogger(__name__)
_THREADS = max(8, 2 * (os.cpu_count() or 1))
"""Questions looked up at the same time. Each keeps a core busy, so more only hold more memory."""
_JOB_WAITERS, _UPLOAD_READERS = 16, 2
"""Threads of those who wait for jobs, and of uploads being read: they take none from those who ask."""
_OPENED_AGAIN_AFTER, _LONGEST_PAUSE = 2.0, 60.0
"""Seconds, doubled each time; an operator may repair meanwhile what could not be opened."""
_BODY_SILENCE = 30.0
"""Seconds that a client may pause in the middle of a body."""
_SEEN_BY_PAGES = ("X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After")


def create_app(settings: Settings, server: ServerSettings | None = None) -> FastAPI:
    """The API over the index of ``settings.home``; ``server`` says how clients are dealt with.

    The index and the encoder are opened once, beside the running server; with no index yet the
    lectures that ship are indexed first. Until that is done ``/readyz`` and the rest answer 503.
    Where the home or a lecture keeps it from being done, it is tried again and again.
    """
    server = server or ServerSettings()
    keys, feedback_store, jobs = KeyStore(settings.home), FeedbackStore(settings.home), JobRunner(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        closing = Event()

        async def open_beside() -> None:
            pause = _OPENED_AGAIN_AFTER
            while app.state.assistant is None and not closing.is_set():
                try:
                    opened = await to_thread.run_sync(_opened, settings, closing.is_set)
                    await to_thread.run_sync(jobs.start)
                    app.state.assistant = opened
                except IndexBusy:  # soon there is an index
                    app.state.failure = None
                    with move_on_after(_OPENED_AGAIN_AFTER):
                        await closing.wait()
                except Exception as error:  # whatever it is, it is told and tried again
                    if closing.is_set():  # a first index that was stopped
                        return
                    if (told := str(error)) != str(app.state.failure):
                        trace = None if isinstance(error, (AssistantError, CorpusError)) else error
                        _logger.exception("the index cannot be opened: %s", told, exc_info=trace)
                    app.state.failure = error
                    with move_on_after(pause):
                        await closing.wait()
                    pause = min(2 * pause, _LONGEST_PAUSE)

        to_thread.current_default_thread_limiter().total_tokens = _THREADS
        async with create_task_group() as tasks:
            tasks.start_soon(open_beside)
            yield
            closing.set()
        app.state.assistant = None
        await to_thread.run_sync(jobs.stop)
        keys.close()
        feedback_store.close()

    # Its pages of documentation load nothing from another site.
    app = FastAPIOffline(
        title="lecture-assistant",
        version="1",
        summary="Answers out of lectures, cited to the exact words and second",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        root_path=server.root_path,
    )
    app.state.assistant = None
    app.state.failure = None
    app.state.server = server
    app.state.gate = Gate(keys, server)
    app.state.metrics = Metrics()
    app.state.feedback = feedback_store
    app.state.jobs = jobs
    app.state.job_waiters = CapacityLimiter(_JOB_WAITERS)
    app.state.upload_readers = CapacityLimiter(_UPLOAD_READERS)
    add_error_handlers(app)
    for routes in (ask, search, lectures, passages, uploads, chat, feedback, health):
        app.include_router(routes.router)
    app.include_router(page_routes(server.frame_ancestors))
    _add_middleware(app, server)
    describe(app)
    return app


def _opened(settings: Settings, stopped: Callable[[], bool]) -> LectureAssistant:
    try:
        return LectureAssistant(settings)
    except IndexMissing:
        # In a process of its own, for it takes PyTorch into memory.
        index_first(settings, stopped)
        return LectureAssistant(settings)


def _add_middleware(app: FastAPI, server: ServerSettings) -> None:
    """From the routes outwards."""
    app.add_middleware(Heading)
    app.add_middleware(
        Guarding,
        body_bytes=server.body_bytes,
        upload_bytes=server.upload_bytes,
        upload_path="/v1/lectures",
        silence=_BODY_SILENCE,
    )
    if server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=server.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=_SEEN_BY_PAGES,
        )
    app.add_middleware(Observing, metrics=app.state.metrics)
