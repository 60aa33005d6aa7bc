"""What it costs to add a lecture to 1,000, beside indexing the 1,000.

    python tests/benchmarks/incremental.py [--lectures 1000] [--sentences 20]

The lectures are made of the words of the one that ships. Whole `assistant index` processes, so what
is loaded counts; the encoder is exported before. Prints the seconds of each and the ratios.
"""

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpus import find_sources, read_lecture, shipped_lectures

ADDED = 3
WORDS_IN_A_SENTENCE = 14


def write_lecture(path: Path, words: list[str], sentences: int, seed: int) -> None:
    """A lecture of sentences of random words, one a line."""
    chosen = random.Random(seed)  # noqa: S311 (words, not keys)
    lines = (" ".join(chosen.choices(words, k=WORDS_IN_A_SENTENCE)).capitalize() for _ in range(sentences))
    path.write_text("".join(f"{line}.\n" for line in lines), encoding="utf-8")


def seconds(home: Path, *paths: Path) -> tuple[float, str]:
    """Wall time and output of one index run."""
    command = [sys.executable, "-m", "assistant", "--home", str(home), "index", *map(str, paths)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, done.stdout.strip()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lectures", type=int, default=1000)
    parser.add_argument("--sentences", type=int, default=20)
    options = parser.parse_args()
    text = " ".join(read_lecture(source).transcript for source in find_sources([shipped_lectures()]))
    words = re.findall(r"[a-z]+", text.lower())
    with tempfile.TemporaryDirectory() as scratch:
        home, folder = Path(scratch, "home"), Path(scratch, "lectures")
        folder.mkdir()
        seconds(home)  # exports the encoder
        for number in range(options.lectures):
            write_lecture(folder / f"lecture-{number:04}.txt", words, options.sentences, number)
        whole, said = seconds(home, folder)
        print(f"index {options.lectures} lectures      {whole:8.2f} s   {said}", flush=True)
        one, again = [], []
        for number in range(options.lectures, options.lectures + ADDED):
            path = folder / f"lecture-{number:04}.txt"
            write_lecture(path, words, options.sentences, number)
            taken, said = seconds(home, path)
            one.append(taken)
            print(f"index the new file       {taken:8.2f} s   {said}", flush=True)
        for number in range(options.lectures + ADDED, options.lectures + 2 * ADDED):
            write_lecture(folder / f"lecture-{number:04}.txt", words, options.sentences, number)
            taken, said = seconds(home, folder)
            again.append(taken)
            print(f"index the whole folder   {taken:8.2f} s   {said}", flush=True)
        print(f"ratio, new file          {statistics.median(one) / whole:8.4f}")
        print(f"ratio, whole folder      {statistics.median(again) / whole:8.4f}")


if __name__ == "__main__":
    main()
