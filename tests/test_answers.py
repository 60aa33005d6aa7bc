"""The first lecture, asked through the real index and the real model."""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.answering import ANSWERED_FROM
from assistant.config import Settings
from assistant.conversation import Turn
from assistant.errors import NotIndexed, QuestionInvalid
from assistant.opening import open_index
from assistant.rendering import print_answer
from assistant.reranking import Reranker
from assistant.service import LectureAssistant


@pytest.fixture(scope="module")
def assistant(indexed_home: Path) -> LectureAssistant:
    return LectureAssistant(Settings(home=indexed_home))


@pytest.mark.parametrize(
    ("question", "must_quote"),
    [
        ("What is Docker?", "Docker is a software development platform to deploy apps."),
        ("Where do you store Docker images?", "Well you store them in something called a Docker Repository."),
        (
            "How is Docker different from a virtual machine?",
            "the resources are shared with a host",
        ),
        ("What is AWS Fargate?", "Amazon's own serverless container platform"),
        ("What is ECS?", "Amazon Elastic Container Service"),
        ("What is Docker Hub?", "The first one is Docker Hub and so it's a public repository"),
        ("What is Amazon ECR?", "ECR which is Amazon's version of Docker repositories"),
        ("How do I get started with Docker?", "first you have to write a Docker file"),
    ],
)
def test_a_question_is_answered_with_the_right_words(
    assistant: LectureAssistant, question: str, must_quote: str
) -> None:
    answer = assistant.ask(question)
    assert answer.answered
    assert must_quote in answer.answer


@pytest.mark.parametrize("question", ["What is Docker Hub?", "How many people use Docker?"])
def test_typed_in_a_hurry_it_is_the_same_question(assistant: LectureAssistant, question: str) -> None:
    written, typed = assistant.ask(question), assistant.ask(question.lower().rstrip("?"))
    assert typed.confidence == pytest.approx(written.confidence, abs=1e-3)
    assert typed.answer == written.answer


def test_a_follow_up_takes_the_frame_of_the_question_before(assistant: LectureAssistant) -> None:
    history = [Turn("user", "What is ECS?"), Turn("assistant", "It's Amazon Elastic Container Service.")]
    answer = assistant.ask("And what about EKS?", history=history)
    assert answer.standalone_question == "What is EKS?"
    assert answer.answered
    assert "Amazon Elastic Kubernetes Service" in answer.answer


def test_what_the_lecture_never_said_is_refused_with_the_nearest_passages(
    assistant: LectureAssistant,
) -> None:
    answer = assistant.ask("What is the capital of France?")
    assert not answer.answered
    assert answer.citations == ()
    assert answer.answer == "I found no answer in the lectures; they may not cover this."
    assert len(answer.nearest) == 3
    assert answer.confidence < ANSWERED_FROM


def test_a_rhetorical_question_is_never_the_answer(assistant: LectureAssistant) -> None:
    answer = assistant.ask("So where do you store Docker images?")
    assert answer.citations
    assert not any(citation.quote.endswith("?") for citation in answer.citations)


def test_the_answer_is_its_quotes_with_their_numbers(assistant: LectureAssistant) -> None:
    answer = assistant.ask("What is AWS Fargate?")
    assert answer.answer.startswith(f"{answer.citations[0].quote} [1]")
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))


def test_limit_is_the_most_citations(assistant: LectureAssistant) -> None:
    assert len(assistant.ask("What is Docker?", limit=1).citations) == 1
    assert len(assistant.ask("What is Docker?", limit=2).citations) == 2


