"""The measures an evaluation reports."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "area_under_risk_coverage",
    "auroc",
    "calibration_error",
    "false_answers_at",
    "mean_reciprocal_rank",
    "recall_at",
    "reliability",
    "risk_coverage",
]


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """Share of questions whose first right result has rank ≤ ``k`` (1-based; ``None``: not found)."""
    return _mean([rank is not None and rank <= k for rank in ranks])


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float:
    """Mean of 1 / rank of the first right result, 0 where there is none."""
    return _mean([0.0 if rank is None else 1.0 / rank for rank in ranks])


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive scores above a negative, ties counting half; NaN if either is empty."""
    if not positive or not negative:
        return float("nan")
    low = np.sort(np.asarray(negative, dtype=np.float64))
    high = np.asarray(positive, dtype=np.float64)
    below = np.searchsorted(low, high, side="left")
    ties = np.searchsorted(low, high, side="right") - below
    return float((below + 0.5 * ties).sum() / (len(low) * len(high)))


def false_answers_at(
    positive: Sequence[float], negative: Sequence[float], false_refusals: float = 0.05
) -> float:
    """Share of negatives answered at the threshold that refuses ``false_refusals`` of the positives."""
    if not positive or not negative:
        return float("nan")
    threshold = np.quantile(np.asarray(positive), false_refusals, method="lower")
    return float((np.asarray(negative) >= threshold).mean())


def reliability(
    probabilities: Sequence[float], right: Sequence[bool], bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean probability, share right, count) of every bin of equal width that is not empty, lowest first."""
    values: NDArray[np.float64] = np.asarray(probabilities, dtype=np.float64)
    truth = np.asarray(right, dtype=np.float64)
    place = np.minimum((values * bins).astype(int), bins - 1)
    inside = [place == b for b in range(bins)]
    return [(float(values[i].mean()), float(truth[i].mean()), int(i.sum())) for i in inside if i.any()]


def calibration_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over ``bins`` bins of equal width (Guo et al., ICML 2017)."""
    if not probabilities:
        return float("nan")
    gaps = [count * abs(said - was) for said, was, count in reliability(probabilities, right, bins)]
    return sum(gaps) / len(probabilities)


def risk_coverage(scores: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """(share answered, share of these that is wrong) when only the ``n`` surest are answered, for each ``n``.

    Questions with one score are answered in no order: each counts as the mean of them.
    """
    if not scores:
        return []
    values: NDArray[np.float64] = np.asarray(scores, dtype=np.float64)
    wrong = 1.0 - np.asarray(right, dtype=np.float64)
    _, level, counts = np.unique(-values, return_inverse=True, return_counts=True)
    expected = np.repeat(np.bincount(level, weights=wrong) / counts, counts)
    answered = np.arange(1, len(values) + 1)
    risks = np.cumsum(expected) / answered
    return list(zip((answered / len(values)).tolist(), risks.tolist(), strict=True))


def area_under_risk_coverage(scores: Sequence[float], right: Sequence[bool]) -> float:
    """Mean risk over all shares answered (AURC; Geifman and El-Yaniv, NeurIPS 2017); lower is better."""
    return _mean([risk for _, risk in risk_coverage(scores, right)])


def _mean(values: Sequence[float | bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
