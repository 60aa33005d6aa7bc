"""Files and folders → lectures."""

import os
import pickle
from pathlib import Path
from zipfile import ZipFile

import pytest

from corpus.describing import Source, lecture_slug
from corpus.errors import LectureFileInvalid, LectureIdTaken, TranscriptMissing, TranscriptUnreadable
from corpus.library import lecture_from_text, read_lecture
from corpus.sentences import split_sentences
from corpus.sources import find_sources, shipped_lectures
from corpus.types import Cue, Problem

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello.\n"


def write(path: Path, text: str = "Hello.\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("hf-tasks_03", "hf-tasks_03"),
        ("Week 1: Docker & AWS", "Week-1-Docker-AWS"),
        ("été", "été"),
        ("第一课", "第一课"),
        ("(draft)", "draft"),
        ("a/../b", "a-b"),
        ("...", "lecture"),
    ],
)
def test_a_slug_keeps_letters_digits_hyphens_and_underscores(name: str, slug: str) -> None:
    assert lecture_slug(name) == slug


def test_a_file_alone_is_named_by_its_stem(tmp_path: Path) -> None:
    file = write(tmp_path / "hf-tasks_03.srt", SRT)
    assert find_sources([file]) == [Source(file, "hf-tasks_03", "hf tasks 03")]


def test_a_folder_is_searched_in_order_and_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.vtt", "a.SRT", "c/d.md", "c/e/f.txt", "notes.docx", ".hidden.txt", ".git/g.txt"):
        write(tmp_path / name)
    assert [s.lecture_id for s in find_sources([tmp_path])] == ["a", "b", "d", "f"]


def test_a_path_given_twice_is_one_lecture(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt")
    assert [s.lecture_id for s in find_sources([file, tmp_path, tmp_path / "." / "a.txt"])] == ["a"]


def test_two_files_that_claim_one_id_are_refused_naming_both(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.srt", SRT), write(tmp_path / "a.txt")
    with pytest.raises(LectureIdTaken) as caught:
        find_sources([tmp_path])
    refused = (
        f"{second}: lecture id 'a' is already that of {first}; "
        "a lecture is called as its file or folder: rename one or set another id in its lecture.toml"
    )
    assert str(caught.value) == refused
    other, third = write(tmp_path / "b.srt", SRT), write(tmp_path / "b.txt")
    with pytest.raises(LectureIdTaken) as caught:
        find_sources([tmp_path])
    assert str(caught.value) == f"{refused}; the same of {third} and {other}"


def test_an_error_reaches_another_process_whole(tmp_path: Path) -> None:
    for error in (
        LectureIdTaken("taken", path=tmp_path / "a.srt", line=3),
        TranscriptMissing("no such file", path="a"),
    ):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
        assert (type(again), str(again), again.path, again.line) == (
            type(error),
            str(error),
            error.path,
            error.line,
        )


def test_ids_set_in_lecture_files_are_held_against_each_other(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / folder / "transcript.txt")
        write(tmp_path / folder / "lecture.toml", 'id = "same"')
    with pytest.raises(LectureIdTaken, match="lecture id 'same' is already that of"):
        find_sources([tmp_path])


def test_a_lecture_file_describes_the_transcript_beside_it(tmp_path: Path) -> None:
    transcript = write(tmp_path / "week-1" / "talk.vtt")
    write(
        tmp_path / "week-1" / "lecture.toml",
        'id = "docker_1"\ntitle = "Docker"\ncourse = "aws"\nlanguage = "fr"\n'
        'speakers = ["Anna", "Bo"]\nurl = "https://example.org/v?t={seconds}"\n',
    )
    expected = [
        Source(
            transcript.resolve(),
            "docker_1",
            "Docker",
            "aws",
            "fr",
            ("Anna", "Bo"),
            "https://example.org/v?t={seconds}",
        )
    ]
    for path in (tmp_path, tmp_path / "week-1", transcript):
        assert [*find_sources([path])] == expected


def test_an_empty_lecture_file_names_the_lecture_by_its_folder(tmp_path: Path) -> None:
    transcript = write(tmp_path / "week-1_a" / "talk.txt")
    write(tmp_path / "week-1_a" / "lecture.toml", "")
    assert find_sources([tmp_path]) == [Source(transcript, "week-1_a", "week 1 a")]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Databases, *lecture 3*\n\nA page is on disk.\n", "Databases, lecture 3"),
        ("---\nlang: en\n---\n\n# Databases\n", "Databases"),
        ("Databases\n=========\n\nA page is on disk.\n", "Databases"),
        ("Databases\n---------\n\nA page is on disk.\n", "db notes"),
        ("## Pages\n\nA page is on disk.\n", "db notes"),
        ("A page is on disk.\n\n# Databases\n", "db notes"),
        (f"# {'long ' * 41}\n", "db notes"),
    ],
)
def test_the_heading_that_a_markdown_file_opens_with_is_its_title(
    tmp_path: Path, text: str, title: str
) -> None:
    path = write(tmp_path / "db-notes.md", text)
    (source,) = find_sources([path])
    assert read_lecture(source).title == title
    # What is said of it beside it goes before.
    write(tmp_path / "lecture.toml", 'title = "Pages"\n')
    (source,) = find_sources([tmp_path])
    assert read_lecture(source).title == "Pages"


