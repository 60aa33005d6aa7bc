"""One job, or the first index, in a process of its own.

The encoder that indexing needs (PyTorch) never enters the server, and a job that dies takes nothing with it.
"""

import logging
import multiprocessing
import signal
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from assistant.config import Settings
from assistant.errors import AssistantError, IndexBusy, LectureConflict, NotIndexed
from assistant.indexing import index_paths, remove_lectures
from assistant.job_records import Job, JobProgress
from assistant.service import index_shipped
from corpus import CorpusError
from corpus.errors import LectureIdTaken

__all__ = ["Outcome", "index_first", "run_in_process"]

_DIED = "the indexing process ended before it was done; the operator's log has more"
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job went. ``error`` is for whoever sent it and names no file of the server."""

    error: str | None = None
    busy: bool = False
    """Whether it failed only because another process is writing the index."""


def run_in_process(
    settings: Settings, job: Job, on_progress: Callable[[JobProgress], None], stopped: Callable[[], bool]
) -> Outcome:
    """Do a job and wait for its end; once ``stopped`` says so it is ended, and the index is as it was."""
    with closing(_messages(_work, (settings, job), stopped)) as messages:
        for message in messages:
            if isinstance(message, Outcome):
                return message
            if isinstance(message, JobProgress):
                on_progress(message)
    return Outcome(_DIED)


def index_first(settings: Settings, stopped: Callable[[], bool]) -> None:
    """Index the lectures that ship; once ``stopped`` says so that is ended, and there may be no index.

    Raises:
        AssistantError: as ``index_paths`` does, or the process died.
        CorpusError: a lecture that ships cannot be read.
    """
    with closing(_messages(_work_first, (settings,), stopped)) as messages:
        for message in messages:
            if isinstance(message, Exception):
                raise message
            if isinstance(message, Outcome):
                return
    if not stopped():
        raise AssistantError("the process that makes the first index ended before it was done")


def _messages(
    work: Callable[..., None], arguments: tuple[object, ...], stopped: Callable[[], bool]
) -> Generator[object, None, None]:
    """What a process sends that does ``work``; it is ended with the iterator, and once ``stopped``."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        while not stopped():
            if ours.poll(_POLL_SECONDS):
                yield ours.recv()
    except EOFError:
        pass
    finally:
        process.terminate()
        process.join()
        process.close()
        ours.close()


def _work_first(settings: Settings, pipe: Connection) -> None:
    """Send progress, so that it ends with the server, and at last how it went."""
    _leave_interrupts()
    try:
        index_shipped(settings, lambda what, done, total: pipe.send(JobProgress(what, done, total)))
    except (AssistantError, CorpusError) as error:
        pipe.send(error)
    else:
        pipe.send(Outcome())


def _work(settings: Settings, job: Job, pipe: Connection) -> None:
    """Send progress, and the outcome at last."""
    _leave_interrupts()
    outcome = Outcome()
    try:
        _do(settings, job, pipe)
    except IndexBusy:
        outcome = Outcome("another process was writing the index for too long; try again later", busy=True)
    except (LectureConflict, NotIndexed) as error:
        outcome = Outcome(str(error))
    except LectureIdTaken:  # by another upload that waited before this one
        outcome = Outcome(
            f"there is a lecture {job.lecture_id!r}; remove it first, or send another lecture_id"
        )
    except CorpusError as error:
        outcome = Outcome(str(error).replace(f"{job.folder}/", ""))
    except AssistantError:
        # The message names files of the server.
        logging.getLogger(__name__).exception("a job failed")
        outcome = Outcome("the server could not do it; the operator's log says why")
    pipe.send(outcome)


def _leave_interrupts() -> None:
    """Ctrl-C in a terminal reaches every process; the server tells this one when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _do(settings: Settings, job: Job, pipe: Connection) -> None:
    def progress(what: str, done: int, total: int) -> None:
        pipe.send(JobProgress(what, done, total))

    if job.folder is not None:
        index_paths([Path(job.folder)], settings, progress)
        return
    remove_lectures([job.lecture_id], settings, progress)
