"""A small network over named columns, in numpy and as JSON."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Network"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """A linear model over named columns with one layer of hidden units beside it; none is allowed.

    ``score = z @ linear + relu(z @ inner + inner_bias) @ outer + bias`` with ``z`` the standardised columns,
    cut to ±6.
    """

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    linear: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    bias: float

    def __call__(self, table: NDArray[np.float32], columns: Sequence[str]) -> Floats:
        """Scores, shape (n,), of the n rows of ``table``, whose columns are called ``columns``."""
        where = {name: number for number, name in enumerate(columns)}
        chosen = [where[name] for name in self.names]
        z = np.clip((table[:, chosen] - self.mean) / self.scale, -6.0, 6.0)
        hidden = np.maximum(z @ self.inner + self.inner_bias, 0.0)
        scores: Floats = z @ self.linear + hidden @ self.outer + self.bias
        return scores

    def without(self, names: Collection[str]) -> "Network":
        """The same where these columns are not known: each counts as its mean."""
        kept = [number for number, name in enumerate(self.names) if name not in names]
        return replace(
            self,
            names=tuple(self.names[number] for number in kept),
            mean=self.mean[kept],
            scale=self.scale[kept],
            linear=self.linear[kept],
            inner=self.inner[kept],
        )

    def moved(self, slope: float, offset: float) -> "Network":
        """The same with ``slope * score + offset`` for its score."""
        return replace(
            self, linear=self.linear * slope, outer=self.outer * slope, bias=self.bias * slope + offset
        )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Network":
        """Read what ``to_json`` wrote."""
        names = tuple(record["columns"])
        arrays = {
            name: np.array(record[name], dtype=np.float64)
            for name in ("mean", "scale", "linear", "inner_bias", "outer")
        }
        inner = np.array(record["inner"], dtype=np.float64).reshape(len(names), -1)
        return cls(names=names, inner=inner, bias=float(record["bias"]), **arrays)

    def to_json(self) -> dict[str, Any]:
        """Everything, rounded to six digits."""
        arrays = ("mean", "scale", "linear", "inner", "inner_bias", "outer")
        rounded = {name: getattr(self, name).round(6).tolist() for name in arrays}
        return {"columns": list(self.names), **rounded, "bias": round(self.bias, 6)}
