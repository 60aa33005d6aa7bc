"""Every set the answers are judged on, in one table: ours beside BM25, dense and fused passages.

    python tests/benchmarks/transfer.py --shared ../shared [--homes DIR] [--only NAME ...] [--limit N]

Articles whose questions the weights were fitted on (all but those ``is_held_out``) are left out of the sets
that share them. Where a set has no sentences to hit but passages, the passage is its document.
"""

import argparse
import json
import math
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fitting_examples import is_held_out, written_lectures

from assistant.answering import ANSWERED_FROM
from assistant.config import Settings
from assistant.evaluation import SYSTEMS, SystemReport, evaluate, report_of
from assistant.evaluation_data import EvaluationQuestion, load_corpus, load_questions
from assistant.indexing import index_lectures, index_paths
from assistant.opening import open_index
from corpus import shipped_lectures

OWN = Path(__file__).parents[1] / "data"
HF = "hf-course-lectures"
FIRST, WRITTEN = "first-lecture", "written"
"""Lectures that are part of the project. The written ones were made up for this, on 38 subjects."""
MEASURES = (
    ("lecture@1", "lecture_recall_1"),
    ("lecture@5", "lecture_recall_5"),
    ("hit@1", "hit_1"),
    ("hit@3", "hit_3"),
    ("words", "words_median"),
    ("AUROC", "auroc"),
    ("FA@5%FR", "false_answers_at_5_refused"),
    ("ECE", "calibration_error"),
    ("p50 ms", "p50_ms"),
)
Wanted = Callable[[EvaluationQuestion, str], bool]


@dataclass(frozen=True)
class Set:
    """Questions over a corpus; ``wanted`` gets a question and the title of its document."""

    name: str
    corpus: str
    questions: tuple[str, ...]
    in_document: bool = False
    last_turn_only: bool = False
    wanted: Wanted = lambda question, title: True


def unseen(question: EvaluationQuestion, title: str) -> bool:
    """Whether nothing was fitted on the question's article."""
    return is_held_out(title)


def off_topic(question: EvaluationQuestion, title: str) -> bool:
    """Whether it is about other worlds or answered by the lectures: easy abstention."""
    return question.answerable or question.question_id.startswith("off-")


def of_split(name: str) -> Wanted:
    """Questions of one split of our own set."""
    return lambda question, title: question.split == name


SETS = (
    Set("choose", HF, ("lecture-questions.jsonl",), wanted=of_split("choose")),
    Set("report", HF, ("lecture-questions.jsonl",), wanted=of_split("report")),
    Set("hf-quiz", HF, (f"{HF}/questions.jsonl",)),
    Set("off-topic", HF, (f"{HF}/questions.jsonl", "off-topic/questions.jsonl"), wanted=off_topic),
    Set(FIRST, FIRST, ("first-lecture-questions.jsonl",)),
    Set(WRITTEN, WRITTEN, ("written-questions.jsonl",), wanted=of_split("report")),
    Set("clapnq", "clapnq-dev", ("clapnq-dev/questions.jsonl",), in_document=True, wanted=unseen),
    Set("squad2", "squad2-halfdev", ("squad2-halfdev/questions.jsonl",), in_document=True, wanted=unseen),
    Set("mtrag", "mtrag-un", ("mtrag-un/questions.jsonl",)),
    Set("mtrag-last-turn", "mtrag-un", ("mtrag-un/questions.jsonl",), last_turn_only=True),
    *(
        Set(
            f"spoken-{rate}",
            f"spoken-squad-{rate}",
            (f"spoken-squad-{rate}/questions.jsonl",),
            wanted=unseen,
        )
        for rate in ("wer23", "wer44", "wer54")
    ),
    Set("xquad-en", "xquad-en", ("xquad-en/questions.jsonl",), wanted=unseen),
    *(
        Set(f"noiseqa-{kind}", "xquad-en", (f"noiseqa/questions.{kind}-natural.jsonl",), wanted=unseen)
        for kind in ("asr", "keyboard", "mt")
    ),
    Set("xquad-es", "xquad-es", ("xquad-es/questions.jsonl",), wanted=unseen),
    Set("aws-docs", "aws-docs", ("aws-docs/questions.jsonl",)),
)


