"""Spans and their probabilities, worked out by hand on tables of a few statements."""

from dataclasses import replace

import numpy as np
import pytest

from assistant.catalog import StoredSentence
from assistant.network import Network
from assistant.questions import Kind, Question, Word
from assistant.ranking import (
    EVIDENCE,
    RankedSpan,
    SpanLengths,
    evidence_of,
    load_ranker,
    rank_spans,
    rows_to_verify,
)
from assistant.regions import Region
from assistant.statements import FEATURES, Statements
from corpus import Sentence


def region(count: int, lecture_id: str = "a") -> Region:
    """Sentences of ten characters each."""
    stored = tuple(StoredSentence(i, Sentence(i * 10, i * 10 + 9, False), 0, 1) for i in range(count))
    return Region(lecture_id, stored, ("x",) * count, 0, (), count)


def statements(index: list[int], words: list[int], region_of: list[int] | None = None) -> Statements:
    count = len(index)
    return Statements(
        region=np.array(region_of or [0] * count),
        index=np.array(index),
        words=np.array(words),
        features=np.zeros((count, len(FEATURES)), dtype=np.float32),
        support=np.zeros((count, 1), dtype=np.float32),
    )


def shape(span: RankedSpan) -> tuple[int, int]:
    return span.first, span.end


def test_a_span_is_worth_the_probability_of_its_statements() -> None:
    # softmax of ln(1, 4, 4, 1) is .1 .4 .4 .1; ten words more cost .002, so all four are taken.
    scores = np.log([1.0, 4.0, 4.0, 1.0])
    (best,) = rank_spans([region(4)], statements([0, 1, 2, 3], [10] * 4), scores, limit=1)
    assert shape(best) == (0, 4)
    assert best.probability == pytest.approx(1.0)
    assert best.best_sentence == 1
    assert (best.char_start, best.char_end) == (0, 39)


def test_words_that_add_hardly_any_probability_are_left_out() -> None:
    # softmax of ln(998, 1, 1): the second statement adds .001, its ten words cost .002.
    scores = np.log([998.0, 1.0, 1.0])
    (best,) = rank_spans([region(3)], statements([0, 1, 2], [10] * 3), scores, limit=1)
    assert shape(best) == (0, 1)


@pytest.mark.parametrize(
    ("weights", "pointing", "expected"),
    [
        # Shares of the likeliest one: .04 and .02; what points back or ahead opens from .1 on.
        ([4.0, 2.0, 100.0], {}, (0, 3)),
        ([4.0, 2.0, 100.0], {0: "leans_back"}, (1, 3)),
        ([4.0, 2.0, 100.0], {0: "leans_back", 1: "signpost"}, (2, 3)),
        ([4.0, 2.0, 100.0], {1: "signpost"}, (0, 3)),
        ([11.0, 2.0, 100.0], {0: "signpost", 1: "leans_back"}, (0, 3)),
        ([2.0, 100.0, 4.0], {1: "leans_back", 2: "leans_back"}, (0, 3)),
    ],
)
def test_a_span_does_not_open_with_what_only_points_elsewhere(
    weights: list[float], pointing: dict[int, str], expected: tuple[int, int]
) -> None:
    table = statements([0, 1, 2], [5] * 3)
    for row, name in pointing.items():
        table.features[row, FEATURES.index(name)] = 1.0
    (best,) = rank_spans([region(3)], table, np.log(weights), limit=1)
    assert shape(best) == expected
    assert best.probability == pytest.approx(sum(weights[slice(*expected)]) / sum(weights))
    assert list(best.rows) == list(range(*expected))


def test_the_first_span_has_at_most_60_words_and_further_ones_90() -> None:
    # softmax of ln(6, 6, 5, 5, 2) is .25 .25 .21 .21 .08. The pairs 0 and 1, of 61 words, are worth most
    # and too long to be first; so is the pair 3 and 4, of 90. Alone, 0 is worth .25 - .006, 1 less by a word.
    scores = np.log([6.0, 6.0, 5.0, 5.0, 2.0])
    table = statements([0, 1, 3, 4, 6], [30, 31, 45, 45, 70])
    spans = rank_spans([region(7)], table, scores, limit=9)
    assert list(map(shape, spans)) == [(0, 1), (3, 5), (1, 2), (6, 7)]
    alike = rank_spans([region(7)], table, scores, limit=9, lengths=SpanLengths(further=60))
    assert list(map(shape, alike)) == [(0, 1), (1, 2), (3, 4), (4, 5), (6, 7)]


def test_a_sentence_may_be_longer_than_a_span() -> None:
    (best,) = rank_spans([region(1)], statements([0], [100]), np.zeros(1), limit=1)
    assert shape(best) == (0, 1)


def test_a_span_never_runs_over_a_sentence_that_is_no_statement_or_into_another_region() -> None:
    scores = np.zeros(4)
    table = statements([0, 2, 3, 0], [5] * 4, [0, 0, 0, 1])
    spans = rank_spans([region(4), region(1, "b")], table, scores, limit=9)
    assert [(s.region.lecture_id, *shape(s)) for s in spans] == [("a", 2, 4), ("a", 0, 1), ("b", 0, 1)]


