"""Does a sentence answer the question, or is it only about the same thing?

Each token of the question looks for what matches it among the tokens of the sentence and of its neighbours,
is compared with what it found, and the comparisons are pooled ("attend, compare, aggregate": Parikh,
Täckström, Das and Uszkoreit, A Decomposable Attention Model for Natural Language Inference, EMNLP 2016). The
tokens are those the index holds, so nothing is encoded again. It is fitted on questions that lectures cover
and near misses, by ``python tests/benchmarks/fit_ranking.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from assistant.products import unit_rows
from assistant.regions import Region
from assistant.statements import Statements
from assistant.store import Generation

__all__ = ["Verifier", "Window", "load_verifier", "read_windows"]

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]

WINDOW_TOKENS = 96
"""Enough for four sentences of 20 words; a sentence longer than that is read to there."""
_NEAR = ((0, 0), (-1, 1), (1, 2), (-2, 3))
"""The sentences of a window by their distance, in the order in which they are taken, and their places."""


@dataclass(frozen=True, slots=True)
class Window:
    """A sentence with those of its neighbours that were read: at most 96 tokens, its own first."""

    tokens: Array
    """Shape (n, dimension), unit rows."""
    place: NDArray[np.intp]
    """Of each token: 0 in the sentence, 1 in the one before, 2 in the one after, 3 two before."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Weights by name.

    With d the dimension and w the units of a layer:

    - ``sharpness`` (), ``query`` and ``key`` (w, d), ``place`` (4,): where a token of the question looks;
    - ``value`` and ``asked_value`` (w, d) with a bias (w,) each: what is compared;
    - ``importance`` (d,): of a token of the question;
    - ``compare`` (w, 4 w + 3): what was asked, what was found, their product and difference; the best
      cosine, the share of the sentence's own tokens, the mean cosine;
    - ``answer`` (w, 2 w + 1), ``answer_importance`` (w,): what the sentence itself says;
    - ``judge`` (w, 3 w), ``verdict`` (w,) and ``verdict_bias`` (1,); the layers have a bias (w,) each.

    ``verifier.npz`` holds them in float16, and the checksum of the encoder whose tokens they are for.
    """

    weights: Mapping[str, Array]

    def __call__(self, asked: Array, windows: Sequence[Window]) -> Array:
        """Log-odds, shape (len(windows),), that each of at least one window answers the question.

        ``asked`` are its tokens, shape (n, dimension), unit rows.
        """
        w, count = self.weights, len(asked)
        sought = w["sharpness"] * asked + (asked @ w["query"].T) @ w["key"]
        spoken = asked @ w["asked_value"].T + w["asked_value_bias"]
        importance = _softmax(asked @ w["importance"])
        place = np.concatenate([window.place for window in windows])
        rows = np.concatenate([window.tokens for window in windows])
        products = rows @ np.concatenate([asked, sought, w["value"]]).T
        cosine, values = products[:, :count], products[:, 2 * count :] + w["value_bias"]
        attention = products[:, count : 2 * count] + w["place"][place][:, np.newaxis]
        whole = _Parts([len(window.tokens) for window in windows])
        own = place == 0
        compared = self._compared(spoken, cosine, attention, values, whole, own)
        said = self._said(importance @ spoken, cosine[own].max(axis=1), values[own])
        # A window begins with its sentence, so these parts lie one after the other, too.
        sentences = _Parts([int((window.place == 0).sum()) for window in windows])
        share = sentences.softmax(said @ w["answer_importance"])[:, np.newaxis]
        told = [importance @ compared, compared.max(axis=1), sentences.sum(share * said)]
        hidden = _layer(np.hstack(told), w["judge"], w["judge_bias"])
        logits: Array = hidden @ w["verdict"] + w["verdict_bias"]
        return logits

    def _compared(
        self, spoken: Array, cosine: Array, attention: Array, values: Array, whole: "_Parts", own: Flags
    ) -> Array:
        """Each token of the question against what it found: shape (windows, tokens asked, width)."""
        share = whole.softmax(attention)
        parts = zip(whole.split(share), whole.split(values), strict=True)
        found = np.stack([part.T @ value for part, value in parts])
        told = [whole.max(cosine), whole.sum(share * own[:, np.newaxis]), whole.sum(share * cosine)]
        asked = np.broadcast_to(spoken, found.shape)
        inputs = [asked, found, asked * found, np.abs(asked - found), np.stack(told, axis=2)]
        return _layer(np.concatenate(inputs, axis=2), self.weights["compare"], self.weights["compare_bias"])

    def _said(self, gist: Array, cosine: Array, values: Array) -> Array:
        """What each token of the sentences says to the whole question: shape (tokens, width)."""
        inputs = np.hstack([gist * values, values, cosine[:, np.newaxis]])
        return _layer(inputs, self.weights["answer"], self.weights["answer_bias"])


class _Parts:
    """Rows in parts of at least one that lie one after the other, to be worked on together."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = np.array(sizes)
        self._starts = np.cumsum(self._sizes) - self._sizes

    def split(self, rows: Array) -> list[Array]:
        """Each part by itself."""
        return np.split(rows, self._starts[1:])

    def max(self, rows: Array) -> Array:
        """Of each part, shape (parts, …)."""
        highest: Array = np.maximum.reduceat(rows, self._starts)
        return highest

    def sum(self, rows: Array) -> Array:
        """Of each part, shape (parts, …)."""
        total: Array = np.add.reduceat(rows, self._starts)
        return total

    def softmax(self, scores: Array) -> Array:
        """Over the rows of each part."""
        share: Array = np.exp(scores - np.repeat(self.max(scores), self._sizes, axis=0))
        share /= np.repeat(self.sum(share), self._sizes, axis=0)
        return share


def read_windows(
    generation: Generation, regions: Sequence[Region], statements: Statements, rows: Iterable[int]
) -> list[Window]:
    """The windows of some rows of ``statements``."""
    windows = []
    for row in rows:
        sentences = regions[statements.region[row]].sentences
        index = int(statements.index[row])
        rows_of: list[NDArray[np.int8]] = []
        place: list[int] = []
        for distance, where in _NEAR:
            if 0 <= index + distance < len(sentences):
                near = sentences[index + distance]
                tokens = generation.tokens[near.token_start : near.token_end]
                rows_of.append(tokens[: WINDOW_TOKENS - len(place)])
                place += [where] * len(rows_of[-1])
        own_and_near = unit_rows(np.concatenate(rows_of, dtype=np.float32))
        windows.append(Window(own_and_near, np.array(place, dtype=np.intp)))
    return windows


@cache
def load_verifier(model_sha256: str) -> Verifier | None:
    """What was fitted for an encoder; for any other encoder there is none."""
    with resources.files("assistant").joinpath("verifier.npz").open("rb") as stream:
        stored = np.load(stream)
        if str(stored["model_sha256"]) != model_sha256:
            return None
        return Verifier({n: stored[n].astype(np.float32) for n in stored.files if n != "model_sha256"})


def _layer(inputs: Array, weights: Array, bias: Array) -> Array:
    units: Array = np.maximum(inputs @ weights.T + bias, 0.0)
    return units


def _softmax(scores: Array) -> Array:
    share: Array = np.exp(scores - scores.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    return share
