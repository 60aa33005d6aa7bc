"""What is indexed, what is taken over, and what is embedded again."""

import re
import shutil
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from small_index import TEXTS, WordEncoder, live, quiet, run, snapshot

from assistant.citations import CharRange, cite
from assistant.config import Settings
from assistant.errors import LectureConflict, NotIndexed
from assistant.indexing import index_lectures, index_paths, remove_lectures
from assistant.store import current_generation, open_generation
from corpus import lecture_from_text, shipped_lectures
from corpus.errors import LectureIdTaken


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


def test_a_file_that_is_called_otherwise_is_the_lecture_once(settings: Settings, lectures: Path) -> None:
    toml = lectures / "lecture.toml"
    for name in ("boats", "cats"):
        (lectures / f"{name}.txt").unlink()
    toml.write_text('id = "old"\n', encoding="utf-8")
    run(settings, lectures)
    toml.write_text('id = "new"\n', encoding="utf-8")
    encoder = WordEncoder()
    report = run(settings, lectures, encoder=encoder)
    assert (report.changes.added, report.changes.removed) == (("new",), ("old",))
    assert report.renamed == {"old": "new"}
    assert encoder.texts == []
    assert live(settings).catalog.lecture_ids() == ["new"]


def test_lectures_may_change_their_ids_with_one_another(settings: Settings, tmp_path: Path) -> None:
    def name(first: str, second: str) -> None:
        for folder, lecture_id in (("one", first), ("two", second)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "talk.txt").write_text(f"Folder {folder}.", encoding="utf-8")
            (tmp_path / folder / "lecture.toml").write_text(f'id = "{lecture_id}"', encoding="utf-8")
        run(settings, tmp_path / "one", tmp_path / "two")

    name("a", "b")
    name("b", "a")
    catalog = live(settings).catalog
    assert [catalog.lecture(i).transcript for i in ("a", "b")] == ["Folder two.", "Folder one."]
    name("c", "b")
    catalog = live(settings).catalog
    assert [catalog.lecture(i).transcript for i in catalog.lecture_ids()] == ["Folder two.", "Folder one."]
    assert catalog.lecture_ids() == ["b", "c"]


def test_a_link_to_an_indexed_file_takes_no_lecture_away(settings: Settings, lectures: Path) -> None:
    (lectures / "ships.txt").symlink_to(lectures / "boats.txt")
    run(settings, lectures)
    expected = ["apples", "boats", "cats", "ships"]
    assert live(settings).catalog.lecture_ids() == expected
    run(settings)
    assert live(settings).catalog.lecture_ids() == expected
    (lectures / "linked").mkdir()
    (lectures / "linked" / "cargo.txt").symlink_to(lectures / "boats.txt")
    run(settings, lectures / "linked")
    assert live(settings).catalog.lecture_ids() == [*expected, "cargo"]


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
    assert report.gone == {"apples": str(lectures / "apples.txt")}
    assert run(settings, lectures / "cats.txt").gone == {}  # nothing was asked of the others


def test_lectures_are_removed_together_and_their_files_stay(settings: Settings, lectures: Path) -> None:
    run(settings, lectures)
    before = snapshot(settings.home)
    for ids in (["apples", "dogs"], ["apples", "boats", "cats"]):
        with pytest.raises((NotIndexed, LectureConflict), match=rf"{ids[-1]}'"):
            remove_lectures(ids, settings, quiet, WordEncoder())
    assert snapshot(settings.home) == before
    changes = remove_lectures(["apples", "cats"], settings, quiet, WordEncoder())
    assert (changes.removed, changes.unchanged) == (("apples", "cats"), ("boats",))
    assert live(settings).catalog.lecture_ids() == ["boats"]
    assert {path.stem for path in lectures.iterdir()} == set(TEXTS)


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


def test_a_citation_of_captions_that_stand_out_of_order_has_its_lines_in_order(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "talk.srt"
    file.write_text(
        "1\n00:00:03,000 --> 00:00:04,000\nfloat on water.\n\n2\n00:00:01,000 --> 00:00:02,000\nBoats\n",
        encoding="utf-8",
    )
    run(settings, file)
    catalog = open_generation(current_generation(settings.home)).catalog
    citation = cite(catalog, "talk", CharRange(0, 21), "p", number=1, score=1.0)
    assert (citation.quote, citation.start_ms, citation.end_ms) == ("Boats float on water.", 1_000, 4_000)
    # "Boats" is written on line 7, the rest on line 3.
    assert (citation.line_start, citation.line_end) == (3, 7)


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
    with pytest.raises(LectureIdTaken, match=re.escape(f"'cats' is already that of {lectures / 'cats.txt'}")):
        run(settings, tmp_path / "cats.txt")
    assert snapshot(settings.home) == before


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
