import errno
import shutil
from pathlib import Path

import pytest

from assistant.building import GenerationBuilder
from assistant.checking import repair_home, verify_home
from assistant.config import Settings
from assistant.errors import HomeUnusable, IndexDamaged, IndexMissing
from assistant.indexing import index_paths
from assistant.manifest import read_manifest
from assistant.onnx_export import exported_folder
from assistant.store import current_generation, open_current


@pytest.fixture
def home(indexed_home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(indexed_home, tmp_path / "home")


@pytest.fixture
def library(indexed_home: Path, tmp_path: Path) -> Settings:
    """Three short lectures, embedded by the real model."""
    settings = Settings(home=tmp_path / "library")
    settings.home.mkdir()
    shutil.copytree(indexed_home / "models", settings.home / "models")
    (tmp_path / "lectures").mkdir()
    for name, text in (
        ("apples", "Apples are red. They grow on trees."),
        ("boats", "Boats float on water. A boat has a sail."),
        ("cats", "Cats sleep all day. Do cats dream? They do."),
    ):
        (tmp_path / "lectures" / f"{name}.txt").write_text(text)
    index_paths([tmp_path / "lectures"], settings, quiet)
    return settings


def encoder_of(home: Path) -> Path:
    return exported_folder(home, read_manifest(current_generation(home)).model_sha256)


def flip(path: Path) -> None:
    """Invert the byte in the middle of a file; twice is as it was."""
    middle = path.stat().st_size // 2
    with path.open("r+b") as file:
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 0xFF]))


