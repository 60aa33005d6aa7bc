"""What the wording of a sentence gives away, on sentences that have it and on near ones that do not."""

import pytest

from assistant.questions import Kind
from assistant.wording import (
    SHAPED_KINDS,
    asks_number,
    has_negation,
    has_number,
    has_shape,
    is_signpost,
    joins_on,
    leans_back,
)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("in this video we look at docker.", True),
        ("i'll show you how.", True),
        ("as we've seen, images are layers.", True),
        ("so let's take a look.", True),
        ("a container is a running image.", False),
        ("the will of the user counts.", False),
        ("they overwatched it.", False),
    ],
)
def test_a_signpost_says_what_will_be_or_was_said(sentence: str, expected: bool) -> None:
    assert is_signpost(sentence) is expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("it runs anywhere.", True),
        ("and so, this is why.", True),
        ("that's a pod.", True),
        ("also they scale.", True),
        ("item one is a pod.", False),
        ("docker runs it anywhere.", False),
        ("and docker runs.", False),
    ],
)
def test_who_leans_back_begins_by_pointing_at_the_sentence_before(sentence: str, expected: bool) -> None:
    assert leans_back(sentence) is expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("and docker runs.", True),
        ("but not here.", True),
        ("android runs.", False),
        ("docker and ecs.", False),
    ],
)
def test_who_joins_on_begins_with_a_conjunction(sentence: str, expected: bool) -> None:
    assert joins_on(sentence) is expected


@pytest.mark.parametrize(
    ("kind", "with_shape", "without"),
    [
        (Kind.DEFINITION, "ecr stands for elastic container registry.", "this isle has no roads."),
        (Kind.REASON, "we scale out in order to serve more users.", "we scale out on mondays."),
        (Kind.PLACE, "images live in a repository.", "images need a repository."),
        (Kind.TIME, "it was released in 2013.", "it is for all of them."),
        (Kind.QUANTITY, "there are three launch types.", "there are more launch types."),
        (Kind.PROCEDURE, "you can push it by typing this.", "it is a platform."),
        (Kind.LIST, "queues, topics, and streams.", "queues and topics."),
    ],
)
def test_an_answer_has_the_shape_of_its_kind(kind: Kind, with_shape: str, without: str) -> None:
    assert kind in SHAPED_KINDS
    assert has_shape(with_shape, kind)
    assert not has_shape(without, kind)


@pytest.mark.parametrize("kind", sorted(set(Kind) - set(SHAPED_KINDS)))
def test_the_other_kinds_have_no_shape(kind: Kind) -> None:
    assert not has_shape("docker is a platform, because you can use it in 2013.", kind)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a container cannot see its host.", True),
        ("what doesn't docker need?", True),
        ("what doesn’t docker need?", True),
        ("it runs without a hypervisor.", True),
        ("you should avoid root.", True),
        ("a note on knots and notation.", False),
        ("can it run anywhere?", False),
    ],
)
def test_a_sentence_denies_by_its_words(text: str, expected: bool) -> None:
    assert has_negation(text) is expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("it was released in 2013.", True),
        ("there are three launch types.", True),
        ("it's free for public images.", True),
        ("it was released long ago by someone.", False),
    ],
)
def test_a_number_stands_in_digits_or_words(sentence: str, expected: bool) -> None:
    assert has_number(sentence) is expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many layers does bert have?", True),
        ("when was docker released?", True),
        ("what does storing images in ecr cost?", True),
        ("when do you use fargate?", False),
        ("how does attention work?", False),
    ],
)
def test_a_number_is_asked_for(question: str, expected: bool) -> None:
    assert asks_number(question) is expected
