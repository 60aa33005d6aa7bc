"""Token vectors on disk: ``tokens.npy``, one int8 row a token, all lectures one after the other."""

import tokenize
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.errors import IndexDamaged

__all__ = ["quantise", "read_tokens", "write_tokens"]


def quantise(rows: NDArray[np.float32]) -> NDArray[np.int8]:
    """Each row scaled to use all of int8; its length is restored when it is read."""
    peaks = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12)
    quantised: NDArray[np.int8] = np.rint(rows * (127.0 / peaks)).astype(np.int8)
    return quantised


def write_tokens(path: Path, blocks: Iterable[NDArray[np.int8]], rows: int, dimension: int) -> None:
    """Write ``blocks``, together ``rows`` rows, as NumPy's own format (1.0).

    Raises:
        OSError: the disk does not take them.
        ValueError: the blocks have other shapes than was said.
    """
    with path.open("wb") as file:
        header = {"descr": "|i1", "fortran_order": False, "shape": (rows, dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        written = 0
        for block in blocks:
            if block.dtype != np.int8 or block.shape[1:] != (dimension,):
                raise ValueError(f"token vectors of dimension {block.shape[1:]}, expected {dimension}")
            # Not ndarray.tofile: it does not say why a write was cut short.
            file.write(np.ascontiguousarray(block).data)
            written += len(block)
    if written != rows:
        raise ValueError(f"{written} token vectors, expected {rows}")


def read_tokens(path: Path, rows: int, dimension: int) -> NDArray[np.int8]:
    """Open the file, memory-mapped; ``tokens[i] / |tokens[i]|`` is the unit vector of token ``i``.

    Raises:
        IndexDamaged: it is missing or of another shape.
    """
    try:
        tokens: NDArray[np.int8] = np.load(path, mmap_mode="r")
    except (OSError, ValueError, tokenize.TokenError) as error:  # NumPy lets the last one through
        raise IndexDamaged(f"{path}: {error}; run `assistant repair`") from error
    if tokens.dtype != np.int8 or tokens.shape != (rows, dimension):
        raise IndexDamaged(
            f"{path}: holds {tokens.dtype} {tokens.shape}, expected int8 {(rows, dimension)}; "
            "run `assistant repair`"
        )
    return np.asarray(tokens)  # of the plain type, whose slices cost a tenth of a memmap's
