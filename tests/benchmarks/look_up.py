"""Where the time of an answer goes, and how often it holds that of encoding and searching alone.

    python tests/benchmarks/look_up.py --shared ../shared [--homes DIR] [--limit N]

Asks our questions about the hf lectures, but those of split ``report``. Encoding and searching alone and the
whole answer are measured in turn; the parts in a round of their own. Prints medians.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from assistant.config import CITED, Settings
from assistant.indexing import index_paths
from assistant.opening import OpenIndex, open_index
from assistant.retrieval import encoded_question, retrieve

QUESTIONS = Path(__file__).parents[1] / "data" / "lecture-questions.jsonl"
LECTURES = Path("evaluation", "hf-course-lectures", "srt", "en")


def main() -> None:
    """Index what is not indexed yet, ask every question three times, the first to warm up, print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, help="the folder that holds evaluation/")
    parser.add_argument("--homes", type=Path, help="keep the index here (default: a temporary folder)")
    parser.add_argument("--limit", type=int, default=300, help="at most this many questions, drawn at random")
    options = parser.parse_args()
    records = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    questions = [record["question"] for record in records if record["split"] != "report"]
    random.Random(0).shuffle(questions)  # noqa: S311 (no secret)
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(home=(options.homes or Path(scratch)) / "hf-course-lectures")
        index_paths([options.shared / LECTURES], settings, lambda *_: None)
        opened = open_index(settings)
        asked = questions[: options.limit]
        for question in asked:  # warms up
            opened.reader.read(question, CITED)
        wholes = [whole(opened, settings, question) for question in asked]
        parts = [asdict(opened.reader.read(question, CITED).spent) for question in asked]
    for name, times in (*columns(parts), *columns(wholes)):
        print(f"{name:24} {statistics.median(times):7.2f} ms")
    by_name = dict(columns(wholes))
    alone, answer = by_name["encode and search alone"], by_name["whole answer"]
    print(f"{'whole / alone':24} {statistics.median(answer) / statistics.median(alone):7.2f}")
    ratio = statistics.median(b / a for a, b in zip(alone, answer, strict=True))
    print(f"{'the same, by question':24} {ratio:7.2f}")


def whole(opened: OpenIndex, settings: Settings, question: str) -> dict[str, float]:
    """Milliseconds of encoding and searching, of an answer with its citations, and of these by themselves."""
    started = time.perf_counter()
    encoded = encoded_question(opened.encoder, question)
    retrieve(opened.generation, question, encoded, limit=settings.passages_retrieved)
    between = time.perf_counter()
    timing = opened.reader.answer(question, question, CITED).timing_ms
    ended = time.perf_counter()
    return {
        "cite": timing.total - timing.retrieve - timing.read,
        "encode and search alone": (between - started) * 1000,
        "whole answer": (ended - between) * 1000,
    }


def columns(rows: Sequence[dict[str, float]]) -> list[tuple[str, list[float]]]:
    """The values of each name."""
    return [(name, [row[name] for row in rows]) for name in rows[0]]


if __name__ == "__main__":
    main()
