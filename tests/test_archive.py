import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.archive import export_archive, import_archive
from assistant.checking import verify_home
from assistant.config import Settings
from assistant.errors import ArchiveInvalid, HomeUnusable, IndexDamaged, IndexMissing, IndexTooNew
from assistant.indexing import index_paths
from assistant.manifest import file_records, read_manifest, write_manifest
from assistant.service import LectureAssistant
from assistant.store import current_generation, open_current

Entries = dict[str, bytes]


@pytest.fixture(scope="session")
def archive(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the shipped lecture with its encoder. Read it only."""
    path = tmp_path_factory.mktemp("archive") / "index.zip"
    export_archive(indexed_home, path)
    return path


@pytest.fixture(scope="session")
def small(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Entries:
    """Its entries but for the encoder's graph, which is long: to be altered."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith(".onnx")}


def write(
    path: Path, entries: Entries, *, listed: bool = True, compression: int = zipfile.ZIP_STORED
) -> Path:
    """An archive of ``entries`` whose list is true of them."""
    if listed:
        files = {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in entries.items()
            if name != "contents.json"
        }
        entries = {"contents.json": json.dumps({"archive_version": 1, "files": files}).encode()} | {
            name: content for name, content in entries.items() if name != "contents.json"
        }
    with zipfile.ZipFile(path, "w", compression) as opened:
        for name, content in entries.items():
            opened.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_index_moves_to_another_home(archive: Path, indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    contents = import_archive(home, archive)
    assert (contents.lectures, contents.size) == (1, archive.stat().st_size)
    assert verify_home(home) == []
    question = "What is Docker?"
    here, there = (LectureAssistant(Settings(home=h)).ask(question) for h in (home, indexed_home))
    assert here.citations == there.citations
    assert everything(home / "models") == everything(indexed_home / "models")


def test_exporting_twice_gives_the_same_bytes(archive: Path, indexed_home: Path, tmp_path: Path) -> None:
    export_archive(indexed_home, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_the_commands_say_what_was_moved(indexed_home: Path, tmp_path: Path) -> None:
    def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "assistant", "--home", str(home), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    file = str(tmp_path / "index.zip")
    exported = run(indexed_home, "export", file)
    assert (exported.returncode, exported.stdout[:22]) == (0, "exported 1 lecture, 14")
    imported = run(tmp_path / "home", "import", file)
    assert imported.stdout.startswith("imported 1 lecture, 14 passages, ")
    nothing = run(tmp_path / "home", "import", str(tmp_path / "nothing.zip"))
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert nothing.stderr == f"error: {tmp_path / 'nothing.zip'}: no such file\n"


def test_lectures_that_the_archive_lacks_are_lost_only_if_that_is_meant(
    archive: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    import_archive(home, archive)
    (tmp_path / "cats.txt").write_text("Cats sleep all day.")
    index_paths([tmp_path / "cats.txt"], Settings(home=home), lambda *_: None)
    before = everything(home)
    with pytest.raises(
        ArchiveInvalid, match=r"does not hold cats, which .*import with --replace to lose them"
    ):
        import_archive(home, archive)
    assert everything(home) == before
    import_archive(home, archive, replace=True)
    assert open_current(home).catalog.lecture_ids() == ["docker-on-aws"]
    assert verify_home(home) == []


def test_a_damaged_index_is_not_exported(indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    path = current_generation(home) / "tokens.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(IndexDamaged, match=r"tokens\.npy: was altered"):
        export_archive(home, tmp_path / "index.zip")
    assert not (tmp_path / "index.zip").exists()
    with pytest.raises(IndexMissing):
        export_archive(tmp_path / "nowhere", tmp_path / "index.zip")
    with pytest.raises(HomeUnusable, match="cannot be written"):
        export_archive(indexed_home, tmp_path / "no" / "index.zip")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_cut_archive_changes_nothing(archive: Path, tmp_path: Path, share: float) -> None:
    content = archive.read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArchiveInvalid, match=r"cut\.zip: "):
        import_archive(tmp_path / "home", tmp_path / "cut.zip")
    assert not (tmp_path / "home" / "CURRENT").exists()


@pytest.mark.parametrize(
    "name", ["generation/tokens.npy", "generation/manifest.json", "encoder/tokenizer.json"]
)
def test_an_altered_byte_is_found(small: Entries, tmp_path: Path, name: str) -> None:
    altered = small[name][:-1] + bytes([small[name][-1] ^ 1])
    write(tmp_path / "listed.zip", small | {name: altered})
    with pytest.raises(ArchiveInvalid, match=r"listed\.zip: does not hold a whole index"):
        import_archive(tmp_path / "home", tmp_path / "listed.zip")
    write(tmp_path / "unlisted.zip", small | {name: altered}, listed=False)
    with pytest.raises(ArchiveInvalid, match=r"unlisted\.zip: "):
        import_archive(tmp_path / "home", tmp_path / "unlisted.zip")


@pytest.mark.parametrize(
    "changes",
    [
        {"model_sha256": "../../victim"},
        {"model_sha256": 7},
        {"encoder_sha256": "x"},
        {"dimension": 0},
        {"files": []},
        {"files": {"/dev/zero": {"size": 0, "sha256": "0" * 64}}},
        {"files": {"../x": {"size": 0, "sha256": "0" * 64}}},
    ],
)
def test_a_manifest_that_names_other_places_is_refused(
    small: Entries, tmp_path: Path, changes: dict[str, object]
) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "thesis.txt").write_text("precious")
    record = json.loads(small["generation/manifest.json"]) | changes
    del record["sha256"]
    record["sha256"] = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    manifest = {"generation/manifest.json": json.dumps(record).encode()}
    write(tmp_path / "made.zip", small | manifest)
    with pytest.raises(ArchiveInvalid, match="not a manifest"):
        import_archive(tmp_path / "home", tmp_path / "made.zip")
    assert (tmp_path / "victim" / "thesis.txt").read_text() == "precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_what_is_no_file_is_neither_replaced_nor_read(indexed_home: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(HomeUnusable, match="is no file and is not replaced"):
        export_archive(indexed_home, pipe)
    with pytest.raises(ArchiveInvalid, match="is no file; copy the archive to one"):
        import_archive(tmp_path / "home", pipe)
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/outside",
        "generation/../../outside",
        "generation/../CURRENT",
        "generation/lexical/../../../outside",
        "generation\\..\\outside",
        "generation/C:outside",
        "generation/..",
        "generation/.",
        "generation/",
        "CURRENT",
        "models/outside",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(small: Entries, tmp_path: Path, name: str) -> None:
    write(tmp_path / "hostile.zip", small | {name: b"anything"})
    before = everything(tmp_path)
    with pytest.raises(ArchiveInvalid):
        import_archive(tmp_path / "home", tmp_path / "hostile.zip")
    assert [path for path in everything(tmp_path) if not path.startswith("home")] == before
    assert not list((tmp_path / "home").rglob("outside"))


def twice(path: Path, small: Entries) -> None:
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(write(path, small), "a") as opened,
    ):
        opened.writestr("generation/tokens.npy", b"another")


def symbolic_link(path: Path, small: Entries) -> None:
    write(path, {k: v for k, v in small.items() if k != "generation/tokens.npy"})
    with zipfile.ZipFile(path, "a") as opened:
        link = zipfile.ZipInfo("generation/tokens.npy")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (twice, "has other entries than contents.json lists"),
        (symbolic_link, "has other entries than contents.json lists"),
        (lambda p, s: write(p, s, compression=zipfile.ZIP_DEFLATED), "has a compressed or encrypted entry"),
        (lambda p, s: write(p, s | {"generation/more": b"x"}), "more is not in its manifest"),
        (lambda p, s: write(p, s | {"generation/lexical/more": b"x"}), "lexical/more is not in its manifest"),
        (lambda p, s: write(p, {"a.txt": b"a"}, listed=False), "does not begin with contents.json"),
        (lambda p, s: write(p, {}, listed=False), "does not begin with contents.json"),
        (lambda p, s: write(p, {"contents.json": b"[" * 100_000}, listed=False), "cannot be read"),
        (lambda p, s: write(p, {"contents.json": b'{"archive_version": 1}'}, listed=False), "cannot be read"),
        (lambda p, s: write(p, {"encoder/encoder.json": b"{}"}), "has no manifest"),
        (lambda p, s: write(p, {"generation/manifest.json": b"{}"}), "does not hold a whole index"),
        (lambda p, s: p.write_bytes(b"no archive"), "not a whole archive"),
        (lambda p, s: p.mkdir(), "is a folder"),
    ],
)
def test_what_is_no_archive_of_ours_is_refused(
    small: Entries, tmp_path: Path, make: Callable[[Path, Entries], object], reason: str
) -> None:
    make(tmp_path / "hostile.zip", small)
    with pytest.raises(ArchiveInvalid) as refused:
        import_archive(tmp_path / "home", tmp_path / "hostile.zip")
    assert reason in str(refused.value)
    assert not (tmp_path / "home" / "CURRENT").exists()


