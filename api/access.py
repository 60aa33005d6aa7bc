"""Who asks: the key in the request, what it may see and do, and how often."""

import ipaddress
import math
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException

from api.config import ServerSettings
from assistant.keys import ApiKey, KeyStore

__all__ = ["Access", "Gate", "MayRead", "MayWrite", "is_loopback"]

_bearer = HTTPBearer(
    auto_error=False, description="A key of `assistant keys create`; none while the server has no keys."
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
_PROXIED = frozenset({"forwarded", "x-forwarded-for", "x-real-ip"})
"""What a proxy adds: with it a request on loopback may be anybody's."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one request may do."""

    who: str
    """The key's name, or the client's address."""
    courses: tuple[str, ...] | None
    """Only these courses, or ``None`` for all."""
    may_write: bool


class Gate:
    """Lets requests in, and counts them."""

    def __init__(self, keys: KeyStore, settings: ServerSettings) -> None:
        self._keys = keys
        self._settings = settings
        self._rate = settings.rate
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, request: Request, credentials: HTTPAuthorizationCredentials | None) -> Access:
        """What the request may do.

        Raises:
            HTTPException: 401 without a valid key, 403 for another site's page, 429 too often.
        """
        request.state.noted["client"] = None
        access, limited = self._recognise(request, credentials)
        request.state.noted["client"] = access.who
        if limited:
            self._count(request, access.who)
        return access

    def _recognise(
        self, request: Request, credentials: HTTPAuthorizationCredentials | None
    ) -> tuple[Access, bool]:
        address = request.client.host if request.client else "unknown"
        is_local = _PROXIED.isdisjoint(request.headers.keys())
        if is_local and self._settings.open_without_keys and not self._keys.exist():
            self._refuse_other_names(request)
            self._refuse_other_sites(request)
            return Access(address, None, may_write=True), False
        key: ApiKey | None = self._keys.find(credentials.credentials) if credentials else None
        if key is not None:
            return Access(f"key:{key.name}", key.courses, key.can_upload), True
        if self._settings.public_reading and credentials is None:
            return Access(address, None, may_write=False), True
        what = "this key is not valid" if credentials else "a key is needed"
        raise HTTPException(
            401,
            f"{what}; send `Authorization: Bearer KEY` with a key of `assistant keys create`",
            {"WWW-Authenticate": "Bearer"},
        )

    def _refuse_other_names(self, request: Request) -> None:
        name = request.url.hostname or ""
        if self._settings.loopback_names_only and not is_loopback(name):
            raise HTTPException(
                403, f"without keys this server is not called {name!r}; make one: `assistant keys create`"
            )

    def _refuse_other_sites(self, request: Request) -> None:
        """Without keys, any page in the user's browser could write here; only our own may."""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return
        origin = request.headers.get("origin")
        own = {str(request.base_url).removesuffix(request.scope.get("root_path", "") + "/")}
        own |= {self._settings.public_url or "", *self._settings.cors_origins}
        if origin is not None and origin not in own and "*" not in own:
            raise HTTPException(403, "pages of other sites may not call this; see ASSISTANT_CORS_ORIGINS")

    def _count(self, request: Request, who: str) -> None:
        allowed = self._limiter.hit(self._rate, who)
        window = self._limiter.get_window_stats(self._rate, who)
        wait = max(1, math.ceil(window.reset_time - time.time()))
        seconds = self._rate.get_expiry()
        request.state.sent_headers.update(
            {
                "RateLimit-Policy": f'"key";q={self._rate.amount};w={seconds}',
                "RateLimit": f'"key";r={max(0, window.remaining)};t={wait}',
            }
        )
        if not allowed:
            raise HTTPException(
                429,
                f"more than {self._rate.amount} requests in {seconds} s; wait {wait} s",
                {"Retry-After": str(wait)},
            )


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _admit(request: Request, credentials: _Credentials = None) -> Access:
    gate: Gate = request.app.state.gate
    return gate.admit(request, credentials)


MayRead = Annotated[Access, Depends(_admit)]


async def _admit_writer(access: MayRead) -> Access:
    if not access.may_write:
        raise HTTPException(
            403, "this key may not add or delete lectures; make one with `assistant keys create --can-upload`"
        )
    return access


MayWrite = Annotated[Access, Depends(_admit_writer)]
