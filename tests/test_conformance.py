"""258 caption files of other projects: what they expect, we read."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from corpus import CorpusError, Lecture, Source, read_lecture

DEVIATIONS: dict[str, str] = json.loads(
    (Path(__file__).parent / "data" / "parser-deviations.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> list[dict[str, Any]]:
    file = shared_data / "evaluation" / "parser-conformance" / "cases.jsonl"
    if not file.is_file():
        pytest.skip("the caption files of other projects are not beside this repository")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [{**row, "path": file.parent / row["file"]} for row in rows]


def read(path: Path) -> Lecture | None:
    try:
        return read_lecture(Source(path, "case", "Case"))
    except CorpusError:
        return None


def words(markup: str) -> str:
    """What is shown of a caption as upstream states it: tags go, references are resolved."""
    shown = html.unescape(re.sub(r"<[^<>]*>", "", markup))
    return " ".join(shown.replace("\u200e", "").replace("\u200f", "").split())


def captions(lecture: Lecture | None) -> list[tuple[int | None, int | None, str]]:
    """Our cues; those that one caption was parted into, by voice or sound, put together again."""
    shown: list[tuple[int | None, int | None, str]] = []
    last_line = 0
    for cue in lecture.cues if lecture else ():
        text = lecture.transcript[cue.char_start : cue.char_end] if lecture else ""
        text = " ".join(text.replace("\u200e", "").replace("\u200f", "").split())
        times = (cue.start_ms, cue.end_ms)
        if shown and shown[-1][:2] == times and cue.line_start == last_line + 1:
            shown[-1] = (*times, f"{shown[-1][2]} {text}")
        else:
            shown.append((*times, text))
        last_line = cue.line_end
    return shown


def expected(case: dict[str, Any]) -> list[tuple[int, int | None, str]]:
    """Cues as upstream states them, without those that have no words."""
    return [
        (round(cue["start"] * 1000), None if cue["end"] is None else round(cue["end"] * 1000), text)
        for cue in case["expected_cues"]
        if (text := words(cue["text"]))
    ]


def agrees(case: dict[str, Any]) -> bool:
    ours, theirs = captions(read(case["path"])), expected(case)
    # Where upstream states no end, ours is the next cue's start.
    return [(s, None if t is None else e, w) for (s, e, w), (_, t, _) in zip(ours, theirs, strict=False)] == [
        *theirs
    ] and len(ours) == len(theirs)


def test_every_case_with_expected_cues_agrees_or_is_listed_with_its_reason(
    cases: list[dict[str, Any]],
) -> None:
    stated = [case for case in cases if case["expected_cues"] is not None]
    assert len(stated) == 197
    assert {case["file"] for case in stated if not agrees(case)} == set(DEVIATIONS)
    assert len(DEVIATIONS) < 0.05 * len(stated)


def test_no_case_fails_but_by_a_clear_error(cases: list[dict[str, Any]]) -> None:
    assert len(cases) == 258
    nameless = []
    for case in cases:
        try:
            read_lecture(Source(case["path"], "case", "Case"))
        except CorpusError as error:
            if str(case["path"]) not in str(error):
                nameless.append(str(error))
    assert nameless == []


def test_the_text_of_a_rolling_case_comes_out_once(cases: list[dict[str, Any]]) -> None:
    rolling = [case for case in cases if case.get("expected_text")]
    assert rolling
    for case in rolling:
        lecture = read(case["path"])
        assert lecture is not None
        assert lecture.transcript == case["expected_text"], case["file"]


def test_every_sound_timing_gives_a_cue_or_a_problem(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        timings = case.get("wellformed_timing_lines")
        lecture = read(case["path"])
        if not timings or lecture is None:
            continue
        # Cues without words, and one timing quoted in a cue's text, give neither.
        assert len(lecture.cues) + len(lecture.problems) >= timings - 2, case["file"]
