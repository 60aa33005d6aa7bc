"""What is on disk, and how a new index takes the place of the old one.

::

    HOME/CURRENT                    the number of the live generation and the SHA-256 of its manifest,
                                    replaced atomically
    HOME/index.lock                 held by the one writer
    HOME/generations/<n>/
        manifest.json               see ``manifest.py``; readers hold a shared lock on it
        catalog.sqlite              lectures, cues, sentences, passages (rows.py)
        passages.faiss              row i: the vector of passage i (float32, unit length)
        lexical/                    BM25, document i is passage i
        tokens.npy                  int8 (tokens, dimension); row / its norm is the unit vector of a
                                    token in its passage; a sentence's rows are in the catalogue
    HOME/models/<16 digits>/        encoders as they are asked with (onnx_export.py)

A generation is written under a name that starts with a dot, every file is flushed to the disk and
opened once as a reader would, then the folder is renamed and CURRENT is swapped. Whatever of this is
interrupted, CURRENT names a whole generation: the old or the new. A reader keeps the files it
opened; generations that are no longer live go as soon as no reader holds them, and with them the
encoders that only they used.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.catalog import Catalog
from assistant.disk import (
    NO_FOLDER,
    Hold,
    flush,
    flush_tree,
    home_errors,
    is_held,
    remove_folder,
    replace_file,
    writer_lock,
)
from assistant.errors import AssistantError, HomeUnusable, IndexDamaged, IndexMissing
from assistant.lexical import LexicalIndex
from assistant.manifest import REBUILD, Manifest, manifest_record, read_manifest, write_manifest
from assistant.onnx_export import exported_folder, exported_folders
from assistant.tokens import read_tokens
from assistant.vectors import VectorIndex

__all__ = [
    "Generation",
    "current_generation",
    "generation_folders",
    "make_live",
    "new_generation",
    "open_current",
    "open_generation",
    "prune",
    "publish",
    "read_current",
    "writing",
]

_CURRENT = re.compile(rb"([0-9]{1,18})(?: ([0-9a-f]{64}))?\n")


@dataclass(frozen=True, slots=True)
class Generation:
    """One index, open for reading."""

    folder: Path
    manifest: Manifest
    catalog: Catalog
    vectors: VectorIndex
    lexical: LexicalIndex
    tokens: NDArray[np.int8]
    hold: Hold

    def check_sizes(self) -> None:
        """Look at the sizes of the files again: to read on in a mapped file that was cut ends the process.

        Raises:
            IndexDamaged: which file is missing or has another size than was written.
        """
        _check_sizes(self.folder, self.manifest)

    def close(self) -> None:
        """Let go of the files; forgetting the generation does it too."""
        self.catalog.close()
        self.hold.close()


def current_generation(home: Path) -> Path:
    """The folder of the live generation.

    Raises:
        IndexMissing: nothing has been indexed here.
        IndexDamaged: CURRENT does not name a generation.
    """
    return read_current(home)[0]


def read_current(home: Path) -> tuple[Path, str | None]:
    """The folder of the live generation and the SHA-256 of its manifest; ``None`` in format 1.

    Raises:
        IndexMissing: nothing has been indexed here.
        IndexDamaged: CURRENT does not name a generation.
        HomeUnusable: the home is a file.
    """
    pointer = home / "CURRENT"
    content = None
    while True:
        before = content
        try:
            content = pointer.read_bytes()
        except FileNotFoundError as error:
            raise IndexMissing(f"{home} holds no index yet; run `assistant index PATH...`") from error
        except NotADirectoryError as error:
            raise HomeUnusable(f"{home}: {NO_FOLDER}") from error
        except OSError as error:
            raise IndexDamaged(f"{pointer}: cannot be read ({error}); {REBUILD}") from error
        named = _CURRENT.fullmatch(content)
        folder = home / "generations" / named[1].decode() if named else pointer
        if named and folder.is_dir():
            return folder, named[2].decode() if named[2] else None
        if content == before:  # else a writer swapped and pruned between the two looks
            raise IndexDamaged(f"{pointer}: names {content[:80]!r}, which is no generation; {REBUILD}")


def open_current(home: Path) -> Generation:
    """Open the live generation, whatever a writer does meanwhile.

    Raises:
        IndexMissing: nothing has been indexed here.
        IndexDamaged: a file of the index is not what was written.
        IndexOutdated: an earlier version of this program wrote it.
        IndexTooNew: a later one did.
    """
    while True:
        named = read_current(home)
        try:
            return open_generation(*named)
        except IndexDamaged:
            if read_current(home) == named:
                raise


def open_generation(folder: Path, manifest_sha256: str | None = None) -> Generation:
    """Open a generation, checking its manifest and the size of every file.

    Raises:
        IndexDamaged: which file is missing, cut or foreign.
        IndexOutdated: an earlier version of this program wrote it.
        IndexTooNew: a later one did.
    """
    try:
        hold = Hold(folder / "manifest.json")
    except OSError as error:
        raise IndexDamaged(f"{folder / 'manifest.json'}: not a manifest ({error}); {REBUILD}") from error
    try:
        return _opened(folder, read_manifest(folder, manifest_sha256), hold)
    except BaseException:
        hold.close()
        raise


def generation_folders(home: Path) -> list[Path]:
    """Every finished generation, the newest first."""
    folders = [path for path in (home / "generations").glob("*") if path.name.isdecimal()]
    return sorted(folders, key=lambda path: -int(path.name))


@contextmanager
def writing(home: Path) -> Iterator[None]:
    """Be the one writer; at the end what nobody reads any more is removed.

    Raises:
        IndexBusy: another process is writing.
        HomeUnusable: the file system does not take what is written.
    """
    with writer_lock(home), home_errors(home):
        yield
        prune(home, as_writer=True)


@contextmanager
def new_generation(home: Path) -> Iterator[Path]:
    """A folder to write the next generation in; removed if the block fails."""
    generations = home / "generations"
    generations.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(generations, ".[0-9]*")
    aside = generations / f".{_next_number(generations)}"
    aside.mkdir()
    try:
        yield aside
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def publish(home: Path, aside: Path, manifest: Manifest) -> Path:
    """Make the generation written in ``aside`` the live one; returns its folder."""
    return make_live(home, aside, write_manifest(aside, manifest))


def make_live(home: Path, aside: Path, manifest_sha256: str) -> Path:
    """Make the whole generation in ``aside`` the live one; returns its folder.

    Raises:
        IndexDamaged: it cannot be opened, and nothing was changed.
    """
    flush_tree(aside)
    open_generation(aside, manifest_sha256).close()
    folder = aside.with_name(aside.name.removeprefix("."))
    aside.rename(folder)
    flush(folder.parent)
    replace_file(home / "CURRENT", f"{folder.name} {manifest_sha256}\n".encode())
    return folder


def prune(home: Path, *, as_writer: bool = False) -> None:
    """Remove the generations before the live one that no reader holds.

    The writer also removes what interrupted writers left, and encoders that no generation uses.
    """
    try:
        live = current_generation(home)
    except AssistantError:
        return
    for folder in generation_folders(home):
        earlier = int(folder.name) < int(live.name)
        if folder != live and (earlier or as_writer) and not is_held(folder / "manifest.json"):
            remove_folder(folder)
    if not as_writer:
        return
    _remove_leftovers(home / "generations", ".[0-9]*")
    models = home / "models"
    # A link is a models folder that other homes use too.
    if models.is_symlink() or not models.is_dir():
        return
    try:
        used = {
            exported_folder(home, manifest_record(folder)["model_sha256"])
            for folder in generation_folders(home)
        }
    except (AssistantError, KeyError):
        return
    for folder in exported_folders(home):
        if folder not in used:
            remove_folder(folder)
    _remove_leftovers(models, ".*-removed")
    _remove_leftovers(models, ".*-damaged")
    _remove_leftovers(models, ".exporting-*")


def _opened(folder: Path, manifest: Manifest, hold: Hold) -> Generation:
    _check_sizes(folder, manifest)
    vectors = VectorIndex.read(folder / "passages.faiss", manifest.dimension)
    lexical = LexicalIndex.read(folder / "lexical")
    for name, rows in (("passages.faiss", vectors.rows), ("lexical", lexical.rows)):
        if rows != manifest.passages:
            raise IndexDamaged(
                f"{folder / name}: has {rows} rows, expected {manifest.passages}; run `assistant repair`"
            )
    tokens = read_tokens(folder / "tokens.npy", manifest.tokens, manifest.dimension)
    return Generation(folder, manifest, Catalog(folder / "catalog.sqlite"), vectors, lexical, tokens, hold)


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise IndexDamaged(f"{folder / name}: is missing; run `assistant repair`") from error
        if size != expected["size"]:
            raise IndexDamaged(
                f"{folder / name}: has {size} bytes, expected {expected['size']}; run `assistant repair`"
            )


def _remove_leftovers(folder: Path, pattern: str) -> None:
    for leftover in folder.glob(pattern):
        shutil.rmtree(leftover, ignore_errors=True)


def _next_number(generations: Path) -> int:
    return max((int(p.name) for p in generations.iterdir() if p.name.isdecimal()), default=0) + 1
