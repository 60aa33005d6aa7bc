import shutil
from pathlib import Path

import pytest

from assistant.checking import repair_home, verify_home
from assistant.config import Settings
from assistant.errors import IndexDamaged, IndexMissing
from assistant.onnx_export import exported_folder
from assistant.store import current_generation, new_generation, open_generation, publish, read_manifest


@pytest.fixture
def home(indexed_home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(indexed_home, tmp_path / "home")


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
        assert verify_home(home) == [f"{folder / name}: is missing"]
        aside.rename(folder / name)


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json"])
def test_a_flipped_byte_of_the_encoder_is_found(home: Path, name: str) -> None:
    path = encoder_of(home) / name
    flip(path)
    assert verify_home(home) == [f"{path}: was altered; run `assistant repair`"]


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.json", "tokenizer.json"])
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
    assert fault.startswith(f"{home / 'CURRENT'}: names 'nonsense'")


def test_repair_builds_vectors_and_encoder_again(home: Path, indexed_home: Path) -> None:
    folder = current_generation(home)
    encoder = encoder_of(home)
    flip(folder / "passages.faiss")
    (folder / "lexical" / "meta.json").unlink()
    flip(encoder / "encoder.onnx")
    (home / "models" / ".DS_Store").write_bytes(b"not ours")
    (home / "generations" / "2 copy").mkdir()
    done = repair_home(Settings(home=home), quiet)
    assert done == [
        f"removed the damaged encoder {encoder}; it is exported again",
        f"built the index again from {folder / 'catalog.sqlite'}: 1 lectures",
    ]
    assert verify_home(home) == []
    repaired = open_generation(current_generation(home))
    whole = open_generation(current_generation(indexed_home))
    assert repaired.catalog.lectures() == whole.catalog.lectures()
    assert repaired.manifest.lectures == whole.manifest.lectures
    questions = whole.vectors.vectors(0, whole.vectors.rows)
    for row, question in enumerate(questions):  # each passage is again nearest to its own old vector
        (found, cosine), *_ = repaired.vectors.search(question, 1)
        assert found == row
        assert cosine == pytest.approx(1, abs=1e-5)


def test_repair_takes_the_generation_before_where_the_catalogue_is_lost(home: Path) -> None:
    old = current_generation(home)
    with new_generation(home) as aside:
        shutil.copytree(old, aside, dirs_exist_ok=True)
        publish(home, aside, read_manifest(old))
    flip(current_generation(home) / "catalog.sqlite")
    done = repair_home(Settings(home=home), quiet)
    assert done == [f"built the index again from {old / 'catalog.sqlite'}: 1 lectures"]
    assert current_generation(home).name == "3"
    assert verify_home(home) == []


def test_repair_finds_the_catalogue_without_current(home: Path) -> None:
    old = current_generation(home)
    (home / "CURRENT").write_bytes(b"\xff")
    done = repair_home(Settings(home=home), quiet)
    assert done == [f"built the index again from {old / 'catalog.sqlite'}: 1 lectures"]
    assert verify_home(home) == []


@pytest.mark.parametrize("name", ["catalog.sqlite", "manifest.json"])
def test_without_a_whole_catalogue_the_fix_is_to_index_again(home: Path, name: str) -> None:
    flip(current_generation(home) / name)
    with pytest.raises(IndexDamaged, match="no catalogue of any generation is whole; index the transcripts"):
        repair_home(Settings(home=home), quiet)
    assert (home / "CURRENT").read_text() == "1\n"
