"""The files of the page, read once and served so that a browser asks for each one once."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

__all__ = ["WebFile", "WebFiles", "load_web_files"]

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_VERSION_MARK = b"{version}"


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file; ``packed`` are its bytes compressed with gzip, ``etag`` is that of ``content``."""

    media_type: str
    content: bytes
    packed: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class WebFiles:
    """Every file by name.

    ``version`` comes from all their bytes and stands in the path of scripts and styles, so that a
    browser may keep them for good: a changed file has another address. The HTML files refer to it.
    """

    version: str
    by_name: dict[str, WebFile]


def load_web_files() -> WebFiles:
    """Read ``api/web/``."""
    found = {
        entry.name: entry.read_bytes()
        for entry in sorted((files("api") / "web").iterdir(), key=lambda entry: entry.name)
        if PurePath(entry.name).suffix in _MEDIA_TYPES
    }
    version = hashlib.sha256(b"".join(found.values())).hexdigest()[:12]
    return WebFiles(version, {name: _web_file(name, content, version) for name, content in found.items()})


def _web_file(name: str, content: bytes, version: str) -> WebFile:
    suffix = PurePath(name).suffix
    if suffix == ".html":
        content = content.replace(_VERSION_MARK, version.encode())
    return WebFile(
        media_type=_MEDIA_TYPES[suffix],
        content=content,
        packed=gzip.compress(content, mtime=0),
        etag=f'"{hashlib.sha256(content).hexdigest()[:16]}"',
    )
