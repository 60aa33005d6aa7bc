"""What is on disk, and how a new index takes the place of the old one.

::

    HOME/CURRENT                    the number of the live generation, replaced atomically
    HOME/index.lock                 held by the one writer
    HOME/generations/<n>/
        manifest.json               see ``Manifest``; ``sha256`` is of the rest of its own text
        catalog.sqlite              lectures, cues, sentences, passages (catalog.py)
        passages.faiss              row i: the vector of passage i (float32, unit length)
        lexical/                    BM25, document i is passage i
        tokens.npy                  int8 (tokens, dimension); row / its norm is the unit vector of a
                                    token in its passage; a sentence's rows are in the catalogue

A generation is written under a name that starts with a dot, every file is flushed to the disk,
then the folder is renamed and CURRENT is swapped. A reader opens the files of one generation and
keeps them; at the next swap the one before is kept and older ones are removed.
"""

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from assistant.catalog import Catalog
from assistant.errors import AssistantError, HomeUnusable, IndexBusy, IndexDamaged, IndexMissing
from assistant.lexical import LexicalIndex
from assistant.model_files import file_sha256
from assistant.vectors import VectorIndex
from corpus import Lecture

__all__ = [
    "FORMAT_VERSION",
    "Generation",
    "LectureEntry",
    "Manifest",
    "altered_files",
    "current_generation",
    "home_errors",
    "new_generation",
    "open_generation",
    "publish",
    "whole_catalog",
    "writer_lock",
]

FORMAT_VERSION = 1
_REBUILD = "index the transcripts again: `assistant index PATH...`"


@dataclass(frozen=True, slots=True)
class LectureEntry:
    """What tells whether a lecture changed, and how many rows it has."""

    lecture_id: str
    record_sha256: str
    """Of everything the catalogue says of it."""
    content_sha256: str
    """Of its transcript and the bounds in it: equal content has equal vectors."""
    passages: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that shaped a generation, checked when it is opened."""

    model_name: str
    model_sha256: str
    dimension: int
    passage_tokens: int
    overlap_tokens: int
    lectures: tuple[LectureEntry, ...]
    files: dict[str, dict[str, Any]]
    """Path inside the generation → its ``size`` in bytes and ``sha256``."""
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Generation:
    """One index, open for reading."""

    folder: Path
    manifest: Manifest
    catalog: Catalog
    vectors: VectorIndex
    lexical: LexicalIndex
    tokens: NDArray[np.int8]


def current_generation(home: Path) -> Path:
    """The folder of the live generation.

    Raises:
        IndexMissing: nothing has been indexed here.
        IndexDamaged: CURRENT does not name a generation.
    """
    pointer = home / "CURRENT"
    try:
        name = pointer.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise IndexMissing(f"{home} holds no index yet; run `assistant index PATH...`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{pointer}: cannot be read ({error}); {_REBUILD}") from error
    folder = home / "generations" / name
    if not name.isdigit() or not folder.is_dir():
        raise IndexDamaged(f"{pointer}: names {name!r}, which is no generation; {_REBUILD}")
    return folder


def open_generation(folder: Path) -> Generation:
    """Open a generation, checking its manifest and the size of every file.

    Raises:
        IndexDamaged: which file is missing, cut, foreign or of another format version.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise IndexDamaged(f"{folder / name}: is missing; run `assistant repair`") from error
        if size != expected["size"]:
            raise IndexDamaged(
                f"{folder / name}: has {size} bytes, expected {expected['size']}; run `assistant repair`"
            )
    vectors = VectorIndex.read(folder / "passages.faiss")
    lexical = LexicalIndex.read(folder / "lexical")
    passages = sum(entry.passages for entry in manifest.lectures)
    for name, rows in (("passages.faiss", vectors.rows), ("lexical", lexical.rows)):
        if rows != passages:
            raise IndexDamaged(
                f"{folder / name}: has {rows} rows, expected {passages}; run `assistant repair`"
            )
    try:
        tokens = np.load(folder / "tokens.npy", mmap_mode="r")
    except (OSError, ValueError, tokenize.TokenError) as error:  # NumPy lets the last one through
        raise IndexDamaged(f"{folder / 'tokens.npy'}: {error}; run `assistant repair`") from error
    if tokens.dtype != np.int8 or tokens.shape[1:] != (manifest.dimension,):
        raise IndexDamaged(
            f"{folder / 'tokens.npy'}: holds {tokens.dtype} {tokens.shape}, expected int8 rows of "
            f"{manifest.dimension}; run `assistant repair`"
        )
    return Generation(folder, manifest, Catalog(folder / "catalog.sqlite"), vectors, lexical, tokens)


