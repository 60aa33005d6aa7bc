"""Fit ``assistant/adapter.npz`` and ``assistant/matching.npz``: the encoder, for questions about lectures.

    python tests/benchmarks/fit_encoder.py --shared ../shared --folds FOLDS

Low-rank changes (Hu et al., LoRA, 2021) of the linear maps of the encoder's upper layers, and the map from
what a question's token is to what it looks for, are fitted together. A batch has questions on a few lectures,
several on each; for each question one passage that holds the answer and one that was found and does not are
read, and every question is asked of all that is read, so that most of what stands against an answer is said
in the same lecture. Three losses: the likelihood of the right sentences under a softmax over all sentences,
scored by late interaction; that of the right passages by the cosine of the whole; and whether the lectures
cover the question, by its best sentence.

For each fold two encoders are fitted without it, from other random starts and in another order, and kept in
``FOLDS/<fold>/<seed>``; their mean (Wortsman et al., Model soups, ICML 2022) is kept in ``FOLDS/<fold>``, for
what is fitted on top of it. The mean of all is the encoder that ships: in it what all learned counts whole,
and of what one alone did a share.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fitting_examples import FOLDS, LECTURES, FitPassage, FitQuestion, collect
from numpy.typing import NDArray
from torch.nn import functional

from assistant.embedding import TransformerEncoder
from assistant.model_files import ModelFiles, adapted, plain_model

RANK, FROZEN_LAYERS = 32, 2
SEEDS = (0, 1)
TOGETHER, BATCH = 6, 18
"""Questions on one lecture, and of a batch."""
PEAK_RATE, MATCHING_RATE, SCALE_RATE = 5e-4, 3e-4, 1e-2
LECTURE_WEIGHT, PASSAGE_WEIGHT, COVERED_WEIGHT = 1.5, 0.5, 0.5
MATCHING_RANK = 32
NONE = -99.0

Floats = NDArray[np.floating]


class LowRank(torch.nn.Module):
    """What a linear map gives, plus what two thin matrices make of the same input."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self.inner = torch.nn.Parameter(torch.randn(RANK, linear.in_features) * 0.02)
        self.outer = torch.nn.Parameter(torch.zeros(linear.out_features, RANK))
        linear.register_forward_hook(self._add)

    def _add(
        self, linear: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        return output + (inputs[0] @ self.inner.T) @ self.outer.T


class AdaptedEncoder(torch.nn.Module):
    """The encoder with low-rank changes of its upper layers."""

    def __init__(self, encoder: TransformerEncoder) -> None:
        super().__init__()
        self.bert = encoder.model[0].model.requires_grad_(False)
        self.changes: dict[str, LowRank] = {}
        for name, module in self.bert.named_modules():
            layer = name.removeprefix("encoder.layer.").split(".")[0]
            if layer.isdigit() and int(layer) >= FROZEN_LAYERS and isinstance(module, torch.nn.Linear):
                self.changes[name] = LowRank(module)

    def forward(self, texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Unit tokens, unit vectors of the whole and which tokens are any, of texts as token ids."""
        lengths = torch.tensor([len(text) for text in texts])
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
        mask = torch.arange(ids.shape[1])[None] < lengths[:, None]
        with torch.no_grad():
            hidden = self.bert.embeddings(ids)
        for number, layer in enumerate(self.bert.encoder.layer):
            fits = torch.is_grad_enabled() and number >= FROZEN_LAYERS
            # Twice as fast on a processor that multiplies bfloat16.
            with torch.set_grad_enabled(fits), torch.autocast("cpu", dtype=torch.bfloat16):
                hidden = layer(hidden, attention_mask=mask[:, None, None, :])
        hidden = hidden.float()
        whole = (hidden * mask[..., None]).sum(1) / lengths[:, None]
        return functional.normalize(hidden, dim=-1), functional.normalize(whole, dim=-1), mask


class Matching(torch.nn.Module):
    """The map and the weights of question tokens (see ``assistant/matching.py``), and scales of scores."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.u = torch.nn.Parameter(torch.randn(dimension, MATCHING_RANK) * 0.02)
        self.v = torch.nn.Parameter(torch.zeros(MATCHING_RANK, dimension))
        self.a = torch.nn.Parameter(torch.zeros(dimension))
        self.b = torch.nn.Parameter(torch.tensor(0.54))
        self.scale = torch.nn.Parameter(torch.tensor([24.0, 8.0]))
        self.whole = torch.nn.Parameter(torch.tensor(20.0))
        self.covered = torch.nn.Parameter(torch.tensor([12.0, -6.0]))


@dataclass(frozen=True)
class Scores:
    """Of the questions of a batch (rows) against all that is read for the batch."""

    sentences: torch.Tensor
    best: torch.Tensor
    """Late interaction alone, in [-1, 1]."""
    passages: torch.Tensor
    passage_of: torch.Tensor
    """The passage of each sentence."""


class Fitting:
    """What is fitted."""

    def __init__(self, encoder: TransformerEncoder) -> None:
        self.encoder = AdaptedEncoder(encoder)
        self.matching = Matching(encoder.model.get_embedding_dimension() or 0)
        self.tokenizer = encoder.tokenizer

    def scores(self, questions: Sequence[FitQuestion], passages: Sequence[FitPassage]) -> Scores:
        """Every question against every passage."""
        encodings = self.tokenizer.encode_batch([p.text for p in passages])
        tokens, wholes, _ = self.encoder([encoding.ids for encoding in encodings])
        asked, asked_wholes, mask = self.encoder(
            [encoding.ids for encoding in self.tokenizer.encode_batch([q.text for q in questions])]
        )
        first = np.cumsum([0, *(len(p.sentences) for p in passages)])
        number = torch.full(tokens.shape[:2], -1)
        for i, (passage, encoding) in enumerate(zip(passages, encodings, strict=True)):
            for token, (start, end) in enumerate(encoding.offsets):
                place = passage.place.char_start + start
                for n, sentence in enumerate(passage.sentences):
                    if end > start and sentence.char_start <= place < sentence.char_end:
                        number[i, token] = int(first[i]) + n
        kept = number >= 0
        count = int(first[-1])
        passage_of = torch.repeat_interleave(
            torch.arange(len(passages)), torch.tensor([len(p.sentences) for p in passages])
        )
        m = self.matching
        inner = mask.clone()  # without the special tokens at both ends
        inner[:, 0] = False
        inner[torch.arange(len(inner)), mask.sum(1) - 1] = False
        share = functional.softplus(5 * (asked @ m.a) + m.b) * inner
        share = share / share.sum(1, keepdim=True)
        sought = asked + (asked @ m.u) @ m.v
        similarity = sought.flatten(0, 1) @ tokens[kept].T
        nothing = torch.full((len(similarity), count), -1.0)
        own = nothing.scatter_reduce(1, number[kept][None].expand_as(similarity), similarity, "amax")
        own = own.view(*asked.shape[:2], count)
        around, place_in = own, torch.arange(count)
        for offset in (-1, -2, 1):
            near = (place_in + offset).clamp(0, count - 1)
            same = (passage_of[near] == passage_of) & (near == place_in + offset)
            around = torch.maximum(around, own[:, :, near].masked_fill(~same, -1.0))
        best, widest = ((x * share[..., None]).sum(1) for x in (own, around))
        asks = ~torch.tensor([said for p in passages for said in p.is_statement])
        return Scores(
            sentences=(m.scale[0] * best + m.scale[1] * widest).masked_fill(asks, NONE),
            best=best.masked_fill(asks, -1.0),
            passages=m.whole * (asked_wholes @ wholes.T),
            passage_of=passage_of,
        )

    def loss(self, questions: Sequence[FitQuestion]) -> torch.Tensor:
        """Of one batch."""
        passages = list(dict.fromkeys(passage for question in questions for passage in _to_read(question)))
        scores = self.scores(questions, passages)
        right = torch.tensor([[a for p in passages for a in p.answers(q.asked)] for q in questions])
        total = torch.zeros(())
        for i, question in enumerate(questions):
            if not right[i].any():
                continue
            weight = LECTURE_WEIGHT if question.kind in LECTURES else 1.0
            sentences, found = scores.sentences[i], scores.passages[i]
            total = total + weight * (sentences.logsumexp(0) - sentences[right[i]].logsumexp(0))
            holding = found[scores.passage_of[right[i]].unique()]
            total = total + PASSAGE_WEIGHT * (found.logsumexp(0) - holding.logsumexp(0))
        covered = right.any(1).float()
        line = self.matching.covered
        # What is said of another kind of lecture may answer, too, and was not looked at.
        kinds = [[q.kind == p.kind for p in passages] for q in questions]
        comparable = torch.tensor(kinds)[:, scores.passage_of]
        best = scores.best.masked_fill(~comparable, -1.0).amax(1)
        doubt = functional.binary_cross_entropy_with_logits(line[0] * best + line[1], covered)
        return total / len(questions) + COVERED_WEIGHT * doubt

    def fit(self, questions: Sequence[FitQuestion]) -> None:
        """One pass over the questions; a second learns them by heart."""
        m = self.matching
        changes = [p for change in self.encoder.changes.values() for p in change.parameters()]
        optimizer = torch.optim.AdamW(
            [
                {"params": changes, "weight_decay": 0.01},
                {"params": [m.u, m.v, m.a, m.b], "weight_decay": 0.05},
                {"params": [m.scale, m.whole, m.covered], "weight_decay": 0.0},
            ]
        )
        batches = _batches(questions)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, [PEAK_RATE, MATCHING_RATE, SCALE_RATE], total_steps=len(batches), pct_start=0.1
        )
        started, total = time.perf_counter(), 0.0
        for number, batch in enumerate(batches, start=1):
            loss = self.loss(batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(changes, 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            if number % 25 == 0 or number == len(batches):
                took = time.perf_counter() - started
                print(f"{number}/{len(batches)} loss {total / number:.3f} {took:.0f} s", flush=True)

    def write(self, folder: Path, files: ModelFiles) -> None:
        """What was fitted, as changes of ``files``."""
        changes = {
            f"{name}.{part}": getattr(change, part).detach().numpy()
            for name, change in self.encoder.changes.items()
            for part in ("inner", "outer")
        }
        _write(folder, files, changes, {n: getattr(self.matching, n).detach().numpy() for n in "uvab"})


def write_mean(folders: Sequence[Path], out: Path, files: ModelFiles) -> None:
    """The mean of encoders that were fitted to ``files`` and written to ``folders``."""
    adapters, matchings = (
        [
            {n: a.astype(np.float32) for n, a in np.load(f / file).items() if a.dtype == np.float16}
            for f in folders
        ]
        for file in ("adapter.npz", "matching.npz")
    )
    share = 1 / len(folders)
    changes = {}
    for name in adapters[0]:
        # The sum of products of thin matrices is the product of the matrices side by side.
        parts = [adapter[name] for adapter in adapters]
        changes[name] = np.vstack(parts) if name.endswith("inner") else share * np.hstack(parts)
    u, v, a, b = ([m[n] for m in matchings] for n in "uvab")
    mean = {"u": np.hstack(u), "v": share * np.vstack(v), "a": share * sum(a), "b": share * sum(b)}
    _write(out, files, changes, mean)


def _write(
    folder: Path, files: ModelFiles, changes: Mapping[str, Floats], matching: Mapping[str, Floats]
) -> None:
    """Both files, in float16; the map names the encoder that the changes make of ``files``."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "adapter.npz", **{n: a.astype(np.float16) for n, a in changes.items()})
    model_sha256 = np.array(adapted(files, folder / "adapter.npz").sha256)
    arrays = {n: np.asarray(a, dtype=np.float16) for n, a in matching.items()}
    np.savez_compressed(folder / "matching.npz", model_sha256=model_sha256, **arrays)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--folds", type=Path, required=True, help="keep the encoder of each fold here")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "assistant")
    options = parser.parse_args()
    files = plain_model()
    with tempfile.TemporaryDirectory() as scratch:
        found = collect(options.shared / "evaluation", options.homes or Path(scratch), str(files.folder))
    fitted: list[Path] = []
    for fold in range(FOLDS):
        questions = [question for question in found if _is_fitted(question, fold)]
        folders = [options.folds / str(fold) / str(seed) for seed in SEEDS]
        for seed, folder in zip(SEEDS, folders, strict=True):
            random.seed(seed)
            torch.manual_seed(seed)
            fitting = Fitting(TransformerEncoder(files))
            fitting.fit(questions)
            fitting.write(folder, files)
            print(f"{len(questions)} questions → {folder}")
        write_mean(folders, options.folds / str(fold), files)
        fitted += folders
    write_mean(fitted, options.out, files)


def _is_fitted(question: FitQuestion, without: int) -> bool:
    if question.fold == without:
        return False
    return bool(question.right if question.asked.answerable else question.others)


def _batches(questions: Sequence[FitQuestion]) -> list[list[FitQuestion]]:
    """All of them in random order, some on one lecture together."""
    lectures: dict[str, list[FitQuestion]] = {}
    for question in random.sample(questions, len(questions)):
        lectures.setdefault(question.lecture_id, []).append(question)
    together = [
        asked[start : start + TOGETHER]
        for asked in lectures.values()
        for start in range(0, len(asked), TOGETHER)
    ]
    order = [question for group in random.sample(together, len(together)) for question in group]
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def _to_read(question: FitQuestion) -> list[FitPassage]:
    """One of the passages that hold the answer, where one does, and one other, the first found likelier."""
    read = [random.choice(question.right[:3])] if question.right else []  # noqa: S311 (no secret)
    weights = [1 / (2 + rank) for rank in range(len(question.others))]
    return read + (random.choices(question.others, weights) if weights else [])  # noqa: S311


if __name__ == "__main__":
    main()
