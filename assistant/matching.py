"""How a token of a question looks for its match in a lecture.

The encoder was trained to compare whole texts. A small map, learned on questions and the sentences that
answer them, lets each token of a question look for what answers it rather than for itself ("when" for a
date, "called" for a name), and weighs the tokens. It is fitted with the encoder, by
``python tests/benchmarks/fit_encoder.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

__all__ = ["Matching", "load_matching"]


@dataclass(frozen=True, slots=True)
class Matching:
    """``u`` and ``v`` have shapes (dimension, rank) and (rank, dimension), ``a`` (dimension,)."""

    u: NDArray[np.float32]
    v: NDArray[np.float32]
    a: NDArray[np.float32]
    b: float

    @classmethod
    def from_arrays(cls, stored: Mapping[str, NDArray[np.floating]]) -> "Matching":
        """From the arrays ``u``, ``v``, ``a`` and ``b`` of any precision."""
        u, v, a = (stored[name].astype(np.float32) for name in "uva")
        return cls(u, v, a, float(stored["b"]))

    def look_for(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each row of ``tokens`` (unit rows) looks for; the rows are no longer of unit length."""
        sought: NDArray[np.float32] = np.asarray(tokens + (tokens @ self.u) @ self.v, dtype=np.float32)
        return sought

    def weights(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of each row of ``tokens`` in a match, > 0; they sum to 1."""
        raw = np.logaddexp(0.0, 5.0 * (tokens @ self.a) + self.b)
        share: NDArray[np.float32] = np.asarray(raw / raw.sum(), dtype=np.float32)
        return share


@cache
def load_matching(model_sha256: str, dimension: int) -> Matching:
    """The map fitted for an encoder; for any other encoder one that changes nothing."""
    file = resources.files("assistant").joinpath("matching.npz")
    with file.open("rb") as stream:
        stored = np.load(stream)
        if str(stored["model_sha256"]) == model_sha256:
            return Matching.from_arrays(stored)
    empty = np.zeros((dimension, 0), dtype=np.float32)
    return Matching(empty, empty.T, np.zeros(dimension, dtype=np.float32), 0.0)
