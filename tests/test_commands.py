"""Orders that are asked as questions, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.commands import what_ordered, what_told
from assistant.quoting import wants_several


def as_question(text: str) -> str:
    return what_told(text) or what_ordered(text) or text


@pytest.mark.parametrize(
    ("order", "question"),
    [
        ("List the use cases of Docker", "What are the use cases of Docker?"),
        ("could you list all container services please?", "What are all the container services?"),
        ("list all of the places an image can be kept.", "What are all the places an image can be kept?"),
        ("Enumerate some use cases, please.", "What are the use cases?"),
        ("List 3 benefits of Docker", "What are the 3 benefits of Docker?"),
        ("Name two places", "What are the two places?"),
        ("List the functions I need to save a dataset", "What are the functions I need to save a dataset?"),
        ("list its benefits", "What are its benefits?"),
        ("Name the libraries used by the speaker", "What are the libraries used by the speaker?"),
        ("Name the places where an image is kept", "What are the places where an image is kept?"),
        ("Name the status of the job", "What is the status of the job?"),
        ("Name one store for images.", "What is one store for images?"),
        ("Name an alternative", "What is an alternative?"),
        ("List some of the benefits of Docker", "What are the benefits of Docker?"),
        ("Name one of the advantages", "What are the advantages?"),
        ("list all of its benefits", "What are all its benefits?"),
        ("List a couple of places", "What are the places?"),
        ("List the two stores", "What are the two stores?"),
        ("Name the analysis", "What is the analysis?"),
        ("Compare ECS and EKS", "What is the difference between ECS and EKS?"),
        (
            "Please compare containers with a virtual machine.",
            "What is the difference between containers and a virtual machine?",
        ),
        ("compare Docker and a VM", "What is the difference between Docker and a VM?"),
        ("Can you list the use cases of Docker for me?", "What are the use cases of Docker?"),
        ("Mention two stores.", "What are the two stores?"),
        ("Would you mind telling me what Fargate is?", "What is Fargate?"),
        ("please explain to me what Docker containers are", "What are Docker containers?"),
        ("I'd like to know what ECR means", "What is ECR?"),
        ("What did the lecturer say about ECS?", "What is ECS?"),
        ("Give an example of a base image", "What is an example of a base image?"),
        ("give me some examples of base images, please", "What are examples of base images?"),
        ("explain Docker Hub, please", "What is Docker Hub?"),
    ],
)
def test_an_order_becomes_the_question(order: str, question: str) -> None:
    assert as_question(order) == question


@pytest.mark.parametrize(
    "text",
    [
        "list comprehension syntax",
        "name of the first store",
        "List the steps. Then explain how each works.",
        "compare how both are stored and run",
        "Compare ECS, EKS and Fargate",
        "Compare ECS and EKS pricing",
        "compare the pros and cons",
        "and explain analyze?",
        "tell me what it is",
        "What did the lecturer say about how images are stored?",
        "give me the answer as a table",
        "and list the benefits",
        "What are the steps?",
        "name a few",
        "list all of them",
        "list any of those",
        "name two of them",
        "List one two three",
        "list a directory in Linux",
        "list the files = [1, 2]",
        "List all containers how?",
        "Name the services and list the prices",
        "",
    ],
)
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert as_question(text) == text


@pytest.mark.parametrize("rest", ["use cases", "running containers", "container services of AWS"])
@pytest.mark.parametrize("many", ["the", "all", "all the", "some", "any", "several", "two", "the 3"])
@pytest.mark.parametrize("order", ["List", "name", "Enumerate"])
def test_a_list_is_still_asked_for(order: str, many: str, rest: str) -> None:
    assert wants_several(as_question(f"{order} {many} {rest}"))


WORDS = "please could you list name compare tell me what about all some the its 3 and with of images ECS is ?"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=8))
def test_a_question_is_no_order(words: list[str]) -> None:
    asked = as_question(" ".join(words))
    assert as_question(asked) == asked
