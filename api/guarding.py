"""Between the network and the routes: bodies too large or never sent, and faults nobody foresaw."""

import logging

from anyio import fail_after
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import error_response

__all__ = ["Guarding"]

_logger = logging.getLogger(__name__)


class Guarding:
    """ASGI middleware that answers 408, 413 and 500; it stands inside the one that logs.

    ``silence`` is how many seconds a client may pause in the middle of a body.
    """

    def __init__(
        self, app: ASGIApp, body_bytes: int, upload_bytes: int, upload_path: str, silence: float
    ) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._upload_bytes = upload_bytes
        self._upload_path = upload_path
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        uploading = scope["path"].endswith(self._upload_path)
        limit = self._upload_bytes if uploading else self._body_bytes
        too_large = HTTPException(413, f"at most {limit:,} bytes are taken")
        too_slow = HTTPException(408, f"nothing came for {self._silence:g} seconds", {"Connection": "close"})
        started = False
        received = 0
        complete = False

        async def receive_some() -> Message:
            # Counted as it comes: a chunked body does not say how long it will be.
            nonlocal received, complete
            try:
                # After the body only the client's leaving is waited for.
                with fail_after(None if complete else self._silence):
                    message = await receive()
            except TimeoutError:
                raise too_slow from None
            if message["type"] == "http.request":
                complete = not message.get("more_body", False)
                received += len(message.get("body", b""))
                if received > limit:
                    raise too_large
            return message

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            await error_response(scope["path"], too_large)(scope, receive, send)
            return
        try:
            await self._app(scope, receive_some, send_on)
        except ClientDisconnect:
            _logger.info("a client left while it was sending")
        except Exception as error:
            if error not in (too_large, too_slow):
                _logger.exception("unforeseen")
            if started:
                raise
            await error_response(scope["path"], error)(scope, receive, send)