def read_manifest(folder: Path) -> Manifest:
    """Read and check ``manifest.json``.

    Raises:
        IndexDamaged: it is missing, altered, or of a format version this program does not know.
    """
    path = folder / "manifest.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        claimed = record.pop("sha256")
        version = record["format_version"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged(f"{path}: not a manifest ({error!r}); {_REBUILD}") from error
    if version != FORMAT_VERSION:
        raise IndexDamaged(
            f"{path}: format version {version!r}, this program reads {FORMAT_VERSION}; {_REBUILD}"
        )
    if claimed != _record_sha256(record):
        raise IndexDamaged(f"{path}: was altered; {_REBUILD}")
    lectures = tuple(LectureEntry(**entry) for entry in record.pop("lectures"))
    return Manifest(lectures=lectures, **record)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` with the checksum of its own content."""
    record = asdict(manifest)
    record["sha256"] = _record_sha256(record)
    (folder / "manifest.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def altered_files(folder: Path, manifest: Manifest) -> list[str]:
    """Every file of a generation that is not the one that was written, one line each."""
    problems = []
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path}: is missing")
        elif file_sha256(path) != expected["sha256"]:
            problems.append(f"{path}: was altered")
    return problems


def whole_catalog(home: Path) -> tuple[Path, list[Lecture]]:
    """The live generation's catalogue if it is whole, else the newest that is.

    Raises:
        IndexDamaged: there is none.
    """
    folders = [p for p in (home / "generations").glob("*") if p.name.isdecimal()]
    folders.sort(key=lambda p: -int(p.name))
    try:
        live = current_generation(home)
        folders.sort(key=lambda p: p != live)
    except AssistantError:
        pass
    for folder in folders:
        path = folder / "catalog.sqlite"
        try:
            expected = read_manifest(folder).files["catalog.sqlite"]["sha256"]
            if file_sha256(path) == expected:
                return path, Catalog(path).lectures()
        except (AssistantError, OSError, KeyError):
            continue
    raise IndexDamaged(
        f"{home}: no catalogue of any generation is whole; index the transcripts again: "
        "`assistant index PATH...`"
    )


def file_records(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and checksum of every file of a generation but its manifest."""
    return {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json" and not path.name.endswith(".lock")
    }


@contextmanager
def writer_lock(home: Path) -> Iterator[None]:
    """Hold the right to write; the operating system drops it if the process dies.

    Raises:
        IndexBusy: another process holds it.
    """
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
    full = "the disk is full; the index is as it was, make room and run it again"
    try:
        yield
    except (RuntimeError, ValueError, sqlite3.Error) as error:
        # faiss, tantivy and SQLite say so in words of their own.
        if "No space left" in str(error) or "disk is full" in str(error):
            raise HomeUnusable(f"{home}: {full}") from error
        raise
    except OSError as error:
        # A short write in numpy has no number: "10 requested and 5 written".
        short_write = error.errno is None and "written" in str(error)
        if short_write or error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = full
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = "it cannot be written; choose another folder with --home or ASSISTANT_HOME"
        elif error.errno in (errno.EEXIST, errno.ENOTDIR):
            advice = "it is not a folder; choose another with --home or ASSISTANT_HOME"
        else:
            raise
        raise HomeUnusable(f"{error.filename or home}: {error.strerror}: {advice}") from error


@contextmanager
def new_generation(home: Path) -> Iterator[Path]:
    """A folder to write the next generation in; removed if the block fails."""
    generations = home / "generations"
    generations.mkdir(parents=True, exist_ok=True)
    for leftover in generations.glob(".[0-9]*"):
        shutil.rmtree(leftover)
    aside = generations / f".{_next_number(generations)}"
    aside.mkdir()
    try:
        yield aside
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def publish(home: Path, aside: Path, manifest: Manifest) -> Path:
    """Make the generation written in ``aside`` the live one; returns its folder."""
    write_manifest(aside, manifest)
    for path in [*aside.rglob("*"), aside]:
        _flush(path)
    folder = aside.with_name(aside.name.removeprefix("."))
    aside.rename(folder)
    _flush(folder.parent)
    try:
        before: Path | None = current_generation(home)
    except (IndexMissing, IndexDamaged):
        before = None
    pointer = home / "CURRENT.new"
    pointer.write_text(f"{folder.name}\n", encoding="ascii")
    _flush(pointer)
    pointer.replace(home / "CURRENT")
    _flush(home)
    for old in folder.parent.iterdir():
        if old not in (folder, before):
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _next_number(generations: Path) -> int:
    return max((int(p.name) for p in generations.iterdir() if p.name.isdigit()), default=0) + 1


def _record_sha256(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _flush(path: Path) -> None:
    """Ask the disk to keep what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
