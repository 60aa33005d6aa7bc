"""Inner products of the token vectors that the index holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.regions import Region
from assistant.store import Generation

__all__ = ["row_products", "token_products", "unit_rows"]

_SINGLE_THREADED = 2**18
"""Multiplications up to which OpenBLAS takes one thread for a product of matrices. With more, its threads
wait for one another, and where other processes hold the cores that takes a hundred times as long."""


def token_products(
    generation: Generation, regions: Sequence[Region], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The inner product of the unit vector of every token, all sentences in order, with each direction.

    ``directions`` has shape (n, dimension), the products (tokens, n).
    """
    rows = _token_rows(generation, regions)
    products = row_products(rows, directions)
    # The products are far fewer numbers than the rows, so they are what is brought to unit length.
    products /= _lengths(rows)
    return products


def row_products(rows: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner product of each row with each direction, shape (rows, directions), on one thread."""
    most = _SINGLE_THREADED // (8 * directions.shape[1])
    if len(directions) > most:
        parts = np.split(directions, range(most, len(directions), most))
        return np.hstack([row_products(rows, part) for part in parts])
    onto = np.ascontiguousarray(directions.T)
    step = max(8, _SINGLE_THREADED // directions.size // 8 * 8)
    even = len(rows) // step * step
    products = np.empty((len(rows), len(directions)), dtype=np.float32)
    blocks = rows[:even].reshape(-1, step, rows.shape[1])
    np.matmul(blocks, onto, out=products[:even].reshape(-1, step, len(directions)))
    np.matmul(rows[even:], onto, out=products[even:])
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
