"""What the file system is asked for: bytes that stay, folders that go at once, readers that are seen."""

import errno
import os
import shutil
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.errors import HomeUnusable, IndexBusy

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]  # absent there

__all__ = [
    "NO_FOLDER",
    "Hold",
    "flush",
    "flush_tree",
    "home_errors",
    "is_held",
    "remove_folder",
    "replace_file",
    "writer_lock",
]

_FULL = "the disk is full; the index is as it was, make room and run it again"
_UNWRITABLE = "it cannot be written; choose another folder with --home or ASSISTANT_HOME"
NO_FOLDER = "it is not a folder; choose another with --home or ASSISTANT_HOME"
_REFUSED = "the disk refused a write; the index is as it was, make room or raise its limits and run it again"
_SQLITE_ADVICE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _REFUSED,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
}


def flush(path: Path) -> None:
    """Ask the disk to keep what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_tree(folder: Path) -> None:
    """``flush`` everything in a folder, and the folder."""
    for path in [*folder.rglob("*"), folder]:
        flush(path)


def replace_file(path: Path, content: bytes) -> None:
    """Give a file new content at one moment: at any other it has the old, also after a power cut."""
    aside = path.with_name(f"{path.name}.new")
    aside.write_bytes(content)
    flush(aside)
    aside.replace(path)
    flush(path.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder so that no half of it is ever found under its name."""
    aside = folder.with_name(f".{folder.name}-removed")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        folder.rename(aside)
    except OSError:
        return  # open on Windows, or gone already
    shutil.rmtree(aside, ignore_errors=True)


class Hold:
    """A reader's sign on a file that it still reads what belongs to it; the process's end takes it off."""

    def __init__(self, path: Path) -> None:
        """Put the sign on.

        Raises:
            OSError: the file cannot be opened.
        """
        descriptor = os.open(path, os.O_RDONLY)
        # Also when the last reference is dropped: a server lets go of a generation by forgetting it.
        self._let_go = weakref.finalize(self, os.close, descriptor)
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                # No locks on this file system, or it is being removed: open files stay readable.
                return

    def close(self) -> None:
        """Take the sign off."""
        self._let_go()


def is_held(path: Path) -> bool:
    """Whether any ``Hold`` is on the file; false where the file system has no locks."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(descriptor)
    return False


@contextmanager
def writer_lock(home: Path) -> Iterator[None]:
    """Hold the right to write; the operating system drops it if the process dies.

    Raises:
        IndexBusy: another process holds it.
        HomeUnusable: there is no writing here.
    """
    from filelock import FileLock, Timeout

    with home_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / "index.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexBusy(f"another process is writing the index in {home}; wait for it") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def home_errors(home: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        advice = _SQLITE_ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if advice is None:
            raise
        raise HomeUnusable(f"{home}: {advice}") from error
    except ValueError as error:
        # tantivy writes by itself and says so in words.
        if "No space left" not in str(error):
            raise
        raise HomeUnusable(f"{home}: {_FULL}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            advice = _FULL
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = _UNWRITABLE
        elif error.errno in (errno.EEXIST, errno.ENOTDIR):
            advice = NO_FOLDER
        else:
            raise
        raise HomeUnusable(f"{error.filename or home}: {error.strerror}: {advice}") from error
