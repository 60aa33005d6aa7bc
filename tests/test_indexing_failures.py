"""What goes wrong while indexing loses nothing."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from small_index import TEXTS, FailingEncoder, WordEncoder, live, run, snapshot

from assistant.config import Settings
from assistant.errors import HomeUnusable, IndexBusy, NothingReadable
from assistant.indexing import index_paths
from assistant.store import current_generation
from corpus import CorpusError

BINARY = bytes(range(32)) * 8
LOCK_HOLDER = """
import sys
from pathlib import Path
from assistant.disk import writer_lock

with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_writers_exclude_each_other(settings: Settings, lectures: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOCK_HOLDER, str(settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(IndexBusy, match=r"another process is writing the index in .*home; wait for it"):
            run(settings, lectures)
        assert snapshot(settings.home) == {}
        other.kill()
    # The lock of a process that was killed is no lock.
    assert len(run(settings, lectures).changes.added) == 3


def test_a_failing_encoder_leaves_the_old_index_live_and_nothing_behind(
    settings: Settings, lectures: Path
) -> None:
    run(settings, lectures / "apples.txt")
    before = snapshot(settings.home)
    encoder = FailingEncoder()
    with pytest.raises(RuntimeError, match="out of memory"):
        run(settings, lectures, encoder=encoder)
    assert encoder.texts == [TEXTS["boats"], TEXTS["cats"]]
    assert snapshot(settings.home) == before
    assert run(settings, lectures).changes.added == ("boats", "cats")  # the lock was given back


def test_vectors_that_cannot_be_written_leave_nothing_behind(settings: Settings, lectures: Path) -> None:
    run(settings, lectures / "apples.txt")
    before = snapshot(settings.home)
    with pytest.raises(ValueError, match="dimension"):
        run(settings, lectures, encoder=WordEncoder(dimension=7))
    assert snapshot(settings.home) == before


@pytest.mark.parametrize("stage", ["reading", "splitting", "exporting the encoder", "embedding", "writing"])
def test_an_interrupted_run_leaves_the_old_index_live_and_nothing_behind(
    settings: Settings, lectures: Path, stage: str
) -> None:
    run(settings, lectures / "apples.txt")
    before = snapshot(settings.home)

    def interrupt(what: str, done: int, total: int) -> None:
        if what == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_paths([lectures], settings, interrupt, encoder=WordEncoder())
    assert snapshot(settings.home) == before
    assert live(settings).catalog.lecture_ids() == ["apples"]


def test_an_interrupted_first_run_leaves_no_index(settings: Settings, lectures: Path) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        run(settings, lectures, encoder=FailingEncoder())
    assert snapshot(settings.home) == {}


def test_one_bad_file_among_good_ones_keeps_the_rest(settings: Settings, lectures: Path) -> None:
    (lectures / "boats.txt").write_bytes(BINARY)
    report = run(settings, lectures)
    assert report.changes.added == ("apples", "cats")
    (failure,) = report.failures
    assert failure.startswith(f"{lectures / 'boats.txt'}: this is a binary file")


def test_a_bad_file_alone_is_an_error(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    before = snapshot(settings.home)
    (lectures / "boats.txt").write_bytes(BINARY)
    with pytest.raises(CorpusError, match=r"boats\.txt: this is a binary file"):
        run(settings, lectures / "boats.txt")
    assert snapshot(settings.home) == before


def test_nothing_but_bad_files_is_an_error(settings: Settings, lectures: Path) -> None:
    for name in TEXTS:
        (lectures / f"{name}.txt").write_bytes(BINARY)
    with pytest.raises(NothingReadable, match=r"nothing was indexed: .*apples\.txt"):
        run(settings, lectures)
    assert snapshot(settings.home) == {}


def test_strict_refuses_a_bad_file_among_good_ones(settings: Settings, lectures: Path) -> None:
    (lectures / "boats.txt").write_bytes(BINARY)
    with pytest.raises(CorpusError, match=r"boats\.txt"):
        run(settings, lectures, strict=True)
    assert snapshot(settings.home) == {}


def test_a_bad_cue_is_reported_and_strict_refuses_it(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "timed.srt"
    path.write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nGood words.\n\n2\n00:00:9x --> 00:00:04,000\nBad time.\n",
        encoding="utf-8",
    )
    with pytest.raises(CorpusError, match=r"timed\.srt:6: .*refused by --strict"):
        run(settings, path, strict=True)
    (problem,) = run(settings, path).problems
    assert (problem.path, problem.line) == (str(path), 6)


def test_a_file_that_became_unreadable_keeps_its_old_version(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    (lectures / "boats.txt").write_bytes(BINARY)
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert encoder.texts == []
    assert len(report.failures) == 1
    assert report.changes.unchanged == ("apples", "boats", "cats")
    assert live(settings).catalog.lecture("boats").transcript == TEXTS["boats"]


def described_boats(lectures: Path) -> Path:
    """A folder to have a ``lecture.toml``, with one of ``lectures`` in it."""
    week = lectures / "week"
    week.mkdir()
    (lectures / "boats.txt").rename(week / "boats.txt")
    return week


def test_a_lecture_file_that_became_wrong_keeps_its_lecture_and_stops_no_other(
    settings: Settings, lectures: Path
) -> None:
    week = described_boats(lectures)
    toml = week / "lecture.toml"
    toml.write_text('title = "Boats"\n')
    run(settings, lectures)
    toml.write_text("title = Boats\n")
    (lectures / "apples.txt").write_text("Pears are green.\n")
    for paths in ([lectures], []):  # without paths, every file is read again
        report = index_paths(paths, settings, lambda *_: None, encoder=WordEncoder())
        assert [failure.partition(":")[0] for failure in report.failures] == [str(toml)]
        assert live(settings).catalog.lecture("week").title == "Boats"
        assert live(settings).catalog.lecture("apples").transcript == "Pears are green."


def test_what_a_broken_archive_or_lecture_file_no_longer_shows_stays(
    settings: Settings, lectures: Path
) -> None:
    week = described_boats(lectures)
    (week / "lecture.toml").write_text('transcript = "boats.txt"\n')
    packed = lectures / "course.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(lectures / "cats.txt", "inner/cats.txt")
    (lectures / "cats.txt").unlink()
    assert sorted(run(settings, lectures).changes.added) == ["apples", "cats", "week"]
    (week / "boats.txt").rename(week / "ships.txt")
    whole = packed.read_bytes()
    for broken in (whole[: len(whole) // 2], b""):
        packed.write_bytes(broken)
        for paths in ([lectures], []):  # without paths, every file that is there is read again
            report = index_paths(paths, settings, lambda *_: None, encoder=WordEncoder())
            assert sorted(report.changes.unchanged) == ["apples", "cats", "week"]
            assert any(str(packed) in failure for failure in report.failures)


def test_a_lecture_file_that_cannot_be_opened_renames_no_lecture(settings: Settings, lectures: Path) -> None:
    week = described_boats(lectures)
    (week / "lecture.toml").write_text("")
    run(settings, lectures)
    (week / "lecture.toml").unlink()
    (week / "lecture.toml").symlink_to("nowhere")
    for paths in ([lectures], []):
        report = index_paths(paths, settings, lambda *_: None, encoder=WordEncoder())
        assert (report.renamed, len(report.failures)) == ({}, 1)
        assert sorted(report.changes.unchanged) == ["apples", "cats", "week"]


def test_another_transcript_of_a_folder_can_be_named_where_one_was_indexed(
    settings: Settings, lectures: Path
) -> None:
    week = described_boats(lectures)
    (week / "lecture.toml").write_text("")
    run(settings, lectures)
    (week / "ships.txt").write_text("Ships are large.\n")
    assert "found boats.txt, ships.txt" in run(settings, lectures).failures[0]
    (week / "lecture.toml").write_text('transcript = "ships.txt"\n')
    assert run(settings, lectures).changes.changed == ("week",)
    assert live(settings).catalog.lecture("week").transcript == "Ships are large."


@pytest.mark.parametrize("below", ["", "home", "a/b/home"])
def test_a_home_that_cannot_be_a_folder_is_refused_with_advice(
    tmp_path: Path, lectures: Path, below: str
) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(HomeUnusable, match="it is not a folder; choose another with --home"):
        run(Settings(home=tmp_path / "file" / below), lectures)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not hold back root"
)
def test_a_read_only_home_is_refused_with_advice(settings: Settings, lectures: Path) -> None:
    run(settings, lectures / "apples.txt")
    settings.home.chmod(0o500)
    (settings.home / "generations").chmod(0o500)
    try:
        with pytest.raises(HomeUnusable, match="it cannot be written; choose another folder with --home"):
            run(settings, lectures)
    finally:
        settings.home.chmod(0o700)
        (settings.home / "generations").chmod(0o700)
    assert live(settings).catalog.lecture_ids() == ["apples"]


@pytest.mark.parametrize("name", ["passages.faiss", "tokens.npy"])
def test_altered_vectors_are_not_taken_over(settings: Settings, lectures: Path, name: str) -> None:
    run(settings, lectures)
    good = (current_generation(settings.home) / name).read_bytes()
    (current_generation(settings.home) / name).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    encoder = WordEncoder()
    run(settings, lectures, encoder=encoder)
    assert encoder.texts == list(TEXTS.values())
    assert (current_generation(settings.home) / name).read_bytes() == good


@pytest.mark.parametrize("name", ["passages.faiss", "tokens.npy", "lexical/meta.json", "../../CURRENT"])
def test_indexing_over_a_damaged_index_keeps_the_other_lectures(
    settings: Settings, lectures: Path, name: str
) -> None:
    run(settings, lectures / "apples.txt", lectures / "boats.txt")
    (current_generation(settings.home) / name).write_bytes(b"garbage")
    run(settings, lectures / "cats.txt")
    assert live(settings).catalog.lecture_ids() == ["apples", "boats", "cats"]


@pytest.mark.parametrize("name", ["catalog.sqlite", "manifest.json"])
def test_indexing_again_heals_an_index_whose_catalogue_is_lost(
    settings: Settings, lectures: Path, name: str
) -> None:
    run(settings, lectures)
    path = current_generation(settings.home) / name
    path.write_bytes(b"\0" * path.stat().st_size)
    assert len(run(settings, lectures).changes.added) == 3
    assert live(settings).catalog.lecture_ids() == ["apples", "boats", "cats"]


@pytest.mark.parametrize("kibibytes", [120, 400, 700, 900])
def test_a_full_disk_leaves_the_old_index_live_and_says_so(
    indexed_home: Path, tmp_path: Path, kibibytes: int
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small file system can be mounted by root on Linux only")
    try:
        (disk / "models").symlink_to(indexed_home / "models")
        lectures = tmp_path / "lectures"
        lectures.mkdir()
        for number in range(6):
            text = "\n".join(f"Sentence {i} of lecture {number} says one more thing." for i in range(60))
            (lectures / f"l{number}.txt").write_text(text, encoding="utf-8")
        settings = Settings(home=disk)
        with pytest.raises(HomeUnusable, match="the disk is full"):
            index_paths([lectures], settings, lambda *_: None)
        assert not (disk / "CURRENT").exists()
        assert not list((disk / "generations").glob(".*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