def main() -> None:
    """Index what is not indexed yet, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--homes", type=Path, help="keep the indexes here (default: a temporary folder)")
    parser.add_argument("--only", nargs="*", help="names of sets")
    parser.add_argument("--skip", nargs="*", default=["report"], help="names of sets (report is read once)")
    parser.add_argument("--limit", type=int, help="at most this many questions a set, drawn at random")
    parser.add_argument("--ours", action="store_true", help="without the baselines")
    parser.add_argument("--json", type=Path, help="write the reports here, too")
    options = parser.parse_args()
    wanted = [s for s in SETS if (s.name in options.only if options.only else s.name not in options.skip)]
    print(f"{'set':16} {'system':6} {'questions':>11} " + " ".join(f"{name:>9}" for name, _ in MEASURES))
    records = []
    with tempfile.TemporaryDirectory() as scratch:
        for item in wanted:
            for report in measure(
                item, options.shared / "evaluation", options.homes or Path(scratch), options
            ):
                print_row(item.name, report)
                records.append({"set": item.name, **{k: getattr(report, k) for k in report.__slots__}})
    if options.json:
        options.json.write_text(json.dumps(records, indent=1), encoding="utf-8")


def measure(item: Set, evaluation: Path, homes: Path, options: argparse.Namespace) -> list[SystemReport]:
    """Reports on one set, ours first."""
    settings = Settings(home=homes / item.corpus)
    texts = indexed(item.corpus, evaluation, settings)
    opened = open_index(settings, calibrate=False)
    generation = opened.generation
    headers = {h.lecture_id: h for h in generation.catalog.headers()}
    transcripts = {i: h.transcript for i, h in headers.items()}
    questions: list[EvaluationQuestion] = []
    for name in item.questions:
        file = evaluation / name if "/" in name else OWN / name
        for question in load_questions(file, transcripts, texts):
            title = headers[question.lecture_ids[0]].title if question.lecture_ids else ""
            if item.wanted(question, title):
                questions.append(replace(question, history=()) if item.last_turn_only else question)
    if options.limit and len(questions) > options.limit:
        questions = random.Random(0).sample(questions, options.limit)  # noqa: S311 (no secret)
    systems = ("ours",) if options.ours else SYSTEMS
    outcomes = evaluate(
        generation,
        opened.encoder,
        opened.reader,
        questions,
        in_document=item.in_document,
        progress=lambda *_: None,
        systems=systems,
    )
    generation.catalog.close()
    return [
        report_of(name, found, ANSWERED_FROM if name == "ours" else None) for name, found in outcomes.items()
    ]


def indexed(corpus: str, evaluation: Path, settings: Settings) -> dict[str, str]:
    """Make the index of a corpus or bring it up to date; gives the texts its offsets count in."""
    texts: dict[str, str] = {}
    if corpus == WRITTEN:
        index_lectures(written_lectures(), settings, lambda *_: None)
    elif corpus in (HF, FIRST):
        folder = shipped_lectures() if corpus == FIRST else evaluation / HF / "srt" / "en"
        index_paths([folder], settings, lambda *_: None)
    else:
        lectures, texts = load_corpus(evaluation / corpus / "corpus.jsonl")
        index_lectures(lectures, settings, lambda *_: None)
    return texts


def print_row(name: str, report: SystemReport) -> None:
    """One line of the table."""
    cells: Sequence[float] = [getattr(report, field) for _, field in MEASURES]
    counts = f"{report.answerable}/{report.questions}"
    shown = " ".join(
        f"{'–' if math.isnan(cell) else f'{cell:.3f}' if cell < 2 else f'{cell:.1f}':>9}" for cell in cells
    )
    print(f"{name:16} {report.system:6} {counts:>11} {shown}", flush=True)


if __name__ == "__main__":
    main()
