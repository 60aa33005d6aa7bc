"""``assistant calibrate``: fit the confidence to labelled questions about one's own library.

Slope and offset of the confidence's log-odds (Platt, 1999) minimise the log loss of whether one of the first
three quotes hits a gold place. A penalty keeps them near 1 and 0, what ships: it weighs as much as some fifty
questions do, so that a handful moves the confidence little and a few hundred set it.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.building import Progress
from assistant.calibration import Calibration, weights_sha256
from assistant.config import Settings
from assistant.errors import CalibrationInvalid
from assistant.evaluation import confidence_labels, evaluate
from assistant.evaluation_data import load_questions
from assistant.opening import open_index

__all__ = ["FEWEST", "calibrate", "cross_validated", "fit_line"]

FEWEST = 20
"""Fewer questions say less about the confidence than what ships does."""
_SLOPE_PENALTY, _OFFSET_PENALTY = 16.0, 8.0
_LEAST_SLOPE = 0.05
_FOLDS = 5
_STEPS = 2000

Floats = NDArray[np.float64]


def calibrate(settings: Settings, questions_file: Path, progress: Progress) -> Calibration:
    """Ask the questions of the index under the home and fit the confidence; nothing is stored.

    Raises:
        EvaluationInvalid: the file is not in the evaluation format.
        CalibrationInvalid: fewer than 20 of the questions can be judged, or all come out alike.
        IndexMissing: nothing has been indexed.
    """
    opened = open_index(settings, calibrate=False)
    generation = opened.generation
    model_sha256 = generation.manifest.model_sha256
    transcripts = {h.lecture_id: h.transcript for h in generation.catalog.headers()}
    questions = load_questions(questions_file, transcripts, {})
    judged = [q for q in questions if not q.answerable or any(p.lecture_id in transcripts for p in q.places)]
    if len(judged) < FEWEST:
        raise CalibrationInvalid(
            f"{questions_file}: {len(judged)} of its {len(questions)} questions can be judged (covered ones "
            f"need a gold place in an indexed lecture), {FEWEST} are needed; add labelled questions"
        )
    outcomes = evaluate(
        generation,
        opened.encoder,
        opened.reader,
        judged,
        in_document=False,
        progress=lambda done, total: progress("asking", done, total),
        systems=("ours",),
    )["ours"]
    generation.catalog.close()
    probabilities, right = confidence_labels(outcomes)
    log_odds = _log_odds(np.array(probabilities))
    truth = np.array(right, dtype=np.float64)
    if truth.all() or not truth.any():
        found, missing = ("all are", "uncovered") if truth.all() else ("none is", "covered")
        raise CalibrationInvalid(
            f"{questions_file}: of its {len(truth)} questions {found} answered by one of three quotes, which "
            f"does not tell sure from unsure; add {missing} ones"
        )
    slope, offset = fit_line(log_odds, truth)
    return Calibration(
        slope=round(slope, 6),
        offset=round(offset, 6),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        questions=len(truth),
        right=int(truth.sum()),
        error_before=round(_loss(log_odds, truth), 6),
        error_after=round(cross_validated(log_odds, truth), 6),
        weights_sha256=weights_sha256(),
        model_sha256=model_sha256,
        cross_encoder=settings.cross_encoder or "",
    )


def fit_line(log_odds: Floats, right: Floats) -> tuple[float, float]:
    """Slope and offset for ``log_odds`` of being ``right`` (0 or 1), kept near 1 and 0.

    A slope that would turn the order of the questions round is not given: it is at least 0.05.
    """
    ones = np.ones_like(log_odds)
    both = np.stack([log_odds, ones], axis=1)
    # Changes of slope and offset, so that a penalty keeps what ships.
    slope, offset = _least(both, log_odds, right, np.array([_SLOPE_PENALTY, _OFFSET_PENALTY]))
    if 1.0 + slope >= _LEAST_SLOPE:
        return 1.0 + float(slope), float(offset)
    (offset,) = _least(ones[:, np.newaxis], _LEAST_SLOPE * log_odds, right, np.array([_OFFSET_PENALTY]))
    return _LEAST_SLOPE, float(offset)


def _least(inputs: Floats, base: Floats, right: Floats, penalty: Floats) -> Floats:
    """Where the log loss of ``base + inputs @ x`` and half of ``penalty @ x²`` is least."""
    # p (1 - p) is at most a quarter, so this curvature is nowhere too small and no step goes too far.
    inverse = np.linalg.inv(inputs.T @ inputs / 4.0 + np.diag(penalty))
    x = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        excess = 1.0 / (1.0 + np.exp(-(base + inputs @ x))) - right
        step = inverse @ (inputs.T @ excess + penalty * x)
        x = x - step
        if np.abs(step).max() < 1e-9:
            break
    return x


def cross_validated(log_odds: Floats, right: Floats) -> float:
    """Mean log loss where each question is judged by a line fitted on the four fifths it is not in."""
    # Dealt out label by label, so that every fifth has its share of both.
    order = np.argsort(right, kind="stable")
    fold = np.empty(len(right), dtype=np.intp)
    fold[order] = np.arange(len(right)) % _FOLDS
    moved = np.empty_like(log_odds)
    for number in range(_FOLDS):
        held_out = fold == number
        slope, offset = fit_line(log_odds[~held_out], right[~held_out])
        moved[held_out] = slope * log_odds[held_out] + offset
    return _loss(moved, right)


def _loss(log_odds: Floats, right: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, log_odds) - right * log_odds))


def _log_odds(probability: Floats) -> Floats:
    kept = np.clip(probability, 1e-9, 1.0 - 1e-9)
    log_odds: Floats = np.log(kept) - np.log1p(-kept)
    return log_odds
