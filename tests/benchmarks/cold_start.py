"""A cold ``assistant ask`` beside loading sentence-transformers and encoding one question.

    python tests/benchmarks/cold_start.py

Whole processes, in turn; prints the median of each and the median of the pairs' ratios.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7
QUESTION = "What is Docker?"
BASELINE = f"""
from sentence_transformers import SentenceTransformer
from assistant.model_files import locate_model
model = SentenceTransformer(str(locate_model(None).folder))
model.encode([{QUESTION!r}])
"""


def seconds(command: list[str], home: str) -> float:
    """Wall time of one process."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "ASSISTANT_HOME": home})
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    ask = [sys.executable, "-m", "assistant", "ask", QUESTION]
    baseline = [sys.executable, "-c", BASELINE]
    with tempfile.TemporaryDirectory() as home:
        for command in (ask, ask, baseline):
            seconds(command, home)
        pairs = [(seconds(ask, home), seconds(baseline, home)) for _ in range(RUNS)]
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"assistant ask          {ours:6.2f} s")
    print(f"sentence-transformers  {theirs:6.2f} s")
    print(f"ratio                  {ratio:6.3f}")


if __name__ == "__main__":
    main()
