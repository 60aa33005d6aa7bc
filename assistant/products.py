"""Inner products of the token vectors that the index holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from assistant.regions import Region
from assistant.store import Generation

__all__ = ["on_one_thread", "token_products", "unit_rows"]


def on_one_thread() -> None:
    """Let products of matrices take one thread each, in the whole process and from now on.

    They are too small to gain by more, whose waiting for one another takes a hundred times as long where
    other processes hold the cores.
    """
    ThreadpoolController().limit(limits=1, user_api="blas")


def token_products(
    generation: Generation, regions: Sequence[Region], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The inner product of the unit vector of every token, all sentences in order, with each direction.

    ``directions`` has shape (n, dimension), the products (tokens, n).
    """
    rows = _token_rows(generation, regions)
    products: NDArray[np.float32] = rows @ directions.T
    # The products are far fewer numbers than the rows, so they are what is brought to unit length.
    products /= _lengths(rows)
    return products


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """``rows``, each divided in place by its length."""
    rows /= _lengths(rows)
    return rows


def _token_rows(generation: Generation, regions: Sequence[Region]) -> NDArray[np.float32]:
    slices = [slice(r.sentences[0].token_start, r.sentences[-1].token_end) for r in regions]
    return np.concatenate([generation.tokens[where] for where in slices], dtype=np.float32)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.sqrt(np.vecdot(rows, rows))[:, np.newaxis]
    return lengths
