"""The speaker of a quote, where the transcript names speakers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.citations import CharRange, Citation, cite
from assistant.config import Settings
from assistant.indexing import index_paths
from assistant.store import open_current

VOICES = (
    "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Ana López>A hash function maps keys to buckets.\n\n"
    "00:05.000 --> 00:08.000\n<v Ben>So two keys may share a bucket.\n\n"
    "00:09.000 --> 00:11.000\n[Music]\n\n00:12.000 --> 00:15.000\n<v Ana López>That is a collision.\n"
)
ZOOM = (
    "WEBVTT\n\n1\n00:00:01.000 --> 00:00:04.000\nAna: Sorting takes time.\n\n"
    "2\n00:00:05.000 --> 00:00:08.000\nBen: How much?\n\n"
    "3\n00:00:09.000 --> 00:00:12.000\nAna: It depends.\n\n4\n00:00:13.000 --> 00:00:16.000\nBen: On what?\n"
)
TURNS = ">> DR. CHEN: Trees have roots.\nAnd leaves.\n>> Who climbs them?\n>> DR. CHEN: Birds.\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speakers")
    for name, text in (
        ("voices.vtt", VOICES),
        ("zoom.vtt", ZOOM),
        ("turns.txt", TURNS),
        ("plain.txt", "Hello.\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    index_paths([folder], Settings(home=folder / "home"), lambda *_: None)
    return folder / "home"


def cited(home: Path, lecture_id: str, first: str, last: str) -> Citation:
    generation = open_current(home)
    said = generation.catalog.header(lecture_id).transcript
    quoted = CharRange(said.index(first), said.index(last) + len(last))
    found = cite(generation.catalog, lecture_id, quoted, "x", number=1, score=1.0)
    generation.close()
    return found


@pytest.mark.parametrize(
    ("lecture_id", "first", "last", "speaker"),
    [
        ("voices", "A hash", "buckets.", "Ana López"),
        ("voices", "So two", "bucket.", "Ben"),
        ("voices", "A hash", "collision.", "Ana López, Ben"),
        ("zoom", "How", "much?", "Ben"),
        ("zoom", "How", "depends.", "Ben, Ana"),
        ("turns", "Trees", "leaves.", "DR. CHEN"),
        ("turns", "Who", "them?", None),
        ("turns", "Who", "Birds.", "DR. CHEN"),
        ("plain", "Hello", "Hello", None),
    ],
)
def test_a_citation_names_who_says_its_words_each_once_in_order(
    home: Path, lecture_id: str, first: str, last: str, speaker: str | None
) -> None:
    found = cited(home, lecture_id, first, last)
    assert found.speaker == speaker
    assert (found.page, found.page_kind) == (None, None)


def test_the_command_line_shows_who_speaks(home: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "assistant", "--home", str(home), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    shown = run("show", "zoom").splitlines()
    assert shown[:3] == [
        "    0:01  Ana: Sorting takes time.",
        "    0:05  Ben: How much?",
        "    0:09  Ana: It depends.",
    ]
    first = json.loads(run("search", "collision", "--lecture", "voices", "--json"))["results"][0]
    assert first["speaker"] == "Ana López, Ben"
    assert run("search", "collision", "--lecture", "voices").startswith(
        "[1] voices, 0:01, Ana López, Ben, lines 4 to "
    )
