"""A server over the shipped lecture and the questions about it, for the benchmarks beside this file."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["first_lecture_questions", "resident_megabytes", "running_server"]


def first_lecture_questions() -> list[str]:
    """The questions of the tests on the lecture that ships."""
    file = Path(__file__).parents[1] / "data" / "first-lecture-questions.jsonl"
    return [json.loads(line)["question"] for line in file.read_text(encoding="utf-8").splitlines()]


def resident_megabytes(pid: int) -> float:
    """What a process holds in memory, by /proc, so on Linux."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@contextmanager
def running_server(home: str) -> Iterator[tuple[int, int]]:
    """``assistant serve`` over a new index in ``home``: its process id and port, once it is ready."""
    run = [sys.executable, "-m", "assistant", "--home", home]
    subprocess.run([*run, "index"], check=True, stdout=subprocess.DEVNULL)
    server = subprocess.Popen(
        [*run, "serve", "--port", "0"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert server.stderr is not None
    try:
        base = next(line.split("serving on ")[1].split()[0] for line in server.stderr if "serving on" in line)
        while True:
            try:
                urllib.request.urlopen(f"{base}/readyz").read()
                break
            except urllib.error.HTTPError as error:
                if error.code != 503:  # still opening its index
                    raise
        yield server.pid, int(base.rsplit(":", 1)[1])
    finally:
        server.terminate()
        server.wait()
