"""Fit ``assistant/matching.npz``: how a token of a question looks for its match.

    python tests/benchmarks/fit_matching.py --shared ../shared

A question token q becomes q + (q U) V with U, V of rank 32, and gets a weight softplus(5 a·q + b). The loss
is the negative log likelihood of the right sentences under a softmax over all sentences read for a
question, scored by weighted late interaction with the sentence and with its neighbours. Questions: split
``fit`` of our own, and those of SQuAD 2, Spoken-SQuAD and CLAP NQ about articles whose title's MD5 is
even; the articles with an odd one are for reporting (``is_held_out``).
"""

import argparse
import hashlib
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from assistant.config import Settings
from assistant.embedding import OnnxEncoder
from assistant.evaluation_data import EvaluationQuestion, Place, load_corpus, load_questions
from assistant.indexing import index_lectures, index_paths
from assistant.onnx_export import exported_folder
from assistant.regions import read_regions, unit_tokens
from assistant.retrieval import retrieve
from assistant.store import Generation, current_generation, open_generation

HERE = Path(__file__).parent
RANK, EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 32, 7, 16, 3e-4, 0.1, 0.1
TRANSFER_SETS = ("squad2-halfdev", "spoken-squad-wer23", "clapnq-dev")
QUESTIONS_PER_SET = 1500
LECTURE_WEIGHT = 1.5


@dataclass(frozen=True)
class Example:
    """One question: its tokens, those of every sentence read for it, and which sentences are right."""

    question: torch.Tensor
    tokens: torch.Tensor
    sentence_of: torch.Tensor
    neighbours: list[tuple[torch.Tensor, torch.Tensor]]
    statement: torch.Tensor
    right: torch.Tensor
    weight: float


