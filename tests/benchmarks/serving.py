"""A server over the shipped lecture, for the benchmarks beside this file."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["running_server"]


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
