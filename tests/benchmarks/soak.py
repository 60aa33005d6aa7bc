"""1,000 requests by 32 clients, one in twenty leaving in the middle of its stream: what stays behind?

    python tests/benchmarks/soak.py

Prints memory, open files, threads, running requests and tasks of the server after 200 requests that warm it
up and after each of three rounds of 1,000: what leaks grows with every one. Reads /proc, so it runs on Linux.
"""

import http.client
import json
import random
import socket
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

from serving import first_lecture_questions, resident_megabytes, running_server

REQUESTS, ROUNDS, CLIENTS, ABORTED, WARMING = 1000, 3, 32, 0.05, 200
CONTENT = {"Content-Type": "application/json"}


def observed(pid: int, port: int) -> dict[str, float]:
    """What the server holds; ``tasks`` are requests being answered, beside the one that asks."""
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    running = next(line for line in metrics.splitlines() if line.startswith("assistant_requests_running "))
    tasks = next(line for line in metrics.splitlines() if line.startswith("assistant_asyncio_tasks "))
    return {
        "RSS, MB": resident_megabytes(pid),
        "open files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
        "requests running": float(running.split()[1]) - 1,
        "asyncio tasks": float(tasks.split()[1]),
    }


def ask(port: int, question: str, chance: random.Random) -> str:
    """One request: streamed, whole or a chat, or a stream that is left; what became of it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    leaves = chance.random() < ABORTED
    kind = "stream" if leaves else chance.choice(["stream", "whole", "chat"])
    accept = {"Accept": "text/event-stream"} if kind == "stream" else {}
    path, body = "/v1/ask", {"question": question}
    if kind == "chat":
        messages = [{"role": "user", "content": question}]
        path, body = "/v1/chat/completions", {"model": "lectures", "messages": messages, "stream": True}
    connection.request("POST", path, json.dumps(body), CONTENT | accept)
    if leaves and chance.random() < 0.5:
        _leave(connection)
        return "left before the response"
    response = connection.getresponse()
    if leaves:
        response.read1(20)
        _leave(connection)
        return "left in the stream"
    text = response.read().decode()
    connection.close()
    whole = {"stream": "event: done", "whole": '"timing_ms"', "chat": "[DONE]"}[kind] in text
    return kind if response.status == 200 and whole else f"BROKEN {kind} {response.status}"


def _leave(connection: http.client.HTTPConnection) -> None:
    """Close as a browser's closed tab does, with what was not read yet thrown away."""
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.sock.close()
    connection.sock = None


def run(port: int, questions: list[str], requests: int, seed: int) -> Counter[str]:
    """Ask from all clients at once."""
    outcomes: Counter[str] = Counter()
    left = iter(range(requests))
    lock = threading.Lock()

    def client(number: int) -> None:
        chance = random.Random(seed * 1000 + number)  # noqa: S311  # which requests are made, no secret
        while True:
            with lock:
                if next(left, None) is None:
                    return
            outcome = ask(port, chance.choice(questions), chance)
            with lock:
                outcomes[outcome] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def main() -> None:
    """Ask and print."""
    questions = first_lecture_questions()
    with tempfile.TemporaryDirectory() as home, running_server(home) as (pid, port):
        run(port, questions, WARMING, seed=0)
        time.sleep(1)
        seen = [observed(pid, port)]
        for number in range(1, ROUNDS + 1):
            started = time.perf_counter()
            outcomes = run(port, questions, REQUESTS, seed=number)
            seconds = time.perf_counter() - started
            print(
                f"{REQUESTS} requests by {CLIENTS} clients in {seconds:.1f} s:",
                dict(sorted(outcomes.items())),
            )
            time.sleep(1)
            seen.append(observed(pid, port))
    for name in seen[0]:
        print(f"{name:18}", *(f"{values[name]:8.1f}" for values in seen))


if __name__ == "__main__":
    main()
