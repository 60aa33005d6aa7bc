"""What the wording of a spoken sentence gives away, apart from its topic.

All but ``wording_of`` read a sentence in lower case: made so once, it is searched in a
third of the time that patterns without regard to case take.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from assistant.questions import Kind

__all__ = [
    "SHAPED_KINDS",
    "Wording",
    "asks_number",
    "has_negation",
    "has_number",
    "has_shape",
    "is_signpost",
    "joins_on",
    "leans_back",
    "wording_of",
]

# Each way to say it begins with a letter, not with a group: so the search is three times as fast.
_SIGNPOST = re.compile(
    r"\b(?:in this (?:video|section|chapter|lecture|part)|i(?:'ll| will)|you(?:'ll| will)"
    r"|we(?:'ll| will|lcome)|let(?:'s| us)|have a look|take a look|quick look|see how"
    r"|next (?:video|lecture|time)|as (?:we|i)(?:'ve| have)? s(?:aw|een)|link(?:ed)? below|check out"
    r"|deep dive|overview|watch)\b"
)
_LEANS_BACK = re.compile(
    r"(?:(?:and|so|but|then|well|here|also|again),? )*"
    r"(?:it|its|it's|this|that|that's|they|they're|these|those|he|she)\b"
)
_JOINS_ON = ("and ", "so ", "but ", "then ", "or ")
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|nowhere|neither|nor|without|cannot|except|unless|avoid\w*"
    r"|excluded?|\w+n['’]t)\b"
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?"
    r"|millions?|billions?|half|third|quarter|twice|free|percent|decades?|century|centuries)\b"
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|big|large|often|far|old|fast|expensive)\b"
    r"|\bwhat (?:number|percentage|year|date)\b"
    r"|\bwhen (?:was|were|did)\b|\b(?:cost|price|prices|pricing)\b"
)
_SHAPES = {
    Kind.DEFINITION: r"\b(?:is|are|means?|refers? to|called|known as|stands? for|consists? of|defined as)\b",
    Kind.REASON: r"\b(?:because|since|so that|in order to|thanks to|due to|allows?|therefore|otherwise"
    r"|to (?:make sure|avoid|ensure|be able)|this (?:is why|means|way)|reason|helps?)\b",
    Kind.PLACE: r"\b(?:in|on|at|into|from|under|inside)\b",
    Kind.TIME: r"\b(?:when|before|after|until|once|as soon as|then|\d{4}|years?|months?|days?|hours?)\b",
    Kind.QUANTITY: r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million"
    r"|billion|half|twice)\b",
    Kind.PROCEDURE: r"\b(?:you|we) (?:can|need|have to|just|should|then|could|use|start|take|do|first)\b"
    r"|\bby \w+ing\b|\b(?:using|first|then|method|function|argument|simply)\b",
    Kind.LIST: r",[^,]{2,40},|, and |\bsuch as\b|\bfor (?:example|instance)\b",
}
_SHAPE_OF = {kind: re.compile(pattern) for kind, pattern in _SHAPES.items()}

_KEPT = 2**14
"""Sentences whose wording is remembered: some 5 MB. What one question reads, others read too."""

SHAPED_KINDS = tuple(_SHAPES)
"""The kinds of question whose answers have a shape to look for."""


class Wording(NamedTuple):
    """How many words a sentence has, and what this module tells of it whatever is asked."""

    words: int
    is_signpost: bool
    leans_back: bool
    joins_on: bool
    has_negation: bool
    has_number: bool


@lru_cache(_KEPT)
def wording_of(sentence: str) -> Wording:
    """The wording of ``sentence``, in any case."""
    lowered = sentence.lower()
    return Wording(
        words=len(lowered.split()),
        is_signpost=is_signpost(lowered),
        leans_back=leans_back(lowered),
        joins_on=joins_on(lowered),
        has_negation=has_negation(lowered),
        has_number=has_number(lowered),
    )


def is_signpost(sentence: str) -> bool:
    """Whether ``sentence``, in lower case, says what will be or was said, rather than something about it."""
    return _SIGNPOST.search(sentence) is not None


def leans_back(sentence: str) -> bool:
    """Whether it begins by pointing at the sentence before it."""
    return _LEANS_BACK.match(sentence) is not None


def joins_on(sentence: str) -> bool:
    """Whether it begins with a conjunction."""
    return sentence.startswith(_JOINS_ON)


@lru_cache(_KEPT)
def has_shape(sentence: str, kind: Kind) -> bool:
    """Whether it has the shape of an answer to that kind of question ("because" for a reason)."""
    pattern = _SHAPE_OF.get(kind)
    return pattern is not None and pattern.search(sentence) is not None


def has_negation(text: str) -> bool:
    """Whether a sentence or a question denies something ("not", "never", "without")."""
    return _NEGATION.search(text) is not None


def has_number(sentence: str) -> bool:
    """Whether it has a number, in digits or in words."""
    return _NUMBER.search(sentence) is not None


def asks_number(question: str) -> bool:
    """Whether its answer is a number: how many, how long, which year, what price."""
    return _ASKS_NUMBER.search(question) is not None
