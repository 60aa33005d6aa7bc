import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from assistant.config import Settings
from assistant.embedding import EncodedText
from assistant.errors import AssistantError, HomeUnusable, IndexBusy
from assistant.indexing import IndexReport, index_lectures, index_paths
from assistant.store import Generation, current_generation, open_generation
from corpus import CorpusError, lecture_from_text, shipped_lectures

TEXTS = {
    "apples": "Apples are red. They grow on trees.",
    "boats": "Boats float on water. A boat has a sail.",
    "cats": "Cats sleep all day. Do cats dream? They do.",
}
BINARY = bytes(range(32)) * 8
LOCK_HOLDER = """
import sys
from pathlib import Path
from assistant.disk import writer_lock

with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@dataclass
class WordEncoder:
    """Each word counts in one of 16 places by its checksum; remembers what it was given."""

    dimension: int = 16
    texts: list[str] = field(default_factory=list)

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        for text in texts:
            self.texts.append(text)
            words = list(re.finditer(r"\w+", text))
            ids = tuple(zlib.crc32(word[0].lower().encode()) % self.dimension for word in words)
            tokens = np.eye(self.dimension, dtype=np.float32)[list(ids)]
            total = tokens.sum(axis=0)
            vector = (total / np.linalg.norm(total)).astype(np.float32)
            yield EncodedText(vector, tokens, tuple(word.span() for word in words), ids)
            progress(1)


class FailingEncoder(WordEncoder):
    """Runs out of memory at a passage on cats."""

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        for encoded, text in zip(super().encode_passages(texts, progress), texts, strict=True):
            if "Cats" in text:
                raise RuntimeError("out of memory")
            yield encoded


@pytest.fixture
def lectures(tmp_path: Path) -> Path:
    folder = tmp_path / "lectures"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def quiet(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def run(
    settings: Settings, *paths: Path, encoder: WordEncoder | None = None, strict: bool = False
) -> IndexReport:
    return index_paths(list(paths), settings, quiet, strict=strict, encoder=encoder or WordEncoder())


def live(settings: Settings) -> Generation:
    return open_generation(current_generation(settings.home))


def snapshot(home: Path) -> dict[str, bytes | None]:
    """Everything under ``home`` but the lock."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(home.rglob("*"))
        if path.name != "index.lock"
    }


def test_a_first_run_adds_every_lecture(settings: Settings, lectures: Path) -> None:
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert report.changes.added == ("apples", "boats", "cats")
    assert (report.changes.changed, report.changes.removed, report.changes.unchanged) == ((), (), ())
    assert (report.changes.passages, report.changes.passages_embedded) == (3, 3)
    assert (report.failures, report.problems) == ((), ())
    assert encoder.texts == list(TEXTS.values())  # each is short enough to be one passage
    generation = live(settings)
    assert [lecture.transcript for lecture in generation.catalog.lectures()] == list(TEXTS.values())


