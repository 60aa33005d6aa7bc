"""Fit the weights in ``assistant/ranking.json``.

    for fold in 0 1; do
      python tests/benchmarks/fit_encoder.py --shared ../shared --without $fold --out FOLDS/$fold
    done
    python tests/benchmarks/fit_ranking.py --shared ../shared --folds FOLDS

The statement network minimises the negative log likelihood of the sentences of the gold places under a
softmax over all statements read for a question. The confidence network learns whether the lectures cover
the question. Questions are ours and the written ones, each read in the whole library and in its own lecture
(another kind of library); every second one also in all lectures but those that answer it, where it is
uncovered. Those of SQuAD 2 and CLAP NQ are read in their own article, and SQuAD's asked of the lectures are
uncovered. All that either network sees comes from an encoder
and, for the confidence, from scores of a network that did not see the lecture or article (two folds): a
question that was fitted on looks easier than a learner's will be. On split ``choose`` slope and offset of the
confidence are set (Platt, 1999) so that it is the probability that one of the first three quotes covers a
gold place.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from fitting_examples import FOLDS, LECTURES, Source, drawn, open_source, shares_half
from numpy.typing import NDArray
from scipy.optimize import minimize

from assistant.config import Settings
from assistant.embedding import TransformerEncoder
from assistant.evaluation import hits
from assistant.evaluation_data import EvaluationQuestion, Place
from assistant.matching import Matching
from assistant.model_files import adapted, plain_model
from assistant.questions import Question, analyse_question
from assistant.ranking import EVIDENCE, Network, evidence_of, rank_spans
from assistant.regions import Region, read_regions
from assistant.retrieval import retrieve
from assistant.statements import FEATURES, Statements, find_statements

SHIPPED = Path(__file__).parents[2] / "assistant"
Floats = NDArray[np.float64]
HIDDEN, EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 16, 6, 16, 3e-3, 1e-2, 0.3
CONFIDENCE_EPOCHS, CONFIDENCE_BATCH = 20, 64
AVERAGED = 5
"""Networks trained from different starts; their mean is steadier than any one."""
COSINE_PRIOR = 0.5
"""Added to the weight of the best passage's cosine in the confidence, in standard deviations: it means the
same for every kind of text, and the rest has seen few kinds. Fitted without the questions on one kind and
asked those, AUROC rose by .007 (Hugging Face course) and .002 (written lectures) in the whole library and by
.005 in an article, and fell by .02 and .007 within a lecture. Measured
by hand; no command here repeats it."""
READ_ARTICLES = ("squad2-halfdev", "clapnq-dev")
OTHER_WORLDS = 100
"""Questions about other worlds asked of each library, in each fold."""


@dataclass(frozen=True)
class Example:
    """The statements read for one question and which of them are right."""

    question: EvaluationQuestion
    fold: int
    analysed: Question
    regions: list[Region]
    statements: Statements
    right: NDArray[np.bool_]
    is_about_lectures: bool
    in_library: bool
    """Whether it was read in the whole library and not in its own lecture."""


class Reader:
    """One source as one encoder and its map read it."""

    def __init__(self, source: Source, matching: Matching) -> None:
        self.is_about_lectures = source.is_lectures
        self.generation, self.encoder = source.generation, source.encoder
        self.matching = matching

    def read(self, fold: int, question: EvaluationQuestion, lectures: Sequence[str] | None) -> Example:
        """What is found for a question in all lectures or in those given."""
        encoded = self.encoder.encode_question(question.question)
        limit = Settings(home=Path()).passages_retrieved
        found = retrieve(self.generation, question.question, encoded, limit=limit, lectures=lectures)
        analysed = analyse_question(question.question, self.generation.lexical)
        regions = read_regions(self.generation, found)
        statements = find_statements(self.generation, regions, analysed, encoded, self.matching)
        right = [
            any(shares_half(_place(regions[r], i, i + 1), gold) for gold in question.places)
            for r, i in zip(statements.region, statements.index, strict=True)
        ]
        return Example(
            question=question,
            fold=fold,
            analysed=analysed,
            regions=regions,
            statements=statements,
            right=np.array(right, dtype=bool),
            is_about_lectures=self.is_about_lectures,
            in_library=lectures is None,
        )


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--folds", type=Path, required=True, help="a folder for each fold, named by number")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=SHIPPED / "ranking.json")
    options = parser.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    evaluation = options.shared / "evaluation"
    with tempfile.TemporaryDirectory() as scratch:
        homes = options.homes or Path(scratch)
        fit: list[Example] = []
        for fold in range(FOLDS):
            fit += read_fold(fold, evaluation, homes / str(fold), options.folds / str(fold))
        choose = list(read_choose(evaluation, homes / "shipped"))
    # Lectures in the whole library, articles in themselves: read twice, a question would count twice.
    learned = [e for e in fit if e.right.any() and (e.in_library or not e.is_about_lectures)]
    folds = [fit_statements([e for e in learned if e.fold != fold]) for fold in range(FOLDS)]
    table = confidence_rows([(e, folds[e.fold]) for e in fit if len(e.right)])[0]
    covered = np.array([e.question.answerable for e in fit if len(e.right)], dtype=np.float64)
    confidence = with_cosine_prior(fit_confidence(table, covered))
    network = fit_statements(learned)
    confidence = calibrated(confidence, *confidence_rows([(e, network) for e in choose]))
    record = {"statement": network.to_json(), "confidence": confidence.to_json()}
    options.out.write_text(json.dumps(record) + "\n", encoding="utf-8")
    print(f"{len(fit)} readings fitted, {len(choose)} calibrated → {options.out}")


def read_fold(fold: int, evaluation: Path, homes: Path, adapter: Path) -> Iterator[Example]:
    """The questions of a fold as the encoder that was fitted without them reads them."""
    model, matching = merged_model(adapter, homes / "model")
    articles = {name: open_source(name, evaluation, homes / name, str(model)) for name in READ_ARTICLES}
    for source in articles.values():
        reader = Reader(source, matching)
        for number, question in drawn(source):
            if number == fold:
                yield reader.read(fold, question, question.lecture_ids)
    strange = [q for number, q in drawn(articles["squad2-halfdev"]) if number == fold]
    for name in LECTURES:
        source = open_source(name, evaluation, homes / name, str(model))
        reader = Reader(source, matching)
        lectures = {header.lecture_id for header in source.generation.catalog.headers()}
        for place, (number, question) in enumerate(drawn(source)):
            if number != fold:
                continue
            yield reader.read(fold, question, None)
            yield reader.read(fold, question, [_own_lecture(question)])
            if question.answerable and place % 2 == 0:
                answering = {gold.lecture_id for gold in question.places} | {_own_lecture(question)}
                yield reader.read(fold, _uncovered(question), sorted(lectures - answering))
        for question in random.sample(strange, min(OTHER_WORLDS, len(strange))):
            yield reader.read(fold, _uncovered(question), None)


def read_choose(evaluation: Path, homes: Path) -> Iterator[Example]:
    """Split ``choose`` as the encoder that ships reads it."""
    model, matching = merged_model(SHIPPED, homes / "model")
    source = open_source("hf", evaluation, homes / "hf", str(model))
    reader = Reader(source, matching)
    for number, question in source.questions:
        if question.split == "choose":
            yield reader.read(number, question, None)
            yield reader.read(number, question, [_own_lecture(question)])


def merged_model(adapter: Path, folder: Path) -> tuple[Path, Matching]:
    """The encoder with its changes made, as a model folder, and the map fitted with it."""
    if not folder.is_dir():
        TransformerEncoder(adapted(plain_model(), adapter / "adapter.npz")).model.save_pretrained(str(folder))
    with np.load(adapter / "matching.npz") as stored:
        return folder, Matching.from_arrays(stored)


def _uncovered(question: EvaluationQuestion) -> EvaluationQuestion:
    return replace(question, answerable=False, places=())


def _own_lecture(question: EvaluationQuestion) -> str:
    return question.question_id.rsplit("-", 1)[0]


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


def with_cosine_prior(network: Network) -> Network:
    """The same with ``COSINE_PRIOR``."""
    linear = network.linear.copy()
    linear[network.names.index("top_cosine")] += COSINE_PRIOR
    return replace(network, linear=linear)


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


if __name__ == "__main__":
    main()
