"""Fit ``assistant/ranking.json`` and ``assistant/verifier.npz``.

    python tests/benchmarks/fit_encoder.py --shared ../shared --folds FOLDS
    python tests/benchmarks/fit_ranking.py --shared ../shared --folds FOLDS

The statement network minimises the negative log likelihood of the sentences of the gold places under a
softmax over all statements read for a question. The verifier learns which of the likeliest statements
answer, and the confidence network, which weighs that among the rest, whether the lectures cover the
question. Questions are ours and the written ones, each read in the whole library and in its own lecture
(another kind of library); every second one also in all lectures but those that answer it, where it is
uncovered. Those of SQuAD 2 and CLAP NQ are read in their own article, and asked of the lectures, where they
are uncovered, as is what people type that no lecture answers; for the statement network the covered ones
are read in all articles, too, and so are those of Spoken-SQuAD. All that is learned from comes from an
encoder, for the verifier and the confidence from scores of a network, and for the confidence from verdicts,
that did not see the lecture or article (two folds): a question that was fitted on looks easier than a
learner's will be. On split ``choose`` slope and offset of the confidence are set (Platt, 1999) so that it
is the probability that one of the first three quotes covers a gold place.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from fitting_examples import FOLDS
from fitting_readings import SHIPPED, STRANGE_COUNT, Example, place_of, read_choose, read_fold
from numpy.typing import NDArray
from scipy.optimize import minimize
from verifier_training import Verification, fit_verifier

from assistant.config import CITED
from assistant.evaluation import hits
from assistant.metrics import auroc
from assistant.model_files import locate_model
from assistant.network import Network
from assistant.ranking import (
    EVIDENCE,
    SPAN_LENGTHS,
    SpanLengths,
    evidence_of,
    rank_spans,
    rows_to_verify,
)
from assistant.statements import FEATURES
from assistant.verifying import Verifier

Floats = NDArray[np.float64]
HIDDEN, EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 16, 6, 16, 3e-3, 1e-2, 0.3
CONFIDENCE_EPOCHS, CONFIDENCE_BATCH = 20, 64
AVERAGED = 5
"""Networks trained from different starts; their mean is steadier than any one."""
COSINE_PRIOR = 0.25
"""Added to the weight of the best passage's cosine in the confidence, in standard deviations: it means the
same for every kind of text, and the rest has seen few kinds. ``print_cosine_prior`` tells what it does to a
kind that nothing was fitted on: AUROC rises by .007 on articles and .001 on the Hugging Face course, and
falls by .001 on written lectures."""


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--folds", type=Path, required=True, help="a folder for each fold, named by number")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder to write to")
    options = parser.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    evaluation = options.shared / "evaluation"
    with tempfile.TemporaryDirectory() as scratch:
        homes = options.homes or Path(scratch)
        fit: list[Example] = []
        for fold in range(FOLDS):
            fit += read_fold(fold, evaluation, homes / str(fold), options.folds / str(fold))
        fit_all([e for e in fit if len(e.right)], read_choose(evaluation, homes / "shipped"), options.out)


def fit_all(fit: Sequence[Example], choose: Iterable[Example], out: Path) -> None:
    """The statement network, the verifier and the confidence, in this order."""
    # A question about lectures counts once, as it is read in the whole library.
    learned = [e for e in fit if e.right.any() and (e.in_library or not e.is_about_lectures)]
    folds = [fit_statements([e for e in learned if e.fold != fold]) for fold in range(FOLDS)]
    network = fit_statements(learned)
    print_span_lengths(learned, folds)
    # What articles do not cover was judged within each, so only there are both kinds of questions.
    judged = [e for e in fit if e.is_about_lectures or not e.in_library]
    unseen = [verification(e, folds[e.fold]) for e in judged]
    verifiers = [
        fit_verifier([v for e, v in zip(judged, unseen, strict=True) if e.fold != fold])
        for fold in range(FOLDS)
    ]
    rows, _ = confidence_rows([(e, folds[e.fold], verifiers[e.fold]) for e in judged])
    covered = np.array([e.question.answerable for e in judged], dtype=np.float64)
    print_cosine_prior(rows, covered, [kind_of(e) for e in judged])
    counts = [STRANGE_COUNT if e.is_strange else 1 for e in judged]
    confidence = with_cosine_prior(
        fit_confidence(np.repeat(rows, counts, axis=0), np.repeat(covered, counts))
    )
    verifier = fit_verifier(unseen)
    asked = [(e, network, verifier) for e in choose if len(e.right)]
    confidence = calibrated(confidence, *confidence_rows(asked))
    write(out, network, confidence, verifier)
    print(f"{len(fit)} readings fitted, {len(asked)} calibrated → {out}")


def write(folder: Path, network: Network, confidence: Network, verifier: Verifier) -> None:
    """The networks as JSON, the verifier in float16 for the encoder that ships."""
    record = {"statement": network.to_json(), "confidence": confidence.to_json()}
    (folder / "ranking.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    arrays = {name: array.astype(np.float16) for name, array in verifier.weights.items()}
    model_sha256 = np.array(locate_model(None).sha256)
    np.savez_compressed(folder / "verifier.npz", model_sha256=model_sha256, **arrays)


def verification(example: Example, network: Network) -> Verification:
    """What the verifier learns from an example."""
    scores = example.scores(network)
    ranked = rank_spans(example.regions, example.statements, scores, limit=1)
    rows = rows_to_verify(scores, ranked)
    return Verification.of(
        example.asked, example.windows(rows), example.right[rows], example.question.answerable
    )


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


def kind_of(example: Example) -> str:
    """The kind of text it was asked of."""
    if not example.is_about_lectures:
        return "article"
    return "hf" if example.regions[0].lecture_id.startswith("hf-") else "written"


def print_cosine_prior(rows: NDArray[np.float32], covered: Floats, kinds: Sequence[str]) -> None:
    """AUROC on each kind of text of a confidence fitted without that kind, without and with the prior."""
    for kind in sorted(set(kinds)):
        is_kind = np.array([other == kind for other in kinds])
        plain = fit_confidence(rows[~is_kind], covered[~is_kind])
        for name, network in (("without", plain), ("with", with_cosine_prior(plain))):
            scores, truth = network(rows[is_kind], EVIDENCE), covered[is_kind] > 0
            area = auroc(scores[truth].tolist(), scores[~truth].tolist())
            print(f"{kind:8} AUROC {name} cosine prior {area:.4f}", flush=True)


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


def print_span_lengths(examples: Sequence[Example], folds: Sequence[Network]) -> None:
    """What other lengths of spans would give, on questions whose lecture nothing was fitted on."""
    for kind in ("hf", "written"):
        of_kind = [e for e in examples if e.is_about_lectures and kind_of(e) == kind]
        asked = [(e, e.scores(folds[e.fold])) for e in of_kind]
        for further in (60, 90):
            for word_cost in (0.0001, 0.0002, 0.0004):
                lengths = SpanLengths(further=further, word_cost=word_cost)
                outcomes = [_outcome(*scored, lengths) for scored in asked]
                first, three, words, others = np.mean(outcomes, axis=0)
                is_ours = " (ships)" if lengths == SPAN_LENGTHS else ""
                print(
                    f"{kind:8} {further} words, {word_cost} a word: hit@1 {first:.4f} hit@3 {three:.4f},"
                    f" {words:.1f} words and {others:.1f} in each of the others{is_ours}",
                    flush=True,
                )


def _outcome(example: Example, scores: Floats, lengths: SpanLengths) -> tuple[bool, bool, int, float]:
    ranked = rank_spans(example.regions, example.statements, scores, limit=CITED, lengths=lengths)
    places = [place_of(span.region, span.first, span.end) for span in ranked]
    hit = [any(hits(place, gold) for gold in example.question.places) for place in places]
    others = [span.words for span in ranked[1:]] or [0]
    return hit[0], any(hit), ranked[0].words, float(np.mean(others))


def confidence_rows(
    examples: Sequence[tuple[Example, Network, Verifier]],
) -> tuple[NDArray[np.float32], Floats]:
    """What the confidence is computed from, and whether one of three quotes was right."""
    rows, truth = [], []
    for example, network, verifier in examples:
        scores = example.scores(network)
        ranked = rank_spans(example.regions, example.statements, scores, limit=CITED)
        verdicts = verifier(example.asked, example.windows(rows_to_verify(scores, ranked)))
        read = (example.analysed, example.regions, example.statements)
        rows.append(evidence_of(*read, scores, ranked, verdicts)[0])
        quotes = [place_of(span.region, span.first, span.end) for span in ranked]
        truth.append(any(hits(quote, gold) for quote in quotes for gold in example.question.places))
    return np.array(rows), np.array(truth, dtype=np.float64)


def calibrated(network: Network, table: NDArray[np.float32], right: Floats) -> Network:
    """The same with slope and offset set so that it is the probability that a quote is right."""
    scores = network(table, EVIDENCE)

    def loss(line: Floats) -> float:
        z = line[0] * scores + line[1]
        return float(np.mean(np.logaddexp(0, z) - right * z))

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    print(f"calibration: slope {slope:.3f}, offset {offset:.3f}")
    return network.moved(float(slope), float(offset))


if __name__ == "__main__":
    main()
