"""What several test files share: the data beside the project and one index made by the real model."""

from pathlib import Path

import pytest

from assistant.config import Settings
from assistant.indexing import index_paths
from corpus import shipped_lectures

SHARED = Path(__file__).parents[2] / "shared"


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