def test_a_terminal_shows_the_words_that_matter_most_in_bold(
    assistant: LectureAssistant, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = assistant.ask("What is ECS?")
    (first, *_) = answer.citations
    best = assistant.lecture("docker-on-aws").transcript[
        first.highlight.char_start : first.highlight.char_end
    ]
    assert best != first.quote
    with click.Context(click.Command("ask"), color=True):
        print_answer(answer)
    assert first.quote.replace(best, f"\x1b[1m{best}\x1b[0m") + " [1]" in capsys.readouterr().out


def test_what_is_next_to_certain_not_to_answer_is_not_cited(assistant: LectureAssistant) -> None:
    citations = assistant.ask("Where do you store Docker images?", limit=50).citations
    assert 1 < len(citations) < 50
    assert all(citation.score >= 0.005 for citation in citations)


@pytest.mark.parametrize(
    "question", ["", "  \n\t ", "?", "…", "\x00", "???!!! 🐳 <b></b> [1]", "word " * 10_000]
)
def test_an_empty_or_endless_question_is_refused(assistant: LectureAssistant, question: str) -> None:
    with pytest.raises(QuestionInvalid):
        assistant.ask(question)


def test_an_unknown_course_or_lecture_is_named_with_what_there_is(assistant: LectureAssistant) -> None:
    with pytest.raises(NotIndexed, match="no course 'awz'; did you mean aws"):
        assistant.ask("What is Docker?", course="awz")
    with pytest.raises(NotIndexed, match="no lecture 'docker'; did you mean docker-on-aws"):
        assistant.ask("What is Docker?", lectures=["docker"])
    with pytest.raises(NotIndexed, match=r"no lecture 'physics'; known are docker-on-aws$"):
        assistant.ask("What is Docker?", lectures=["physics"])


def test_what_is_asked_after_something_else_is_completed_where_that_answers_it_better(
    assistant: LectureAssistant,
) -> None:
    def understood(before: str, question: str) -> str:
        turns = [Turn("user", before), Turn("assistant", "…")]
        return assistant.understand(question, history=turns).standalone_question

    assert understood("Who won the cup?", "Where do you store images?") == "Where do you store images?"
    assert understood("What is Docker?", "What are the use cases?") == "What are the use cases? (Docker)"


@pytest.mark.parametrize(
    "pasted",
    [
        "🐳 What is <b>Docker</b>?",
        "What is Docker [1]?",
        "\x1b[31mWhat is Docker?\x1b[0m",
        '<p class="x">What is\nDocker?</p>',
    ],
)
def test_what_is_pasted_with_a_question_changes_nothing(assistant: LectureAssistant, pasted: str) -> None:
    plain, answer = assistant.ask("What is Docker?"), assistant.ask(pasted)
    assert answer.standalone_question.replace(" ?", "?") == "What is Docker?"
    assert (answer.citations, answer.confidence) == (plain.citations, plain.confidence)


def test_odd_questions_are_survived(assistant: LectureAssistant) -> None:
    for question in (
        "' OR 1=1 --",
        "the of and",
        "什么是 Docker？",
        "a" * 2000,
        "\u202eekoD",
    ):
        answer = assistant.ask(question)
        assert answer.answered == bool(answer.citations)


def test_search_pages_through_the_passages_without_gap_or_repetition(assistant: LectureAssistant) -> None:
    whole = assistant.search("docker images", limit=8)
    first = assistant.search("docker images", limit=4)
    second = assistant.search("docker images", limit=4, offset=4)
    assert [r.passage_id for r in (*first.results, *second.results)] == [r.passage_id for r in whole.results]
    assert [r.number for r in second.results] == [5, 6, 7, 8]
    assert first.next_offset == 4


def test_a_cross_encoder_that_likes_long_quotes_gets_no_long_one_to_put_first(indexed_home: Path) -> None:
    class Longest:
        def log_odds(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
            return np.array([float(len(text)) for text in texts])

    def words_of(reranker: Reranker | None) -> list[int]:
        opened = open_index(Settings(home=indexed_home), reranker=reranker)
        spans = opened.reader.read("How does an image turn into a container?", 10).spans
        return [span.words for span in spans if span.end > span.first + 1]

    assert max(words_of(None)) > 60
    assert max(words_of(Longest())) <= 60
