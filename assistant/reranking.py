"""A stronger model for the order of the spans: any cross-encoder of sentence-transformers.

It reads question and span together and gives a log-odds that one answers the other. The best spans are put in
the order of ``log p + log-odds``, with ``p`` our own probability: what both find likely comes first. The
confidence stays that of our own order, until ``assistant calibrate`` fits it to the answers as they then are.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ModelUnusable
from assistant.ranking import RankedSpan

__all__ = ["RERANKED", "CrossEncoderReranker", "Reranker", "load_reranker", "reranked"]

RERANKED = 20
"""How many spans are read again."""

Floats = NDArray[np.float64]


class Reranker(Protocol):
    """What judges texts against a question."""

    def log_odds(self, question: str, texts: Sequence[str]) -> Floats:
        """For each of ``texts`` the log-odds, any real number, that it answers ``question``."""
        ...


class CrossEncoderReranker:
    """A cross-encoder with one output, on whatever device torch finds."""

    def __init__(self, name: str) -> None:
        """Load the model called ``name``, a folder or a hub name; this imports sentence-transformers.

        Raises:
            ModelUnusable: it cannot be loaded, or has more than one output.
        """
        from sentence_transformers import CrossEncoder
        from torch.nn import Identity
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs has no types
        try:
            self._model = CrossEncoder(name, activation_fn=Identity())
        except Exception as error:  # what hub, transformers and torch raise has no common root
            raise ModelUnusable(f"cross-encoder {name!r} cannot be loaded: {error}") from error
        if self._model.num_labels != 1:
            raise ModelUnusable(
                f"cross-encoder {name!r} has {self._model.num_labels} outputs; one that has a single score "
                "is needed"
            )

    def log_odds(self, question: str, texts: Sequence[str]) -> Floats:
        """For each of ``texts`` the log-odds that it answers ``question``."""
        pairs = [(question, text) for text in texts]
        scores = self._model.predict(pairs, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(scores, dtype=np.float64)


def load_reranker(name: str | None) -> Reranker | None:
    """The cross-encoder of the settings; ``None`` where none is named, and nothing is imported.

    Raises:
        ModelUnusable: it cannot be loaded.
    """
    return None if name is None else CrossEncoderReranker(name)


def reranked(reranker: Reranker, question: str, spans: Sequence[RankedSpan]) -> list[RankedSpan]:
    """``spans`` in their new order; their probabilities are shared out anew and keep their sum."""
    if not spans:
        return []
    texts = [" ".join(span.region.texts[span.first : span.end]) for span in spans]
    before = np.array([span.probability for span in spans])
    worth = np.log(np.maximum(before, 1e-12)) + reranker.log_odds(question, texts)
    after = np.exp(worth - worth.max())
    after *= before.sum() / after.sum()
    order = np.argsort(-worth, kind="stable")
    return [replace(spans[i], probability=float(after[i])) for i in order]
