import errno
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.checking import repair_home
from assistant.config import Settings
from assistant.disk import home_errors
from assistant.errors import HomeUnusable, IndexDamaged, IndexMissing, IndexTooNew
from assistant.indexing import index_paths
from assistant.manifest import file_records, read_manifest, write_manifest
from assistant.model_files import file_sha256
from assistant.onnx_export import exported_folder
from assistant.products import token_products, unit_rows
from assistant.regions import Region
from assistant.service import LectureAssistant
from assistant.store import (
    current_generation,
    new_generation,
    open_current,
    open_generation,
    prune,
    publish,
    writing,
)
from assistant.vectors import VectorIndex
from corpus import find_sources, read_lecture, shipped_lectures

REPAIR = "run `assistant repair`"
REBUILD = f"{REPAIR}; if it can save nothing, index the transcripts again: `assistant index PATH...`"
KILLED_WRITER = """
import sys
from pathlib import Path
from assistant.store import new_generation, writing

home = Path(sys.argv[1])
with writing(home), new_generation(home) as aside:
    (aside / "passages.faiss").write_bytes(b"half of it")
    print(aside.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(indexed_home: Path, tmp_path: Path) -> Path:
    """A copy of an index, without the encoder."""
    shutil.copytree(indexed_home / "generations", tmp_path / "home" / "generations")
    shutil.copyfile(indexed_home / "CURRENT", tmp_path / "home" / "CURRENT")
    return tmp_path / "home"


def publish_copy(home: Path) -> Path:
    """Publish the live generation once more under the next number."""
    live = current_generation(home)
    with writing(home), new_generation(home) as aside:
        shutil.copytree(live, aside, dirs_exist_ok=True)
        return publish(home, aside, read_manifest(live))


def generations(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "generations").iterdir())


def damage(home: Path) -> str:
    """What opening and reading the live generation complains of."""
    with pytest.raises(IndexDamaged) as damaged:
        open_generation(current_generation(home)).catalog.counts()
    return str(damaged.value)


def test_the_index_holds_the_lecture_as_it_was_read(home: Path) -> None:
    generation = open_generation(current_generation(home))
    expected = [read_lecture(source) for source in find_sources([shipped_lectures()])]
    assert generation.catalog.lectures() == expected
    counts = generation.catalog.counts()
    assert counts["cues"] == sum(len(lecture.cues) for lecture in expected)
    assert counts["passages"] == generation.vectors.rows == generation.lexical.rows
    assert generation.manifest.dimension == generation.vectors.dimension == generation.tokens.shape[1] == 384


def test_the_rows_of_the_sentences_are_all_token_rows_in_order(home: Path) -> None:
    generation = open_generation(current_generation(home))
    position = 0
    for sentence in generation.catalog.sentences(generation.catalog.lecture_ids()[0]):
        assert sentence.token_start == position < sentence.token_end
        position = sentence.token_end
    assert position == len(generation.tokens)


def test_without_an_index_the_fix_is_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="holds no index yet; run `assistant index PATH"):
        current_generation(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"seven\n", b"99\n", b"../generations/1\n", b"-1", b"\xff\xfe\x00", b"1\x00"],
)
def test_garbage_in_current_is_named_with_the_fix(home: Path, content: bytes) -> None:
    (home / "CURRENT").write_bytes(content)
    with pytest.raises(IndexDamaged) as damaged:
        current_generation(home)
    assert str(damaged.value).startswith(f"{home / 'CURRENT'}: ")
    assert str(damaged.value).endswith(REBUILD)


def test_a_folder_called_current_is_named_with_the_fix(home: Path) -> None:
    (home / "CURRENT").unlink()
    (home / "CURRENT").mkdir()
    with pytest.raises(IndexDamaged, match=r"CURRENT: cannot be read .*run `assistant repair`"):
        current_generation(home)


def test_every_missing_file_is_named_with_the_fix(home: Path) -> None:
    folder = current_generation(home)
    names = list(read_manifest(folder).files)
    assert {"catalog.sqlite", "passages.faiss", "tokens.npy", "lexical/meta.json"} <= set(names)
    for name in names:
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        assert damage(home) == f"{folder / name}: is missing; {REPAIR}"
        (folder / name).write_bytes(content)


def test_every_cut_file_is_named_with_the_fix(home: Path) -> None:
    folder = current_generation(home)
    for name in read_manifest(folder).files:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-1])
        expected = f"has {len(content) - 1} bytes, expected {len(content)}; {REPAIR}"
        assert damage(home) == f"{folder / name}: {expected}"
        (folder / name).write_bytes(content)


def test_a_foreign_file_of_the_right_size_is_named_with_a_fix(home: Path) -> None:
    folder = current_generation(home)
    for name in read_manifest(folder).files:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(b"\0" * len(content))
        message = damage(home)
        assert str(folder / name.partition("/")[0]) in message
        assert REPAIR in message
        (folder / name).write_bytes(content)


def test_an_altered_header_of_the_tokens_is_damage(home: Path) -> None:
    path = current_generation(home) / "tokens.npy"
    path.write_bytes(path.read_bytes().replace(b"False", b"(alse", 1))
    assert damage(home).startswith(f"{path}: ")


def test_tokens_of_another_shape_are_damage(home: Path) -> None:
    path = current_generation(home) / "tokens.npy"
    tokens = np.load(path)
    np.save(path, tokens.reshape(-1, 192))
    expected = f"holds int8 ({2 * len(tokens)}, 192), expected int8 ({len(tokens)}, 384); {REPAIR}"
    assert damage(home) == f"{path}: {expected}"


def test_rows_that_do_not_add_up_are_damage(home: Path) -> None:
    folder = current_generation(home)
    manifest = read_manifest(folder)
    rows = VectorIndex.read(folder / "passages.faiss", 384).rows
    VectorIndex.build(np.eye(2, 384, dtype=np.float32)).write(folder / "passages.faiss")
    write_manifest(folder, replace(manifest, files=file_records(folder)))
    expected = f"has 2 rows, expected {rows}; {REPAIR}"
    assert damage(home) == f"{folder / 'passages.faiss'}: {expected}"


@pytest.mark.parametrize(
    ("alter", "reason"),
    [
        (lambda text: text.replace('"all-MiniLM-L6-v2+lectures"', '"another"'), "was altered"),
        (lambda text: text.replace('"overlap_tokens": 48', '"overlap_tokens": 47'), "was altered"),
        (lambda text: text.replace('"format_version": 2', '"format_version": 0'), "was altered"),
        (lambda text: text[: len(text) // 2], "not a manifest"),
        (lambda text: "", "not a manifest"),
        (lambda text: "[]", "not a manifest"),
        (lambda text: '{"name": "of another program"}', "not a manifest"),
        (lambda text: "null", "not a manifest"),
    ],
    ids=["model", "setting", "version", "cut", "empty", "list", "foreign", "null"],
)
def test_a_manifest_that_is_not_ours_is_named_with_the_fix(
    home: Path, alter: Callable[[str], str], reason: str
) -> None:
    path = current_generation(home) / "manifest.json"
    before = path.read_text(encoding="utf-8")
    after = alter(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    message = damage(home)
    assert message.startswith(f"{path}: {reason}")
    assert message.endswith(REBUILD)


def test_a_newer_format_is_refused_and_nothing_is_written_over_it(home: Path, tmp_path: Path) -> None:
    folder = current_generation(home)
    newer = replace(read_manifest(folder), format_version=3)
    (home / "CURRENT").write_text(f"1 {write_manifest(folder, newer)}\n")
    (tmp_path / "cats.txt").write_text("Cats sleep.")
    settings = Settings(home=home)
    expected = r"format version 3 is of a later version .* reads 2 at most; upgrade it: `pip install -U"
    for refused in (
        lambda: open_current(home),
        lambda: LectureAssistant(settings),
        lambda: index_paths([tmp_path / "cats.txt"], settings, lambda *_: None),
        lambda: repair_home(settings, lambda *_: None),
    ):
        with pytest.raises(IndexTooNew, match=expected):
            refused()
    assert generations(home) == ["1"]


def test_a_missing_manifest_is_named_with_the_fix(home: Path) -> None:
    path = current_generation(home) / "manifest.json"
    path.unlink()
    assert damage(home).startswith(f"{path}: not a manifest")


def test_the_manifest_says_what_shaped_the_index(home: Path) -> None:
    record = json.loads((current_generation(home) / "manifest.json").read_text(encoding="utf-8"))
    assert record["format_version"] == 2
    assert (record["model_name"], record["dimension"]) == ("all-MiniLM-L6-v2+lectures", 384)
    assert (record["passage_tokens"], record["overlap_tokens"]) == (128, 48)


def test_a_published_generation_takes_the_place_of_the_old_one(home: Path) -> None:
    reader = open_generation(current_generation(home))
    folder = publish_copy(home)
    assert folder == current_generation(home) == home / "generations" / "2"
    assert (home / "CURRENT").read_text() == f"2 {file_sha256(folder / 'manifest.json')}\n"
    assert not (home / "CURRENT.new").exists()
    assert open_current(home).manifest == reader.manifest
    assert reader.catalog.counts()["lectures"] == 1  # who opened the old one goes on reading it


def test_a_generation_goes_when_no_reader_holds_it(home: Path) -> None:
    first, second = open_current(home), open_current(home)
    publish_copy(home)
    third = open_current(home)
    publish_copy(home)
    assert generations(home) == ["1", "2", "3"]
    first.close()
    prune(home)
    assert generations(home) == ["1", "2", "3"]  # one of its two readers is left
    assert second.catalog.counts()["lectures"] == 1
    second.close()
    del third  # forgetting it is enough
    prune(home)
    assert generations(home) == ["3"]


def test_an_encoder_goes_with_the_last_generation_that_uses_it(home: Path) -> None:
    own = exported_folder(home, read_manifest(current_generation(home)).model_sha256)
    other = home / "models" / ("0123456789abcdef")
    for folder in (own, other, home / "models" / "kept by hand", home / "models" / ".exporting-1"):
        folder.mkdir(parents=True)
    with writing(home):
        pass
    assert sorted(path.name for path in (home / "models").iterdir()) == sorted([own.name, "kept by hand"])


def test_a_models_folder_that_is_a_link_is_not_pruned(home: Path, tmp_path: Path) -> None:
    (tmp_path / "shared" / "0123456789abcdef").mkdir(parents=True)
    (home / "models").symlink_to(tmp_path / "shared")
    with writing(home):
        pass
    assert (tmp_path / "shared" / "0123456789abcdef").is_dir()


def test_a_folder_that_is_no_generation_is_not_counted(home: Path) -> None:
    (home / "generations" / "²").mkdir()
    with new_generation(home) as aside:
        assert aside.name == ".2"


def test_a_failing_writer_leaves_nothing_behind(home: Path) -> None:
    def write_half() -> None:
        with new_generation(home) as aside:
            (aside / "passages.faiss").write_bytes(b"half of it")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert generations(home) == ["1"]
    assert current_generation(home).name == "1"


def test_what_a_killed_writer_left_is_cleaned_up_by_the_next(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == ".2\n"
        writer.kill()
    assert generations(home) == [".2", "1"]
    open_generation(current_generation(home))  # the live one is as it was
    publish_copy(home)
    assert generations(home) == ["2"]
    assert open_generation(home / "generations" / "2").vectors.rows > 0  # nothing of the half is in it


def test_a_generation_that_was_never_made_live_is_cleaned_up_by_the_next(home: Path) -> None:
    shutil.copytree(home / "generations" / "1", home / "generations" / "2")  # killed before the swap
    (home / "CURRENT.new").write_text("2\n")
    assert current_generation(home).name == "1"
    assert publish_copy(home).name == "3"
    assert generations(home) == ["3"]


def test_a_file_the_desktop_put_there_is_no_obstacle(home: Path) -> None:
    (home / "generations" / ".DS_Store").write_bytes(b"not ours")
    assert publish_copy(home).name == "2"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full; the index is as it was, make room"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "it cannot be written; choose another folder with --home"),
        (errno.EACCES, "it cannot be written"),
        (errno.ENOTDIR, "it is not a folder; choose another with --home"),
    ],
)
def test_what_the_file_system_refuses_comes_with_advice(tmp_path: Path, number: int, advice: str) -> None:
    with pytest.raises(HomeUnusable, match=advice) as refused, home_errors(tmp_path):
        raise OSError(number, "refused", "the/file")
    assert str(refused.value).startswith("the/file: ")


def test_a_write_that_the_disk_refuses_sqlite_comes_with_advice(tmp_path: Path) -> None:
    # A file that may be no longer: SQLite calls it an input/output error, not a full disk.
    refused = sqlite3.OperationalError("disk I/O error")
    refused.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    with pytest.raises(HomeUnusable, match="refused a write; the index is as it was"), home_errors(tmp_path):
        raise refused


def test_an_error_that_is_not_of_the_home_passes_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError), home_errors(tmp_path):
        raise OSError(errno.EINTR, "interrupted")


def test_sentences_read_before_are_those_that_a_first_reading_gives(home: Path) -> None:
    catalog = open_current(home).catalog
    lecture_id = catalog.lecture_ids()[0]
    for start, end in ((0, 3), (0, 3), (2, 5), (1, 4)):
        assert catalog.window(lecture_id, start, end) == catalog.sentences(lecture_id, start, end)


def test_products_of_tokens_are_those_of_their_unit_vectors(home: Path) -> None:
    generation = open_current(home)
    lecture_id = generation.catalog.lecture_ids()[0]
    sentences = tuple(generation.catalog.sentences(lecture_id))
    region = Region(lecture_id, sentences, ("",) * len(sentences), 0, (), len(sentences))
    dimension = generation.manifest.dimension
    for count in (1, 25, 700):  # from one block for all rows to the smallest blocks
        directions = np.random.default_rng(count).standard_normal((count, dimension)).astype(np.float32)
        rows = generation.tokens[sentences[0].token_start : sentences[-1].token_end]
        expected = unit_rows(rows.astype(np.float32)) @ directions.T
        assert np.allclose(token_products(generation, [region], directions), expected, atol=1e-5)
