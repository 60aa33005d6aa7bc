"""What is remembered of the server's jobs, also when it is stopped.

``HOME/jobs.sqlite``::

    jobs  job_id, kind (add, remove), who, lecture_id, folder (of an upload), state (queued, running,
          done, failed), problems (JSON list of [line, reason]), error, created (Unix seconds),
          idempotency_key (unique for one ``who``), fingerprint (of what the job was asked to do)
"""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assistant.records import RecordFile
from corpus import Problem

__all__ = ["Job", "JobProgress", "JobRecords"]

_SCHEMA = """CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, who TEXT NOT NULL,
    lecture_id TEXT NOT NULL, folder TEXT, state TEXT NOT NULL, problems TEXT NOT NULL, error TEXT,
    created INTEGER NOT NULL, idempotency_key TEXT, fingerprint TEXT NOT NULL,
    UNIQUE (who, idempotency_key))"""
_READ = "SELECT job_id, kind, who, lecture_id, folder, state, problems, error, created, fingerprint FROM jobs"
_KEPT_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class JobProgress:
    """What is being done, how much of it is done, and how much there is (0 where unknown)."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Job:
    """A lecture being added or removed."""

    job_id: str
    kind: Literal["add", "remove"]
    who: str
    lecture_id: str
    folder: str | None
    state: Literal["queued", "running", "done", "failed"]
    problems: tuple[tuple[int, str], ...]
    """Line and reason of each cue that was left out."""
    error: str | None
    created: int
    fingerprint: str
    progress: JobProgress | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("done", "failed")


class JobRecords:
    """The jobs of one home, newest state only."""

    def __init__(self, home: Path) -> None:
        self._records = RecordFile(home / "jobs.sqlite", _SCHEMA)

    def add(
        self,
        who: str,
        kind: str,
        lecture_id: str,
        fingerprint: str,
        idempotency_key: str | None,
        folder: Path | None = None,
        problems: Sequence[Problem] = (),
    ) -> tuple[Job, bool]:
        """A queued job and true, or the job that ``who`` made under this key before and false."""
        job_id = uuid.uuid4().hex
        _, made = self._records.write(
            "INSERT OR IGNORE INTO jobs VALUES (?,?,?,?,?,'queued',?,NULL,?,?,?)",
            (
                job_id,
                kind,
                who,
                lecture_id,
                str(folder) if folder else None,
                json.dumps([[problem.line, problem.reason] for problem in problems]),
                int(time.time()),
                idempotency_key,
                fingerprint,
            ),
        )
        if made:
            return self._of("job_id = ?", job_id)[0], True
        return self._of("who = ? AND idempotency_key = ?", who, idempotency_key)[0], False

    def find(self, who: str, job_id: str) -> Job | None:
        """A job of ``who``, or ``None``."""
        return next(iter(self._of("who = ? AND job_id = ?", who, job_id)), None)

    def under_key(self, who: str, idempotency_key: str) -> Job | None:
        """The job that ``who`` made under this key, or ``None``."""
        return next(iter(self._of("who = ? AND idempotency_key = ?", who, idempotency_key)), None)

    def under_way(self) -> list[Job]:
        """Every job that is queued or running, the oldest first."""
        return self._of("state IN ('queued', 'running')")

    def set_state(self, job_id: str, state: str, error: str | None = None) -> None:
        """Note where a job is, and why it failed."""
        self._records.write("UPDATE jobs SET state = ?, error = ? WHERE job_id = ?", (state, error, job_id))

    def forget_old(self) -> None:
        """Remove what is older than a month."""
        if self._records.path.exists():
            self._records.write("DELETE FROM jobs WHERE created < ?", (time.time() - _KEPT_SECONDS,))

    def _of(self, where: str, *values: Any) -> list[Job]:
        return [_job(row) for row in self._records.read(f"{_READ} WHERE {where} ORDER BY created", values)]

    def close(self) -> None:
        """Close the file."""
        self._records.close()


def _job(row: Sequence[Any]) -> Job:
    job_id, kind, who, lecture_id, folder, state, problems, error, created, fingerprint = row
    left_out = tuple((line, reason) for line, reason in json.loads(problems))
    return Job(job_id, kind, who, lecture_id, folder, state, left_out, error, created, fingerprint)
