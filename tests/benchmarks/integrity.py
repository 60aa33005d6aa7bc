"""What it costs a question that every row of the index proves itself.

    python tests/benchmarks/integrity.py --shared ../shared [--home HOME]

The quiz questions on the lectures are answered with the rows' digests compared and without, in turn and
in one process. Prints the medians over the questions, of each question the median of its rounds, by the
clock and by the processor's time, and the median of the questions' ratios. ``--home`` takes an index of
the lectures that is there already.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from assistant import catalog
from assistant.config import Settings
from assistant.indexing import index_paths
from assistant.opening import open_index

ROUNDS = 9


def unchecked() -> Any:
    """A context in which the catalogue takes every row for sound."""

    def sound(*_: Any) -> bool:
        return True

    # There is no way to ask for it, so what the catalogue calls is stood in for; a name it lacks is an error.
    return mock.patch.multiple(catalog, are_sound=sound, is_sound_lecture=sound)


def milliseconds(reader: Any, question: str) -> tuple[float, float]:
    """By the clock, and of the processor in this thread, which is where the rows are read."""
    started, worked = time.perf_counter(), time.thread_time()
    reader.answer(question, question, 3)
    return (time.perf_counter() - started) * 1000, (time.thread_time() - worked) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    folder = options.shared / "evaluation" / "hf-course-lectures"
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with tempfile.TemporaryDirectory() as made:
        home = options.home or Path(made)
        settings = Settings(home=home)
        if options.home is None:
            index_paths([folder / "srt" / "en"], settings, lambda *_: None)
        opened = open_index(settings)
        checked, plain = measure(opened.reader, questions)
        opened.generation.close()
    for n, clock in enumerate(("by the clock", "of the processor")):
        ours = [statistics.median(run[n] for run in runs) for runs in checked]
        without = [statistics.median(run[n] for run in runs) for runs in plain]
        ratio = statistics.median(a / b for a, b in zip(ours, without, strict=True))
        print(
            f"{clock}: {statistics.median(ours):.2f} ms checked, {statistics.median(without):.2f} unchecked,"
            f" ratio {ratio:.3f} (medians of {len(questions)} questions, {ROUNDS} rounds)"
        )


def measure(reader: Any, questions: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Of each question its rounds, checked and unchecked; who goes first changes with every round."""
    checked: list[list[tuple[float, float]]] = [[] for _ in questions]
    plain: list[list[tuple[float, float]]] = [[] for _ in questions]
    for question in questions:
        reader.answer(question, question, 3)
    for number in range(ROUNDS):
        for i, question in enumerate(questions):
            for first in (True, False):
                if first == (number % 2 == 0):
                    checked[i].append(milliseconds(reader, question))
                else:
                    with unchecked():
                        plain[i].append(milliseconds(reader, question))
    return checked, plain


if __name__ == "__main__":
    main()