def quiet(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def test_a_whole_index_has_no_fault(home: Path) -> None:
    assert verify_home(home) == []


def test_without_an_index_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        verify_home(tmp_path)


def test_a_flipped_byte_is_found_in_every_file_of_the_generation(home: Path) -> None:
    folder = current_generation(home)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    kinds = {"manifest.json", "catalog.sqlite", "passages.faiss", "tokens.npy", "meta.json"}
    assert kinds <= {path.name for path in files}
    for path in files:
        flip(path)
        (fault,) = verify_home(home)
        assert fault.startswith(f"{path}: ")
        flip(path)
    assert verify_home(home) == []


def test_a_missing_file_is_found_in_every_place(home: Path) -> None:
    folder = current_generation(home)
    for name in read_manifest(folder).files:
        aside = (folder / name).rename(home / "aside")
        assert verify_home(home) == [f"{folder / name}: is missing; run `assistant repair`"]
        aside.rename(folder / name)


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.weights", "tokenizer.json", "encoder.json"])
def test_a_flipped_byte_of_the_encoder_is_found(home: Path, name: str) -> None:
    path = encoder_of(home) / name
    flip(path)
    assert verify_home(home) == [f"{path}: was altered; run `assistant repair`"]


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.weights", "encoder.json", "tokenizer.json"])
def test_a_missing_file_of_the_encoder_is_found(home: Path, name: str) -> None:
    (encoder_of(home) / name).unlink()
    (fault,) = verify_home(home)
    assert fault.startswith(f"{encoder_of(home)}: holds no whole encoder")
    assert fault.endswith("run `assistant repair`")


def test_every_fault_is_listed(home: Path) -> None:
    folder = current_generation(home)
    damaged = [folder / "passages.faiss", folder / "tokens.npy", encoder_of(home) / "encoder.onnx"]
    for path in damaged:
        flip(path)
    assert [fault.partition(": ")[0] for fault in verify_home(home)] == [str(path) for path in damaged]


def test_garbage_in_current_is_a_fault(home: Path) -> None:
    (home / "CURRENT").write_text("nonsense")
    (fault,) = verify_home(home)
    assert fault.startswith(f"{home / 'CURRENT'}: names b'nonsense'")


def test_repair_builds_vectors_and_encoder_again(home: Path, indexed_home: Path) -> None:
    folder = current_generation(home)
    encoder = encoder_of(home)
    flip(folder / "passages.faiss")
    (folder / "lexical" / "meta.json").unlink()
    flip(encoder / "encoder.onnx")
    (home / "models" / ".DS_Store").write_bytes(b"not ours")
    (home / "models" / "my-model").mkdir()
    (home / "generations" / "2 copy").mkdir()
    report = repair_home(Settings(home=home), quiet)
    assert report.done == (
        f"removed the damaged encoder {encoder}; it is exported again",
        f"built the index again from {folder / 'catalog.sqlite'}: 1 lecture",
    )
    assert report.lost == ()
    assert sorted(path.name for path in (home / "models").iterdir()) == [
        ".DS_Store",
        encoder.name,
        "my-model",
    ]
    assert verify_home(home) == []
    repaired = open_current(home)
    whole = open_current(indexed_home)
    assert repaired.catalog.lectures() == whole.catalog.lectures()
    assert repaired.manifest.lectures == whole.manifest.lectures
    questions = whole.vectors.vectors(0, whole.vectors.rows)
    for row, question in enumerate(questions):  # each passage is again nearest to its own old vector
        (found, cosine), *_ = repaired.vectors.search(question, 1)
        assert found == row
        assert cosine == pytest.approx(1, abs=1e-5)


def test_a_repair_that_fails_leaves_the_damaged_encoder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    damaged = encoder_of(home) / "encoder.onnx"
    flip(damaged)
    before = damaged.read_bytes()
    left_behind = damaged.parent.with_name(f".{damaged.parent.name}-damaged")  # by a repair that was killed
    shutil.copytree(damaged.parent, left_behind)
    monkeypatch.setattr(GenerationBuilder, "build", fails)
    with pytest.raises(HomeUnusable, match="the disk is full"):
        repair_home(Settings(home=home), quiet)
    assert [path.name for path in (home / "models").iterdir()] == [encoder_of(home).name]
    assert damaged.read_bytes() == before


def test_repair_embeds_nothing_where_the_vectors_are_whole(home: Path) -> None:
    (current_generation(home) / "lexical" / "meta.json").unlink()
    stages: list[str] = []
    repair_home(Settings(home=home), lambda what, *_: stages.append(what))
    assert set(stages) == {"splitting", "writing"}
    assert verify_home(home) == []


@pytest.mark.parametrize("damage", ["catalog.sqlite", "manifest.json", "../../CURRENT"])
def test_repair_saves_every_lecture_with_whole_rows(library: Settings, damage: str) -> None:
    """A flip in the middle of the catalogue is in some row; where no row has it nothing is lost."""
    before = open_current(library.home).catalog.lectures()
    flip(current_generation(library.home) / damage)
    for lecture in before:
        Path(lecture.source).unlink()
    report = repair_home(library, quiet)
    after = open_current(library.home).catalog.lectures()
    assert len(after) + len(report.lost) == len(before)
    assert len(report.lost) <= 1
    assert [lecture for lecture in before if lecture in after] == after
    assert verify_home(library.home) == []


def test_repair_reads_a_lecture_again_whose_rows_are_lost_and_else_says_so(library: Settings) -> None:
    path = current_generation(library.home) / "catalog.sqlite"
    content = path.read_bytes()
    assert content.count(b"Boats float on water") == 1
    path.write_bytes(content.replace(b"Boats float on water", b"Boats float in water"))
    report = repair_home(library, quiet)
    assert report.done[0] == "read again from their files: boats"
    catalog = open_current(library.home).catalog
    assert catalog.lecture_ids() == ["apples", "boats", "cats"]
    assert "float on" in catalog.lecture("boats").transcript
    path = current_generation(library.home) / "catalog.sqlite"
    path.write_bytes(path.read_bytes().replace(b"Boats float on water", b"Boats float in water"))
    source = Path(catalog.header("boats").source)
    source.unlink()
    (lost,) = repair_home(library, quiet).lost
    assert lost.startswith("lecture 'boats': its rows in ")
    assert lost.endswith(f"are damaged and {source} cannot be read; index it again")
    assert open_current(library.home).catalog.lecture_ids() == ["apples", "cats"]


def test_repair_takes_what_a_reader_still_holds(library: Settings, tmp_path: Path) -> None:
    reader = open_current(library.home)
    source = Path(reader.catalog.header("apples").source)
    (source.parent / "dogs.txt").write_text("Dogs bark.")
    index_paths([source.parent], library, quiet)
    path = current_generation(library.home) / "catalog.sqlite"
    path.write_bytes(path.read_bytes().replace(b"Boats float on water", b"Boats float in water"))
    source.with_name("boats.txt").unlink()
    report = repair_home(library, quiet)
    assert report.lost == ()
    assert open_current(library.home).catalog.lecture_ids() == ["apples", "boats", "cats", "dogs"]
    assert reader.catalog.lecture("boats").transcript.startswith("Boats float on water")


def test_without_anything_whole_the_fix_is_to_index_again(home: Path) -> None:
    path = current_generation(home) / "catalog.sqlite"
    path.write_bytes(b"\0" * path.stat().st_size)
    source = Path(read_manifest(current_generation(home)).lectures[0].source)
    assert source.is_file()  # the lecture that ships
    assert repair_home(Settings(home=home), quiet).done[0] == "read again from their files: docker-on-aws"
    for name in ("catalog.sqlite", "manifest.json"):
        path = current_generation(home) / name
        path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(
        IndexDamaged, match="no catalogue of any generation can be read; index the transcripts"
    ):
        repair_home(Settings(home=home), quiet)
    assert current_generation(home).name == "2"