def test_spans_share_no_sentence_and_come_best_first() -> None:
    scores = np.log([1.0, 6.0, 1.0, 1.0, 1.0, 1.0, 3.0])
    spans = rank_spans([region(7)], statements(list(range(7)), [30] * 7), scores, limit=9)
    covered = [i for span in spans for i in range(span.first, span.end)]
    assert sorted(covered) == list(range(7))
    assert spans[0].first <= 1 < spans[0].end


def test_a_network_is_what_its_formula_says() -> None:
    # z = ((3 - 1) / 2, (5 - 5) / 1) = (1, 0); linear 2 z0 = 2; hidden relu(3 z0 - 1) = 2,
    # times 0.5 = 1; bias 4.
    network = Network(
        names=("x", "y"),
        mean=np.array([1.0, 5.0]),
        scale=np.array([2.0, 1.0]),
        linear=np.array([2.0, 7.0]),
        inner=np.array([[3.0], [9.0]]),
        inner_bias=np.array([-1.0]),
        outer=np.array([0.5]),
        bias=4.0,
    )
    table = np.array([[5.0, 3.0]], dtype=np.float32)
    assert network(table, ("y", "x")).tolist() == [7.0]
    assert network.moved(3.0, -1.0)(table, ("y", "x")).tolist() == [20.0]
    # A column that is not known counts as its mean: z = (0, 2) gives 14 + relu(18 - 1) / 2 + 4.
    assert network.without(["x"])(np.array([[7.0]], dtype=np.float32), ("y",)).tolist() == [26.5]
    again = Network.from_json(network.to_json())
    assert again(table, ("y", "x")).tolist() == [7.0]


def test_the_best_span_is_verified_first_and_then_the_likeliest_others() -> None:
    # A span of two statements of ln 2 is worth more than the likeliest one of ln 3.
    scores = np.log([3.0, 1.0, 1.0, 2.0, 2.0, 1.0])
    table = statements([0, 2, 4, 6, 7, 9], [5] * 6)
    (best,) = rank_spans([region(10)], table, scores, limit=1)
    assert shape(best) == (6, 8)
    assert rows_to_verify(scores, [best]).tolist() == [3, 0, 4, 1]


def test_verdicts_are_evidence_by_the_probability_of_their_statements() -> None:
    scores = np.log([3.0, 1.0])
    table = statements([0, 2], [5, 5])
    (best,) = rank_spans([region(3)], table, scores, limit=1)
    question = Question("x", Kind.OTHER, (Word("x", 0, 1, "x", 1.0),), 2.0)
    regions = [region(3)]
    evidence = evidence_of(question, regions, table, scores, [best], np.array([1, 5], dtype=np.float32))
    # (3 * 1 + 1 * 5) / 4
    assert evidence[0, -3:].tolist() == [1.0, 5.0, 2.0]
    assert np.isnan(evidence_of(question, regions, table, scores, [best], None)[0, -3:]).all()


def test_the_worst_matched_word_is_told_near_the_span_in_its_lecture_and_in_all() -> None:
    # Rows of two regions of one lecture, then of another: three words, and how well each row matches them.
    table = replace(
        statements([0, 1, 2, 3, 4, 0, 0], [5] * 7, [0, 0, 0, 0, 0, 1, 2]),
        support=np.array(
            [
                [0.2, 0.1, 0.1],
                [0.1, 0.3, 0.1],
                [0.1, 0.1, 0.1],
                [0.1, 0.1, 0.4],
                [0.9, 0.1, 0.1],
                [0.1, 0.7, 0.1],
                [0.1, 0.1, 0.8],
            ],
            dtype=np.float32,
        ),
    )
    regions = [region(5), region(1), region(1, "other")]
    scores = np.array([9.0, 0, 0, 0, 0, 0, 0])
    ranked = rank_spans(regions, table, scores, limit=1)
    words = tuple(Word(w, 0, 1, w, 1.0) for w in "abc")
    evidence = evidence_of(Question("", Kind.OTHER, words, 9.0), regions, table, scores, ranked, None)[0]
    told = {name: evidence[EVIDENCE.index(name)] for name in EVIDENCE if "worst_" in name}
    # Near row 0 stand rows 1 to 3; its lecture has rows 4 and 5, too.
    assert told["worst_near"] == pytest.approx(0.2)
    assert told["worst_in_lecture"] == pytest.approx(0.4)
    assert told["worst_in_all"] == pytest.approx(0.7)
    assert told["two_worst_in_lecture"] == pytest.approx((0.4 + 0.7) / 2)


def test_the_weights_that_ship_fit_the_features() -> None:
    ranker = load_ranker()
    assert ranker.statement.names == FEATURES
    assert ranker.confidence.names == EVIDENCE
    assert np.isfinite(ranker.statement(np.zeros((1, len(FEATURES)), np.float32), FEATURES)).all()
