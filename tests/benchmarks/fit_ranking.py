"""Fit the weights in ``assistant/ranking.json``.

    python tests/benchmarks/fit_ranking.py --lectures ../shared/evaluation/hf-course-lectures/srt/en

The span model maximises the likelihood that the span drawn by a softmax over all candidates of a
question is one that covers a gold place; the confidence is a logistic regression on whether one of the
first three quotes covers one. Both are fitted on the questions of split ``fit`` and nothing else.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assistant.answering import MAX_QUOTE_WORDS
from assistant.config import Settings
from assistant.embedding import OnnxEncoder
from assistant.evaluation_data import EvaluationQuestion, load_questions
from assistant.indexing import index_paths
from assistant.matching import load_matching
from assistant.onnx_export import exported_folder
from assistant.questions import Question, analyse_question
from assistant.ranking import EVIDENCE, LinearModel, evidence_of, rank_spans
from assistant.regions import Region, read_regions
from assistant.retrieval import retrieve
from assistant.spans import FEATURES, Spans, find_spans
from assistant.store import current_generation, open_generation

HERE = Path(__file__).parent
SPAN_PENALTY = 1e-2
CONFIDENCE_PENALTY = 3e-2
WRONG_PER_QUESTION = 150
SHORTNESS = 0.03
"""How much a span of 20 words more is worth less among those that cover a gold place."""


@dataclass(frozen=True)
class Example:
    """The candidates of one question and which of them are right."""

    question: EvaluationQuestion
    analysed: Question
    regions: list[Region]
    spans: Spans
    right: NDArray[np.bool_]


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lectures", type=Path, required=True, help="the folder of SRT files")
    parser.add_argument("--home", type=Path, help="keep the index here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "assistant" / "ranking.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        examples = collect(options.lectures, options.home or Path(scratch))
    covered = [e for e in examples if e.right.any()]
    score = fit_spans(covered)
    confidence = fit_confidence(examples, score)
    record = {"score": score.to_json(), "confidence": confidence.to_json()}
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{len(examples)} questions, {len(covered)} with a right candidate → {options.out}")


def collect(lectures: Path, home: Path) -> list[Example]:
    """Candidates for every question of split ``fit``."""
    settings = Settings(home=home)
    index_paths([lectures], settings, lambda *_: None)
    generation = open_generation(current_generation(home))
    encoder = OnnxEncoder(exported_folder(home, generation.manifest.model_sha256))
    transcripts = {h.lecture_id: h.transcript for h in generation.catalog.headers()}
    questions = []
    for name in ("lecture-questions.jsonl", "lecture-questions-fit.jsonl"):
        if (HERE.parent / "data" / name).is_file():
            questions += load_questions(HERE.parent / "data" / name, transcripts, {})
    matching = load_matching(generation.manifest.model_sha256, generation.manifest.dimension)
    examples = []
    for question in questions:
        if question.split != "fit" or question.history:
            continue
        encoded = encoder.encode_question(question.question)
        found = retrieve(generation, question.question, encoded, limit=settings.passages_retrieved)
        analysed = analyse_question(question.question, generation.lexical)
        regions = read_regions(generation, found)
        spans = find_spans(generation, regions, analysed, encoded, matching)
        examples.append(Example(question, analysed, regions, spans, right_spans(regions, spans, question)))
    return examples


def right_spans(regions: Sequence[Region], spans: Spans, question: EvaluationQuestion) -> NDArray[np.bool_]:
    """Which candidates cover at least half of a gold place."""
    right = np.zeros(len(spans.words), dtype=bool)
    for number, region in enumerate(regions):
        of_region = np.flatnonzero(spans.region == number)
        starts = np.array([s.sentence.char_start for s in region.sentences])[spans.first[of_region]]
        ends = np.array([s.sentence.char_end for s in region.sentences])[spans.end[of_region] - 1]
        for gold in question.places:
            if gold.lecture_id == region.lecture_id:
                shared = np.minimum(ends, gold.char_end) - np.maximum(starts, gold.char_start)
                right[of_region] |= 2 * shared >= gold.char_end - gold.char_start
    return right


def fit_spans(examples: Sequence[Example]) -> LinearModel:
    """Maximum marginal likelihood of drawing a right span."""
    tables, gains = [], []
    random = np.random.default_rng(0)
    for e in examples:
        gain = e.right * np.exp(-SHORTNESS * e.spans.words / 20) * (e.spans.words <= MAX_QUOTE_WORDS)
        wrong = np.flatnonzero(~e.right & (e.spans.words <= MAX_QUOTE_WORDS))
        kept = np.r_[np.flatnonzero(gain), random.permutation(wrong)[:WRONG_PER_QUESTION]]
        if gain.any():
            tables.append(e.spans.features[kept].astype(np.float64))
            gains.append(gain[kept])
    everything = np.concatenate(tables)
    mean, scale = everything.mean(axis=0), everything.std(axis=0) + 1e-6
    x = (everything - mean) / scale
    gain = np.concatenate(gains)
    sizes = [len(t) for t in tables]
    starts = np.cumsum([0, *sizes[:-1]])
    segment = np.repeat(np.arange(len(tables)), sizes)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        s = x @ w
        e = np.exp(s - np.maximum.reduceat(s, starts)[segment])
        all_of, right_of = np.add.reduceat(e, starts), np.add.reduceat(e * gain, starts)
        gradient = x.T @ (e / all_of[segment] - e * gain / right_of[segment]) / len(tables)
        value = -np.log(right_of / all_of).mean() + SPAN_PENALTY * w @ w
        return float(value), gradient + 2 * SPAN_PENALTY * w

    fitted = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B")
    return LinearModel(FEATURES, mean, scale, fitted.x, 0.0)


def fit_confidence(examples: Sequence[Example], score: LinearModel) -> LinearModel:
    """Logistic regression on whether one of the first three quotes is right."""
    rows, truth = [], []
    for e in examples:
        scores = score(e.spans.features, FEATURES)
        ranked = rank_spans(e.regions, e.spans, scores, limit=3, max_words=MAX_QUOTE_WORDS)
        rows.append(evidence_of(e.analysed, e.regions, e.spans, scores, ranked[0].candidate)[0])
        truth.append(any(e.right[r.candidate] for r in ranked))
    table, y = np.array(rows, dtype=np.float64), np.array(truth, dtype=np.float64)
    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-6
    x = np.c_[(table - mean) / scale, np.ones(len(table))]

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ w
        value = np.mean(np.logaddexp(0, z) - y * z) + CONFIDENCE_PENALTY * w[:-1] @ w[:-1]
        gradient = x.T @ (1 / (1 + np.exp(-z)) - y) / len(y)
        gradient[:-1] += 2 * CONFIDENCE_PENALTY * w[:-1]
        return float(value), gradient

    fitted = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B")
    return LinearModel(EVIDENCE, mean, scale, fitted.x[:-1], float(fitted.x[-1]))


if __name__ == "__main__":
    main()
