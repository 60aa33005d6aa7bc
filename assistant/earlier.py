"""The generation before: what of it a new one can take over."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.catalog import Catalog
from assistant.errors import AssistantError, IndexTooNew
from assistant.manifest import LectureEntry, Manifest, altered_files, read_manifest
from assistant.passage_vectors import LectureVectors
from assistant.store import read_current
from assistant.tokens import read_tokens
from assistant.vectors import VectorIndex

__all__ = ["Earlier", "Place", "open_earlier"]

_TAKEN_OVER = ("catalog.sqlite", "passages.faiss", "tokens.npy")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lecture stands in a generation."""

    entry: LectureEntry
    position: int
    row_start: int
    token_start: int


class Earlier:
    """Catalogue and vectors of a generation of which not one byte is altered."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.catalog = Catalog(folder / "catalog.sqlite")
        self.vectors = VectorIndex.read(folder / "passages.faiss", manifest.dimension)
        self.tokens: NDArray[np.int8] = read_tokens(
            folder / "tokens.npy", manifest.tokens, manifest.dimension
        )

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    @cached_property
    def places(self) -> dict[str, Place]:
        """By lecture id, in order."""
        places, row, token = {}, 0, 0
        for position, entry in enumerate(self.manifest.lectures):
            places[entry.lecture_id] = Place(entry, position, row, token)
            row, token = row + entry.passages, token + entry.tokens
        return places

    @cached_property
    def by_content(self) -> dict[str, Place]:
        """By the checksum of what was embedded."""
        return {place.entry.content_sha256: place for place in self.places.values()}

    def vectors_of(self, place: Place) -> LectureVectors:
        """What the encoder said of a lecture."""
        entry, first = place.entry, place.token_start
        sentences = self.catalog.sentences(entry.lecture_id)
        return LectureVectors(
            self.vectors.vectors(place.row_start, place.row_start + entry.passages),
            np.array(self.tokens[first : first + entry.tokens]),
            tuple(s.token_end - first for s in sentences),
        )


def open_earlier(home: Path) -> Earlier | None:
    """The live generation if vectors can be taken over from it.

    Raises:
        IndexTooNew: a later version of this program wrote it; nothing may be written over it.
    """
    try:
        folder, sha256 = read_current(home)
        manifest = read_manifest(folder, sha256)
        files = {name: manifest.files[name] for name in _TAKEN_OVER}
        return None if altered_files(folder, files) else Earlier(folder, manifest)
    except IndexTooNew:
        raise
    except (AssistantError, KeyError):
        return None
