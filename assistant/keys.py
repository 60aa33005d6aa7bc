"""API keys: who may ask the server, about which courses, and who may upload.

``HOME/keys.sqlite``::

    keys  name (unique), sha256 (of the key), courses (JSON list, NULL for all), can_upload,
          created, expires, revoked (Unix seconds, the last two NULL where they do not apply)

A key is 256 random bits, so a plain hash of it cannot be guessed back; the key itself is shown once,
when it is made, and kept nowhere.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import KeyInvalid
from assistant.records import RecordFile

__all__ = ["ApiKey", "KeyStore"]

_SCHEMA = """CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE,
    courses TEXT, can_upload INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER)"""
_COLUMNS = "name, courses, can_upload, created, expires, revoked"
_ADVICE = (
    "make it writable, or restore it from a copy; "
    "without it no key holds, and a server on loopback asks for none"
)
_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; times are Unix seconds."""

    name: str
    courses: tuple[str, ...] | None
    """The courses it may see, or ``None`` for every lecture."""
    can_upload: bool
    created: int
    expires: int | None
    revoked: int | None

    def state(self, now: float) -> str:
        """``valid``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "valid"


class KeyStore:
    """The keys of one home. What the command line changes, a running server sees at once."""

    def __init__(self, home: Path) -> None:
        self._records = RecordFile(home / "keys.sqlite", _SCHEMA, _ADVICE)

    def create(
        self,
        name: str,
        courses: Sequence[str] = (),
        *,
        can_upload: bool = False,
        days: int | None = None,
    ) -> str:
        """Make a key for some courses (none named: all), valid for ``days``; returns the key.

        Raises:
            KeyInvalid: the name is empty or was given to another key.
            HomeUnusable: the keys cannot be written.
        """
        if not (name.strip() and name.isprintable()):
            raise KeyInvalid("a key needs a name that says whose it is, on one line")
        if self._records.read("SELECT 1 FROM keys WHERE name = ?", (name,)):
            raise KeyInvalid(f"there is or was a key {name!r}; choose another name")
        key = f"la_{secrets.token_urlsafe(32)}"
        now = int(time.time())
        self._records.write(
            f"INSERT INTO keys (sha256, {_COLUMNS}) VALUES (?,?,?,?,?,?,NULL)",
            (
                _sha256(key),
                name,
                json.dumps(sorted(set(courses))) if courses else None,
                can_upload,
                now,
                now + days * _DAY if days is not None else None,
            ),
        )
        return key

    def all(self) -> list[ApiKey]:
        """Every key ever made, the oldest first."""
        return [
            _key(row) for row in self._records.read(f"SELECT {_COLUMNS} FROM keys ORDER BY created, name")
        ]

    def revoke(self, name: str) -> None:
        """End a key; its name stays taken, so that logs stay clear.

        Raises:
            KeyInvalid: there is no such key.
        """
        known = [key.name for key in self.all()]
        if name not in known:
            raise KeyInvalid(f"there is no key {name!r}; known are {', '.join(known) or 'none'}")
        self._records.write(
            "UPDATE keys SET revoked = ? WHERE name = ? AND revoked IS NULL", (int(time.time()), name)
        )

    def exist(self) -> bool:
        """Whether any key was ever made: revoking the last one opens nothing."""
        return bool(self._records.read("SELECT 1 FROM keys LIMIT 1"))

    def find(self, key: str) -> ApiKey | None:
        """The valid key that this is, or ``None``."""
        rows = self._records.read(f"SELECT {_COLUMNS} FROM keys WHERE sha256 = ?", (_sha256(key),))
        found = _key(rows[0]) if rows else None
        return found if found is not None and found.state(time.time()) == "valid" else None

    def close(self) -> None:
        """Close the file."""
        self._records.close()


def _key(row: Sequence[Any]) -> ApiKey:
    name, courses, can_upload, created, expires, revoked = row
    scope = tuple(json.loads(courses)) if courses is not None else None
    return ApiKey(name, scope, bool(can_upload), created, expires, revoked)


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