def test_a_file_called_transcript_is_the_lecture_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "week-1" / "transcript.vtt")
    second = write(tmp_path / "week-2" / "Transcript.txt")
    assert find_sources([tmp_path]) == [Source(first, "week-1", "week 1"), Source(second, "week-2", "week 2")]
    slides = write(tmp_path / "week-2" / "transcript.pdf")
    assert find_sources([slides]) == [Source(slides, "week-2-pdf", "week 2")]
    slides.unlink()
    monkeypatch.chdir(tmp_path / "week-1")
    assert find_sources([Path("transcript.vtt")]) == [Source(Path("transcript.vtt"), "week-1", "week 1")]
    described = tmp_path / "week.4.zip"
    with ZipFile(described, "w") as file:
        file.writestr("lecture.toml", "")
        file.writestr("talk.txt", "We store images in a registry.")
    assert [(s.lecture_id, s.title) for s in find_sources([described])] == [("week-4", "week.4")]
    archive = tmp_path / "week_3.zip"
    with ZipFile(archive, "w") as file:
        file.writestr("transcript.txt", "We store images in a registry.")
        file.writestr("extra/transcript.txt", "An image is built from a file.")
    assert [(s.lecture_id, s.title) for s in find_sources([archive])] == [
        ("extra", "extra"),
        ("week_3", "week 3"),
    ]


@pytest.mark.parametrize("toml", ["", 'transcript = "transcript.srt"'])
def test_of_several_transcripts_the_named_one_or_the_one_called_transcript_is_read(
    tmp_path: Path, toml: str
) -> None:
    wanted = write(tmp_path / "transcript.srt", SRT)
    other = write(tmp_path / "summary.md")
    write(tmp_path / "lecture.toml", toml)
    assert [s.path for s in find_sources([tmp_path])] == [wanted]
    # A file beside it that the lecture file does not mean stands for itself.
    assert find_sources([other]) == [Source(other, "summary", "summary")]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("title = ", "not valid TOML: Invalid value"),
        (
            'title = "x\n',
            r"not valid TOML: Illegal character '\n' (at line 1, column 11); a quote is not closed",
        ),
        (
            'titel = "x"',
            "unknown key 'titel'; known are id, title, course, language, url, transcript, speakers",
        ),
        ("title = 7", "title must be a text, got 7"),
        (f"title = {'9' * 5000}", "not valid TOML: Exceeds the limit"),
        ('id = "  "', "id must be a text, got '  '"),
        ('speakers = "Anna"', "speakers must be a list of texts, got 'Anna'"),
        ("speakers = [1]", "speakers must be a list of texts, got [1]"),
        ('transcript = "b.txt"', "transcript 'b.txt' is not a file of this folder"),
        ('transcript = "../outside.txt"', "transcript '../outside.txt' is not a file of this folder"),
    ],
)
def test_a_wrong_lecture_file_is_refused_by_name_with_the_value(
    tmp_path: Path, toml: str, message: str
) -> None:
    write(tmp_path / "outside.txt")
    write(tmp_path / "week" / "a.txt")
    file = write(tmp_path / "week" / "lecture.toml", toml)
    with pytest.raises(LectureFileInvalid) as caught:
        read_lecture(*find_sources([tmp_path / "week"]))
    assert str(caught.value).startswith(f"{file}: {message}")


def test_a_lecture_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    (tmp_path / "lecture.toml").write_bytes(b'title = "caf\xe9"')
    with pytest.raises(LectureFileInvalid, match=r"lecture\.toml: not valid TOML: 'utf-8' codec"):
        read_lecture(*find_sources([tmp_path]))


