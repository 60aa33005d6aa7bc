"""The page for people: ``GET /``, ``/lectures/{id}`` and the files both are made of."""

import re

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from api.web_files import WebFile, load_web_files
from assistant.errors import SettingInvalid

__all__ = ["page_routes"]

_PLAYERS = "https://www.youtube-nocookie.com https://player.vimeo.com"
"""The only other sites a page may show in a frame; other recordings are linked or played as files."""
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def page_routes(frame_ancestors: str) -> APIRouter:
    """Routes of the page, which the sites of ``frame_ancestors`` may show in a frame.

    Raises:
        SettingInvalid: ``frame_ancestors`` is no list of Content-Security-Policy sources.
    """
    web = load_web_files()
    headers = _security_headers(frame_ancestors)
    routes = APIRouter(include_in_schema=False)

    def answer(request: Request, file: WebFile, cache: str) -> Response:
        sent = {**headers, "ETag": file.etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if file.etag in re.findall(r'"[^"]*"', request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=sent)
        content = file.content
        if "gzip" in request.headers.get("accept-encoding", ""):
            content = file.packed
            sent["Content-Encoding"] = "gzip"
        return Response(content, headers=sent, media_type=file.media_type)

    @routes.get("/")
    async def ask(request: Request) -> Response:
        return answer(request, web.by_name["ask.html"], _ASK_AGAIN)

    # The page looks the lecture up itself, with the learner's key: whether it exists is not told here.
    @routes.get("/lectures/{lecture_id}")
    async def lecture(request: Request, lecture_id: str) -> Response:
        return answer(request, web.by_name["lecture.html"], _ASK_AGAIN)

    @routes.get("/web/{version}/{name}")
    async def part(request: Request, version: str, name: str) -> Response:
        file = web.by_name.get(name)
        if file is None:
            raise HTTPException(404)
        return answer(request, file, _FOR_GOOD if version == web.version else _ASK_AGAIN)

    return routes


def _security_headers(frame_ancestors: str) -> dict[str, str]:
    if not re.fullmatch(r"[!-+\--:<-~]+( [!-+\--:<-~]+)*", frame_ancestors):
        raise SettingInvalid(
            f"ASSISTANT_FRAME_ANCESTORS cannot be {frame_ancestors!r}; give sources with a "
            "space between them, for example: 'self' https://lms.example"
        )
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        f"frame-src {_PLAYERS}",
        "media-src 'self' https:",
        "form-action 'self'",
        "base-uri 'none'",
        f"frame-ancestors {frame_ancestors}",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        # Players want to know which site they are on; no address inside this one goes to another.
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "X-Content-Type-Options": "nosniff",
    }
