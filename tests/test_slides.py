"""Slides (PDF, PowerPoint) as lectures: pages instead of lines and times."""

import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from pptx import Presentation
from pptx.util import Inches
from pypdf import PdfReader, PdfWriter

from assistant.checking import verify_home
from assistant.config import Settings
from assistant.indexing import index_paths
from assistant.service import LectureAssistant
from assistant.uploads import Staging
from corpus import CorpusError, Lecture, find_sources, read_lecture, split_sentences
from corpus.errors import LectureIdTaken, TranscriptUnreadable
from corpus.formats.slide_page import MAX_PAGES
from corpus.slides import SLIDE_FORMATS, SlideLimits, Slides, read_slides
from corpus.transcripts import parse_transcript
from corpus.types import NOTES

IMAGE = b"q 100 0 0 100 0 0 cm /I Do Q"
PIXEL = b"<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1>>"


def make_pdf(pages: Sequence[bytes], streams: dict[int, bytes] | None = None) -> bytes:
    """A PDF with these content streams; ``streams`` gives whole stream objects in place of some."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", PIXEL + b"stream\nx\nendstream"]
    kids = []
    for number, content in enumerate(pages):
        kids.append(b"%d 0 R" % (len(objects) + 1))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 720 540]/Contents %d 0 R/Resources<</XObject<</I 3 0 R>>"
            b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>>>>>>>"
            % (len(objects) + 2)
        )
        plain = b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)
        objects.append((streams or {}).get(number, plain))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    return put_together(objects)


def put_together(objects: Sequence[bytes]) -> bytes:
    out = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, b"".join(places))
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + table + trailer


def page(*lines: str, size: int = 18) -> bytes:
    """A title in 36 points and lines under it; the font draws a bullet for U+2022."""
    title, *rest = lines
    shown = [b"BT /F 36 Tf 50 480 Td (%s) Tj ET BT /F %d Tf 50 420 Td" % (title.encode("cp1252"), size)]
    shown += [b"(%s) Tj 0 -24 Td" % line.encode("cp1252") for line in rest]
    return b" ".join([*shown, b"ET"])


def make_pptx() -> bytes:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "What is Docker?"
    first.placeholders[1].text = "Runs apps in containers\nShares the kernel"
    first.notes_slide.notes_text_frame.text = "Draw the whale.\nAsk who has used it."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for n, words in enumerate(("Image", "Template", "Container", "Running")):
        table.cell(n // 2, n % 2).text = words
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = "In a group"
    second.shapes.title.text = "Words"
    third = deck.slides.add_slide(deck.slide_layouts[6])
    third.shapes.add_picture(io.BytesIO(png()), 0, 0)
    data = io.BytesIO()
    deck.save(data)
    return data.getvalue()


def png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    pixels = zlib.compress(b"\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def cues_of(lecture: Lecture) -> list[tuple[int, str]]:
    return [(c.line_start, lecture.transcript[c.char_start : c.char_end]) for c in lecture.cues]


def read(path: Path, data: bytes) -> Lecture:
    path.write_bytes(data)
    return read_lecture(find_sources([path])[0])


def limited(data: bytes, **limits: float) -> Slides:
    return read_slides(data, Path("x.pdf"), SLIDE_FORMATS[0], SlideLimits(**limits))  # type: ignore[arg-type]  # floats


DOCKER = page("What is Docker", "• Runs apps in", "containers that share", "• a kernel.", "1. Install")


def test_every_character_of_a_pdf_is_of_a_page_and_titles_and_bullets_are_sentences(tmp_path: Path) -> None:
    lecture = read(tmp_path / "week1.pdf", make_pdf([DOCKER, page("Pods", "A pod runs containers.")]))
    assert (lecture.lecture_id, lecture.title, lecture.page_kind) == ("week1-pdf", "week1", "page")
    assert cues_of(lecture) == [
        (1, "What is Docker"),
        (1, "Runs apps in"),
        (1, "containers that share"),
        (1, "a kernel."),
        (1, "1. Install"),
        (2, "Pods"),
        (2, "A pod runs containers."),
    ]
    assert lecture.transcript == " ".join(words for _, words in cues_of(lecture))
    said = [lecture.transcript[s.char_start : s.char_end] for s in split_sentences(lecture, len, 100)]
    assert said[:3] == ["What is Docker", "Runs apps in containers that share", "a kernel."]


def test_slides_are_told_by_what_they_hold_and_a_text_called_pdf_is_a_text(tmp_path: Path) -> None:
    assert parse_transcript(make_pdf([DOCKER]), Path("x.srt")).format == "PDF"
    assert parse_transcript(make_pptx(), Path("x.txt")).format == "PowerPoint"
    assert parse_transcript(b"Only words.\n", Path("x.pdf")).format == "plain text"


def test_heads_and_feet_of_pages_are_said_once(tmp_path: Path) -> None:
    pages = [
        page("Docker on AWS", f"Exercise {n}", f"Do the {word} thing.", f"Prof. X · {n} / 4")
        for n, word in enumerate(("first", "second", "third", "last"), start=1)
    ]
    lecture = read(tmp_path / "a.pdf", make_pdf(pages))
    assert cues_of(lecture) == [
        (1, "Docker on AWS"),
        (1, "Exercise 1"),
        (1, "Do the first thing."),
        (1, "Prof. X · 1 / 4"),
        (2, "Exercise 2"),
        (2, "Do the second thing."),
        (3, "Exercise 3"),
        (3, "Do the third thing."),
        (4, "Exercise 4"),
        (4, "Do the last thing."),
    ]


def test_a_presentation_is_read_with_its_tables_groups_and_notes(tmp_path: Path) -> None:
    lecture = read(tmp_path / "deck.pptx", make_pptx())
    assert (lecture.lecture_id, lecture.page_kind, lecture.speakers) == ("deck-pptx", "slide", ())
    assert cues_of(lecture) == [
        (1, "What is Docker?"),
        (1, "Runs apps in containers"),
        (1, "Shares the kernel"),
        (1, "Draw the whale."),
        (1, "Ask who has used it."),
        (2, "Words"),
        (2, "Image"),
        (2, "Template"),
        (2, "Container"),
        (2, "Running"),
        (2, "In a group"),
    ]
    notes = [cue for cue in lecture.cues if cue.speaker == NOTES]
    assert [lecture.transcript[cue.char_start : cue.char_end] for cue in notes] == [
        "Draw the whale.",
        "Ask who has used it.",
    ]
    assert [(p.line, p.reason) for p in lecture.problems] == [(3, "no text on this slide, only a picture")]


def test_captions_and_slides_of_one_name_are_two_lectures_and_a_described_folder_is_its_captions(
    tmp_path: Path,
) -> None:
    for folder in ("flat", "described", "decks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "flat/one.pdf").write_bytes(make_pdf([DOCKER]))
    (tmp_path / "flat/~$one.pptx").write_bytes(b"lock")
    (tmp_path / "flat/one.txt").write_text("Hello.\n", encoding="utf-8")
    (tmp_path / "described/lecture.toml").write_text('id = "two"\n', encoding="utf-8")
    (tmp_path / "described/talk.txt").write_text("Hello.\n", encoding="utf-8")
    (tmp_path / "described/slides.pdf").write_bytes(make_pdf([DOCKER]))
    (tmp_path / "decks/lecture.toml").write_text('id = "three"\n', encoding="utf-8")
    (tmp_path / "decks/slides.pdf").write_bytes(make_pdf([DOCKER]))
    found = {source.lecture_id: source.path.name for source in find_sources([tmp_path])}
    assert found == {"three": "slides.pdf", "two": "talk.txt", "one-pdf": "one.pdf", "one": "one.txt"}
    (tmp_path / "flat/again").mkdir()
    (tmp_path / "flat/again/one.pdf").write_bytes(make_pdf([DOCKER]))
    with pytest.raises(LectureIdTaken):
        find_sources([tmp_path / "flat"])


def test_slides_in_a_zip_archive_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "course.zip", "w") as packed:
        packed.writestr("week1/deck.pptx", make_pptx())
        packed.writestr("week2/deck.pdf", make_pdf([DOCKER]))
    found = [read_lecture(source) for source in find_sources([tmp_path])]
    assert [(lecture.lecture_id, lecture.page_kind) for lecture in found] == [
        ("deck-pptx", "slide"),
        ("deck-pdf", "page"),
    ]


def encrypted(user: str, algorithm: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf([DOCKER]))))
    writer.encrypt(user, "owner", algorithm=algorithm)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_pdf_with_a_password_is_refused_and_one_only_protected_from_changes_is_read(algorithm: str) -> None:
    with pytest.raises(TranscriptUnreadable, match=r"x\.pdf: it has a password; save a copy without one"):
        parse_transcript(encrypted("secret", algorithm), Path("x.pdf"))
    assert parse_transcript(encrypted("", algorithm), Path("x.pdf")).cues


def nested(depth: int, kids: int) -> bytes:
    nodes = [
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (kids, b" ".join([b"%d 0 R" % number] * kids))
        for number in range(3, depth + 3)
    ]
    return put_together([b"<</Type/Catalog/Pages 2 0 R>>", *nodes, b"<</Type/Page/MediaBox[0 0 9 9]>>"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.7\n", "damaged PDF (Stream has ended unexpectedly); export it again"),
        (make_pdf([DOCKER] * 5)[:900], "damaged PDF"),
        (make_pdf([]), "no page in it"),
        (
            make_pdf([IMAGE, IMAGE]),
            "no text on any page of it, 2 in all; first problem: no text on this page",
        ),
        (make_pdf([b"", b""]), "no text on any page of it, 2 in all"),
        (nested(10, 10), "damaged PDF (Maximum page tree"),  # 10,000,000,000 pages
        (nested(5_000, 1), "damaged PDF (Maximum page tree depth"),
        (make_pptx()[:3_000], "damaged presentation"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged presentation"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an office document of the old kind"),
    ],
)
def test_what_cannot_be_read_at_all_is_an_error_that_names_the_file(
    data: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "deck.pptx"
    with pytest.raises(TranscriptUnreadable) as caught:
        read(path, data)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_presentation_that_would_unpack_to_far_more_than_it_is_is_refused() -> None:
    data = io.BytesIO(make_pptx())
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("ppt/media/bomb.xml", b" " * 2**24)
    with pytest.raises(TranscriptUnreadable, match=r"'ppt/media/bomb.xml' in it would unpack to 16,777,216"):
        parse_transcript(data.getvalue(), Path("x.pptx"))


SLOW = b"BT /F 20 Tf 50 400 Td " + b"(slow) Tj " * 200_000 + b"ET"


def test_a_page_that_cannot_be_read_is_reported_with_its_number_and_the_others_are_kept() -> None:
    bomb = zlib.compress(b" " * 200_000_000)
    flate = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
    data = make_pdf(
        [DOCKER, b"", b"((((<<<[[[ Tj" * 100, b"[" * 100_000, IMAGE, SLOW, b"", DOCKER],
        {1: flate % (len(bomb), bomb), 6: b"<</Length 5>>stream\nBT ET\nendstream"},
    )
    found = limited(data, page_seconds=2)
    assert {cue.line_start for cue in found.cues} == {1, 8}
    assert [p.line for p in found.problems] == [2, 3, 4, 5, 6]
    reasons = [p.reason for p in found.problems]
    assert "Limit reached while decompressing" in reasons[0]
    assert "recursion" in reasons[2]
    assert reasons[3].startswith("no text on this page, only a picture (scanned?)")
    assert reasons[4] == "left out: it takes more than 2 s to read"


def test_a_file_that_takes_too_long_or_too_much_memory_keeps_the_pages_before() -> None:
    found = limited(make_pdf([DOCKER, *[SLOW] * 20]), seconds=2)
    assert 1 in {cue.line_start for cue in found.cues}
    last = found.problems[-1]
    assert (
        last.reason
        == f"pages {last.line} to 21 left out: reading it takes more than 2 s or 1,610,612,736 bytes"
    )
    with pytest.raises(TranscriptUnreadable, match=r"too much memory to open|cannot be opened"):
        limited(make_pdf([page("Words " * 10_000_000)]), memory=2**25)


def test_pages_past_the_limit_are_reported() -> None:
    found = limited(make_pdf([page("Words")] * (MAX_PAGES + 2)))
    assert [cue.line_start for cue in found.cues] == list(range(1, MAX_PAGES + 1))
    assert [(p.line, p.reason) for p in found.problems] == [
        (2_001, "pages 2,001 to 2,002 left out: 2,000 at most are read; split it")
    ]


def test_strict_refuses_what_check_complains_of(tmp_path: Path) -> None:
    (tmp_path / "deck.pdf").write_bytes(make_pdf([DOCKER, IMAGE]))
    checked = run("check", tmp_path / "deck.pdf", home=tmp_path / "home")
    assert checked.returncode == 3
    first, problem = checked.stdout.splitlines()
    assert first == f"{tmp_path}/deck.pdf: PDF · 5 cues · 5 sentences · 2 pages"
    assert problem.startswith(f"  {tmp_path}/deck.pdf:2: no text on this page, only a picture")
    with pytest.raises(CorpusError, match=r"deck\.pdf:2: no text on this page.*refused by --strict"):
        index_paths([tmp_path / "deck.pdf"], Settings(home=tmp_path / "home"), lambda *_: None, strict=True)


def test_without_the_extra_slides_are_refused_with_the_command_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "deck.pdf").write_bytes(make_pdf([DOCKER]))
    (tmp_path / "talk.txt").write_text("Hello.\n", encoding="utf-8")
    # What is None there counts as not installed.
    hidden = "import sys; sys.modules['pypdf'] = None; from assistant.cli import main; main(prog_name='a')"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "check", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert (
        f"{tmp_path}/deck.pdf: PDF is read by an extra that is not installed: "
        "pip install 'lecture-assistant[slides]'\n" in done.stdout
    )
    assert f"{tmp_path}/talk.txt: plain text" in done.stdout


def run(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(home), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.fixture(scope="module")
def slide_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    (folder / "kubernetes.pptx").write_bytes(make_pptx())
    facts = page("Registries", "Docker images are stored in a registry such as Docker Hub.")
    (folder / "images.pdf").write_bytes(make_pdf([page("Images", "An image is a template."), facts]))
    settings = Settings(home=folder / "home")
    index_paths([folder], settings, lambda *_: None)
    return settings.home


def test_a_citation_of_slides_names_the_page(slide_home: Path) -> None:
    assistant = LectureAssistant(Settings(home=slide_home))
    answer = assistant.ask("Where are Docker images stored?", lectures=["images-pdf"])
    cited = (answer.citations or answer.nearest)[0]
    assert "registry such as Docker Hub" in cited.quote
    assert (cited.line_end, cited.page_kind, cited.start_ms, cited.speaker) == (2, "page", None, None)
    assert cited.page == cited.line_start
    (whole,) = assistant.search("whale", lectures=["kubernetes-pptx"]).results
    assert (whole.page, whole.line_start, whole.line_end, whole.page_kind) == (1, 1, 2, "slide")
    assert whole.speaker == NOTES
    lecture = assistant.lecture("kubernetes-pptx")
    assert lecture.page_kind == "slide"
    assert [p.line for p in lecture.problems] == [3]
    assert verify_home(slide_home) == []


def test_an_index_of_slides_is_not_written_again_for_nothing(slide_home: Path) -> None:
    report = index_paths([], Settings(home=slide_home), lambda *_: None)
    assert sorted(report.changes.unchanged) == ["images-pdf", "kubernetes-pptx"]
    assert report.changes.passages_embedded == 0


def test_the_command_line_shows_pages(slide_home: Path) -> None:
    shown = run("show", "kubernetes-pptx", home=slide_home).stdout.splitlines()
    assert shown[0] == "   slide 1  What is Docker?"
    assert shown[3:6] == [
        "   slide 1  Speaker notes: Draw the whale.",
        "   slide 1  Ask who has used it.",
        "   slide 2  Words",
    ]
    found = run("search", "whale", "--lecture", "kubernetes-pptx", home=slide_home).stdout
    assert found.startswith("[1] kubernetes-pptx, Speaker notes, slides 1 to 2\n")
    found = run("search", "whale", "--lecture", "kubernetes-pptx", "--json", home=slide_home).stdout
    assert json.loads(found)["results"][0]["page"] == 1


def test_slides_that_are_sent_get_the_id_they_would_have_in_a_folder(tmp_path: Path) -> None:
    with Staging(tmp_path, "week 1.pdf", {}) as staging:
        staging.write(make_pdf([DOCKER, IMAGE]))
        staged = staging.finish()
    assert staged.lecture_id == "week-1-pdf"
    assert [(p.path, p.line) for p in staged.problems] == [("week-1-pdf.pdf", 2)]
