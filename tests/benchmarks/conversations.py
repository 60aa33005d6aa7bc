"""Whether conversations are understood: follow-ups completed, changes of topic left alone.

    python tests/benchmarks/conversations.py --shared ../shared [--homes DIR]

What counts is whether the right passage is found first and among five, for the question as it stands, with
the words of the turn before it added, and as we understand it, which mends its spelling, too. A change of
topic is one of our questions asked after one about another lecture. The questions of split ``report`` are
left out.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from transfer import HF, OWN, indexed

from assistant.config import Settings
from assistant.conversation import Turn
from assistant.evaluation import hits
from assistant.evaluation_data import EvaluationQuestion, Place, load_questions
from assistant.opening import OpenIndex, open_index
from assistant.retrieval import encoded_question, retrieve

LIBRARIES = {
    "written": ("written", OWN / "written-questions-later.jsonl"),
    "hf": (HF, OWN / "lecture-questions.jsonl"),
}
MTRAG = "mtrag-un"
CHANGES = 500
FOUND = 5
Understand = Callable[[EvaluationQuestion, OpenIndex], str]


def as_asked(question: EvaluationQuestion, _: OpenIndex) -> str:
    """Leave the last turn as it is."""
    return question.question


def joined(question: EvaluationQuestion, _: OpenIndex) -> str:
    """Put the user's turn before it in front of it."""
    before = [turn.content for turn in question.history if turn.role == "user"]
    return " ".join([*before[-1:], question.question])


def completed(question: EvaluationQuestion, opened: OpenIndex) -> str:
    """Complete it as the assistant does."""
    return opened.reader.understand(question.question, question.history)


WAYS: tuple[tuple[str, Understand], ...] = (
    ("last turn alone", as_asked),
    ("joined", joined),
    ("ours", completed),
)


def main() -> None:
    """Index what is not indexed yet, look up, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    options = parser.parse_args()
    evaluation = options.shared / "evaluation"
    print(f"{'set':20} {'way':16} {'questions':>9} {'altered':>8} {'first':>8} {'in five':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        homes = options.homes or Path(scratch)
        for name, (corpus, file) in LIBRARIES.items():
            opened, texts = opened_library(corpus, evaluation, homes)
            asked = [q for q in questions_of(file, opened, texts) if q.split != "report" and q.places]
            measure(f"{name}: follow-ups", opened, [q for q in asked if q.history])
            measure(f"{name}: new topic", opened, changes([q for q in asked if not q.history]))
        opened, texts = opened_library(MTRAG, evaluation, homes)
        measure(MTRAG, opened, questions_of(evaluation / MTRAG / "questions.jsonl", opened, texts))


def opened_library(corpus: str, evaluation: Path, homes: Path) -> tuple[OpenIndex, dict[str, str]]:
    """Open the index of a corpus; give also the texts its offsets count in."""
    settings = Settings(home=homes / corpus)
    texts = indexed(corpus, evaluation, settings)
    return open_index(settings, calibrate=False), texts


def questions_of(file: Path, opened: OpenIndex, texts: dict[str, str]) -> list[EvaluationQuestion]:
    """Read the covered questions of a file."""
    transcripts = {h.lecture_id: h.transcript for h in opened.generation.catalog.headers()}
    return [question for question in load_questions(file, transcripts, texts) if question.answerable]


def changes(questions: Sequence[EvaluationQuestion]) -> list[EvaluationQuestion]:
    """Draw some questions, each asked after one about another lecture."""
    rng = random.Random(0)  # noqa: S311 (no secret)
    changed = []
    for question in rng.sample(questions, min(CHANGES, len(questions))):
        others = [q for q in questions if q.places[0].lecture_id != question.places[0].lecture_id]
        turns = (Turn("user", rng.choice(others).question), Turn("assistant", "It is so."))
        changed.append(replace(question, history=turns))
    return changed


def measure(name: str, opened: OpenIndex, questions: Sequence[EvaluationQuestion]) -> None:
    """Print a line for each way of understanding."""
    for way, understand in WAYS:
        asked = [understand(question, opened) for question in questions]
        ranks = [rank_of(question, text, opened) for question, text in zip(questions, asked, strict=True)]
        altered = share([text != q.question for q, text in zip(questions, asked, strict=True)])
        first, in_five = share([rank == 0 for rank in ranks]), share([rank is not None for rank in ranks])
        print(f"{name:20} {way:16} {len(questions):9} {altered:8.3f} {first:8.3f} {in_five:8.3f}", flush=True)


def rank_of(question: EvaluationQuestion, text: str, opened: OpenIndex) -> int | None:
    """Rank, from 0, of the first of five passages that holds the answer, or is in the right document.

    The document counts where a set has no places.
    """
    encoded = encoded_question(opened.encoder, text)
    for rank, hit in enumerate(retrieve(opened.generation, text, encoded, limit=FOUND)):
        found = hit.passage
        place = Place(found.lecture_id, found.char_start, found.char_end)
        if any(hits(place, gold) for gold in question.places):
            return rank
        if not question.places and found.lecture_id in question.lecture_ids:
            return rank
    return None


def share(flags: Sequence[bool]) -> float:
    """Share of the flags that are true."""
    return sum(flags) / max(len(flags), 1)


if __name__ == "__main__":
    main()
