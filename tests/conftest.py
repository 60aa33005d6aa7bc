"""What several test files share: the data beside the project and one index made by the real model."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from server_process import ServerStart, running_server
from small_index import TEXTS

from assistant.config import Settings
from assistant.evaluation_run import EvaluationRun, run_evaluation
from assistant.indexing import index_paths
from corpus import shipped_lectures

FIRST_LECTURE_QUESTIONS = Path(__file__).parent / "data" / "first-lecture-questions.jsonl"
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let the processes that tests start be interrupted.

    A shell lets what it starts in the background ignore SIGINT, and all its children inherit that: then an
    interrupt is lost until a program takes the signal itself.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of evaluation data beside the project; it is not part of it."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def indexed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the shipped lecture, indexed by the real model. Read it or copy it, never write it."""
    home = tmp_path_factory.mktemp("indexed") / "home"
    index_paths([shipped_lectures()], Settings(home=home), lambda *_: None)
    return home


@pytest.fixture(scope="session")
def start_server() -> ServerStart:
    """Call it with a home, arguments of ``serve`` and variables: a context with a client in it."""
    return running_server


@pytest.fixture(scope="session")
def server(indexed_home: Path, start_server: ServerStart) -> Iterator[httpx.Client]:
    """A server over ``indexed_home`` with no keys and no settings; it answers and is never written to."""
    with start_server(indexed_home) as client:
        yield client


@pytest.fixture(scope="session")
def first_lecture_run(indexed_home: Path) -> EvaluationRun:
    """Every system asked the 60 questions on the first lecture."""
    return run_evaluation(
        Settings(home=indexed_home),
        FIRST_LECTURE_QUESTIONS,
        corpus_file=None,
        lectures_path=None,
        in_document=False,
        splits=(),
        progress=lambda *_: None,
    )


@pytest.fixture
def lectures(tmp_path: Path) -> Path:
    """A folder with the lectures of ``small_index``."""
    folder = tmp_path / "lectures"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a home where there is nothing yet."""
    return Settings(home=tmp_path / "home")
