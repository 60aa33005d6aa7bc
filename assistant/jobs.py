"""Indexing on behalf of the server: one job after the other."""

import logging
import queue
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from assistant.config import Settings
from assistant.errors import AssistantError, HomeUnusable, UploadInvalid
from assistant.job_process import run_in_process
from assistant.job_records import Job, JobProgress, JobRecords
from assistant.store import open_current
from assistant.uploads import Staged, Staging, uploads_folder

__all__ = ["JobRunner"]

_logger = logging.getLogger(__name__)

_BUSY_SECONDS = 600.0
_RETRY_SECONDS = 1.0
_STOPPED = "the server was stopped before it was done; send it again"


class JobRunner:
    """Runs the jobs of one home; of several servers over it, one has the jobs, and the others refuse them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._records = JobRecords(settings.home)
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._progress: dict[str, JobProgress] = {}
        self._stopping = threading.Event()
        self._ended = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        # The operating system drops it when the server dies.
        self._lock = FileLock(settings.home / "jobs.lock", timeout=0, thread_local=False)
        self._taking = threading.Lock()

    def start(self) -> None:
        """Wait for jobs, once what a killed server left is cleared up; not while another server has them.

        Raises:
            HomeUnusable: what was left cannot be read or removed.
        """
        with self._taking:
            if self._lock.is_locked:
                return
            try:
                self._lock.acquire()
            except (Timeout, OSError):
                return
            try:
                self._clear_up()
            except BaseException:
                self._lock.release()
                raise
            self._thread.start()

    def _clear_up(self) -> None:
        for job in self._records.under_way():
            self._end(job, _STOPPED)
        for leftover in uploads_folder(self._settings.home).glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._records.forget_old()

    def _have_jobs(self) -> None:
        self.start()  # the server that had them may be gone by now
        if not self._lock.is_locked:
            raise HomeUnusable(
                f"{self._settings.home}: another server takes the uploads of this home; stop one of the two"
            )

    def stop(self) -> None:
        """End the running job, which leaves the index as it was, and those that wait."""
        self._stopping.set()
        self._waiting.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        self._records.close()
        self._lock.release()

    def stage(self, filename: str, described: Mapping[str, str | None]) -> Staging:
        """Begin to receive a transcript."""
        return Staging(self._settings.home, filename, described)

    def add(self, who: str, staged: Staged, idempotency_key: str | None = None) -> Job:
        """Index what was uploaded, or return the job that already does under this key.

        Raises:
            UploadInvalid: the key was used for something else.
            HomeUnusable: the job cannot be kept, or another server of this home has the jobs.
        """
        self._have_jobs()
        job, is_new = self._records.add(
            who, "add", staged.lecture_id, staged.fingerprint, idempotency_key, staged.folder, staged.problems
        )
        if not is_new:
            staged.discard()
        return self._started(job, is_new, "add", staged.fingerprint)

    def remove(self, who: str, lecture_id: str, idempotency_key: str | None = None) -> Job:
        """Take a lecture out of the index, or return the job that already does under this key.

        Raises:
            UploadInvalid: the key was used for something else.
            HomeUnusable: the job cannot be kept, or another server of this home has the jobs.
        """
        self._have_jobs()
        job, is_new = self._records.add(who, "remove", lecture_id, lecture_id, idempotency_key)
        return self._started(job, is_new, "remove", lecture_id)

    def asked(self, who: str, idempotency_key: str | None) -> Job | None:
        """The job that ``who`` started under this key, or ``None``."""
        return self._records.under_key(who, idempotency_key) if idempotency_key is not None else None

    def find(self, who: str, job_id: str, wait: float = 0.0) -> Job | None:
        """The job that ``who`` started, or ``None``; waits up to ``wait`` seconds for its end."""
        job = self._records.find(who, job_id)
        if job is not None and not job.has_ended and wait > 0:
            with self._ended:
                self._ended.wait_for(lambda: self._has_ended(who, job_id), wait)
            job = self._records.find(who, job_id)
        return None if job is None else replace(job, progress=self._progress.get(job_id))

    def _has_ended(self, who: str, job_id: str) -> bool:
        job = self._records.find(who, job_id)
        return job is None or job.has_ended

    def _started(self, job: Job, is_new: bool, kind: str, fingerprint: str) -> Job:
        if is_new:
            self._waiting.put(job)
        elif (job.kind, job.fingerprint) != (kind, fingerprint):
            raise UploadInvalid("this Idempotency-Key was used for another request; make a new one")
        return job

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            try:
                self._end(job, self._work_until_free(job))
            except Exception:  # the thread must live on for the next job
                _logger.exception("a job broke off")
                self._note_broken_off(job)

    def _note_broken_off(self, job: Job) -> None:
        try:
            self._end(job, "something went wrong; the operator's log has more")
        except Exception:  # a full disk, for one; the next start of the server ends the job
            _logger.exception("that a job broke off cannot be noted")

    def _work_until_free(self, job: Job) -> str | None:
        """Do the job, waiting while another process writes the index; returns why it failed."""
        until = time.monotonic() + _BUSY_SECONDS

        def on_progress(progress: JobProgress) -> None:
            self._progress[job.job_id] = progress

        self._records.set_state(job.job_id, "running")
        while not self._stopping.is_set():
            outcome = run_in_process(self._settings, job, on_progress, self._stopping.is_set)
            if not outcome.busy or time.monotonic() > until:
                return _STOPPED if outcome.error and self._stopping.is_set() else outcome.error
            on_progress(JobProgress("waiting for another writer", 0, 0))
            self._stopping.wait(_RETRY_SECONDS)
        return _STOPPED

    def _end(self, job: Job, error: str | None) -> None:
        """Note how a job ended; what failed leaves no file, unless its index is live all the same."""
        if error is not None and self._is_indexed(job):
            error = None
        if error is not None and job.folder is not None:
            shutil.rmtree(job.folder, ignore_errors=True)
        state = "done" if error is None else "failed"
        self._records.set_state(job.job_id, state, error)
        self._progress.pop(job.job_id, None)
        with self._ended:
            self._ended.notify_all()
        _logger.info("job", extra={"job": job.job_id, "kind": job.kind, "state": state, "error": error})

    def _is_indexed(self, job: Job) -> bool:
        """Whether a job that was cut off had already done its work."""
        try:
            with closing(open_current(self._settings.home)) as generation:
                source = generation.catalog.sources().get(job.lecture_id)
        except AssistantError:
            return False
        if source is None:
            return job.kind == "remove"
        return job.folder is not None and Path(source).parent == Path(job.folder).resolve()
