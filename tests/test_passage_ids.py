"""A passage id from before a change resolves, or says that its source changed."""

import shutil
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from api import create_app
from assistant.config import Settings
from assistant.errors import NotIndexed, PassageRetired
from assistant.indexing import index_paths
from assistant.service import LectureAssistant
from assistant.store import current_generation


@pytest.fixture
def lectures(tmp_path: Path) -> Path:
    folder = tmp_path / "lectures"
    folder.mkdir()
    (folder / "boats.txt").write_text("Boats float on water. A boat has a sail.")
    (folder / "cats.txt").write_text("Cats sleep all day. Do cats dream? They do.")
    return folder


@pytest.fixture
def settings(indexed_home: Path, tmp_path: Path, lectures: Path) -> Settings:
    """Two lectures, indexed by the real model."""
    settings = Settings(home=tmp_path / "home")
    settings.home.mkdir()
    shutil.copytree(indexed_home / "models", settings.home / "models")
    run(settings, lectures)
    return settings


def run(settings: Settings, path: Path) -> None:
    index_paths([path], settings, lambda *_: None)


def test_a_passage_is_the_citation_that_search_gave(settings: Settings) -> None:
    assistant = LectureAssistant(settings)
    (found, *_) = assistant.search("What do boats have?").results
    again = assistant.passage(found.passage_id)
    assert (again.quote, again.lecture_id) == ("Boats float on water. A boat has a sail.", "boats")
    assert (again.char_start, again.char_end, again.line_start) == (0, 40, 1)
    with pytest.raises(NotIndexed, match="there is no passage 'nothing', and there was none") as unknown:
        assistant.passage("nothing")
    assert not isinstance(unknown.value, PassageRetired)


def test_after_a_change_old_ids_say_so_and_the_others_resolve(settings: Settings, lectures: Path) -> None:
    assistant = LectureAssistant(settings)
    ids = {item.lecture_id: item.passage_id for item in assistant.search("boats and cats").results}
    (lectures / "boats.txt").write_text("Boats sink.")
    (lectures / "dogs.txt").write_text("Dogs bark.")
    run(settings, lectures)
    assert assistant.passage(ids["cats"]).quote.startswith("Cats sleep")
    with pytest.raises(PassageRetired, match=r"its lecture 'boats' has changed \(20\d\d-\d\d-\d\dT"):
        assistant.passage(ids["boats"])
    (lectures / "boats.txt").rename(lectures / "ships.txt")
    (lectures / "cats.txt").unlink()
    run(settings, lectures)
    for name, was in (("boats", "was removed"), ("cats", "was removed")):
        with pytest.raises(PassageRetired, match=f"its lecture '{name}' {was}"):
            assistant.passage(ids[name])
    (lectures / "cats.txt").write_text("Cats sleep all day. Do cats dream? They do.")
    run(settings, lectures)
    assert assistant.passage(ids["cats"]).quote.startswith("Cats sleep")  # it is what it was


def test_what_is_removed_is_in_no_file_of_the_index(settings: Settings, lectures: Path) -> None:
    def files_with(words: bytes) -> list[str]:
        files = (path for path in (settings.home / "generations").rglob("*") if path.is_file())
        return [path.name for path in files if words in path.read_bytes()]

    assert files_with(b"float on water") == ["catalog.sqlite"]
    (lectures / "boats.txt").unlink()
    run(settings, lectures)
    assert files_with(b"float on water") == files_with(b"has a sail") == []
    catalog = current_generation(settings.home) / "catalog.sqlite"
    assert b"Cats sleep" in catalog.read_bytes()


def test_the_route_tells_a_passage_from_one_that_is_gone_or_never_was(
    settings: Settings, lectures: Path
) -> None:
    with TestClient(create_app(settings)) as client:
        while client.get("/readyz").status_code != 200:
            pass
        found = client.get("/v1/search", params={"q": "boats"}).json()["results"][0]
        answer = client.get(f"/v1/passages/{found['passage_id']}")
        assert answer.status_code == 200
        assert answer.json()["quote"] == found["quote"]
        assert answer.json().keys() == found.keys()
        assert problem(client.get("/v1/passages/nothing"), 404)["type"].endswith(":not-indexed")
        problem(client.get(f"/v1/passages/{'x' * 101}"), 422)
        (lectures / "boats.txt").write_text("Boats sink.")
        run(settings, lectures)
        gone = problem(client.get(f"/v1/passages/{found['passage_id']}"), 410)
        assert gone["type"].endswith(":gone")
        assert "its lecture 'boats' has changed" in gone["detail"]


def problem(response: httpx.Response, status: int) -> dict[str, str]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    return dict(response.json())
