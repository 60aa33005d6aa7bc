"""What counts as right, and the sums of a report, worked out by hand on a few outcomes."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answering import ANSWERED_FROM, Reader
from assistant.embedding import OnnxEncoder
from assistant.evaluation import SYSTEMS, Outcome, confidence_labels, evaluate, hits, report_of
from assistant.evaluation_data import EvaluationQuestion, Place, load_questions
from assistant.evaluation_run import EvaluationRun
from assistant.faults import fault_of, faults_by_kind
from assistant.onnx_export import exported_folder
from assistant.ranking import load_ranker
from assistant.store import current_generation, open_generation

GOLD = Place("a", 100, 200)
ELSEWHERE = Place("b", 100, 200)
QUESTIONS = Path(__file__).parent / "data" / "first-lecture-questions.jsonl"


def asked(
    *places: Place, answerable: bool = True, kind: str = "fact", needs_all: bool = False
) -> EvaluationQuestion:
    return EvaluationQuestion("q", "What?", (), ("a",), answerable, kind, "", places, needs_all)


def outcome(
    question: EvaluationQuestion, *quotes: Place, score: float = 0.5, quoted: int = 1, words: int = 10
) -> Outcome:
    return Outcome(question, "What?", quotes, words, quoted, words * quoted, score, 1.0)


@pytest.mark.parametrize(
    ("quote", "right"),
    [
        (Place("a", 100, 200), True),
        (Place("a", 0, 150), True),  # 50 of 100: half
        (Place("a", 0, 149), False),  # 49 of 100
        (Place("a", 150, 900), True),
        (Place("a", 151, 900), False),
        (Place("a", 200, 300), False),
        (Place("b", 100, 200), False),
    ],
)
def test_a_quote_hits_when_it_covers_half_of_a_gold_place(quote: Place, right: bool) -> None:
    assert hits(quote, GOLD) is right


def test_ranks_are_of_the_first_right_quote_and_the_first_right_lecture() -> None:
    found = outcome(asked(GOLD), ELSEWHERE, ELSEWHERE, Place("a", 0, 9), GOLD)
    assert found.place_rank == 4
    # b, a: distinct lectures are counted.
    assert found.lecture_rank == 2
    assert outcome(asked(GOLD), ELSEWHERE).place_rank is None
    assert outcome(asked(GOLD), ELSEWHERE).lecture_rank is None
    assert outcome(asked(), Place("a", 0, 9)).lecture_rank == 1  # no place known, but the lecture is


def test_parts_are_counted_in_what_is_quoted_only() -> None:
    other = Place("a", 300, 400)
    question = asked(GOLD, other, needs_all=True)
    assert outcome(question, GOLD, other, quoted=1).parts_quoted == 0.5
    assert outcome(question, GOLD, other, quoted=2).parts_quoted == 1.0
    assert outcome(question, ELSEWHERE, GOLD, other, quoted=1).parts_quoted == 0.0
    assert math.isnan(outcome(asked(), GOLD).parts_quoted)


def four() -> list[Outcome]:
    """Right at 1, right at 3, wrong, and an uncovered one."""
    return [
        outcome(asked(GOLD), GOLD, score=0.9, words=10),
        outcome(asked(GOLD), ELSEWHERE, Place("a", 0, 9), GOLD, score=0.6, words=20),
        outcome(asked(GOLD), ELSEWHERE, score=0.2, words=60),
        outcome(asked(answerable=False), ELSEWHERE, score=0.4, words=90),
    ]


def test_a_report_by_hand() -> None:
    report = report_of("ours", four(), threshold=0.35)
    assert (report.questions, report.answerable) == (4, 3)
    assert (report.hit_1, report.hit_3) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert report.mrr == pytest.approx((1 + 1 / 3 + 0) / 3)
    # Lecture ranks 1, 2 and none.
    assert (report.lecture_recall_1, report.lecture_recall_3) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert report.lecture_mrr == pytest.approx(0.5)
    # The uncovered question's words do not count.
    assert (report.words_median, report.words_max) == (20.0, 60)
    # .4 is above one of .9, .6 and .2.
    assert report.auroc == pytest.approx(2 / 3)
    # From .35 on: the uncovered one is answered, one of three covered ones is not.
    assert (report.false_answers, report.false_refusals) == (1.0, pytest.approx(1 / 3))
    # Said and so: .9 and 1, .6 and 1, .2 and 0, .4 and 0, a bin each: (.1 + .4 + .2 + .4) / 4.
    assert report.calibration_error == pytest.approx(0.275)
    # Surest first right, right, wrong, wrong: risks 0, 0, 1/3, 2/4.
    assert report.aurc == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert math.isnan(report.parts_quoted)


def test_only_answers_whose_parts_are_all_needed_count_as_parts() -> None:
    whole = asked(GOLD, Place("a", 300, 400), needs_all=True)
    one_of_two = outcome(whole, GOLD, quoted=1, words=30)
    both = outcome(whole, GOLD, Place("a", 300, 400), quoted=2, words=30)
    report = report_of("ours", [*four(), one_of_two, both])
    # (1/2 + 1) / 2 of the parts, (30 + 60) / 2 words.
    assert (report.parts_quoted, report.parts_words) == (0.75, 45.0)


def test_without_a_threshold_nothing_is_answered_or_refused() -> None:
    report = report_of("bm25", four())
    assert all(map(math.isnan, (report.false_answers, report.false_refusals, report.calibration_error)))


def test_confidence_is_judged_where_it_is_known_what_is_right() -> None:
    late = outcome(asked(GOLD), *[ELSEWHERE] * 3, GOLD, score=0.7)  # the fourth quote is not cited
    unplaced = outcome(asked(), GOLD, score=0.8)  # covered, nobody knows where
    scores, right = confidence_labels([*four(), late, unplaced])
    assert scores == [0.9, 0.6, 0.2, 0.4, 0.7]
    assert right == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (outcome(asked(GOLD), GOLD), None),
        (outcome(asked(GOLD), ELSEWHERE, ELSEWHERE, GOLD), None),
        (outcome(asked(), GOLD), None),
        (outcome(asked(answerable=False), GOLD, score=0.3), None),
        (outcome(asked(answerable=False)), None),
        (outcome(asked(answerable=False), GOLD), "answered, but the lectures do not cover it"),
        (outcome(asked(GOLD), ELSEWHERE, score=0.3), "refused, but the lectures cover it"),
        (
            outcome(asked(GOLD), ELSEWHERE, GOLD, score=0.3),
            "refused, but the lectures cover it; quote 2 would have been right",
        ),
        (outcome(asked(GOLD), ELSEWHERE), "all quotes are from other lectures"),
        (outcome(asked(GOLD), *[ELSEWHERE] * 3, GOLD), "all quotes are from other lectures"),
        (outcome(asked(GOLD), Place("a", 0, 99)), "right lecture, but no quote touches a gold place"),
        (
            outcome(asked(GOLD), Place("a", 0, 130), Place("a", 160, 300)),
            "the best quote covers 40% of a gold place, half is needed",
        ),
    ],
)
def test_a_fault_says_why(given: Outcome, why: str | None) -> None:
    fault = fault_of(given, threshold=0.35)
    assert (fault.why if fault else None) == why


def test_faults_come_by_kind_most_and_surest_first() -> None:
    wrong = [
        outcome(asked(GOLD, kind="how"), ELSEWHERE, score=0.6),
        outcome(asked(GOLD, kind="why"), ELSEWHERE, score=0.5),
        outcome(asked(GOLD, kind="why"), ELSEWHERE, score=0.9),
        outcome(asked(GOLD, kind="fact"), GOLD, score=0.9),
    ]
    listed = faults_by_kind(wrong, 0.35)
    assert {kind: [f.outcome.score for f in faults] for kind, faults in listed.items()} == {
        "why": [0.9, 0.5],
        "how": [0.6],
    }
    assert list(listed) == ["why", "how"]


def test_every_system_answers_every_question_from_the_real_index(indexed_home: Path) -> None:
    generation = open_generation(current_generation(indexed_home))
    encoder = OnnxEncoder(exported_folder(indexed_home, generation.manifest.model_sha256))
    transcripts = {h.lecture_id: h.transcript for h in generation.catalog.headers()}
    questions = load_questions(QUESTIONS, transcripts, {})[:5]
    start = transcripts["docker-on-aws"].index("Docker is a software development platform to deploy apps.")
    docker = Place("docker-on-aws", start, start + 53)
    steps: list[tuple[int, int]] = []
    outcomes = evaluate(
        generation,
        encoder,
        Reader(generation, encoder, load_ranker(), 20),
        [*questions, replace(questions[0], question="What is Docker?", places=(docker,))],
        in_document=True,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert tuple(outcomes) == SYSTEMS
    assert steps == [(n, 6) for n in range(1, 7)]
    ours = outcomes["ours"][-1]
    assert (ours.place_rank, ours.quoted) == (1, 1)
    first = ours.quotes[0]
    text = transcripts[first.lecture_id][first.char_start : first.char_end]
    assert ours.words == ours.words_quoted == len(text.split())
    for found in outcomes.values():
        assert all(o.milliseconds > 0 and len(o.quotes) <= 10 for o in found)
    generation.catalog.close()


def test_a_run_sums_up_what_it_holds(first_lecture_run: EvaluationRun) -> None:
    run = first_lecture_run
    assert [report.system for report in run.reports] == list(run.outcomes) == list(SYSTEMS)
    assert list(run.transcripts) == ["docker-on-aws"]
    assert run.model_name == "all-MiniLM-L6-v2+lectures"
    again = report_of("ours", run.outcomes["ours"], ANSWERED_FROM)
    assert again == run.reports[0]
