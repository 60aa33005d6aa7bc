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

    ``verifier.npz`` holds them in float16, and the checksum of the encoder they were fitted for.
    """

    weights: Mapping[str, Array]

    def __call__(self, asked: Array, windows: Sequence[Window]) -> Array:
        """Log-odds, shape (len(windows),), that each of at least one window answers the question.

        ``asked`` are its tokens, shape (n, dimension), unit rows.
        """
        w = self.weights
        sought = w["sharpness"] * asked + (asked @ w["query"].T) @ w["key"]
        spoken = asked @ w["asked_value"].T + w["asked_value_bias"]
        importance = _softmax(asked @ w["importance"])
        gist = importance @ spoken
        rows = np.concatenate([window.tokens for window in windows])
        products = rows @ np.concatenate([asked, sought, w["value"]]).T
        ends = np.cumsum([len(window.tokens) for window in windows])
        told = [
            self._aggregated(part, window.place, spoken, importance, gist)
            for part, window in zip(np.split(products, ends[:-1]), windows, strict=True)
        ]
        hidden = _layer(np.array(told), w["judge"], w["judge_bias"])
        logits: Array = hidden @ w["verdict"] + w["verdict_bias"]
        return logits

    def _aggregated(
        self, products: Array, place: NDArray[np.intp], spoken: Array, importance: Array, gist: Array
    ) -> Array:
        """What is told of one window: shape (3 * width,)."""
        w, count = self.weights, len(spoken)
        cosine, attention = products[:, :count].T, products[:, count : 2 * count].T
        values = products[:, 2 * count :] + w["value_bias"]
        share = _softmax(attention + w["place"][place])
        found = share @ values
        told = np.column_stack(
            [cosine.max(axis=1), share[:, place == 0].sum(axis=1), (share * cosine).sum(axis=1)]
        )
        compared = _layer(
            np.hstack([spoken, found, spoken * found, np.abs(spoken - found), told]),
            w["compare"],
            w["compare_bias"],
        )
        own = place == 0
        said = _layer(
            np.hstack([gist * values[own], values[own], cosine.max(axis=0)[own, np.newaxis]]),
            w["answer"],
            w["answer_bias"],
        )
        pooled = _softmax(said @ w["answer_importance"]) @ said
        return np.concatenate([importance @ compared, compared.max(axis=0), pooled])


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
