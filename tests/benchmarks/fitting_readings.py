"""Questions to fit the ranking on, as an encoder that did not see their lecture reads them."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fitting_examples import (
    FOLDS,
    LECTURES,
    NO_QUESTIONS,
    Source,
    drawn,
    open_source,
    own_lecture,
    shares_half,
)
from numpy.typing import NDArray

from assistant.config import PASSAGES_READ
from assistant.embedding import TransformerEncoder
from assistant.evaluation_data import EvaluationQuestion, Place, load_questions
from assistant.matching import Matching
from assistant.model_files import adapted, plain_model
from assistant.network import Network
from assistant.questions import Question
from assistant.reading import compare
from assistant.regions import Region
from assistant.statements import FEATURES, Statements
from assistant.understanding import understood
from assistant.verifying import Window, read_windows

__all__ = [
    "SHIPPED",
    "STRANGE_COUNT",
    "Example",
    "Reader",
    "merged_model",
    "place_of",
    "read_choose",
    "read_fold",
]

SHIPPED = Path(__file__).parents[2] / "assistant"
JUDGED_ARTICLES = ("squad2-halfdev", "clapnq-dev")
"""Sets in which each article has questions that it covers and others that it does not."""
READ_ARTICLES = (*JUDGED_ARTICLES, "spoken-squad-wer23")
OTHER_WORLDS = 600
"""Questions about articles asked of each library of lectures, in each fold, at most."""
STRANGE_COUNT = 6
"""How often each of them, and each of ``NO_QUESTIONS``, counts for the confidence: to answer what has nothing
to do with the lectures is worse than to answer a near miss."""


@dataclass(frozen=True)
class Example:
    """The statements read for one question and which of them are right."""

    question: EvaluationQuestion
    fold: int
    reader: "Reader"
    asked: NDArray[np.float32]
    """The question's tokens."""
    analysed: Question
    regions: list[Region]
    statements: Statements
    right: NDArray[np.bool_]
    is_about_lectures: bool
    in_library: bool
    """Whether all lectures or articles were read."""
    is_strange: bool
    """Whether it has nothing to do with the lectures, or is no question at all."""

    def scores(self, network: Network) -> NDArray[np.float64]:
        """Of the statements."""
        return network(self.statements.features, FEATURES)

    def windows(self, rows: NDArray[np.intp]) -> list[Window]:
        """Those of some statements."""
        return read_windows(self.reader.generation, self.regions, self.statements, rows)


class Reader:
    """One source as one encoder and its map read it."""

    def __init__(self, source: Source, matching: Matching) -> None:
        self.is_about_lectures = source.is_lectures
        self.generation, self.encoder = source.generation, source.encoder
        self.matching = matching

    def read(
        self,
        fold: int,
        question: EvaluationQuestion,
        lectures: Sequence[str] | None,
        *,
        is_strange: bool = False,
    ) -> Example:
        """What is found for a question in all lectures or in those given."""
        asked = understood(question.question, question.history, self.generation, self.encoder, lectures)
        found = compare(self.generation, self.encoder, self.matching, asked, PASSAGES_READ, lectures)
        regions, statements = found.regions, found.statements
        right = [
            any(shares_half(place_of(regions[r], i, i + 1), gold) for gold in question.places)
            for r, i in zip(statements.region, statements.index, strict=True)
        ]
        return Example(
            question=question,
            fold=fold,
            reader=self,
            asked=found.encoded.tokens,
            analysed=found.question,
            regions=regions,
            statements=statements,
            right=np.array(right, dtype=bool),
            is_about_lectures=self.is_about_lectures,
            in_library=lectures is None,
            is_strange=is_strange,
        )


def read_fold(fold: int, evaluation: Path, homes: Path, adapter: Path) -> Iterator[Example]:
    """The questions of a fold as the encoder that was fitted without them reads them."""
    model, matching = merged_model(adapter, homes / "models")
    articles = {name: open_source(name, evaluation, homes / name, str(model)) for name in READ_ARTICLES}
    for name, source in articles.items():
        reader = Reader(source, matching)
        for number, question in source.questions:
            if number == fold and name in JUDGED_ARTICLES:
                yield reader.read(fold, question, question.lecture_ids)
        for number, question in drawn(source):
            if number == fold and question.answerable:
                yield reader.read(fold, question, None)
    with (evaluation / "off-topic" / "questions.jsonl").open(encoding="utf-8") as lines:
        reported = {json.loads(line)["question"] for line in lines}
    strange = [
        question
        for name in JUDGED_ARTICLES
        for number, question in articles[name].questions
        if number == fold and question.question not in reported
    ]
    typed = load_questions(NO_QUESTIONS, {}, {})[fold::FOLDS]
    for name in LECTURES:
        source = open_source(name, evaluation, homes / name, str(model))
        reader = Reader(source, matching)
        lectures = {header.lecture_id for header in source.generation.catalog.headers()}
        for place, (number, question) in enumerate(drawn(source)):
            if number != fold:
                continue
            yield reader.read(fold, question, None)
            yield reader.read(fold, question, [own_lecture(question)])
            if question.answerable and place % 2 == 0:
                answering = {gold.lecture_id for gold in question.places} | {own_lecture(question)}
                yield reader.read(fold, _uncovered(question), sorted(lectures - answering))
        few = random.Random(fold).sample(strange, min(OTHER_WORLDS, len(strange)))  # noqa: S311 (no secret)
        for question in (*map(_uncovered, few), *typed):
            yield reader.read(fold, question, None, is_strange=True)


def read_choose(evaluation: Path, homes: Path) -> Iterator[Example]:
    """Split ``choose`` as the encoder that ships reads it."""
    model, matching = merged_model(SHIPPED, homes / "models")
    source = open_source("hf", evaluation, homes / "hf", str(model))
    reader = Reader(source, matching)
    for number, question in source.questions:
        if question.split == "choose":
            yield reader.read(number, question, None)
            yield reader.read(number, question, [own_lecture(question)])


def merged_model(adapter: Path, models: Path) -> tuple[Path, Matching]:
    """The encoder with its changes made, as a folder in ``models``, and the map fitted with it."""
    files = adapted(plain_model(), adapter / "adapter.npz")
    folder = models / files.sha256[:16]
    if not folder.is_dir():
        TransformerEncoder(files).model.save_pretrained(str(folder))
    with np.load(adapter / "matching.npz") as stored:
        return folder, Matching.from_arrays(stored)


def _uncovered(question: EvaluationQuestion) -> EvaluationQuestion:
    return replace(question, answerable=False, places=())


def place_of(region: Region, first: int, end: int) -> Place:
    """The characters of sentences ``first`` to ``end`` of a region."""
    sentences = region.sentences
    return Place(
        region.lecture_id, sentences[first].sentence.char_start, sentences[end - 1].sentence.char_end
    )
