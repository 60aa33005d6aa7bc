"""The trainable form of ``assistant/verifying.py``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from assistant.products import unit_rows
from assistant.tokens import quantise
from assistant.verifying import Verifier, Window

__all__ = ["Batch", "TrainableVerifier", "Verification", "fit_verifier", "padded"]

WIDTH, EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 48, 4, 16, 1e-3, 0.02
TOKEN_DROPOUT, UNIT_DROPOUT = 0.1, 0.2
PLACES = 4


@dataclass(frozen=True)
class Verification:
    """The likeliest statements of a question and which of them answer it."""

    asked: NDArray[np.float16]
    """The question's tokens."""
    tokens: tuple[NDArray[np.int8], ...]
    """Those of the windows, as the index holds them."""
    places: tuple[NDArray[np.intp], ...]
    right: NDArray[np.bool_]
    is_covered: bool

    @classmethod
    def of(
        cls, asked: NDArray[np.float32], windows: Sequence[Window], right: NDArray[np.bool_], is_covered: bool
    ) -> "Verification":
        """In small numbers, for tens of thousands are held."""
        return cls(
            asked=asked.astype(np.float16),
            tokens=tuple(quantise(window.tokens) for window in windows),
            places=tuple(window.place for window in windows),
            right=right,
            is_covered=is_covered,
        )


@dataclass(frozen=True)
class Batch:
    """Padded: questions (b, l, dimension), windows (b, k, t, dimension), and where there is anything."""

    asked: torch.Tensor
    is_asked: torch.Tensor
    tokens: torch.Tensor
    is_token: torch.Tensor
    place: torch.Tensor
    right: torch.Tensor
    is_window: torch.Tensor
    covered: torch.Tensor


class TrainableVerifier(torch.nn.Module):
    """Attend, compare, aggregate."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.query = torch.nn.Linear(dimension, WIDTH, bias=False)
        self.key = torch.nn.Linear(dimension, WIDTH, bias=False)
        self.value = torch.nn.Linear(dimension, WIDTH)
        self.asked_value = torch.nn.Linear(dimension, WIDTH)
        self.sharpness = torch.nn.Parameter(torch.tensor(12.0))
        self.place = torch.nn.Parameter(torch.zeros(PLACES))
        self.importance = torch.nn.Linear(dimension, 1, bias=False)
        self.compare = torch.nn.Linear(4 * WIDTH + 3, WIDTH)
        self.answer = torch.nn.Linear(2 * WIDTH + 1, WIDTH)
        self.answer_importance = torch.nn.Linear(WIDTH, 1, bias=False)
        self.judge = torch.nn.Linear(3 * WIDTH, WIDTH)
        self.verdict = torch.nn.Linear(WIDTH, 1)
        torch.nn.init.normal_(self.query.weight, std=0.02)
        with torch.no_grad():
            self.key.weight.copy_(self.query.weight)
        self.drop_tokens, self.drop = torch.nn.Dropout(TOKEN_DROPOUT), torch.nn.Dropout(UNIT_DROPOUT)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Log-odds, shape (b, k)."""
        asked, tokens = self.drop_tokens(batch.asked), self.drop_tokens(batch.tokens)
        none_asked, none_read = ~batch.is_asked[:, None, :, None], ~batch.is_token[:, :, None]
        cosine = torch.einsum("bld,bktd->bklt", asked, tokens)
        attention = torch.einsum("bld,bktd->bklt", self.query(asked), self.key(tokens))
        attention = self.sharpness * cosine + attention + self.place[batch.place][:, :, None]
        share = attention.masked_fill(none_read, -1e4).softmax(-1)
        values, spoken = self.value(tokens), self.asked_value(asked)
        importance = self.importance(asked)[..., 0].masked_fill(~batch.is_asked, -1e4).softmax(-1)
        gist = torch.einsum("bl,bld->bd", importance, spoken)[:, None, None]
        is_own = batch.is_token & (batch.place == 0)

        found = torch.einsum("bklt,bktd->bkld", share, values)
        spoken = spoken[:, None].expand_as(found)
        told = [
            cosine.masked_fill(none_read, -1).amax(-1, keepdim=True),
            (share * is_own[:, :, None]).sum(-1, keepdim=True),
            (share * cosine).sum(-1, keepdim=True),
        ]
        pairs = torch.cat([spoken, found, spoken * found, (spoken - found).abs(), *told], -1)
        compared = self.drop(torch.relu(self.compare(pairs)))
        nearest = cosine.masked_fill(none_asked, -1).amax(2)[..., None]
        said = torch.cat([gist * values, values, nearest], -1)
        said = self.drop(torch.relu(self.answer(said)))
        weight = self.answer_importance(said)[..., 0].masked_fill(~is_own, -1e4).softmax(-1)
        pooled = [
            torch.einsum("bl,bkld->bkd", importance, compared),
            compared.masked_fill(none_asked, 0).amax(2),
            torch.einsum("bkt,bktd->bkd", weight, said),
        ]
        hidden = self.drop(torch.relu(self.judge(torch.cat(pooled, -1))))
        log_odds: torch.Tensor = self.verdict(hidden)[..., 0]
        return log_odds

    def loss(self, batch: Batch) -> torch.Tensor:
        """Of the question by its best statement, and of each statement."""
        log_odds = self(batch)
        best = log_odds.masked_fill(~batch.is_window, -50.0).amax(1)
        each = functional.binary_cross_entropy_with_logits(log_odds, batch.right, reduction="none")
        whole = functional.binary_cross_entropy_with_logits(best, batch.covered)
        return whole + each[batch.is_window].mean()

    def verifier(self) -> Verifier:
        """The same in numpy, rounded as it is stored."""
        named = {name.removesuffix(".weight"): value for name, value in self.state_dict().items()}
        weights = {
            name.replace(".", "_"): value.numpy().astype(np.float16).astype(np.float32)
            for name, value in named.items()
        }
        for single in ("importance", "answer_importance", "verdict"):
            weights[single] = weights[single][0]
        return Verifier(weights)