def is_held_out(title: str) -> bool:
    """Whether questions about this article are for reporting and never for fitting."""
    return int(hashlib.md5(title.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 1


class Matching(torch.nn.Module):
    """The map and the weights of question tokens, and how much neighbours count."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.u = torch.nn.Parameter(torch.randn(dimension, RANK) * 0.02)
        self.v = torch.nn.Parameter(torch.zeros(RANK, dimension))
        self.a = torch.nn.Parameter(torch.zeros(dimension))
        self.b = torch.nn.Parameter(torch.tensor(0.54))
        self.scale = torch.nn.Parameter(torch.tensor([24.0, 8.0]))

    def forward(self, example: Example, dropout: float = 0.0) -> torch.Tensor:
        """Scores of all sentences."""
        q = example.question
        weight = functional.softplus(5 * (q @ self.a) + self.b)
        mapped = q + (q @ self.u) @ self.v
        if dropout:
            mapped = mapped * (torch.rand(q.shape[1]) > dropout) / (1 - dropout)
        similarity = example.tokens.float() @ mapped.T
        count = len(example.right)
        own = torch.full((count, len(q)), -9.0).scatter_reduce(
            0, example.sentence_of[:, None].expand(-1, len(q)), similarity, "amax"
        )
        around = own
        for place, same in example.neighbours:
            around = torch.maximum(around, own[place].masked_fill(~same[:, None], -9.0))
        share = weight / weight.sum()
        scores: torch.Tensor = self.scale[0] * (own @ share) + self.scale[1] * (around @ share)
        return scores.masked_fill(~example.statement, -99.0)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "assistant" / "matching.npz")
    options = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        homes = options.homes or Path(scratch)
        examples, model_sha256 = collect(options.shared / "evaluation", homes)
    model = fit(examples)
    arrays = {name: p.detach().numpy().astype(np.float16) for name, p in model.named_parameters()}
    np.savez_compressed(options.out, model_sha256=np.array(model_sha256), **{n: arrays[n] for n in "uvab"})
    print(f"{len(examples)} questions → {options.out}")


def collect(evaluation: Path, homes: Path) -> tuple[list[Example], str]:
    """All examples to fit on, and the encoder they were read with."""
    settings = Settings(home=homes / "lectures")
    index_paths([evaluation / "hf-course-lectures" / "srt" / "en"], settings, lambda *_: None)
    generation, encoder = _opened(settings.home)
    transcripts = {h.lecture_id: h.transcript for h in generation.catalog.headers()}
    examples = []
    for name in ("lecture-questions.jsonl", "lecture-questions-fit.jsonl"):
        for question in load_questions(HERE.parent / "data" / name, transcripts, {}):
            if question.split == "fit" and question.places and not question.history:
                examples += _example(generation, encoder, question, LECTURE_WEIGHT)
    print("lectures", len(examples))
    for name in TRANSFER_SETS:
        settings = Settings(home=homes / name)
        lectures, texts = load_corpus(evaluation / name / "corpus.jsonl")
        index_lectures(lectures, settings, lambda *_: None)
        opened, _ = _opened(settings.home)
        headers = {h.lecture_id: h for h in opened.catalog.headers()}
        transcripts = {i: h.transcript for i, h in headers.items()}
        questions = [
            q
            for q in load_questions(evaluation / name / "questions.jsonl", transcripts, texts)
            if q.places and not is_held_out(headers[q.lecture_ids[0]].title)
        ]
        random.shuffle(questions)
        for question in questions[:QUESTIONS_PER_SET]:
            examples += _example(opened, encoder, question, 1.0)
        print(name, len(examples))
    return examples, generation.manifest.model_sha256


def fit(examples: list[Example]) -> Matching:
    """A few epochs; more learn the questions by heart."""
    model = Matching(examples[0].question.shape[1])
    optimizer = torch.optim.AdamW(
        [
            {"params": [model.u, model.v, model.a, model.b], "weight_decay": WEIGHT_DECAY},
            {"params": [model.scale], "weight_decay": 0.0},
        ],
        lr=LEARNING_RATE,
    )
    for epoch in range(EPOCHS):
        order = random.choices(  # noqa: S311 (no secret)
            examples, weights=[e.weight for e in examples], k=len(examples)
        )
        total = 0.0
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            losses = []
            for example in batch:
                scores = model(example, DROPOUT)
                losses.append(scores.logsumexp(0) - scores[example.right].logsumexp(0))
            loss = torch.stack(losses).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1}: loss {total / len(order):.3f}", flush=True)
    return model


def _opened(home: Path) -> tuple[Generation, OnnxEncoder]:
    generation = open_generation(current_generation(home))
    return generation, OnnxEncoder(exported_folder(home, generation.manifest.model_sha256))


def _example(
    generation: Generation, encoder: OnnxEncoder, question: EvaluationQuestion, weight: float
) -> Iterator[Example]:
    encoded = encoder.encode_question(question.question)
    found = retrieve(generation, question.question, encoded, limit=40 if weight > 1 else 16)
    if weight <= 1:
        own = retrieve(generation, question.question, encoded, limit=10, lectures=question.lecture_ids)
        found = [h for h in found if h.passage.lecture_id not in question.lecture_ids][:6] + own
    counts, region_of, statement, right = [], [], [], []
    regions = read_regions(generation, found)
    for number, region in enumerate(regions):
        for stored in region.sentences:
            counts.append(stored.token_end - stored.token_start)
            region_of.append(number)
            statement.append(not stored.sentence.is_question)
            place = Place(region.lecture_id, stored.sentence.char_start, stored.sentence.char_end)
            right.append(any(_shares(place, gold) for gold in question.places))
    usable = torch.tensor(right) & torch.tensor(statement)
    if not usable.any():
        return
    place_of = torch.tensor(region_of)
    index = torch.arange(len(place_of))
    neighbours = []
    for offset in (-1, -2, 1):
        near = (index + offset).clamp(0, len(place_of) - 1)
        neighbours.append((near, (place_of[near] == place_of) & (near == index + offset)))
    yield Example(
        question=torch.from_numpy(encoded.tokens),
        tokens=torch.from_numpy(unit_tokens(generation, regions).astype(np.float16)),
        sentence_of=torch.repeat_interleave(index, torch.tensor(counts)),
        neighbours=neighbours,
        statement=torch.tensor(statement),
        right=usable,
        weight=weight,
    )


def _shares(sentence: Place, gold: Place) -> bool:
    """Whether a sentence shares half of the shorter of the two with a gold place."""
    if sentence.lecture_id != gold.lecture_id:
        return False
    shared = min(sentence.char_end, gold.char_end) - max(sentence.char_start, gold.char_start)
    lengths = sentence.char_end - sentence.char_start, gold.char_end - gold.char_start
    return 2 * shared >= min(lengths)


if __name__ == "__main__":
    main()
