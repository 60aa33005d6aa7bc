"""Follow-ups made to stand alone; the words of the lecture decide which are rare."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.conversation import Turn, standalone_question
from assistant.lexical import LexicalIndex


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder: Path = tmp_path_factory.mktemp("lexical") / "index"
    passages = ["docker hub stores images", "docker runs images", "ecs and eks", "docker docker docker"]
    return LexicalIndex.build(folder, [("a", text) for text in passages])


def alone(question: str, *before: str, lexical: LexicalIndex) -> str:
    turns = [turn for asked in before for turn in (Turn("user", asked), Turn("assistant", "…"))]
    return standalone_question(question, turns, lexical)


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("What is ECS?", "And what about EKS?", "What is EKS?"),
        ("What is ECS?", "and EKS?", "What is EKS?"),
        ("What are the layers?", "How about the images?", "What are the images?"),
        ("What is Docker Hub?", "How much does it cost?", "How much does it cost? (Docker Hub)"),
        ("Where are images stored?", "and in a private one?", "and in a private one? (images stored)"),
        ("What is Docker Hub?", "What is the price?", "What is the price? (Docker Hub)"),
        ("What is Docker Hub?", "public images", "public images? (Docker Hub)"),
        ("What is Docker Hub?", "Why?", "Why? (Docker Hub)"),
        ("What is Docker Hub?", "ok, and why?", "ok, and why? (Docker Hub)"),
        ("What is Docker Hub?", "no, the other one", "no, the other one? (Docker Hub)"),
        ("What is ECS?", "no, I mean EKS", "What is EKS?"),
        ("How do images differ?", "sorry, I meant ECS", "ECS"),
        ("What is Docker Hub?", "I mean the price of it", "I mean the price of it? (Docker Hub)"),
        ("Explain how images differ", "and its price?", "and its price? (images differ)"),
        ("What is Docker Hub?", "Tell me more", "Tell me more? (Docker Hub)"),
        ("What is Docker Hub?", "name a few", "name a few? (Docker Hub)"),
        ("What is Docker Hub?", "Name an alternative", "What is an alternative? (Docker Hub)"),
        ("What is Docker Hub?", "How do I do so?", "How do I do so? (Docker Hub)"),
        ("What is Docker Hub?", "What about both?", "What about both? (Docker Hub)"),
    ],
)
def test_a_question_that_leans_is_completed(
    lexical: LexicalIndex, before: str, question: str, expected: str
) -> None:
    assert alone(question, before, lexical=lexical) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "What is the capital city of France?",
        "How do you write a compose file for servers?",
        "What is ECS?",
        "Why are images stored?",
        "Which ports does a container open if it runs behind another proxy?",
        "ecs cluster task definition memory limit",
        "hello",
        "Ok, thanks!",
        "no",
        "can you repeat",
    ],
)
def test_a_change_of_topic_is_not_dragged_back(lexical: LexicalIndex, question: str) -> None:
    assert alone(question, "What is Docker Hub?", lexical=lexical) == question


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("And what about EKS?", "What is EKS?"),
        ("tell me about ECS", "What is ECS?"),
        ("Could you please tell me more about the Docker Hub.", "What is the Docker Hub?"),
        ("tell me about Docker please", "What is Docker?"),
        ("Please explain ECS", "What is ECS?"),
        ("describe the images", "What are the images?"),
        ("what about status?", "What is status?"),
        ("Explain how images are stored", "Explain how images are stored"),
        ("tell me about it", "tell me about it"),
        ("List the use cases of Docker", "What are the use cases of Docker?"),
        ("Tell me about how images are stored", "Tell me about how images are stored"),
    ],
)
def test_to_speak_of_something_is_to_ask_what_it_is(
    lexical: LexicalIndex, question: str, expected: str
) -> None:
    assert standalone_question(question, [], lexical) == expected


def test_to_speak_of_something_is_a_topic_of_its_own(lexical: LexicalIndex) -> None:
    for question in ("tell me about ECS", "and tell me about ECS", "Thanks! Please tell me more about ECS."):
        assert alone(question, "Where is Docker Hub?", lexical=lexical) == "What is ECS?"


@pytest.mark.parametrize(
    ("question", "offered"),
    [
        ("When is the exam?", [("When is the exam? (Docker Hub)", "When is the exam?")]),
        ("public images", [("public images? (Docker Hub)", "public images")]),
        ("Why?", []),  # about nothing of its own
        ("explain further", []),
        ("What does it cost?", []),
        ("and the price?", []),
        ("no, I mean ECS", []),
        ("How do you write a compose file for servers?", []),  # nothing is carried
    ],
)
def test_what_neither_points_back_nor_stands_alone_for_sure_is_left_to_choose(
    lexical: LexicalIndex, question: str, offered: list[tuple[str, str]]
) -> None:
    seen: list[tuple[str, str]] = []

    def alone_of(completed: str, alone: str) -> str:
        seen.append((completed, alone))
        return alone

    history = [Turn("user", "What is Docker Hub?")]
    found = standalone_question(question, history, lexical, alone_of)
    assert seen == offered
    if offered:
        assert found == question


def test_what_was_chosen_for_a_turn_holds_for_the_next(lexical: LexicalIndex) -> None:
    history = [Turn("user", "What is Docker Hub?"), Turn("user", "When is the exam?")]

    def asked(choose: Callable[[str, str], str]) -> str:
        return standalone_question("Where is it?", history, lexical, choose)

    assert asked(lambda completed, alone: alone) == "Where is it? (exam)"
    assert asked(lambda completed, alone: completed) == "Where is it? (exam Docker Hub)"


def test_without_history_nothing_changes(lexical: LexicalIndex) -> None:
    assert alone("and EKS?", lexical=lexical) == "and EKS?"
    assert standalone_question("it?", [Turn("assistant", "Docker Hub.")], lexical) == "it?"


def test_thanks_between_questions_do_not_cut_the_thread(lexical: LexicalIndex) -> None:
    assert alone("Why?", "What is Docker Hub?", "ok, thanks!", lexical=lexical) == "Why? (Docker Hub)"


def test_what_says_nothing_does_not_cut_the_thread(lexical: LexicalIndex) -> None:
    assert alone("and its price?", "What is Docker Hub?", "Tell me more", lexical=lexical) == (
        "and its price? (Docker Hub)"
    )


def test_what_is_no_word_is_not_carried(lexical: LexicalIndex) -> None:
    long = "a" * 61
    assert alone("Why?", f"Where is Docker {long}", lexical=lexical) == "Why? (Docker)"


def test_a_turn_takes_time_by_its_length_and_not_by_its_square(lexical: LexicalIndex) -> None:
    # Where each of the points could end the name or be what ends the sentence, four times the points took
    # sixteen times as long.
    def seconds(points: int) -> float:
        turn = "what is " + "." * points + "x,"

        def once() -> float:
            started = time.perf_counter()
            alone("What about that?", turn, lexical=lexical)
            return time.perf_counter() - started

        return min(once() for _ in range(5))

    assert seconds(20_000) < 8 * seconds(5_000)


def test_a_chain_of_follow_ups_keeps_its_thread(lexical: LexicalIndex) -> None:
    assert alone("and EKS?", "What is Docker Hub?", "and ECS?", lexical=lexical) == "What is EKS?"