def fit_verifier(examples: Sequence[Verification]) -> Verifier:
    """Fit on all of ``examples``."""
    trainable = TrainableVerifier(examples[0].asked.shape[1])
    optimizer = torch.optim.AdamW(trainable.parameters(), weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * -(-len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.15
    )
    trainable.train()
    total = 0.0
    for number, batch in enumerate(_batches(examples), start=1):
        loss = trainable.loss(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trainable.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if number % 250 == 0 or number == steps:
            print(f"verifier {number}/{steps} loss {total / number:.3f}", flush=True)
    return trainable.eval().verifier()


def _batches(examples: Sequence[Verification]) -> Iterator[Batch]:
    for _ in range(EPOCHS):
        order = torch.randperm(len(examples)).tolist()
        for start in range(0, len(order), BATCH):
            yield padded([examples[i] for i in order[start : start + BATCH]])


def padded(examples: Sequence[Verification]) -> Batch:
    """Of unequal sizes, with zeros where one has nothing."""
    count, dimension = len(examples), examples[0].asked.shape[1]
    asked = torch.zeros(count, max(len(e.asked) for e in examples), dimension)
    depth = max(len(e.tokens) for e in examples)
    tokens = torch.zeros(count, depth, max(len(t) for e in examples for t in e.tokens), dimension)
    place = torch.zeros(tokens.shape[:3], dtype=torch.long)
    is_token = torch.zeros(tokens.shape[:3], dtype=torch.bool)
    is_asked = torch.zeros(asked.shape[:2], dtype=torch.bool)
    right = torch.zeros(count, depth)
    for i, example in enumerate(examples):
        asked[i, : len(example.asked)] = torch.from_numpy(example.asked.astype(np.float32))
        is_asked[i, : len(example.asked)] = True
        right[i, : len(example.right)] = torch.from_numpy(example.right)
        for k, (rows, where) in enumerate(zip(example.tokens, example.places, strict=True)):
            tokens[i, k, : len(rows)] = torch.from_numpy(unit_rows(rows.astype(np.float32)))
            place[i, k, : len(rows)] = torch.from_numpy(where)
            is_token[i, k, : len(rows)] = True
    covered = torch.tensor([float(e.is_covered) for e in examples])
    return Batch(asked, is_asked, tokens, is_token, place, right, is_token.any(-1), covered)
