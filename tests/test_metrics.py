import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.metrics import (
    area_under_risk_coverage,
    auroc,
    calibration_error,
    false_answers_at,
    mean_reciprocal_rank,
    recall_at,
    reliability,
    risk_coverage,
)

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=8)


@pytest.mark.parametrize(("k", "share"), [(1, 0.25), (2, 0.5), (3, 0.5), (4, 0.75), (99, 0.75)])
def test_recall_counts_questions_found_by_rank_k(k: int, share: float) -> None:
    # Four questions with ranks 1, 2, 4 and never: 1, 2, 2, 3 and 3 of them by rank 1, 2, 3, 4 and any.
    assert recall_at([1, None, 4, 2], k) == share


def test_mean_reciprocal_rank() -> None:
    # (1/1 + 0 + 1/4 + 1/2) / 4 = 1.75 / 4
    assert mean_reciprocal_rank([1, None, 4, 2]) == 0.4375


def test_auroc_of_pairs() -> None:
    # Of 6 pairs: 0.9 wins 3; 0.4 wins against 0.1, ties with 0.4 and loses to 0.6: (3 + 1.5) / 6.
    assert auroc([0.9, 0.4], [0.1, 0.4, 0.6]) == 0.75


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [([2.0, 3.0], [0.0, 1.0], 1.0), ([0.0, 1.0], [2.0, 3.0], 0.0), ([1.0, 1.0], [1.0], 0.5)],
    ids=["apart", "reversed", "all tied"],
)
def test_auroc_at_its_ends(positive: list[float], negative: list[float], expected: float) -> None:
    assert auroc(positive, negative) == expected


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_in_order(positive: list[float], negative: list[float]) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p, n in product(positive, negative)]
    assert auroc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_calibration_error_by_hand() -> None:
    # Bins of a tenth: {0.05}: says 0.05, is 0, gap 0.05; {0.15, 0.15}: says 0.15, is 0.5, gap 0.35;
    # {0.95}: says 0.95, is 1, gap 0.05. Weighted 1/4, 2/4, 1/4: 0.0125 + 0.175 + 0.0125.
    assert calibration_error([0.05, 0.15, 0.95, 0.15], [False, True, True, False]) == pytest.approx(0.2)


def test_calibration_error_of_certainty() -> None:
    # 1.0 has no bin of its own: it is in the last, with 0.9. They say 0.95 and are right half the time.
    assert calibration_error([1.0, 0.9], [False, True]) == pytest.approx(0.45)
    assert calibration_error([1.0, 0.0], [True, False]) == 0.0


def test_calibration_error_with_two_bins() -> None:
    # {0.2, 0.4}: says 0.3, is 0.5, gap 0.2; {0.6, 0.8}: says 0.7, is 1, gap 0.3; the mean is 0.25.
    probabilities, right = [0.2, 0.4, 0.6, 0.8], [True, False, True, True]
    assert calibration_error(probabilities, right, bins=2) == pytest.approx(0.25)


def test_false_answers_where_one_positive_in_twenty_is_refused() -> None:
    # 21 positives 0, 1, ... 20: the 5 % quantile is 1, so 0 is refused. Of the negatives 0.5 and 0.9
    # are refused as well, 1 and 7 are answered.
    positive = [float(i) for i in range(20, -1, -1)]
    assert false_answers_at(positive, [0.5, 7.0, 0.9, 1.0]) == 0.5


def test_no_more_than_the_share_is_refused_where_it_is_no_whole_number() -> None:
    # 22 positives 0, 1, ... 21: the quantile is at 1.05, the positive below it is 1. 1.01 is answered.
    assert false_answers_at([float(i) for i in range(22)], [0.5, 1.01]) == 0.5


def test_false_answers_where_half_is_refused() -> None:
    # The median of 1 to 5 is 3; of 2, 3 and 4 two are answered.
    assert false_answers_at([5.0, 1.0, 4.0, 2.0, 3.0], [2.0, 3.0, 4.0], 0.5) == pytest.approx(2 / 3)


def test_with_nothing_to_measure_there_is_no_number() -> None:
    measured = [
        recall_at([], 1),
        mean_reciprocal_rank([]),
        auroc([], [1.0]),
        auroc([1.0], []),
        false_answers_at([], [1.0]),
        false_answers_at([1.0], []),
        calibration_error([], []),
        area_under_risk_coverage([], []),
    ]
    assert all(math.isnan(value) for value in measured)


def test_reliability_by_hand() -> None:
    # As above: what was said, what was so, and how many, of the bins that hold any.
    assert reliability([0.05, 0.15, 0.95, 0.15], [False, True, True, False]) == [
        (0.05, 0.0, 1),
        (0.15, 0.5, 2),
        (0.95, 1.0, 1),
    ]


def test_a_certainty_is_in_the_last_bin() -> None:
    assert reliability([1.0, 0.9], [True, False]) == [(0.95, 0.5, 2)]


def test_risk_grows_with_what_is_answered() -> None:
    # Surest first: right, wrong, right, wrong; of 1, 2, 3, 4 answers 0, 1, 1, 2 are wrong.
    curve = risk_coverage([0.9, 0.1, 0.5, 0.7], [True, False, True, False])
    assert curve == [(0.25, 0.0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    # (0 + 1/2 + 1/3 + 1/2) / 4
    assert area_under_risk_coverage([0.9, 0.1, 0.5, 0.7], [True, False, True, False]) == pytest.approx(1 / 3)


def test_equally_sure_answers_have_no_order() -> None:
    # Both at .5: the first of them is wrong with probability a half, in either order.
    for right in ([True, False], [False, True]):
        assert risk_coverage([0.5, 0.5], right) == [(0.5, 0.5), (1.0, 0.5)]


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=12))
def test_risk_when_all_is_answered_is_the_share_of_wrong_ones(pairs: list[tuple[float, bool]]) -> None:
    right = [truth for _, truth in pairs]
    share, risk = risk_coverage([score for score, _ in pairs], right)[-1]
    assert share == 1.0
    assert risk == pytest.approx(right.count(False) / len(right))
