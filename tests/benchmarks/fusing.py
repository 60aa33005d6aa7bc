"""How the dense and the BM25 ranking are best fused, and how many passages are to be read.

    python tests/benchmarks/fusing.py --shared ../shared --folds FOLDS [--homes DIR]

``FOLDS`` is what ``fit_encoder.py`` keeps: questions of fold 0 are asked of the encoder that did not see
their lecture. A passage holds the answer if it shares half of a gold place with it.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitting_examples import LECTURES, Source, drawn, open_source
from fitting_readings import merged_model

from assistant.evaluation_data import EvaluationQuestion, Place
from assistant.retrieval import POOL, RRF_K, encoded_question
from assistant.understanding import understood

FOLD, QUESTIONS = 0, 900
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8)
DEPTHS = (1, 14, 16, 18, 20, 24, 30)


@dataclass(frozen=True)
class Rankings:
    """Rows of passages for a question, best first, and those that hold its answer."""

    dense: Sequence[int]
    bm25: Sequence[int]
    right: frozenset[int]

    def recalled(self, dense_share: float) -> list[bool]:
        """Whether the answer is in as many of the fused passages as each of ``DEPTHS`` says."""
        fused: dict[int, float] = {}
        for rows, share in ((self.dense, dense_share), (self.bm25, 1 - dense_share)):
            for rank, row in enumerate(rows, start=1):
                fused[row] = fused.get(row, 0.0) + share / (RRF_K + rank)
        order = sorted(fused, key=lambda row: (-fused[row], row))
        return [not self.right.isdisjoint(order[:depth]) for depth in DEPTHS]


def main() -> None:
    """Print a table for each kind of lectures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--folds", type=Path, required=True, help="a folder for each fold, named by number")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        homes = options.homes or Path(scratch)
        model, _ = merged_model(options.folds / str(FOLD), homes / "models")
        for name in LECTURES:
            source = open_source(name, options.shared / "evaluation", homes / name, str(model))
            asked = [q for fold, q in drawn(source) if fold == FOLD and q.answerable and not q.history]
            few = random.Random(0).sample(asked, min(QUESTIONS, len(asked)))  # noqa: S311 (no secret)
            found = list(_rankings(source, few))
            print(f"{name}, {len(found)} questions: share of the dense ranking, recall at {DEPTHS}")
            for share in SHARES:
                recalls = zip(*(rankings.recalled(share) for rankings in found), strict=True)
                print(share, *(f"{sum(recalled) / len(found):.3f}" for recalled in recalls), flush=True)


def _rankings(source: Source, questions: Sequence[EvaluationQuestion]) -> Iterator[Rankings]:
    generation, encoder = source.generation, source.encoder
    for question in questions:
        asked = understood(question.question, (), generation, encoder, None)
        encoded = encoded_question(encoder, asked)
        dense = [row for row, _ in generation.vectors.search(encoded.vector, POOL, None)]
        bm25 = [row for row, _ in generation.lexical.search(asked, POOL, None)]
        passages = generation.catalog.passages(sorted({*dense, *bm25}))
        places = {row: Place(p.lecture_id, p.char_start, p.char_end) for row, p in passages.items()}
        right = frozenset(
            row
            for row, place in places.items()
            if any(2 * place.shared_with(gold) >= gold.char_end - gold.char_start for gold in question.places)
        )
        yield Rankings(dense, bm25, right)


if __name__ == "__main__":
    main()
