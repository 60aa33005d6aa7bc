"""Mistyped and mis-heard words, mended with the words of a real index that the real model made."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.cli import main
from assistant.config import Settings
from assistant.conversation import Turn
from assistant.evaluation import evaluate
from assistant.evaluation_data import EvaluationQuestion
from assistant.indexing import index_paths
from assistant.opening import OpenIndex, open_index
from assistant.service import LectureAssistant
from assistant.spelling import corrected

TEXTS = {
    "databases": "You can run MySQL inside a container. Containers are isolated from the others. "
    "A dataset is kept in a volume. We test the sequence of layers. Terminology is explained elsewhere.",
    "docker": "First you write a docker file, and then you build it. The Kubernetes registry keeps images.",
}
KNOWN = sorted({word for text in TEXTS.values() for word in re.findall(r"\w+", text)})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spelling")
    for name, text in TEXTS.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.txt").write_text(text, encoding="utf-8")
        index_paths([folder / name], Settings(home=folder / "home"), lambda *_: None)
    return folder / "home"


@pytest.fixture(scope="module")
def opened(home: Path) -> Iterator[OpenIndex]:
    opened = open_index(Settings(home=home))
    yield opened
    opened.generation.catalog.close()


def mended(opened: OpenIndex, question: str, *lectures: str) -> str:
    return corrected(question, opened.generation, opened.encoder, lectures or None)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # Twice the letters in common by those of both: datset 2·6/13 = .92, sequense 2·7/16 = .875.
        # Letters exchanged (lyaers) are one slip.
        ("what is a datset", "what is a dataset"),
        ("Where is the datset's volume?", "Where is the dataset's volume?"),
        ("teh sequense of lyaers", "the sequence of layers"),
        ("Datset or contianers?", "dataset or containers?"),
        # Its index term, "terminolog", is not that of the slip.
        ("terminolgy", "terminology"),
        # A name stays one, as the lecture writes it.
        ("who made Kubernetse", "who made Kubernetes"),
        ("wich registry", "which registry"),
        # Joined: only "mysql" is known; parted: the lecture says "docker file".
        ("how to run my sql", "how to run mysql"),
        ("What is My SQL?", "What is MySQL?"),
        ("and a data-set?", "and a dataset?"),
        ("what is a dockerfile", "what is a docker file"),
    ],
)
def test_a_word_that_no_lecture_has_becomes_the_one_that_was_meant(
    opened: OpenIndex, typed: str, meant: str
) -> None:
    assert mended(opened, typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "Where do I register?",  # like "registry" by .875, but the encoder has a piece for it
        "Who is the tester?",  # an inflection: "test" is known
        "Is Daset a company?",  # alike enough, but a name, and no name of the lectures
        "a docker-file",  # both known
        "run his sql",  # "hissql" is not known
        "what is a containerfile",  # both halves are known, but nobody says "container file"
        "is ecs like eks",
        "data_set2 dataset_",
        "",
        "?",
        "什么是容器",
        "datset " * 13,  # 13 unknown words: another language
        "x" * 2000,
    ],
)
def test_other_questions_keep_their_words(opened: OpenIndex, typed: str) -> None:
    assert mended(opened, typed) == typed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.sampled_from([" ", "-", ", ", "'s ", "? ", " the "]))))
def test_a_question_of_known_words_is_never_changed(opened: OpenIndex, parts: list[tuple[str, str]]) -> None:
    question = "".join(word + after for word, after in parts)
    assert mended(opened, question) == question


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_mended_once(opened: OpenIndex, question: str) -> None:
    once = mended(opened, question)
    assert mended(opened, once) == once


def test_words_come_from_the_lectures_that_are_looked_in(opened: OpenIndex) -> None:
    typed = "datset of my sql in a dockerfile"
    databases, docker = (
        next(i for i in opened.generation.catalog.lecture_ids() if name in i) for name in TEXTS
    )
    assert mended(opened, typed, databases) == "dataset of mysql in a dockerfile"
    assert mended(opened, typed, docker) == "datset of my sql in a docker file"
    # Known elsewhere, so it is no slip, whatever this lecture has that is like it.
    assert mended(opened, "volumes", docker) == "volumes"


def test_what_was_understood_is_looked_for_and_shown(home: Path, opened: OpenIndex) -> None:
    assistant = LectureAssistant(Settings(home=home))
    asked = assistant.ask("Where is a datset kept?")
    meant = assistant.ask("Where is a dataset kept?")
    assert (asked.question, asked.standalone_question) == ("Where is a datset kept?", meant.question)
    assert (asked.answer, asked.citations) == (meant.answer, meant.citations)
    assert (asked.confidence, asked.unsupported) == (meant.confidence, meant.unsupported)
    followed = assistant.ask("and teh contianer?", history=[Turn("user", "Where is the datset?")])
    assert followed.standalone_question == "Where is the container?"
    page, right = assistant.search("datset volume"), assistant.search("dataset volume")
    assert (page.query, page.understood) == ("datset volume", "dataset volume")
    assert page.results == right.results
    (outcome,) = evaluate(
        opened.generation,
        opened.encoder,
        opened.reader,
        [EvaluationQuestion("1", "datset volume", (), (), True, "typo", "", ())],
        in_document=False,
        progress=lambda *_: None,
        systems=("ours",),
    )["ours"]
    assert outcome.asked == "dataset volume"
    shown = CliRunner().invoke(main, ["--home", str(home), "search", "datset"])
    assert "Understood as: dataset\n" in shown.output
