"""``data/format-1.zip`` is an index of four lectures that the last version with format 1 wrote, by the
encoder of ``small_index``."""

import shutil
from pathlib import Path

import pytest
from server_process import ServerStart
from small_index import WordEncoder

from assistant.checking import repair_home
from assistant.config import Settings
from assistant.errors import IndexDamaged, IndexOutdated
from assistant.manifest import manifest_record, read_manifest
from assistant.migration import upgrade_home
from assistant.onnx_export import exported_folder
from assistant.salvage import salvage
from assistant.service import LectureAssistant
from assistant.store import current_generation, open_current

DATA = Path(__file__).parent / "data"
TEXTS = {
    "apples": "Apples are red. They grow on trees.",
    "boats": "Boats float on water. A boat has a sail.",
    "cats": "Cats sleep all day. Do cats dream? They do.",
    "tides": (
        "The moon pulls the sea, and the tide rises. Why twice a day? "
        "Because the earth turns under two bulges."
    ),
}


@pytest.fixture
def old_home(tmp_path: Path) -> Path:
    shutil.unpack_archive(DATA / "format-1.zip", tmp_path / "home")
    assert (tmp_path / "home" / "CURRENT").read_bytes() == b"1\n"
    return tmp_path / "home"


def test_asking_an_index_of_format_1_upgrades_it(old_home: Path) -> None:
    old = (old_home / "generations/1/tokens.npy").read_bytes()
    assistant = LectureAssistant(Settings(home=old_home), WordEncoder())
    (found, *_) = assistant.search("Why does the tide rise?").results
    assert (found.lecture_id, found.quote) == ("tides", TEXTS["tides"])
    assert (found.line_start, found.line_end, found.start_ms, found.end_ms) == (3, 11, 1000, 11000)
    assert [path.name for path in (old_home / "generations").iterdir()] == ["2"]
    generation = open_current(old_home)
    assert generation.manifest.format_version == 2
    assert {x.lecture_id: x.transcript for x in generation.catalog.lectures()} == TEXTS
    assert (generation.folder / "tokens.npy").read_bytes() == old
    # "Boats float on water." and "A boat has a sail.": rows of 4 and 5 words after the 7 of the apples.
    rows = [(s.token_start, s.token_end) for s in generation.catalog.sentences("boats")]
    assert rows == [(7, 11), (11, 16)]
    assert assistant.passage(found.passage_id).quote == found.quote


def test_a_server_over_an_index_of_format_1_upgrades_it_and_gets_ready(
    old_home: Path, indexed_home: Path, start_server: ServerStart
) -> None:
    # The stored index has an encoder of its own, but only questions are encoded, and none is asked here.
    (encoder,) = (indexed_home / "models").iterdir()
    model_sha256 = manifest_record(old_home / "generations/1")["model_sha256"]
    shutil.copytree(encoder, exported_folder(old_home, model_sha256))
    with start_server(old_home) as client:
        shown = client.get("/v1/lectures").json()["lectures"]
    assert [lecture["lecture_id"] for lecture in shown] == list(TEXTS)
    assert open_current(old_home).manifest.format_version == 2


def test_an_upgrade_is_done_once(old_home: Path) -> None:
    assert upgrade_home(old_home) is True
    assert upgrade_home(old_home) is False
    assert current_generation(old_home).name == "2"


def test_opening_the_files_of_format_1_says_how_to_upgrade(old_home: Path) -> None:
    with pytest.raises(IndexOutdated, match=r"format version 1, this program reads 2; upgrade it .*`assist"):
        open_current(old_home)


def test_a_format_1_index_with_an_altered_file_is_no_upgrade_but_can_be_saved(old_home: Path) -> None:
    path = old_home / "generations/1/tokens.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    with pytest.raises(IndexDamaged, match=r"tokens\.npy: was altered; run `assistant repair`"):
        upgrade_home(old_home)
    saved = salvage(old_home)
    assert {lecture.lecture_id: lecture.transcript for lecture in saved.lectures} == TEXTS


def test_repair_makes_the_present_format_of_it(old_home: Path, indexed_home: Path) -> None:
    shutil.copytree(indexed_home / "models", old_home / "models")
    report = repair_home(Settings(home=old_home), lambda *_: None)
    assert report.done[0] == "upgraded the index to the present format"
    assert read_manifest(current_generation(old_home)).encoder_sha256
