"""Small SQLite files under the home folder for what must outlive every index: keys, feedback, jobs."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from assistant.errors import HomeUnusable

__all__ = ["RecordFile", "damaged_records"]

_WAIT_SECONDS = 5.0
_BEGIN_ANEW = "make it writable, or move it away to begin anew"


class RecordFile:
    """One file with one table; several threads and processes may use it at the same time.

    The file is made by the first write, readable by its owner only. Each call is a transaction.
    """

    def __init__(self, path: Path, schema: str, advice: str = _BEGIN_ANEW) -> None:
        """``schema`` is a ``CREATE TABLE IF NOT EXISTS``; nothing is opened yet.

        ``advice`` is what to do with a file that cannot be used.
        """
        self.path = path
        self._schema = schema
        self._advice = advice
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a SELECT; none where nothing was written yet.

        Raises:
            HomeUnusable: the file cannot be read or is not ours.
        """
        with self._lock:
            if self._connection is None and not self.path.exists():
                return []
            return self._run(query, values)[0]

    def write(self, query: str, values: Sequence[Any] = ()) -> tuple[int, int]:
        """Run an INSERT, UPDATE or DELETE; returns the last row's id and how many rows it touched.

        Raises:
            HomeUnusable: the file cannot be written.
        """
        with self._lock:
            _, row_id, touched = self._run(query, values)
            return row_id, touched

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, query: str, values: Sequence[Any]) -> tuple[list[tuple[Any, ...]], int, int]:
        try:
            connection = self._connection or self._open()
            with connection:
                cursor = connection.execute(query, values)
                return cursor.fetchall(), cursor.lastrowid or 0, cursor.rowcount
        except (OSError, sqlite3.Error) as error:
            is_held = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            advice = "another program holds it; try again" if is_held else self._advice
            raise HomeUnusable(f"{self.path}: cannot be used ({error}); {advice}") from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            connection.execute(self._schema)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        return connection


def damaged_records(home: Path) -> list[str]:
    """Every fault of such files under ``home``, one line each; nothing is written."""
    problems = []
    for path in sorted(home.glob("*.sqlite")):
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                ((found,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.Error as error:
            found = str(error)
        if found != "ok":
            problems.append(f"{path}: damaged ({found}); restore it, or move it away to begin anew")
    return problems