def test_a_wrong_lecture_file_keeps_nothing_else_from_being_read_nor_takes_its_id(tmp_path: Path) -> None:
    sound, described = write(tmp_path / "week.txt"), write(tmp_path / "week" / "a.txt")
    toml = write(tmp_path / "week" / "lecture.toml", "title = ")
    wrong, other = find_sources([tmp_path])
    assert (wrong.path, wrong.lecture_id, other) == (toml, "week", Source(sound, "week", "week"))
    with pytest.raises(LectureFileInvalid, match=r"lecture\.toml: not valid TOML"):
        read_lecture(wrong)
    again = find_sources([described, sound])  # as when every file is read again
    assert [(source.path, source.fault is None) for source in again] == [(toml, False), (sound, True)]


@pytest.mark.parametrize(("files", "found"), [([], "none"), (["a.txt", "b.srt"], "a.txt, b.srt")])
def test_a_lecture_file_needs_one_transcript(tmp_path: Path, files: list[str], found: str) -> None:
    for name in files:
        write(tmp_path / name)
    toml = write(tmp_path / "lecture.toml", "")
    with pytest.raises(LectureFileInvalid) as caught:
        read_lecture(*find_sources([tmp_path]))
    assert str(caught.value) == (
        f'{toml}: one transcript is expected beside this file, found {found}; name it: transcript = "FILE"'
    )


def test_a_missing_path_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TranscriptMissing) as caught:
        find_sources([tmp_path / "no.txt"])
    assert str(caught.value) == f"{tmp_path / 'no.txt'}: no such file or folder"


def test_a_path_too_long_for_the_system_is_refused_by_name() -> None:
    with pytest.raises(TranscriptMissing, match=r"^a{300}: (cannot be read|no such file)"):
        find_sources([Path("a" * 300)])


def test_a_folder_without_transcripts_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    write(tmp_path / "notes.docx")
    with pytest.raises(TranscriptMissing) as caught:
        find_sources([tmp_path])
    assert str(caught.value) == (
        f"{tmp_path}: no transcript here; looked for .dfxp, .json, .json3, .lrc, .markdown, .md, .pdf, "
        ".pptx, .sbv, .srt, .srv1, .srv2, .srv3, .sub, .text, .tsv, .ttml, .txt, .vtt, .xml"
    )


def test_a_transcript_that_went_away_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TranscriptMissing) as caught:
        read_lecture(Source(tmp_path / "a.txt", "a", "A"))
    assert str(caught.value) == f"{tmp_path / 'a.txt'}: cannot be read: No such file or directory"


def test_a_folder_in_place_of_a_transcript_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TranscriptMissing, match="cannot be read: "):
        read_lecture(Source(tmp_path, "a", "A"))


