"""What it is worth to ask what is ordered: "List the layers" as it stands, and as "What are the layers?".

    python tests/benchmarks/orders.py --shared ../shared [--homes DIR]

Questions for a list or a comparison on lectures that nothing was fitted on are turned into orders; each is
then read as the order and as the question that ``assistant/commands.py`` makes of it.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from transfer import HF, OWN, WRITTEN, indexed, of_split

from assistant.answering import ANSWERED_FROM, Reader
from assistant.commands import what_ordered
from assistant.config import CITED, Settings
from assistant.evaluation import hits
from assistant.evaluation_data import EvaluationQuestion, Place, load_questions
from assistant.metrics import auroc
from assistant.opening import OpenIndex, open_index

SETS = (("choose", HF, "lecture-questions.jsonl"), ("report", WRITTEN, "written-questions.jsonl"))
"""Split, corpus and file: never the lecture questions that are to be looked at seldom."""
_LIST = re.compile(r"(?:what|which) are (?P<what>the .+?)\?*", re.IGNORECASE)
_DIFFERENCE = re.compile(
    r"what(?:'s| is) the difference between (?P<one>.+?) and (?P<other>.+?)\?*", re.IGNORECASE
)


@dataclass(frozen=True)
class Read:
    """What came of one wording."""

    confidence: float
    is_covered: bool
    is_hit: bool


def main() -> None:
    """A line for each wording."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    options = parser.parse_args()
    orders: list[Read] = []
    questions: list[Read] = []
    with tempfile.TemporaryDirectory() as scratch:
        for split, corpus, file in SETS:
            settings = Settings(home=(options.homes or Path(scratch)) / corpus)
            indexed(corpus, options.shared / "evaluation", settings)
            opened = open_index(settings, calibrate=False)
            for question, order, asked in _ordered(opened, split, file):
                orders.append(_read(opened.reader, order, question))
                questions.append(_read(opened.reader, asked, question))
            opened.generation.catalog.close()
    for name, reads in (("ordered", orders), ("asked", questions)):
        print(f"{name:8} {_told(reads)}")


def _ordered(opened: OpenIndex, split: str, file: str) -> Iterator[tuple[EvaluationQuestion, str, str]]:
    """Questions with the same as an order and what is made of that."""
    transcripts = {h.lecture_id: h.transcript for h in opened.generation.catalog.headers()}
    for question in load_questions(OWN / file, transcripts, {}):
        if question.history or not of_split(split)(question, ""):
            continue
        order = None
        if listed := _LIST.fullmatch(question.question):
            order = f"List {listed['what']}"
        elif compared := _DIFFERENCE.fullmatch(question.question):
            order = f"Compare {compared['one']} and {compared['other']}"
        if order and (asked := what_ordered(order)):
            yield question, order, asked


def _read(reader: Reader, text: str, question: EvaluationQuestion) -> Read:
    reading = reader.read(text, CITED)
    first = reading.spans[0]
    place = Place(first.region.lecture_id, first.char_start, first.char_end)
    is_hit = any(hits(place, gold) for gold in question.places)
    return Read(reading.confidence, question.answerable, is_hit)


def _told(reads: Sequence[Read]) -> str:
    covered = [read for read in reads if read.is_covered]
    others = [read for read in reads if not read.is_covered]
    area = auroc([read.confidence for read in covered], [read.confidence for read in others])
    answered = [fmean(read.confidence >= ANSWERED_FROM for read in part) for part in (covered, others)]
    return (
        f"{len(covered)} covered, {len(others)} not: hit@1 {fmean(read.is_hit for read in covered):.3f}, "
        f"AUROC {area:.3f}, answered {answered[0]:.3f} and {answered[1]:.3f}"
    )


if __name__ == "__main__":
    main()
