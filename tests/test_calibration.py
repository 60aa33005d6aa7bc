"""The confidence fitted to one library: the fit by its own conditions, the file, the command."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.calibration import (
    Calibration,
    calibrated,
    read_calibration,
    remove_calibration,
    weights_sha256,
    write_calibration,
)
from assistant.calibration_run import cross_validated, fit_line
from assistant.config import Settings
from assistant.errors import CalibrationInvalid, HomeUnusable
from assistant.manifest import read_manifest
from assistant.ranking import EVIDENCE, load_ranker
from assistant.service import LectureAssistant
from assistant.store import current_generation

QUESTIONS = Path(__file__).parent / "data" / "first-lecture-questions.jsonl"
KEPT = Calibration(
    slope=0.5,
    offset=-1.0,
    date="2026-01-01T00:00:00+00:00",
    questions=40,
    right=25,
    error_before=0.7,
    error_after=0.6,
    weights_sha256=weights_sha256(),
    model_sha256="m",
    cross_encoder="",
)


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=1, max_size=60))
def test_the_fit_is_where_the_penalised_loss_is_flat(pairs: list[tuple[float, bool]]) -> None:
    # The derivative of sum(log loss) + 16/2 (slope - 1)² + 8/2 offset² by slope and by offset.
    z = np.array([score for score, _ in pairs])
    right = np.array([float(truth) for _, truth in pairs])
    slope, offset = fit_line(z, right)
    excess = 1 / (1 + np.exp(-(slope * z + offset))) - right
    assert excess.sum() + 8 * offset == pytest.approx(0, abs=1e-4)
    if slope > 0.05:
        assert (excess * z).sum() + 16 * (slope - 1) == pytest.approx(0, abs=1e-4)


def test_with_nothing_to_learn_the_line_stays() -> None:
    # Eight questions at even odds, half of them right: neither slope nor offset has anything to gain.
    assert fit_line(np.zeros(8), np.tile([0.0, 1.0], 4)) == pytest.approx((1.0, 0.0))


def test_few_questions_move_it_little_and_many_set_it() -> None:
    # Said to be even, three in four right: the maximum likelihood offset is ln 3 = 1.0986. With n questions
    # the penalised one solves n (p - .75) + 8 b = 0: for n = 4, b = .111 (p = .5278, 4 · .2222 = .889).
    few = fit_line(np.zeros(4), np.array([1.0, 1.0, 1.0, 0.0]))
    many = fit_line(np.zeros(4000), np.tile([1.0, 1.0, 1.0, 0.0], 1000))
    assert few == pytest.approx((1.0, 0.1111), abs=2e-4)
    assert many == pytest.approx((1.0, np.log(3)), abs=0.02)


def test_the_order_of_questions_is_never_turned_round() -> None:
    z = np.linspace(-5, 5, 400)
    assert fit_line(z, (z < 0).astype(float))[0] == 0.05


def test_no_question_is_judged_by_a_line_that_saw_it() -> None:
    # Of 20 at even odds 15 are right. A fifth has one wrong and three right, so each is judged by the offset
    # of the other 16, of which 12 are right, and not by that of all 20, which is larger.
    right = np.tile([0.0, 1.0, 1.0, 1.0], 5)
    _, offset = fit_line(np.zeros(16), np.tile([0.0, 1.0, 1.0, 1.0], 4))
    _, of_all = fit_line(np.zeros(20), right)
    assert of_all > offset + 0.02
    loss = (5 * np.log1p(np.exp(offset)) + 15 * np.log1p(np.exp(-offset))) / 20
    assert cross_validated(np.zeros(20), right) == pytest.approx(loss, abs=1e-7)


def test_cross_validation_sees_what_generalises() -> None:
    # Log-odds twice as sure as the truth is.
    generator = np.random.default_rng(0)
    z = generator.normal(0, 3, 400)
    right = (generator.random(400) < 1 / (1 + np.exp(-z / 2))).astype(float)
    before = float(np.mean(np.logaddexp(0, z) - right * z))
    assert cross_validated(z, right) < before
    assert fit_line(z, right)[0] == pytest.approx(0.5, abs=0.1)


def test_slope_and_offset_apply_to_the_log_odds() -> None:
    ranker = load_ranker()
    table = np.random.default_rng(0).normal(size=(5, len(EVIDENCE))).astype(np.float32)
    shipped = ranker.confidence(table, EVIDENCE)
    moved = calibrated(ranker, KEPT).confidence(table, EVIDENCE)
    assert moved.tolist() == pytest.approx((0.5 * shipped - 1.0).tolist())
    assert calibrated(ranker, None) is ranker


def test_what_is_written_is_read_and_removed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert read_calibration(settings, "m") is None
    assert write_calibration(tmp_path, KEPT) == tmp_path / "calibration.json"
    assert read_calibration(settings, "m") == KEPT
    assert not list(tmp_path.glob("*.new"))
    assert remove_calibration(tmp_path)
    assert not remove_calibration(tmp_path)
    assert read_calibration(settings, "m") is None


def test_it_holds_for_its_own_models_only(tmp_path: Path) -> None:
    write_calibration(tmp_path, KEPT)
    assert read_calibration(Settings(home=tmp_path), "another encoder") is None
    assert read_calibration(Settings(home=tmp_path, cross_encoder="x"), "m") is None
    write_calibration(tmp_path, replace(KEPT, weights_sha256="of an older version"))
    assert read_calibration(Settings(home=tmp_path), "m") is None


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[1]", "\x00", '{"slope": 1}', json.dumps(dict.fromkeys(Calibration.__slots__))],
    ids=["empty", "no fields", "no object", "not JSON", "fields missing", "nulls"],
)
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "calibration.json").write_text(content, encoding="utf-8")
    with pytest.raises(CalibrationInvalid, match=r"calibration\.json: .*assistant calibrate --reset"):
        read_calibration(Settings(home=tmp_path), "m")


@pytest.mark.parametrize("slope", [0.0, -1.0, float("nan"), float("inf")])
def test_a_slope_that_makes_no_sense_is_refused(tmp_path: Path, slope: float) -> None:
    write_calibration(tmp_path, replace(KEPT, slope=slope))
    with pytest.raises(CalibrationInvalid, match="turn no confidence into one"):
        read_calibration(Settings(home=tmp_path), "m")


@pytest.fixture
def own_home(indexed_home: Path, tmp_path: Path) -> Path:
    """A copy of the index that may be written."""
    return Path(shutil.copytree(indexed_home, tmp_path / "home"))


def run(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(home), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_the_command_fits_stores_and_resets(own_home: Path) -> None:
    before = LectureAssistant(Settings(home=own_home)).ask("What is Docker?").confidence
    done = run(own_home, "calibrate", QUESTIONS, "--json")
    assert done.returncode == 0, done.stderr
    fitted = Calibration(**json.loads(done.stdout))
    assert fitted.questions == 60
    assert 20 < fitted.right < 46
    assert read_calibration(Settings(home=own_home), fitted.model_sha256) == fitted
    after = LectureAssistant(Settings(home=own_home)).ask("What is Docker?").confidence
    expected = fitted.slope * np.log(before / (1 - before)) + fitted.offset
    # Confidences are rounded to four digits.
    assert after == pytest.approx(1 / (1 + np.exp(-expected)), abs=2e-3)
    assert after != before
    assert run(own_home, "calibrate", "--reset").stdout == "the confidence is the shipped one again\n"
    assert run(own_home, "calibrate", "--reset", "--json").stdout.split() == ["{", '"removed":', "false", "}"]
    assert LectureAssistant(Settings(home=own_home)).ask("What is Docker?").confidence == before


def test_what_runs_takes_up_a_calibration_with_the_next_question(own_home: Path) -> None:
    running = LectureAssistant(Settings(home=own_home))
    before = running.ask("What is Docker?").confidence
    model_sha256 = read_manifest(current_generation(own_home)).model_sha256
    write_calibration(own_home, replace(KEPT, model_sha256=model_sha256))
    moved = KEPT.slope * np.log(before / (1 - before)) + KEPT.offset
    assert running.ask("What is Docker?").confidence == pytest.approx(1 / (1 + np.exp(-moved)), abs=2e-3)
    remove_calibration(own_home)
    assert running.ask("What is Docker?").confidence == before
    # One that cannot be read takes nothing away.
    (own_home / "calibration.json").write_text("{", encoding="utf-8")
    for _ in range(2):
        assert running.ask("What is Docker?").confidence == before
    write_calibration(own_home, replace(KEPT, model_sha256=model_sha256))
    assert running.ask("What is Docker?").confidence != before


def test_a_folder_in_place_of_a_calibration_is_named(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").mkdir()
    with pytest.raises(HomeUnusable, match=r"calibration\.json is a folder and no calibration; remove it"):
        remove_calibration(tmp_path)


def test_a_set_that_says_little_is_refused_and_nothing_is_written(own_home: Path, tmp_path: Path) -> None:
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    few, alike, nothing = tmp_path / "few.jsonl", tmp_path / "alike.jsonl", tmp_path / "nothing.jsonl"
    few.write_text("\n".join(lines[:19]), encoding="utf-8")
    uncovered = [
        json.dumps({"id": str(i), "question": f"How far is star {i}?", "answerable": False})
        for i in range(20)
    ]
    alike.write_text("\n".join(uncovered), encoding="utf-8")
    elsewhere = [
        line.replace("docker-on-aws", "another-lecture") for line in lines if '"evidence": [{' in line
    ]
    nothing.write_text("\n".join(elsewhere), encoding="utf-8")
    for file, message in (
        (few, "19 of its 19 questions can be judged"),
        (alike, "of its 20 questions none is answered by one of three quotes"),
        (nothing, f"0 of its {len(elsewhere)} questions can be judged"),
    ):
        done = run(own_home, "calibrate", file)
        assert done.returncode == 3
        assert f"{file}: {message}" in done.stderr
        assert done.stdout == ""
    assert not (own_home / "calibration.json").exists()


@pytest.mark.parametrize("arguments", [(), (QUESTIONS, "--reset")], ids=["neither", "both"])
def test_a_file_or_reset_is_needed_and_not_both(indexed_home: Path, arguments: tuple[str, ...]) -> None:
    done = run(indexed_home, "calibrate", *arguments)
    assert done.returncode == 2
    assert "give a file of questions, or --reset alone" in done.stderr
