"""Passage vectors and the nearest of them. The only file that imports faiss."""

import struct
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from assistant.errors import IndexDamaged

__all__ = ["VectorIndex"]


_HEADER_BYTES = 45
"""Kind, dimension, rows, two unused numbers, whether it is trained, metric, count of floats."""


class VectorIndex:
    """Exact inner-product search over L2-normalised rows, so a score is a cosine in [-1, 1]."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> "VectorIndex":
        """Index ``vectors[i]`` (shape (n, dimension), float32, unit length) as row ``i``."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def read(cls, path: Path, dimension: int) -> "VectorIndex":
        """Open a saved index of vectors of length ``dimension``.

        Raises:
            IndexDamaged: the file is missing or was not written by ``write``.
        """
        damaged = IndexDamaged(f"{path}: not a readable vector index; run `assistant repair`")
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                rows, left = divmod(size - _HEADER_BYTES, 4 * dimension)
                # faiss believes what a file says of its kind and size, so only our own header is let in.
                if left or rows < 1 or file.read(_HEADER_BYTES) != _header(rows, dimension):
                    raise damaged
            return cls(faiss.read_index(str(path)))
        except (OSError, RuntimeError, MemoryError) as error:
            raise damaged from error

    def write(self, path: Path) -> None:
        """Save to ``path`` in faiss's own format."""
        # Not faiss.write_index: it says in words of its own why a write failed.
        path.write_bytes(faiss.serialize_index(self._index).data)

    @property
    def rows(self) -> int:
        """How many vectors are held."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def vectors(self, start: int, end: int) -> NDArray[np.float32]:
        """Rows ``start`` to ``end`` as they were added, shape (end - start, dimension)."""
        rows: NDArray[np.float32] = self._index.reconstruct_n(start, end - start)
        return rows

    def search(
        self, question: NDArray[np.float32], limit: int, rows: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The ``limit`` nearest rows to ``question`` (shape (dimension,)), as (row, cosine), best first.

        With ``rows``, only those are searched.
        """
        parameters = None
        if rows is not None:
            selector = faiss.IDSelectorBatch(np.asarray(rows, dtype=np.int64))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # SWIG takes fields as keywords
        scores, found = self._index.search(question[np.newaxis, :], limit, params=parameters)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return [(row, score) for row, score in pairs if row >= 0]


def _header(rows: int, dimension: int) -> bytes:
    empty: bytes = faiss.serialize_index(faiss.IndexFlatIP(dimension)).tobytes()
    return empty[:8] + struct.pack("<q", rows) + empty[16:37] + struct.pack("<Q", rows * dimension)
