"""Fit the weights in ``assistant/ranking.json``.

    python tests/benchmarks/fit_ranking.py --shared ../shared

The statement network minimises the negative log likelihood of the sentences of the gold places under a
softmax over all statements read for a question. The confidence network learns whether the lectures cover
the question, from scores of networks that did not see it (two folds by lecture): on split ``fit`` in the
whole library, in the question's own lecture (another kind of library), and with SQuAD's questions about
other worlds as uncovered. On split ``choose`` its slope and offset are set (Platt, 1999) so that it is the
probability that one of the first three quotes covers a gold place.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from assistant.config import Settings
from assistant.embedding import OnnxEncoder
from assistant.evaluation import hits
from assistant.evaluation_data import EvaluationQuestion, Place, load_questions
from assistant.indexing import index_paths
from assistant.matching import load_matching
from assistant.onnx_export import exported_folder
from assistant.questions import Question, analyse_question
from assistant.ranking import EVIDENCE, Network, evidence_of, rank_spans
from assistant.regions import Region, read_regions
from assistant.retrieval import retrieve
from assistant.statements import FEATURES, Statements, find_statements
from assistant.store import current_generation, open_generation

HERE = Path(__file__).parent
Floats = NDArray[np.float64]
HIDDEN, EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 16, 6, 16, 3e-3, 1e-2, 0.3
CONFIDENCE_EPOCHS, CONFIDENCE_BATCH = 20, 64
AVERAGED = 5
"""Networks trained from different starts; their mean is steadier than any one."""
OTHER_WORLDS = 300


@dataclass(frozen=True)
class Example:
    """The statements read for one question and which of them are right."""

    question: EvaluationQuestion
    analysed: Question
    regions: list[Region]
    statements: Statements
    right: NDArray[np.bool_]


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--home", type=Path, help="keep the index here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "assistant" / "ranking.json")
    options = parser.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        library, own = collect(options.shared / "evaluation", options.home or Path(scratch))
    fit = [e for e in library if e.question.split == "fit"]
    folds = [fit_statements([e for e in fit if fold_of(e) != number and e.right.any()]) for number in (0, 1)]
    unseen = [(e, folds[fold_of(e)]) for e in [*library, *own] if e.question.split != "choose"]
    covered = np.array([e.question.answerable for e, _ in unseen], dtype=np.float64)
    confidence = fit_confidence(confidence_rows(unseen)[0], covered)
    network = fit_statements([e for e in fit if e.right.any()])
    chosen = [(e, network) for e in [*library, *own] if e.question.split == "choose"]
    confidence = calibrated(confidence, *confidence_rows(chosen))
    record = {"statement": network.to_json(), "confidence": confidence.to_json()}
    options.out.write_text(json.dumps(record) + "\n", encoding="utf-8")
    print(f"{len(fit)} questions fitted, {len(chosen)} calibrated → {options.out}")


def collect(evaluation: Path, home: Path) -> tuple[list[Example], list[Example]]:
    """Examples read in the whole library, and the same questions read in their own lecture."""
    settings = Settings(home=home)
    index_paths([evaluation / "hf-course-lectures" / "srt" / "en"], settings, lambda *_: None)
    generation = open_generation(current_generation(home))
    encoder = OnnxEncoder(exported_folder(home, generation.manifest.model_sha256))
    matching = load_matching(generation.manifest.model_sha256, generation.manifest.dimension)
    transcripts = {h.lecture_id: h.transcript for h in generation.catalog.headers()}
    questions = []
    for name in ("lecture-questions.jsonl", "lecture-questions-fit.jsonl"):
        loaded = load_questions(HERE.parent / "data" / name, transcripts, {})
        questions += [q for q in loaded if q.split in ("fit", "choose") and not q.history]

    def read(question: EvaluationQuestion, lectures: Sequence[str] | None) -> Example:
        encoded = encoder.encode_question(question.question)
        found = retrieve(
            generation, question.question, encoded, limit=settings.passages_retrieved, lectures=lectures
        )
        analysed = analyse_question(question.question, generation.lexical)
        regions = read_regions(generation, found)
        statements = find_statements(generation, regions, analysed, encoded, matching)
        right = [
            any(_shares(_place(regions[r], i, i + 1), gold) for gold in question.places)
            for r, i in zip(statements.region, statements.index, strict=True)
        ]
        return Example(question, analysed, regions, statements, np.array(right))

    library = [read(question, None) for question in questions]
    library += [read(question, None) for question in other_worlds(evaluation)]
    own = [read(question, [question.question_id.rsplit("-", 1)[0]]) for question in questions]
    return library, own


def other_worlds(evaluation: Path) -> list[EvaluationQuestion]:
    """Questions of SQuAD that no lecture of the library answers, about articles that are not held out."""
    from fit_matching import is_held_out

    corpus = (evaluation / "squad2-halfdev" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    titles = {record["doc_id"]: record["title"] for record in map(json.loads, corpus)}
    lines = (evaluation / "squad2-halfdev" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    found = [r for r in map(json.loads, lines) if not is_held_out(titles[r["doc_id"]])]
    return [
        EvaluationQuestion(r["id"], r["question"], (), (), False, "off_topic", "other", ())
        for r in random.sample(found, OTHER_WORLDS)
    ]


def fold_of(example: Example) -> int:
    """One of two folds, the same for all questions of a lecture."""
    return sum(example.question.question_id.rsplit("-", 1)[0].encode()) % 2


class Units(torch.nn.Module):
    """The trainable form of ``Network``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(width, 1, bias=False)
        self.inner, self.outer = torch.nn.Linear(width, HIDDEN), torch.nn.Linear(HIDDEN, 1)
        self.dropout = torch.nn.Dropout(DROPOUT)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Scores of the rows of ``z``."""
        hidden = self.dropout(torch.relu(self.inner(z)))
        scores: torch.Tensor = (self.linear(z) + self.outer(hidden)).squeeze(1)
        return scores

    def network(self, names: tuple[str, ...], mean: Floats, scale: Floats) -> Network:
        """The same in numpy."""

        def array(tensor: torch.Tensor) -> Floats:
            return tensor.detach().numpy().astype(np.float64)

        return Network(
            names=names,
            mean=mean,
            scale=scale,
            linear=array(self.linear.weight)[0],
            inner=array(self.inner.weight).T,
            inner_bias=array(self.inner.bias),
            outer=array(self.outer.weight)[0],
            bias=float(self.outer.bias.item()),
        )


def fit_statements(examples: Sequence[Example]) -> Network:
    """One softmax over the statements of each question."""
    tables = [e.statements.features for e in examples]
    mean, scale = _moments(np.concatenate(tables))
    inputs = [_standardised(table, mean, scale) for table in tables]
    targets = [torch.from_numpy(e.right) for e in examples]

    def loss_of(units: Units, batch: list[int]) -> torch.Tensor:
        scores = [units(inputs[i]) for i in batch]
        losses = [s.logsumexp(0) - s[targets[i]].logsumexp(0) for s, i in zip(scores, batch, strict=True)]
        return torch.stack(losses).mean()

    trained = [_train(Units(len(FEATURES)), len(examples), EPOCHS, BATCH, loss_of) for _ in range(AVERAGED)]
    return averaged([units.network(FEATURES, mean, scale) for units in trained])


def fit_confidence(table: NDArray[np.float32], covered: Floats) -> Network:
    """Whether the lectures cover the question, by cross-entropy."""
    mean, scale = _moments(table)
    inputs, targets = _standardised(table, mean, scale), torch.from_numpy(covered).float()

    def loss_of(units: Units, batch: list[int]) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(units(inputs[batch]), targets[batch])

    trained = [
        _train(Units(len(EVIDENCE)), len(table), CONFIDENCE_EPOCHS, CONFIDENCE_BATCH, loss_of)
        for _ in range(AVERAGED)
    ]
    return averaged([units.network(EVIDENCE, mean, scale) for units in trained])


def averaged(networks: Sequence[Network]) -> Network:
    """The mean of networks over the same columns, as one network with all their hidden units."""
    return replace(
        networks[0],
        linear=np.mean([n.linear for n in networks], axis=0),
        inner=np.concatenate([n.inner for n in networks], axis=1),
        inner_bias=np.concatenate([n.inner_bias for n in networks]),
        outer=np.concatenate([n.outer for n in networks]) / len(networks),
        bias=float(np.mean([n.bias for n in networks])),
    )


def _train(
    units: Units, count: int, epochs: int, batch: int, loss_of: Callable[[Units, list[int]], torch.Tensor]
) -> Units:
    optimizer = torch.optim.AdamW(units.parameters(), weight_decay=WEIGHT_DECAY)
    steps = epochs * -(-count // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    units.train()
    for _ in range(epochs):
        order = torch.randperm(count).tolist()
        for start in range(0, count, batch):
            optimizer.zero_grad()
            loss_of(units, order[start : start + batch]).backward()
            optimizer.step()
            schedule.step()
    return units.eval()


def _moments(table: NDArray[np.float32]) -> tuple[Floats, Floats]:
    return table.mean(axis=0, dtype=np.float64), table.std(axis=0, dtype=np.float64) + 1e-6


def _standardised(table: NDArray[np.float32], mean: Floats, scale: Floats) -> torch.Tensor:
    return torch.from_numpy(np.clip((table - mean) / scale, -6, 6)).float()


def confidence_rows(
    examples: Sequence[tuple[Example, Network]],
) -> tuple[NDArray[np.float32], Floats]:
    """What the confidence is computed from, and whether one of three quotes was right."""
    rows, truth = [], []
    for example, network in examples:
        scores = network(example.statements.features, FEATURES)
        ranked = rank_spans(example.regions, example.statements, scores, limit=3)
        rows.append(evidence_of(example.analysed, example.regions, example.statements, scores, ranked)[0])
        quotes = [_place(span.region, span.first, span.end) for span in ranked]
        truth.append(any(hits(quote, gold) for quote in quotes for gold in example.question.places))
    return np.array(rows), np.array(truth, dtype=np.float64)


def calibrated(network: Network, table: NDArray[np.float32], right: Floats) -> Network:
    """The same with slope and offset set so that it is the probability that a quote is right."""
    scores, truth = network(table, EVIDENCE), right

    def loss(line: Floats) -> float:
        z = line[0] * scores + line[1]
        return float(np.mean(np.logaddexp(0, z) - truth * z))

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    print(f"calibration: slope {slope:.3f}, offset {offset:.3f}")
    return replace(
        network,
        linear=network.linear * slope,
        outer=network.outer * slope,
        bias=network.bias * float(slope) + float(offset),
    )


def _place(region: Region, first: int, end: int) -> Place:
    sentences = region.sentences
    return Place(
        region.lecture_id, sentences[first].sentence.char_start, sentences[end - 1].sentence.char_end
    )


def _shares(sentence: Place, gold: Place) -> bool:
    """Whether a sentence shares half of the shorter of the two with a gold place."""
    if sentence.lecture_id != gold.lecture_id:
        return False
    shared = min(sentence.char_end, gold.char_end) - max(sentence.char_start, gold.char_start)
    return 2 * shared >= min(sentence.char_end - sentence.char_start, gold.char_end - gold.char_start)


if __name__ == "__main__":
    main()
