"""The server's own settings, one frozen value read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItem, parse

from assistant.errors import SettingInvalid

__all__ = ["VARIABLES", "ServerSettings"]

VARIABLES = {
    "ASSISTANT_PUBLIC_READING": "1: asking and reading need no key even where there are keys.",
    "ASSISTANT_RATE_LIMIT": "Requests of each key or address, written like 600/minute (the default).",
    "ASSISTANT_CORS_ORIGINS": "Web sites whose pages may call the API from a browser.",
    "ASSISTANT_FRAME_ANCESTORS": "Web sites that may show the page in a frame, an LMS for example.",
    "ASSISTANT_BODY_BYTES": "The largest request, uploads aside (1000000).",
    "ASSISTANT_UPLOAD_BYTES": "The largest transcript that is taken (20000000).",
    "ASSISTANT_LOG_QUESTIONS": "1: the log holds what was asked.",
    "ASSISTANT_LOG_FORMAT": "json, text, or auto: text on a terminal.",
    "ASSISTANT_PUBLIC_URL": "The address that readers know the server by.",
    "ASSISTANT_TRUSTED_PROXIES": "Addresses of proxies whose X-Forwarded-For and -Proto are believed.",
    "ASSISTANT_CHAT_LINKS": "1: [1] in chat completions is a Markdown link.",
}
"""What can be set in the environment, in a line each, for ``assistant serve --help``."""
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server deals with its clients; the variable of each is in ``from_environment``."""

    open_without_keys: bool = True
    """Serve everyone while no key was ever made. True only where the server listens on loopback and nothing
    says that a proxy brings it the requests of others."""
    loopback_names_only: bool = False
    """While it is open to everyone, answer only to names of this machine: else a page elsewhere could point
    its own name here and read along (DNS rebinding)."""
    public_reading: bool = False
    """Whether asking and reading need no key even when there are keys."""
    rate_limit: str = "600/minute"
    """Of each key, and of each address where ``public_reading`` lets it in without one."""
    cors_origins: tuple[str, ...] = ()
    """Web sites whose pages may call the API from a browser."""
    body_bytes: int = 1_000_000
    """The largest request body, uploads aside."""
    upload_bytes: int = 20_000_000
    """The largest transcript."""
    log_questions: bool = False
    """Whether the log holds what was asked; it is the learners' business by default."""
    log_format: str = "auto"
    """``json``, ``text``, or ``auto``: text on a terminal."""
    public_url: str | None = None
    """The address readers know the server by; else each request's own."""
    root_path: str = ""
    """The path that a reverse proxy serves it under, as in ``/lectures-app``."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For`` and ``-Proto`` are believed."""
    chat_links: bool = False
    """Whether ``[1]`` in chat completions is a Markdown link, for clients that show no annotations."""

    frame_ancestors: str = "'self'"
    """Who may show the page in a frame: the sources of Content-Security-Policy's ``frame-ancestors``."""

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], *, open_without_keys: bool, root_path: str = ""
    ) -> "ServerSettings":
        """Settings from ``ASSISTANT_PUBLIC_READING``, ``ASSISTANT_RATE_LIMIT`` and so on.

        Raises:
            SettingInvalid: which variable cannot have its value.
        """
        values = _Values(environment)
        default = cls()
        path = "/" + root_path.strip("/") if root_path.strip("/") else ""
        public_url = values.text("ASSISTANT_PUBLIC_URL").rstrip("/") or None
        proxies = values.words("ASSISTANT_TRUSTED_PROXIES")
        is_open = open_without_keys and public_url is None and not proxies
        return cls(
            open_without_keys=is_open,
            loopback_names_only=is_open,
            public_reading=values.switch("ASSISTANT_PUBLIC_READING"),
            rate_limit=values.rate("ASSISTANT_RATE_LIMIT", default.rate_limit),
            cors_origins=values.words("ASSISTANT_CORS_ORIGINS"),
            body_bytes=values.size("ASSISTANT_BODY_BYTES", default.body_bytes),
            upload_bytes=values.size("ASSISTANT_UPLOAD_BYTES", default.upload_bytes),
            log_questions=values.switch("ASSISTANT_LOG_QUESTIONS"),
            log_format=values.one_of("ASSISTANT_LOG_FORMAT", ("auto", "json", "text")),
            public_url=public_url,
            root_path=path,
            trusted_proxies=proxies,
            chat_links=values.switch("ASSISTANT_CHAT_LINKS"),
            frame_ancestors=values.text("ASSISTANT_FRAME_ANCESTORS") or default.frame_ancestors,
        )

    @property
    def rate(self) -> RateLimitItem:
        """``rate_limit`` as the limiter reads it."""
        return parse(self.rate_limit)


class _Values:
    """Variables as the kind of value each is."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(self.text(name).replace(",", " ").split())

    def switch(self, name: str) -> bool:
        value = self.text(name).lower()
        if value not in _YES + _NO:
            raise SettingInvalid(f"{name} cannot be {value!r}; set it to 1 or 0")
        return value in _YES

    def size(self, name: str, default: int) -> int:
        value = self.text(name) or str(default)
        if not value.isdecimal() or int(value) < 1:
            raise SettingInvalid(f"{name} cannot be {value!r}; give a number of bytes, for example {default}")
        return int(value)

    def rate(self, name: str, default: str) -> str:
        value = self.text(name) or default
        try:
            parse(value)
        except ValueError as error:
            raise SettingInvalid(f"{name} cannot be {value!r}; write it like {default}") from error
        return value

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name) or allowed[0]
        if value not in allowed:
            raise SettingInvalid(f"{name} cannot be {value!r}; it is one of {', '.join(allowed)}")
        return value