def test_an_archive_of_a_later_version_is_refused(small: Entries, tmp_path: Path) -> None:
    later = small | {"contents.json": b'{"archive_version": 2, "files": {}}'}
    with pytest.raises(IndexTooNew, match="archive version 2, this program reads 1; upgrade it"):
        import_archive(tmp_path / "home", write(tmp_path / "later.zip", later, listed=False))


def test_a_catalogue_with_a_trigger_in_it_is_refused(
    archive: Path, indexed_home: Path, tmp_path: Path
) -> None:
    """All checksums are right here: whoever makes an archive can see to that."""
    folder = tmp_path / "made"
    shutil.copytree(current_generation(indexed_home), folder)
    with sqlite3.connect(folder / "catalog.sqlite") as connection:
        connection.execute("CREATE VIEW more AS SELECT 1")
    connection.close()
    manifest = replace(read_manifest(folder), encoder_sha256="", files=file_records(folder))
    write_manifest(folder, manifest)
    names = ["manifest.json", *manifest.files]
    write(tmp_path / "made.zip", {f"generation/{name}": (folder / name).read_bytes() for name in names})
    with pytest.raises(ArchiveInvalid, match="has other tables than a catalogue"):
        import_archive(tmp_path / "home", tmp_path / "made.zip")


def test_import_keeps_the_encoder_that_is_here(small: Entries, indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(indexed_home / "models", home / "models")
    own = {path.name: path.stat().st_ino for path in (home / "models").rglob("*")}
    export_archive(indexed_home, tmp_path / "index.zip")
    import_archive(home, tmp_path / "index.zip")
    assert {path.name: path.stat().st_ino for path in (home / "models").rglob("*")} == own
    assert verify_home(home) == []
