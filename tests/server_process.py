"""``assistant serve`` in a process of its own, for the tests that ask a real server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

ServerStart = Callable[..., AbstractContextManager[httpx.Client]]
"""``running_server``, as the fixture ``start_server`` hands it out."""


@contextmanager
def running_server(
    home: Path, *arguments: str, log: Path | None = None, notes: Path | None = None, **environment: str
) -> Iterator[httpx.Client]:
    """``assistant serve`` in a process of its own, ready to be asked; stopped at the end.

    What it logs goes to the file ``log``, what it says on standard error to ``notes``.
    """
    output = (log or Path(os.devnull)).open("w", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "--home", str(home), "serve", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        stdout=output,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    said = ""
    try:
        for line in process.stderr:
            said += line
            if "serving on" in line:
                base = line.split("serving on ")[1].split()[0]
                break
        else:
            pytest.fail("the server did not start")
        told = {"x-server-pid": str(process.pid)}  # for a test that sends it a signal
        with httpx.Client(base_url=base, headers=told, timeout=30) as client:
            while client.get("/readyz").status_code != 200:
                pass
            yield client
    finally:
        process.terminate()
        said += process.stderr.read()
        process.stderr.close()
        if notes is not None:
            notes.write_text(said, encoding="utf-8")
        output.close()
        assert process.wait(timeout=20) in (0, -15, 143)
