"""Which of a lecture's questions a learner may begin with."""

from pathlib import Path

import pytest

from assistant.config import Settings
from assistant.service import LectureAssistant
from assistant.suggestions import self_contained_questions
from corpus import Sentence


def suggested(said: str) -> list[str]:
    sentence = Sentence(0, len(said), said.endswith(("?", "؟")))
    return [found.question for found in self_contained_questions(said, [sentence])]


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("So where do you store Docker images?", ["Where do you store Docker images?"]),
        ("Okay, and now how does Docker work?", ["How does Docker work?"]),
        ("What is Docker?", []),  # three words
        ("How does it store the images?", []),  # which "it"?
        ("So what are the others called?", []),
        ("How are you doing then?", []),  # about nothing
        ("Docker stores the images here.", []),
        ("Shall we take a look at Docker?", []),  # about the lecture
        ("ما هي الحاوية البرمجية؟", ["ما هي الحاوية البرمجية؟"]),
    ],
)
def test_a_question_is_offered_where_it_stands_alone(said: str, offered: list[str]) -> None:
    assert suggested(said) == offered


def test_the_first_lecture_answers_what_is_offered(indexed_home: Path) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    questions = assistant.questions("docker-on-aws", 4)
    assert [q.question for q in questions] == [
        "How does Docker work on an operating system?",
        "Where do you store Docker images?",
        "How is Docker different from a virtual machine?",
        "How do you get started with Docker?",
    ]
    transcript = assistant.lecture("docker-on-aws").transcript
    assert [transcript[q.char_start : q.char_end] for q in questions][1] == (
        "So where do you store Docker images?"
    )
    assert all(assistant.ask(q.question).answered for q in questions)
