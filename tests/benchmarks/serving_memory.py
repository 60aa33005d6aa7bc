"""Resident memory of ``assistant serve`` over 1,000 questions.

    python tests/benchmarks/serving_memory.py

Prints it after 100 questions and after every further hundred. Reads /proc, so it runs on Linux.
"""

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

QUESTIONS = Path(__file__).parents[1] / "data" / "first-lecture-questions.jsonl"
ASKED = 1000


def resident_megabytes(pid: int) -> float:
    """What the process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Ask and print."""
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([sys.executable, "-m", "assistant", "--home", home, "index"], check=True)
        server = subprocess.Popen(
            [sys.executable, "-m", "assistant", "--home", home, "serve", "--port", "0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert server.stderr is not None
        base = next(line.split("serving on ")[1].split()[0] for line in server.stderr if "serving on" in line)
        try:
            for number in range(1, ASKED + 1):
                body = json.dumps({"question": questions[number % len(questions)]}).encode()
                request = urllib.request.Request(
                    f"{base}/v1/ask", body, headers={"Content-Type": "application/json"}
                )
                while True:
                    try:
                        urllib.request.urlopen(request).read()
                        break
                    except urllib.error.HTTPError as error:
                        if error.code != 503:  # still opening its index
                            raise
                if number % 100 == 0:
                    print(f"{number:5} questions  {resident_megabytes(server.pid):7.1f} MB", flush=True)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
