"""The page of an evaluation: what it says, that it needs nothing else, and plots measured by hand."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from assistant.errors import EvaluationInvalid
from assistant.evaluation import SYSTEMS, Outcome, report_of
from assistant.evaluation_data import EvaluationQuestion, Place
from assistant.evaluation_run import EvaluationRun
from assistant.plots import Axis, Series, line_chart, reliability_diagram
from assistant.report_page import report_page, write_report

QUESTIONS = Path(__file__).parent / "data" / "first-lecture-questions.jsonl"
SHARE = Axis("share", 0.0, 1.0, (0.0, 0.5, 1.0), percent=True)
VOID = {"meta", "path", "polyline", "rect", "circle"}


class Page(HTMLParser):
    """Texts by the tag they stand in; fails on a tag that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())


def run_of(*outcomes: Outcome) -> EvaluationRun:
    """All systems do the same."""
    found = {system: list(outcomes) for system in SYSTEMS}
    reports = [report_of(s, o, 0.35 if s == "ours" else None) for s, o in found.items()]
    return EvaluationRun(
        Path("q.jsonl"), "the model", {"a": "x" * 10 + "<b>gold</b>" + "y" * 9}, found, reports
    )


def outcome(text: str, *quotes: Place, score: float = 0.5, answerable: bool = True) -> Outcome:
    places = (Place("a", 10, 21),) if answerable else ()
    question = EvaluationQuestion("q1", text, (), ("a",), answerable, "fact", "", places)
    return Outcome(question, text, quotes, 3, 1, 3, score, 1.0)


def test_a_line_runs_through_its_points() -> None:
    # The picture is 460 × 300, the plot from 60 to 398 across and 258 up to 12: its middle is (229, 135).
    drawn = line_chart("a title", SHARE, SHARE, [Series("ours", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])])
    assert 'points="60.0,258.0 229.0,135.0 398.0,12.0"' in drawn
    assert 'aria-label="a title"' in drawn
    assert re.findall(r'class="tick [a-z]+"[^>]*>([^<]+)<', drawn) == ["0%", "50%", "100%"] * 2


def test_names_of_lines_that_end_together_are_moved_apart() -> None:
    # All end at 258, the lowest there is; 13 pixels apart the others are above it.
    drawn = line_chart("", SHARE, SHARE, [Series(name, [(0.0, 0.0), (1.0, 0.0)]) for name in ("a", "b", "c")])
    heights = [float(y) for y in re.findall(r'class="name s\d" x="404" y="([\d.]+)"', drawn)]
    assert heights == [236.0, 249.0, 262.0]


def test_a_line_without_points_has_no_name() -> None:
    assert ">empty<" not in line_chart("", SHARE, SHARE, [Series("empty", [])])


def test_a_reliability_diagram_shows_what_was_said_was_so_and_how_often() -> None:
    # (.05, 0) and (.95, 1) are at (60 + .05 · 338, 258) and (60 + .95 · 338, 12).
    drawn = reliability_diagram("", [(0.05, 0.0, 30), (0.95, 1.0, 10)])
    assert 'points="76.9,258.0 381.1,12.0"' in drawn
    assert "<title>said 95%, was 100%, 10 questions</title>" in drawn
    # The higher bar is a quarter of the plot's 246 pixels, the other a third of that.
    assert re.findall(r'height="([\d.]+)"><title>', drawn) == ["61.5", "20.5"]
    assert reliability_diagram("", []).startswith("<svg")


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    page = report_page(run_of(outcome("What?", Place("a", 10, 21)), outcome("Why?", Place("a", 0, 3))))
    parsed = Page(page)
    assert parsed.links == []
    assert not re.search(r"https?://|@import|url\(|<script", page)
    assert "prefers-color-scheme: dark" in page
    assert parsed.texts["h1"] == ["How well q.jsonl is answered"]
    assert page.count("<svg") == page.count("</svg>") == 4


def test_the_numbers_of_the_table_are_those_of_the_reports() -> None:
    page = report_page(run_of(outcome("What?", Place("a", 10, 21)), outcome("Why?", Place("a", 0, 3))))
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page))
    assert re.findall(r">([^<]+)</td>", rows["hit 1"]) == ["0.500"] * 4
    assert re.findall(r">([^<]+)</td>", rows["false refusals"]) == ["0.000", "–", "–", "–"]
    # fact: 2 questions, half of them hit, both answered, one fault.
    assert re.findall(r">([^<]+)</td>", rows["fact"]) == ["2", "0.500", "0.500", "1.000", "1"]


def test_the_best_of_a_row_is_bold_and_for_some_less_is_better() -> None:
    run = run_of(outcome("What?", Place("a", 10, 21)))
    worse = report_of("bm25", [outcome("What?", Place("a", 0, 3))])
    page = report_page(replace(run, reports=[run.reports[0], worse]))
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page))
    assert rows["hit 1"] == "<td class=best>1.000</td><td>0.000</td>"
    assert rows["aurc"] == "<td class=best>0.000</td><td>1.000</td>"


def test_a_fault_shows_the_question_what_was_cited_the_gold_text_and_why() -> None:
    wrong = outcome("Is <script>alert(1)</script> run?", Place("a", 0, 3), score=0.8)
    late = outcome("Nothing?", Place("a", 0, 3), score=0.6, answerable=False)
    parsed = Page(report_page(run_of(wrong, late, outcome("Fine?", Place("a", 10, 21)))))
    assert parsed.texts["h4"] == ["Is <script>alert(1)</script> run?", "Nothing?"]
    assert parsed.texts["blockquote"] == ["xxx", "<b>gold</b>", "xxx"]
    assert parsed.texts["small"][:2] == ["1. a, characters 0 to 3", "gold, a, characters 10 to 21"]
    whys = [text for text in parsed.texts["p"] if "gold place" in text or "do not cover" in text]
    assert whys[-2:] == [
        "right lecture, but no quote touches a gold place",
        "answered, but the lectures do not cover it",
    ]


def test_a_set_with_nothing_covered_or_nothing_uncovered_has_a_page_too() -> None:
    for run in (run_of(outcome("What?", Place("a", 10, 21))), run_of(outcome("No?", answerable=False))):
        Page(report_page(run))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationInvalid, match=r"file/sub/index\.html: the report cannot be written"):
        write_report(run_of(outcome("What?", Place("a", 10, 21))), tmp_path / "file" / "sub")


def test_the_command_writes_it_beside_the_table(indexed_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    arguments = ("eval", QUESTIONS, "--report", folder)
    done = subprocess.run(
        [sys.executable, "-m", "assistant", *map(str, ("--home", indexed_home, *arguments))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert f"report: {folder / 'index.html'}" in done.stderr
    assert [file.name for file in folder.iterdir()] == ["index.html"]
    page = (folder / "index.html").read_text(encoding="utf-8")
    Page(page)
    printed = dict(re.findall(r"^(hit 1|hit 3|auroc) +([\d.]+)", done.stdout, re.MULTILINE))
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page))
    for name, value in printed.items():
        assert re.findall(r">([^<]+)</td>", rows[name])[0] == value
    assert len(printed) == 3
