"""Around every request: its id, its security headers, its line in the log and its metrics."""

import logging
import re
import time
import uuid
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics

__all__ = ["Observing", "current_request_id"]

_logger = logging.getLogger("api.request")
_PASSED_ON = re.compile(r"[\w.-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)
"""The id of the request being answered, for the log; ``None`` outside one."""


class Observing:
    """ASGI middleware, the outermost.

    What routes leave in ``request.state.noted`` joins the request's log line, and
    ``request.state.sent_headers`` the response, also where that is a stream or an error.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked_for = Headers(scope=scope).get("x-request-id", "")
        request_id = asked_for if _PASSED_ON.fullmatch(asked_for) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["noted"], state["sent_headers"] = {}, {}
        status = ""
        complete = False

        async def send_on(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = str(message["status"])
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.update(state["sent_headers"])
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                complete = True

        started = time.perf_counter()
        outside = current_request_id.set(request_id)
        self._metrics.request_began()
        try:
            await self._app(scope, receive, send_on)
        finally:
            seconds = time.perf_counter() - started
            outcome = status if complete else "aborted"
            route = _route(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request_ended(method, route, outcome, seconds)
            line = {"method": method, "route": route, "status": outcome, "ms": round(seconds * 1000, 1)}
            _logger.info("request", extra=line | state["noted"])
            current_request_id.reset(outside)


def _route(scope: Scope) -> str:
    """The template of the path, never what the client put into it."""
    return str(getattr(scope.get("route"), "path_format", "unmatched"))
