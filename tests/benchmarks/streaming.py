"""First byte of a streamed answer against the whole answer unstreamed, from a warm server.

    python tests/benchmarks/streaming.py

Asks every question of the first lecture both ways, in turn, and prints medians and their ratio.
"""

import http.client
import json
import statistics
import tempfile
import time

from serving import first_lecture_questions, running_server

ROUNDS = 5


def milliseconds(connection: http.client.HTTPConnection, question: str, accept: str) -> tuple[float, float]:
    """Until the first bytes of the body and until its last."""
    body = json.dumps({"question": question})
    started = time.perf_counter()
    connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json", "Accept": accept})
    response = connection.getresponse()
    response.read1(65_536)
    first = time.perf_counter()
    response.read()
    return (first - started) * 1000, (time.perf_counter() - started) * 1000


def main() -> None:
    """Ask and print."""
    questions = first_lecture_questions()
    with tempfile.TemporaryDirectory() as home, running_server(home) as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        first, streamed, whole = [], [], []
        for number in range(ROUNDS + 1):
            for question in questions:
                began, ended = milliseconds(connection, question, "text/event-stream")
                _, unstreamed = milliseconds(connection, question, "application/json")
                if number:  # the first round warms up
                    first.append(began)
                    streamed.append(ended)
                    whole.append(unstreamed)
    print(f"{len(first)} questions each way, medians")
    print(f"first event of a stream {statistics.median(first):6.2f} ms")
    print(f"whole stream            {statistics.median(streamed):6.2f} ms")
    print(f"whole answer, no stream {statistics.median(whole):6.2f} ms")
    print(f"first event / answer    {statistics.median(first) / statistics.median(whole):6.3f}")


if __name__ == "__main__":
    main()
