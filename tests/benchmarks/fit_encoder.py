"""Fit ``assistant/adapter.npz`` and ``assistant/matching.npz``: the encoder, for questions about lectures.

    python tests/benchmarks/fit_encoder.py --shared ../shared [--without FOLD --out DIR]

Low-rank changes (Hu et al., LoRA, 2021) of the linear maps of the encoder's upper layers, and the map from
what a question's token is to what it looks for, are fitted together. For each question one passage that holds
the answer and one that was found and does not are read, with those of the other questions of the batch.
Three losses: the likelihood of the right sentences under a softmax over all sentences, scored by late
interaction; that of the right passages by the cosine of the whole; and whether the lectures cover the
question, by its best sentence. ``--without`` leaves a fold out, for what is fitted on top.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fitting_examples import FitPassage, FitQuestion, collect
from torch.nn import functional

from assistant.embedding import TransformerEncoder
from assistant.model_files import ModelFiles, adapted, plain_model

RANK, FROZEN_LAYERS = 16, 3
BATCH, NEGATIVES, PEAK_RATE, MATCHING_RATE, SCALE_RATE = 12, 1, 5e-4, 3e-4, 1e-2
LECTURE_WEIGHT, PASSAGE_WEIGHT, COVERED_WEIGHT = 1.5, 0.5, 0.5
MATCHING_RANK = 32
NONE = -99.0


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
    is_right: torch.Tensor
    """Whether the sentence answers the question it was read for."""


class Fitting:
    """What is fitted."""

    def __init__(self, encoder: TransformerEncoder) -> None:
        self.encoder = AdaptedEncoder(encoder)
        self.matching = Matching(encoder.model.get_embedding_dimension() or 0)
        self.tokenizer = encoder.tokenizer

    def scores(self, questions: Sequence[FitQuestion], read: Sequence[Sequence[FitPassage]]) -> Scores:
        """Every question against every passage read for any of them."""
        passages = [passage for found in read for passage in found]
        encodings = self.tokenizer.encode_batch([p.text for p in passages])
        tokens, wholes, _ = self.encoder([encoding.ids for encoding in encodings])
        asked, asked_wholes, mask = self.encoder(
            [encoding.ids for encoding in self.tokenizer.encode_batch([q.asked.question for q in questions])]
        )
        first = np.cumsum([0, *(len(p.sentences) for p in passages)])
        number = torch.full(tokens.shape[:2], -1)
        for i, (passage, encoding) in enumerate(zip(passages, encodings, strict=True)):
            for token, (start, end) in enumerate(encoding.offsets):
                for n, sentence in enumerate(passage.sentences):
                    if end > start and sentence.char_start <= start < sentence.char_end:
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
        around, place = own, torch.arange(count)
        for offset in (-1, -2, 1):
            near = (place + offset).clamp(0, count - 1)
            same = (passage_of[near] == passage_of) & (near == place + offset)
            around = torch.maximum(around, own[:, :, near].masked_fill(~same, -1.0))
        best, widest = ((x * share[..., None]).sum(1) for x in (own, around))
        asks = torch.tensor([not s.is_statement for p in passages for s in p.sentences])
        return Scores(
            sentences=(m.scale[0] * best + m.scale[1] * widest).masked_fill(asks, NONE),
            best=best.masked_fill(asks, -1.0),
            passages=m.whole * (asked_wholes @ wholes.T),
            passage_of=passage_of,
            is_right=torch.tensor([s.is_right for p in passages for s in p.sentences]),
        )

    def loss(self, questions: Sequence[FitQuestion]) -> torch.Tensor:
        """Of one batch."""
        read = [_to_read(question) for question in questions]
        scores = self.scores(questions, read)
        reader = torch.repeat_interleave(
            torch.arange(len(questions)), torch.tensor([len(found) for found in read])
        )
        lectures = [passage.lecture_id for found in read for passage in found]
        total = torch.zeros(())
        best = []
        for i, question in enumerate(questions):
            mine = (reader == i)[scores.passage_of]
            best.append(scores.best[i][mine].max())
            right = scores.is_right & mine
            if not right.any():
                continue
            # What others read of the same lecture may answer this question too, and is not marked.
            gold = {place.lecture_id for place in question.asked.places}
            others = torch.tensor([lecture in gold for lecture in lectures]) & (reader != i)
            sentences = scores.sentences[i].masked_fill(others[scores.passage_of], NONE)
            passages = scores.passages[i].masked_fill(others, NONE)
            weight = LECTURE_WEIGHT if question.is_about_lectures else 1.0
            total = total + weight * (sentences.logsumexp(0) - sentences[right].logsumexp(0))
            holding = passages[scores.passage_of[right].unique()]
            total = total + PASSAGE_WEIGHT * (passages.logsumexp(0) - holding.logsumexp(0))
        covered = torch.tensor([float(q.asked.answerable) for q in questions])
        line = self.matching.covered
        doubt = functional.binary_cross_entropy_with_logits(line[0] * torch.stack(best) + line[1], covered)
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
        order = random.sample(questions, len(questions))
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
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
        """Both files, in float16; the map names the encoder that the changes make of ``files``."""
        changes = {
            f"{name}.{part}": getattr(change, part).detach().numpy().astype(np.float16)
            for name, change in self.encoder.changes.items()
            for part in ("inner", "outer")
        }
        np.savez_compressed(folder / "adapter.npz", **changes)
        arrays = {n: getattr(self.matching, n).detach().numpy().astype(np.float16) for n in "uvab"}
        model_sha256 = np.array(adapted(files, folder / "adapter.npz").sha256)
        np.savez_compressed(folder / "matching.npz", model_sha256=model_sha256, **arrays)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--without", type=int, help="a fold of lectures and articles to leave out")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "assistant")
    options = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    files = plain_model()
    with tempfile.TemporaryDirectory() as scratch:
        found = collect(options.shared / "evaluation", options.homes or Path(scratch), str(files.folder))
    questions = [q for q in found if _is_fitted(q, options.without)]
    fitting = Fitting(TransformerEncoder(files))
    fitting.fit(questions)
    options.out.mkdir(parents=True, exist_ok=True)
    fitting.write(options.out, files)
    print(f"{len(questions)} questions → {options.out}")


def _is_fitted(question: FitQuestion, without: int | None) -> bool:
    if question.fold == without:
        return False
    if question.asked.answerable:
        return any(passage.is_right for passage in question.passages)
    return bool(question.passages)


def _to_read(question: FitQuestion) -> list[FitPassage]:
    """One of the passages that hold the answer, and others drawn from those found, the first likelier."""
    right = [p for p in question.passages if p.is_right][:3]
    others = [p for p in question.passages if not p.is_right]
    read = [random.choice(right)] if right else []  # noqa: S311 (no secret)
    while others and len(read) < 1 + NEGATIVES:
        weights = [1 / (2 + rank) for rank in range(len(others))]
        read.append(others.pop(random.choices(range(len(others)), weights=weights)[0]))  # noqa: S311
    return read


if __name__ == "__main__":
    main()
