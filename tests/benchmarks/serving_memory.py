"""Resident memory of ``assistant serve`` over 1,000 questions.

    python tests/benchmarks/serving_memory.py

Prints it after 100 questions and after every further hundred. Reads /proc, so it runs on Linux.
"""

import json
import tempfile
import urllib.request

from serving import first_lecture_questions, resident_megabytes, running_server

ASKED = 1000


def main() -> None:
    """Ask and print."""
    questions = first_lecture_questions()
    with tempfile.TemporaryDirectory() as home, running_server(home) as (pid, port):
        for number in range(1, ASKED + 1):
            body = json.dumps({"question": questions[number % len(questions)]}).encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/ask", body, headers={"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request).read()
            if number % 100 == 0:
                print(f"{number:5} questions  {resident_megabytes(pid):7.1f} MB", flush=True)


if __name__ == "__main__":
    main()