def test_token_vectors_of_a_sentence_are_those_of_its_words(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    generation = live(settings)
    for sentence, words in zip(
        generation.catalog.sentences("boats"),
        (["boats", "float", "on", "water"], ["a", "boat", "has", "a", "sail"]),
        strict=True,
    ):
        rows = generation.tokens[sentence.token_start : sentence.token_end]
        # Each token is a unit vector of one 1, which int8 holds as 127.
        assert np.argmax(rows, axis=1).tolist() == [zlib.crc32(word.encode()) % 16 for word in words]
        assert rows.sum(axis=1).tolist() == [127] * len(words)


def test_a_second_run_embeds_nothing_and_finds_the_same(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    before = live(settings)
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert encoder.texts == []
    assert report.changes.passages_embedded == 0
    assert report.changes.unchanged == ("apples", "boats", "cats")
    after = live(settings)
    np.testing.assert_array_equal(after.vectors.vectors(0, 3), before.vectors.vectors(0, 3))
    np.testing.assert_array_equal(after.tokens, before.tokens)
    assert after.catalog.lectures() == before.catalog.lectures()


def test_changing_one_lecture_embeds_only_it(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    vectors = live(settings).vectors.vectors(0, 3)
    (lectures / "boats.txt").write_text("Boats sink.", encoding="utf-8")
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert encoder.texts == ["Boats sink."]
    assert report.changes.changed == ("boats",)
    assert report.changes.unchanged == ("apples", "cats")
    after = live(settings)
    assert after.catalog.lecture("boats").transcript == "Boats sink."
    np.testing.assert_array_equal(after.vectors.vectors(0, 1), vectors[:1])
    np.testing.assert_array_equal(after.vectors.vectors(2, 3), vectors[2:])
    cats = after.catalog.sentences("cats")
    assert cats[-1].token_end == len(after.tokens)  # rows moved up with the shorter lecture before


def test_renaming_a_file_embeds_nothing(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    (lectures / "boats.txt").rename(lectures / "ships.txt")
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert encoder.texts == []
    assert report.changes.added == ("ships",)
    assert report.changes.removed == ("boats",)
    assert live(settings).catalog.lecture("ships").transcript == TEXTS["boats"]


def test_changing_only_what_is_said_of_a_lecture_embeds_nothing(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    moved = lectures / "boats"
    moved.mkdir()
    (lectures / "boats.txt").rename(moved / "boats.txt")
    (moved / "lecture.toml").write_text('title = "All aboard"\ncourse = "sea"\n', encoding="utf-8")
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert encoder.texts == []
    assert report.changes.changed == ("boats",)
    header = live(settings).catalog.header("boats")
    assert (header.title, header.course) == ("All aboard", "sea")


def test_a_removed_file_is_removed(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    (lectures / "apples.txt").unlink()
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert encoder.texts == []
    assert report.changes.removed == ("apples",)
    assert live(settings).catalog.lecture_ids() == ["boats", "cats"]


def test_lectures_from_elsewhere_stay(settings: Settings, lectures: Path, tmp_path: Path) -> None:
    run(settings, lectures)
    (lectures / "apples.txt").unlink()
    (tmp_path / "dogs.txt").write_text("Dogs bark.", encoding="utf-8")
    encoder = WordEncoder()
    report = run(settings, tmp_path / "dogs.txt", encoder=encoder)
    assert encoder.texts == ["Dogs bark."]
    assert report.changes.removed == ()
    assert live(settings).catalog.lecture_ids() == ["apples", "boats", "cats", "dogs"]


def test_without_paths_what_was_indexed_is_read_again(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    (lectures / "apples.txt").unlink()
    (lectures / "cats.txt").write_text("Cats purr.", encoding="utf-8")
    encoder = WordEncoder()
    report = run(settings, encoder=encoder)
    assert encoder.texts == ["Cats purr."]
    assert (report.changes.changed, report.changes.removed) == (("cats",), ())
    assert report.changes.unchanged == ("apples", "boats")


def test_lectures_of_an_archive_are_read_again_and_go_when_it_loses_them(
    settings: Settings, tmp_path: Path
) -> None:
    archive = tmp_path / "course.zip"

    def pack(*names: str) -> None:
        with zipfile.ZipFile(archive, "w") as packed:
            for name in names:
                packed.writestr(f"week1/{name}.txt", TEXTS[name])

    pack("apples", "boats")
    assert run(settings, archive).changes.added == ("apples", "boats")
    assert run(settings).changes.unchanged == ("apples", "boats")
    pack("apples", "cats")
    changes = run(settings, tmp_path).changes
    assert (changes.added, changes.removed, changes.unchanged) == (("cats",), ("boats",), ("apples",))


def test_a_changed_setting_embeds_everything_again(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    encoder = WordEncoder()
    run(Settings(home=settings.home, overlap_tokens=20), lectures, encoder=encoder)
    assert encoder.texts == list(TEXTS.values())


def test_passages_hold_no_more_tokens_than_the_setting(settings: Settings, lectures: Path) -> None:
    encoder = WordEncoder()
    # "Cats sleep all day." has 5 tokens, "Do cats dream? They do." 7: the question keeps its answer.
    run(
        Settings(home=settings.home, passage_tokens=8, overlap_tokens=0),
        lectures / "cats.txt",
        encoder=encoder,
    )
    assert encoder.texts == ["Cats sleep all day.", "Do cats dream? They do."]


def test_progress_reaches_its_totals(settings: Settings, lectures: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    index_paths([lectures], settings, lambda *step: steps.append(step), encoder=WordEncoder())
    for what in ("reading", "splitting", "embedding"):
        assert [step for step in steps if step[0] == what] == [(what, 1, 3), (what, 2, 3), (what, 3, 3)]


def test_two_files_that_exist_may_not_share_an_id(settings: Settings, lectures: Path, tmp_path: Path) -> None:
    run(settings, lectures)
    (tmp_path / "cats.txt").write_text("Other cats.", encoding="utf-8")
    before = snapshot(settings.home)
    with pytest.raises(CorpusError, match=re.escape(f"'cats' is already that of {lectures / 'cats.txt'}")):
        run(settings, tmp_path / "cats.txt")
    assert snapshot(settings.home) == before


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
    with pytest.raises(AssistantError, match=r"nothing was indexed: .*apples\.txt"):
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


def test_given_lectures_become_the_whole_index(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    lecture = lecture_from_text("dogs", "Dogs", "Dogs bark.", source="corpus.jsonl:1")
    changes = index_lectures([lecture], settings, quiet, WordEncoder())
    assert (changes.added, changes.removed) == (("dogs",), ("apples", "boats", "cats"))
    assert live(settings).catalog.lectures() == [lecture]


def test_the_real_model_embeds_only_what_changed(indexed_home: Path, tmp_path: Path) -> None:
    settings = Settings(home=shutil.copytree(indexed_home, tmp_path / "home"))
    before = snapshot(settings.home)
    stages: list[str] = []
    again = index_paths([shipped_lectures()], settings, lambda what, *_: stages.append(what))
    assert again.changes.unchanged == ("docker-on-aws",)
    assert set(stages) == {"reading", "splitting"}
    assert snapshot(settings.home) == before
    (tmp_path / "cats.txt").write_text(TEXTS["cats"], encoding="utf-8")
    old = live(settings)
    added = index_paths([tmp_path / "cats.txt"], settings, lambda what, *_: stages.append(what))
    assert added.changes.passages_embedded == 1
    assert "embedding" in stages
    assert "loading the encoder" not in stages  # the exported one does for a few passages
    generation = live(settings)
    rows = old.vectors.rows
    np.testing.assert_array_equal(generation.vectors.vectors(0, rows), old.vectors.vectors(0, rows))
    (tmp_path / "cats.txt").rename(tmp_path / "felines.txt")
    stages.clear()
    index_paths([tmp_path / "felines.txt"], settings, lambda what, *_: stages.append(what))
    assert "loading the encoder" not in stages
    assert live(settings).catalog.lecture_ids() == ["docker-on-aws", "cats", "felines"]


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
