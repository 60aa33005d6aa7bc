"""ZIP archives of transcripts: read in memory, and refused where they would do harm."""

import io
import zipfile
from pathlib import Path

import pytest

from corpus.archives import member_names, read_member
from corpus.errors import LectureFileInvalid, TranscriptMissing, TranscriptUnreadable
from corpus.library import read_lecture
from corpus.sources import find_sources, present_sources

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello.\n"
TOML = '\ufefftitle = "Pods"\ncourse = "k8s"\nid = "pods"\n'


def archive(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def test_transcripts_are_found_in_an_archive_whatever_it_is_called_and_in_a_folder(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "week1/a.srt": SRT,
        "week1/b.vtt": f"WEBVTT\n\n{SRT.replace(',', '.')}",
        "week2/lecture.toml": TOML,
        "week2/captions.srt": SRT,
        "week2/info.json": "{}",
        "week2/extra/c.srt": SRT,
        "__MACOSX/week1/._a.srt": b"\0",
        ".hidden.srt": SRT,
        "slides.bin": b"\0\1",
        "package.json": '{"name": "x"}',
    }
    zipped = archive(tmp_path / "course.zip", files)
    renamed = archive(tmp_path / "course.bin", files)
    for given in (zipped, renamed, tmp_path):
        sources = find_sources([given])
        assert [(s.lecture_id, s.title, s.course) for s in sources] == [
            ("a", "a", None),
            ("b", "b", None),
            ("pods", "Pods", "k8s"),
        ]
    lecture = read_lecture(find_sources([zipped])[2])
    assert lecture.transcript == "Hello."
    assert lecture.source == str(zipped / "week2" / "captions.srt")
    named = [lecture.source, f"{zipped}/week3/a.srt", str(zipped), str(tmp_path / "gone.srt")]
    assert present_sources(named) == {lecture.source, str(zipped)}


def test_a_file_in_an_archive_can_be_named_alone(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "course.zip", {"a/x.srt": SRT, "a/y.srt": SRT})
    assert [s.lecture_id for s in find_sources([zipped / "a" / "y.srt"])] == ["y"]
    both = find_sources([zipped / "a" / "y.srt", zipped / "a" / "x.srt"])
    assert [s.lecture_id for s in both] == ["x", "y"]
    with pytest.raises(TranscriptMissing, match=r"z\.srt: no such file or folder"):
        find_sources([zipped / "a" / "z.srt"])


@pytest.mark.parametrize(
    "name", ["../out.srt", "a/../../out.srt", "/etc/out.srt", "C:\\out.srt", "..\\out.srt"]
)
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    zipped = archive(tmp_path / "course.zip", {"a.srt": SRT, name: SRT})
    with pytest.raises(
        TranscriptUnreadable, match="leads out of the archive; pack it again with plain names"
    ):
        find_sources([zipped])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["course.zip"]


def test_a_file_that_would_unpack_to_more_than_a_hundred_times_its_size_is_refused(tmp_path: Path) -> None:
    # Blanks compress about a thousand times; 2 MiB is past the size below which no ratio is asked.
    zipped = archive(tmp_path / "bomb.zip", {"a.srt": SRT + " " * 2**21})
    with pytest.raises(TranscriptUnreadable, match="more than 100 times; unpack the archive yourself"):
        find_sources([zipped])


def test_a_bad_archive_in_a_folder_keeps_nothing_else_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(SRT)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    archive(tmp_path / "good.zip", {"b.srt": SRT})
    first, broken, last = find_sources([tmp_path])
    assert [first.lecture_id, broken.path.name, last.lecture_id] == ["a", "broken.zip", "b"]
    with pytest.raises(TranscriptUnreadable, match=r"broken\.zip: damaged or unusual ZIP archive"):
        read_lecture(broken)


def test_a_size_that_is_a_lie_is_found_out_while_reading(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "liar.zip", {"a.srt": SRT * 1_000})
    data = bytearray(zipped.read_bytes())
    # The uncompressed size is 4 bytes at 22 of the file's header and at 24 of its directory entry.
    directory = data.index(b"PK\x01\x02")
    data[22:26] = data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    zipped.write_bytes(data)
    with pytest.raises(TranscriptUnreadable, match="ZIP archive"):
        read_lecture(find_sources([zipped])[0])


def test_an_archive_of_too_many_files_or_bytes_is_refused(tmp_path: Path) -> None:
    many = archive(tmp_path / "many.zip", {f"{i}.txt": "x" for i in range(2_001)})
    with pytest.raises(TranscriptUnreadable, match="2,001 files in it, 2,000 at most are read"):
        member_names(many)
    huge = archive(tmp_path / "huge.zip", {"a.srt": SRT})
    data = bytearray(huge.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (2**30 + 1).to_bytes(4, "little")
    huge.write_bytes(data)
    with pytest.raises(TranscriptUnreadable, match="it would unpack to 1,073,741,825 bytes"):
        member_names(huge)


def test_a_file_larger_than_is_read_of_one_transcript_is_refused(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "a.zip", {"a.srt": SRT})
    assert read_member(zipped, "a.srt", len(SRT)) == SRT.encode()
    with pytest.raises(TranscriptUnreadable, match=r"a\.srt: larger than 38 bytes"):
        read_member(zipped, "a.srt", len(SRT) - 1)


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "a.zip", {"a.srt": SRT})
    data = bytearray(zipped.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    zipped.write_bytes(data)
    with pytest.raises(TranscriptUnreadable, match="it is encrypted; unpack the archive first"):
        read_lecture(find_sources([zipped])[0])


@pytest.mark.parametrize("keep", [4, 30, 60, -30, -1])
def test_a_damaged_archive_is_refused_by_name(tmp_path: Path, keep: int) -> None:
    zipped = archive(tmp_path / "a.zip", {"a.srt": SRT})
    zipped.write_bytes(zipped.read_bytes()[:keep])
    with pytest.raises(TranscriptUnreadable, match=r"a\.zip: damaged"):
        find_sources([zipped])


def test_an_archive_without_transcripts_is_refused_and_an_office_document_is_none(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "a.zip", {"a.bin": b"x"})
    with pytest.raises(TranscriptMissing, match="no transcript here"):
        find_sources([zipped])
    office = archive(tmp_path / "a.docx", {"[Content_Types].xml": "<Types/>", "word/a.txt": "x"})
    with pytest.raises(TranscriptUnreadable, match="binary"):
        read_lecture(find_sources([office])[0])


def test_a_wrong_lecture_file_in_an_archive_is_refused_by_name(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "a.zip", {"w/lecture.toml": "title = 3", "w/a.srt": SRT, "b.srt": SRT})
    for given in (zipped, tmp_path):
        wrong, sound = sorted(find_sources([given]), key=lambda source: source.fault is None)
        assert read_lecture(sound).transcript == "Hello."
        with pytest.raises(LectureFileInvalid, match=r"a\.zip/w/lecture\.toml: title must be a text"):
            read_lecture(wrong)
    with pytest.raises(LectureFileInvalid):
        read_lecture(*find_sources([zipped / "w" / "a.srt"]))


def test_a_lecture_file_in_an_archive_that_cannot_be_read_hides_no_other_lecture(tmp_path: Path) -> None:
    zipped = archive(tmp_path / "a.zip", {"w/lecture.toml": "", "w/a.srt": SRT, "b.srt": SRT})
    data = bytearray(zipped.read_bytes())
    data[6] |= 1  # encrypted, says the first file's header
    data[data.index(b"PK\x01\x02") + 8] |= 1
    zipped.write_bytes(data)
    wrong, sound = sorted(find_sources([tmp_path]), key=lambda source: source.fault is None)
    assert (wrong.path, read_lecture(sound).lecture_id) == (zipped / "w" / "lecture.toml", "b")
    with pytest.raises(TranscriptUnreadable, match="it is encrypted"):
        read_lecture(wrong)


def test_flipped_bytes_give_an_error_of_ours_or_the_same_words(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.srt", SRT * 3)
    data = whole.getvalue()
    zipped = tmp_path / "a.zip"
    for at in range(len(data)):
        zipped.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            sources = find_sources([zipped])
            assert {read_lecture(source).transcript for source in sources} == {"Hello. Hello. Hello."}
        except (TranscriptMissing, TranscriptUnreadable):
            continue
