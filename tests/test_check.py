"""``assistant check``: what is in transcripts, without an index."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROLLING = (
    "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n[Music]\n\n"
    "00:00:01.000 --> 00:00:02.000\n[Music]\n<v Anna>So what is it?\n\n"
    "00:00:02.000 --> 00:00:03.000\nSo what is it?\nIt is a pod.\n\n"
    "00:00:03.000 --> 00:01:04.500\nIt is a pod.\nAnd so on.\n"
)
BROKEN = (
    "1\n00:00:01,000 --> 00:00:02,000\nFirst.\n\n2\n00:00:xx,000 --> 00:00:04,000\nLost.\n\n"
    "3\n00:00:05,000 --> 00:00:06,000\nThird.\n"
)


def run(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(home), "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_sound_transcripts_are_told_of_a_line_each_and_nothing_is_indexed(tmp_path: Path) -> None:
    file = tmp_path / "talk.vtt"
    file.write_text(ROLLING, encoding="utf-16")
    done = run(file, home=tmp_path / "home")
    assert done.stderr == ""
    # [Music], and three lines that were each shown again above the next.
    assert done.stdout == (
        f"{file}: WebVTT, utf-16-le · 4 cues · 3 sentences · 1:04 · speakers: Anna · 1 sound"
        " · 3 repeated lines said once\n"
    )
    assert done.returncode == 0
    assert not (tmp_path / "home").exists()


def test_what_was_left_out_is_listed_with_its_line_and_reason_and_is_exit_code_3(tmp_path: Path) -> None:
    file = tmp_path / "broken.srt"
    file.write_text(BROKEN, encoding="utf-8")
    done = run(file, home=tmp_path / "home")
    assert done.returncode == 3
    assert done.stdout == (
        f"{file}: SRT, utf-8 · 2 cues · 2 sentences · 0:06\n"
        f"  {file}:6: cue left out: '00:00:xx,000 --> 00:00:04,000' is not a cue timing\n"
    )


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello.\n", encoding="utf-8")
    (tmp_path / "b.srt").write_bytes(b"\0\1\2\3" * 100)
    done = run(tmp_path, "--json", home=tmp_path / "home")
    assert done.returncode == 3
    first, second = json.loads(done.stdout)
    assert first == {
        "path": str(tmp_path / "a.txt"),
        "lecture_id": "a",
        "format": "plain text",
        "encoding": "utf-8",
        "cues": 1,
        "sentences": 1,
        "duration_ms": None,
        "speakers": [],
        "sounds": 0,
        "repeats": 0,
        "pages": None,
        "left_out": [],
        "error": None,
    }
    assert second["error"].startswith(f"{tmp_path / 'b.srt'}: this is a binary file")
    assert second["format"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(["no/such/file.srt"], 3, "no such file or folder"), ([], 2, "Missing argument 'PATHS...'")],
)
def test_a_mistake_is_one_clear_line_and_its_code(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = run(*arguments, home=tmp_path / "home")
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