def test_a_transcript_that_may_not_be_read_is_refused_by_name(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt")
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(TranscriptMissing, match=r"a\.txt: cannot be read: Permission denied"):
        read_lecture(find_sources([file])[0])


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"", ": the file is empty; give a transcript with text"),
        ("a.srt", b"\x00\x01\x02\x03" * 50, ": this is a binary file, not a transcript; export the captions"),
        ("a.vtt", b"WEBVTT\n", ": no caption with words in it"),
        (
            "a.srt",
            b"1\n00:00:xx,000 --> 00:00:02,000\nHello.\n",
            ":2: no caption with words in it; first problem: cue left out: '00:00:xx,000 --> 00:00:02,000'",
        ),
    ],
    ids=["empty", "binary", "no cue", "no caption with words"],
)
def test_a_file_that_yields_no_speech_is_refused_by_name(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(TranscriptUnreadable) as caught:
        read_lecture(Source(file, "a", "A"))
    assert str(caught.value).startswith(f"{file}{message}")


def test_a_lecture_holds_what_its_source_says_and_the_speakers_of_its_cues(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bo>Hello.\n\n00:xx.000 --> 00:03.000\nLost.\n\n"
        "00:03.000 --> 00:04.000\n<v Anna>Bye.\n",
    )
    lecture = read_lecture(Source(file, "a", "A", "aws", "fr", ("Anna", "Cleo"), "https://example.org"))
    assert (lecture.lecture_id, lecture.title, lecture.course) == ("a", "A", "aws")
    assert (lecture.language, lecture.url, lecture.source) == (
        "fr",
        "https://example.org",
        str(file.resolve()),
    )
    assert lecture.speakers == ("Anna", "Cleo", "Bo")
    assert lecture.transcript == "Hello. Bye."
    assert lecture.cues == (
        Cue(0, 6, 4, 4, 1_000, 2_000, "Bo", True),
        Cue(7, 11, 10, 10, 3_000, 4_000, "Anna", True),
    )
    reason = "cue left out: '00:xx.000 --> 00:03.000' is not a cue timing"
    assert lecture.problems == (Problem(str(file), 6, reason),)


def test_the_checksum_is_of_the_bytes_of_the_file(tmp_path: Path) -> None:
    # printf 'Hello.\r\n' | sha256sum
    file = tmp_path / "a.txt"
    file.write_bytes(b"Hello.\r\n")
    assert read_lecture(Source(file, "a", "A")).source_sha256 == (
        "c9942ad5cf308c19747d9e1673fa2b68c0801b599926fe6ffe196fc85cbeb7a0"
    )


def test_a_lecture_from_text_has_a_cue_a_line() -> None:
    lecture = lecture_from_text("a", "A", "\nHello,\n\n world.\n", source="paste", language="fr")
    assert (lecture.lecture_id, lecture.title, lecture.source, lecture.language) == ("a", "A", "paste", "fr")
    assert lecture.transcript == "Hello, world."
    assert [(c.char_start, c.char_end, c.line_start) for c in lecture.cues] == [(0, 6, 2), (7, 13, 4)]


def test_an_empty_text_is_no_lecture() -> None:
    with pytest.raises(TranscriptUnreadable, match=r"^paste: the text is empty$"):
        lecture_from_text("a", "A", " \n ", source="paste")


def test_the_shipped_lecture_is_found_and_read() -> None:
    sources = find_sources([shipped_lectures()])
    assert [(s.lecture_id, s.title, s.course, s.language) for s in sources] == [
        ("docker-on-aws", "Docker on AWS: containers, ECS and EKS", "aws", "en")
    ]
    lecture = read_lecture(sources[0])
    # sha256sum transcript.txt; its 125 lines of speech have a blank line between them, so the
    # last is line 249.
    assert lecture.source_sha256 == "f73c5e9a50d50832f85eb96ba664c4992f58a4a146bcd6aafa9c1266b562b3b8"
    assert len(lecture.cues) == 125
    assert lecture.cues[-1].line_end == 249
    assert lecture.problems == ()
    assert lecture.transcript.endswith("Now let's do a deep dive onto Amazon ECS and the rest.")


def test_the_first_sentence_of_the_shipped_lecture_is_whole_over_three_lines() -> None:
    lecture = read_lecture(find_sources([shipped_lectures()])[0])
    first, second = split_sentences(lecture, lambda text: len(text.split()), 100)[:2]
    assert lecture.transcript[first.char_start : first.char_end] == (
        "Hello, and welcome to this section on containers where we'll be talking about Docker, ECS and EKS."
    )
    assert lecture.transcript[second.char_start : second.char_end] == "So what is Docker?"
    assert (first.is_question, second.is_question) == (False, True)


def test_links_that_lead_round_are_passed_over_and_folders_past_counting_refused(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b.txt")
    for name in ("one", "two"):
        (tmp_path / "a" / name).symlink_to(tmp_path)
    assert [s.lecture_id for s in find_sources([tmp_path])] == ["b"]
    write(tmp_path / "deep" / Path(*["d"] * 120) / "c.txt")
    with pytest.raises(TranscriptMissing, match="more than 100 folders deep"):
        find_sources([tmp_path / "deep"])


def test_a_link_to_a_transcript_that_is_gone_is_reported_as_a_missing_file(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    (tmp_path / "b.srt").symlink_to(tmp_path / "elsewhere.srt")
    (tmp_path / "c.json").symlink_to(tmp_path / "elsewhere.json")  # it need not have been a transcript
    (tmp_path / "d.srt").symlink_to("d.srt")
    sound, gone = find_sources([tmp_path])
    assert (sound.lecture_id, gone.lecture_id) == ("a", "b")
    with pytest.raises(TranscriptMissing, match=r"b\.srt: cannot be read: No such file"):
        read_lecture(gone)


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    described = write(tmp_path / "week" / "b.txt")
    os.mkfifo(tmp_path / "week" / "lecture.toml")
    with pytest.raises(LectureFileInvalid, match=r"lecture\.toml: is no file"):
        read_lecture(*find_sources([described]))
    for name in ("pipe.srt", "pipe.json", "pipe.zip"):
        os.mkfifo(tmp_path / name)
    write(tmp_path / "a.txt")
    assert [s.lecture_id for s in find_sources([tmp_path])] == ["a", "week"]


def test_a_file_whose_name_is_no_text_is_refused_by_itself(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_bytes(b"Hello.\n")
    except OSError:
        pytest.skip("this file system takes only names that are text")
    write(tmp_path / "a.txt")
    named, unnamed = find_sources([tmp_path])
    assert read_lecture(named).transcript == "Hello."
    with pytest.raises(TranscriptMissing, match=r"\\udcff\.txt: its name is no text in UTF-8; rename it"):
        read_lecture(unnamed)
