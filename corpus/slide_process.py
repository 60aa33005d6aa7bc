"""Slides are read in a process of their own, whose time and memory are bounded.

PDF and PowerPoint files are programs as much as texts, and what reads them is Python without bounds of
its own: a page can be made to take hours or all memory. Page by page goes out as it is read, so that a
page which takes too much loses itself and no other.

::

    standard input    the file
    standard output   JSON, a line each: {"pages": n}, then [number, lines, left out] of each page, where
                      a line is [text, starts block, is note]; or {"error": what}; at last {"end": true}
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from corpus.errors import in_one_line
from corpus.formats.slide_page import MAX_PAGES, SlidePage, SlidesUnreadable

__all__ = ["main"]


class _TooLong(BaseException):
    """A page took more than its time."""


def main(arguments: Sequence[str]) -> None:
    """Read ``arguments``: kind, seconds for a page, seconds for all (both of the processor), bytes."""
    kind, page_seconds, seconds, memory = arguments
    _bound(float(seconds), int(memory))
    sys.setrecursionlimit(2_000)
    data = sys.stdin.buffer.read()
    try:
        pages, read = _open(kind, data)
    except SlidesUnreadable as error:
        _tell({"error": str(error)})
        return
    except MemoryError:
        _tell({"error": "it takes too much memory to open; export it again"})
        return
    _tell({"pages": len(pages)})
    for number in range(1, min(len(pages), MAX_PAGES) + 1):
        page = _page(pages, number, read, float(page_seconds))
        _tell([number, [[line.text, line.starts_block, line.is_note] for line in page.lines], page.left_out])
    _tell({"end": True})


def _open(kind: str, data: bytes) -> tuple[Sequence[Any], Callable[[Any, int], SlidePage]]:
    if kind == "pdf":
        from corpus.formats.pdf import open_pdf, page_of_pdf

        return open_pdf(data), page_of_pdf
    from corpus.formats.pptx import open_pptx, page_of_pptx

    return open_pptx(data), page_of_pptx


def _page(
    pages: Sequence[Any], number: int, read: Callable[[Any, int], SlidePage], seconds: float
) -> SlidePage:
    try:
        with _at_most(seconds):
            return read(pages[number - 1], number)
    except _TooLong:
        reason = f"it takes more than {seconds:g} s to read"
    except MemoryError:
        reason = "it takes too much memory to read"
    except Exception as error:  # noqa: BLE001  a damaged page may raise anything; the others are read
        reason = in_one_line(error)
    return SlidePage(number, (), f"left out: {reason}")


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):  # Windows: the time for all is the only bound
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise _TooLong

    signal.signal(signal.SIGPROF, stop)
    # Again and again: a library may swallow the first.
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _bound(seconds: float, memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, limit in ((resource.RLIMIT_CPU, int(seconds) + 1), (resource.RLIMIT_AS, memory)):
        _, most = resource.getrlimit(what)
        bound = limit if most == resource.RLIM_INFINITY else min(limit, most)
        try:
            resource.setrlimit(what, (bound, most))
        except (OSError, ValueError):  # macOS knows RLIMIT_AS and refuses it
            continue


def _tell(message: object) -> None:
    # ASCII, so that half a surrogate pair, which pypdf may find, goes through.
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
