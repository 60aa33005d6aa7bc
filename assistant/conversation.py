"""A question that leans on the conversation → one that stands alone, without a language model."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.commands import what_is, what_ordered, what_told
from assistant.lexical import LexicalIndex
from assistant.questions import (
    END_MARKS,
    Word,
    analyse_question,
    has_content,
    is_command,
    is_term,
    plain_text,
    punctuated,
)

__all__ = ["Turn", "points_back", "standalone_question"]

_TURNS_READ = 6
_WORDS_CARRIED = 5
_LONGEST_WORD = 60
"""Characters of a word that is carried; longer ones are no words."""
_COMPLETE_FROM_WORDS = 3
_ALONE_FROM_WORDS = 6
"""With as many content words of its own even what points back or is no sentence is taken as it is."""
_OPENING = re.compile(
    r"^(?:(?:and|so|ok|okay|but|now|then|well|thanks|thank you|great)[,.!]?\s+)*(?:what|how) about\s+"
    r"|^(?:(?:and|but|or|also)[,]?\s+)+",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^(?:what|which|who|whom|whose|where|when|why|how|is|are|was|were|do|does|did|can|could|should"
    r"|will|would|has|have|tell|explain|list|give|please|i|if|for|in|on|with|inside|from|by|at|before|after"
    r"|during|under|without)\b",
    re.IGNORECASE,
)
_FRAME = re.compile(
    r"(?P<ask>(?:what|who|where|when|why|how)(?:'s|\s+(?:is|are|was|were))\s+)"
    r"(?:(?:an?|the)\s+)?[\w.-]+(?: [\w.-]+){0,3}",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"^(?:(?:no|sorry|oops)[,.!]?\s+)*(?:i mean(?:t)?|sorry|i was asking about)[,:]?\s+(?=\w)", re.IGNORECASE
)
"""What is said before the topic that was meant: "no, I mean ECS"."""
_QUESTION_WORD = re.compile(r"\b(?:what|which|who|whom|whose|where|when|why|how)\b", re.IGNORECASE)
_SMALL_TALK = frozenset(
    """
    bye cool cheers fine good goodbye great hello hey hi lol morning nice no okay ok oops please repeat right
    sorry sure thank thanks wow yeah yes yep
    """.split()  # noqa: SIM905 (as a list it would take a line each)
)
"""Words that are no topic, and complete no question."""
_DEFINITE = re.compile(r"\b(?:the|my|your|our) (?=[a-z])")
"""What is spoken of as known: "the cost", but not "the Rubicon"."""
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|one|ones|he|she|his|her|him|there|such|same|other"
    r"|others|another|else|above|both|either|former|latter)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a conversation; ``role`` is ``user`` or ``assistant``."""

    role: str
    content: str


def _completed_one(completed: str, alone: str) -> str:
    return completed


def standalone_question(
    question: str,
    history: Sequence[Turn],
    lexical: LexicalIndex,
    choose: Callable[[str, str], str] = _completed_one,
) -> str:
    """``question`` with what it leaves out taken from the user's turns before.

    "And what about EKS?" after "What is ECS?" is "What is EKS?". Otherwise a question that points back
    ("it", "the other one"), is no sentence, or has hardly a word of its own gets the rarest words of the
    question before it: "What does it cost? (Docker Hub)". Any other question is a change of topic or
    complete in itself, and comes back as it was: one with many words of its own, and one that asks what
    something is by name ("What is interest?", but not "What is the interest?"). So does small talk ("ok,
    thanks"), and a name that corrects stands by itself: "ECS" for "no, I mean ECS". "Tell me about ECS" is
    "What is ECS?" (``commands.py``), and so is "What about ECS?" where nothing was asked before.

    ``choose`` gets what was completed though nothing in it points back, and the question as it was, and gives
    the one that is meant: "When is the exam? (Docker Hub)" or "When is the exam?".
    """
    asked = [plain_text(turn.content) for turn in history if turn.role == "user"]
    before = ""
    said = [turn for turn in asked[-_TURNS_READ:] if turn and not _is_small_talk(turn)]
    for turn in [*said, question]:
        before = _completed(turn, before, lexical, choose)
    return before


def points_back(text: str) -> bool:
    """Whether a word of ``text`` stands for something said elsewhere ("it", "the other one")."""
    return _POINTS_BACK.search(text) is not None


def _completed(question: str, before: str, lexical: LexicalIndex, choose: Callable[[str, str], str]) -> str:
    told = what_told(question)
    ordered = None if told else what_ordered(question)
    question = told or ordered or question
    if not before:
        opening = _OPENING.match(question)
        asked = what_is(question[opening.end() :]) if opening and "about" in opening[0].lower() else None
        return asked or question
    frame = _FRAME.fullmatch(before.rstrip(END_MARKS))
    correction = _CORRECTION.match(question)
    if correction and is_term(meant := question[correction.end() :]):
        return f"{frame['ask']}{meant.rstrip(END_MARKS)}?" if frame else meant
    opening = _OPENING.match(question)
    rest = question[opening.end() :] if opening else question
    if opening and frame and has_content(rest) and not _ASKS.match(rest):
        return f"{frame['ask']}{rest.rstrip(END_MARKS)}?"
    if _is_small_talk(question):
        return question
    analysed = analyse_question(question, lexical)
    own = analysed.words if has_content(question) else ()
    # Two words that no lecture has are another topic, however short: "What is the capital of France?"
    elsewhere = len(own) > 1 and all(word.idf >= analysed.highest_idf for word in own)
    is_frame = ordered is None and _FRAME.fullmatch(question.rstrip(END_MARKS)) is not None
    by_name = is_frame and _DEFINITE.search(question) is None
    refers = points_back(question) or _ASKS.match(question) is None
    leans = (
        opening is not None
        or (refers and len(own) < _ALONE_FROM_WORDS)
        or (len(own) < _COMPLETE_FROM_WORDS and not elsewhere and not by_name)
    )
    carried = _carried(own, analyse_question(before, lexical).words) if leans else ()
    if not carried:
        return question
    completed = f"{punctuated(question)} ({' '.join(word.text for word in carried)})"
    goes_on = opening is not None or points_back(question) or all(map(is_command, own))
    return completed if goes_on else choose(completed, question)


def _is_small_talk(text: str) -> bool:
    """Whether it says nothing but "ok, thanks", and asks and points at nothing."""
    spoken = re.findall(r"\w+", text.lower())
    others = {word for word in spoken if has_content(word)} - _SMALL_TALK
    talks = not others and not _SMALL_TALK.isdisjoint(spoken)
    return talks and not points_back(text) and _QUESTION_WORD.search(text) is None


def _carried(own: Sequence[Word], before: Sequence[Word]) -> list[Word]:
    """The rarest words of ``before`` that ``own`` lacks, in their order."""
    terms = {word.term for word in own}
    fit = (word for word in before if len(word.text) <= _LONGEST_WORD and not is_command(word))
    new = list({word.term: word for word in fit if word.term not in terms}.values())
    rarest = sorted(new, key=lambda word: -word.idf)[:_WORDS_CARRIED]
    return [word for word in new if word in rarest]
