"""How many spans are quoted, in which order, and which words are named as not covered."""

import numpy as np
import pytest

from assistant.catalog import StoredSentence
from assistant.citations import CharRange, Citation
from assistant.coverage import unsupported_words
from assistant.questions import Kind, Question, Word
from assistant.quoting import as_told, spans_quoted, wants_several
from assistant.ranking import RankedSpan
from assistant.regions import Region
from assistant.statements import FEATURES, Statements
from corpus import Sentence


@pytest.mark.parametrize(
    "question",
    [
        "Which background skills should I have before the later chapters?",
        "What are the three steps of Docker?",
        "List the launch types of ECS",
        "What different things happen to the chosen tokens, and what else?",
        "Who are the people behind the course?",
        "How is Docker different from a virtual machine?",
        "BLEU versus ROUGE: which one looks at recall?",
        "Is the image public or private?",
        "What distinguishes encoders from decoders?",
        "What does a repository contain?",
    ],
)
def test_lists_and_comparisons_may_take_several_quotes(question: str) -> None:
    assert wants_several(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is Docker?",
        "What does this do?",
        "Where do you store Docker images?",
        "Why is that so?",
        "How do I start a container?",
        "What makes encoders good at this?",
        "What are logits?",
        "How many sentences does the dataset contain?",
    ],
)
def test_other_questions_take_one(question: str) -> None:
    assert not wants_several(question)


def span(probability: float, start: int = 0, end: int = 1) -> RankedSpan:
    stored = tuple(StoredSentence(i, Sentence(i, i + 1, False), 0, 1) for i in range(9))
    words = ("Docker runs containers", *["x"] * 8)
    return RankedSpan(Region("a", stored, words, 0, (), 9), start, end, 5, probability, start, start)


@pytest.mark.parametrize(
    ("probabilities", "quoted"),
    [
        ([0.4, 0.06, 0.059, 0.4], 2),  # 0.15 · 0.4 = 0.06 is near enough, 0.059 ends it
        ([0.2, 0.2, 0.2, 0.2, 0.2], 4),
        ([0.9, 0.1], 1),
        ([0.3], 1),
        ([], 0),
    ],
)
def test_a_part_is_quoted_where_it_is_about_as_likely_as_the_first(
    probabilities: list[float], quoted: int
) -> None:
    assert spans_quoted("Name the parts", [span(p) for p in probabilities]) == quoted
    assert spans_quoted("What is Docker?", [span(p) for p in probabilities]) == min(quoted, 1)


def citation(number: int, lecture_id: str, start: int) -> Citation:
    return Citation(
        number=number,
        lecture_id=lecture_id,
        title="",
        course=None,
        passage_id="",
        quote="",
        char_start=start,
        char_end=start + 1,
        highlight=CharRange(start, start + 1),
        line_start=1,
        line_end=1,
        start_ms=None,
        end_ms=None,
        page=None,
        page_kind=None,
        speaker=None,
        url="",
        score=0.0,
    )


def test_parts_of_one_lecture_are_told_in_its_order_and_keep_their_numbers() -> None:
    told = as_told([citation(1, "a", 90), citation(2, "a", 10), citation(3, "a", 50)])
    assert [c.number for c in told] == [2, 3, 1]


def test_parts_of_several_lectures_come_best_first() -> None:
    told = as_told([citation(1, "a", 90), citation(2, "b", 10)])
    assert [c.number for c in told] == [1, 2]


def question(**idf: float) -> Question:
    words = tuple(Word(text, 0, 1, text.lower(), value) for text, value in idf.items())
    return Question(" ".join(idf), Kind.OTHER, words, 4.0)


def statements(*support: list[float]) -> Statements:
    count = len(support)
    return Statements(
        region=np.zeros(count, dtype=np.intp),
        index=np.arange(count),
        words=np.full(count, 5),
        features=np.zeros((count, len(FEATURES)), dtype=np.float32),
        support=np.array(support, dtype=np.float32),
    )


def test_a_rare_word_far_from_all_that_is_cited_is_named_as_written() -> None:
    # Rarity (1, 1 and .5) times distance to the nearest cited: .7, .6 and .5 · .8 = .4; named from .66 on.
    asked = question(Kubernetes=4.0, pods=4.0, often=2.0)
    table = statements([0.3, 0.2, 0.1], [0.1, 0.4, 0.1], [1.0, 1.0, 1.0])
    cited = [span(0.5, 0, 1), span(0.4, 1, 2)]
    assert unsupported_words(asked, [cited[0].region], table, cited) == ("Kubernetes",)


def test_where_nothing_is_cited_all_that_was_read_counts_and_less_is_enough() -> None:
    # Nearest of all three: .6, .4 and .2, so .4, .6 and .5 · .8 = .4; named from .5 on.
    asked = question(Kubernetes=4.0, pods=4.0, often=2.0)
    table = statements([0.3, 0.2, 0.1], [0.1, 0.4, 0.1], [0.6, 0.1, 0.1])
    assert unsupported_words(asked, [span(0.5).region], table, ()) == ("pods",)


def test_a_slip_of_the_pen_is_not_named() -> None:
    # "Dokcer" shares 10 of 12 letters with "docker", which was read: .83 alike.
    asked = question(Dokcer=4.0, Helm=4.0)
    table = statements([0.1, 0.1])
    assert unsupported_words(asked, [span(0.5).region], table, [span(0.5)]) == ("Helm",)


def test_who_speaks_and_what_a_lecture_is_called_is_not_named() -> None:
    asked = question(Novak=4.0, Helm=4.0)
    table = statements([0.1, 0.1])
    found = unsupported_words(asked, [span(0.5).region], table, [span(0.5)], ["Plants", "Dr. Novak"])
    assert found == ("Helm",)


def test_what_the_assistant_is_told_to_do_is_not_named() -> None:
    asked = Question(
        "List pods", Kind.LIST, (Word("List", 0, 4, "list", 4.0), Word("pods", 5, 9, "pod", 4.0)), 4.0
    )
    table = statements([0.1, 0.1])
    assert unsupported_words(asked, [span(0.5).region], table, [span(0.5)]) == ("pods",)


def test_without_statements_there_is_nothing_to_say() -> None:
    empty = Statements(*(np.zeros(0, dtype=np.intp) for _ in range(3)), np.zeros((0, 1)), np.zeros((0, 1)))
    assert unsupported_words(question(Helm=4.0), [], empty, ()) == ()
