"""What a question is made of: its words, how rare each is, and the kind of answer it wants."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from assistant.lexical import LexicalIndex

__all__ = [
    "END_MARKS",
    "FUNCTION_WORDS",
    "LIST_ASKED",
    "Kind",
    "Question",
    "Word",
    "analyse_question",
    "has_content",
    "is_command",
    "is_term",
    "plain_text",
    "punctuated",
    "weighed_words",
]

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_MARKUP = re.compile(
    # Colours of a terminal (ECMA-48), tags as a page has them, and numbers of notes.
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|</?(?:a|b|br|code|div|em|font|i|li|mark|p|pre|small|span|strong|sub|sup|u|ul)\b[^<>]*>"
    r"|(?<!\w)\[\d{1,3}\]",
    re.IGNORECASE,
)
_NO_LANGUAGE = frozenset({"So", "Cc", "Co", "Cn", "Cs"})
"""Unicode's categories of pictures, control characters and what stands for nothing."""
FUNCTION_WORDS = frozenset(
    """
    a about above actually after again all also am an and any anything are aren't as at be because been
    before being below between both but by came can can't cannot could couldn't did didn't do does
    doesn't doing don't done down during each either else ever every exactly few for from further get
    gets getting give gives go goes going gonna got had has have having he her here hers herself him
    himself his how i i'd i'll i'm i've if in into instead is isn't it it's its itself just know let
    let's like lot made make makes many may me mean means might mine more most much must my myself need
    needs no nor not of off on once one only onto or other others our ours out over own particular
    per please possible really said same say says shall she should show shows since so some someone
    something sort still such take taken takes tell than that that's the their theirs them themselves
    then there there's these they they're thing things this those through to too toward towards under
    until up upon us use used using very via wanna want wants was wasn't way ways we we'll we're we've
    well were what what's when where where's whether which while who who's whole whom whose why will
    with within without won't would yes yet you you'd you'll you're you've your yours yourself
    """.split()  # noqa: SIM905 (as a list it would take 200 lines)
)
"""Words that say nothing about a topic, in questions and in speech."""


LIST_ASKED = r"\b(?:what|which) are (?:all )?the (?:\w+ ){0,3}\w+s\b|^(?:list|name|enumerate)\b"
"""A pattern of what asks for a list, in lower case: "what are the three steps"."""


class Kind(StrEnum):
    """The kind of answer a question asks for, told by its opening words."""

    DEFINITION = "definition"
    REASON = "reason"
    PLACE = "place"
    TIME = "time"
    PERSON = "person"
    QUANTITY = "quantity"
    PROCEDURE = "procedure"
    CHOICE = "choice"
    LIST = "list"
    OTHER = "other"


_KINDS = (
    (
        Kind.LIST,
        LIST_ASKED + r"|\ball the\b",
    ),
    (
        Kind.QUANTITY,
        r"\bhow (?:many|much|long|big|large|often|far|old|fast)\b|\bwhat (?:number|percentage|size)\b",
    ),
    (
        Kind.REASON,
        r"\bwhy\b|\bhow come\b|\bwhat (?:is|was|are) the (?:reason|purpose|point|advantage|benefit|use)",
    ),
    (Kind.CHOICE, r"\b(?:differ|difference|different|versus|vs|compare|compared)\b|\w+ or \w+"),
    (
        Kind.DEFINITION,
        (
            r"^(?:so )?(?:what|who)(?:'s| is| are| does| do)\b(?! the (?:best|first|last|most))"
            r"|\bdefin|\bmean(?:ing)?\b|\bstand for\b"
        ),
    ),
    (Kind.PLACE, r"\bwhere\b"),
    (Kind.TIME, r"\bwhen\b|\bwhat (?:year|time|date)\b"),
    (Kind.PERSON, r"\bwho(?:m|se)?\b"),
    (Kind.PROCEDURE, r"\bhow\b"),
)
_COMMANDS = frozenset(
    """
    compare define describe discuss enumerate explain give list mention name summarise summarize tell
    """.split()  # noqa: SIM905 (as a list it would take a line each)
)
"""What a question may begin with that is asked of the assistant, not of the lecture."""
_QUESTION_MARKS = "?？؟"
END_MARKS = "?.! "
"""What may stand at the end of what is typed and says nothing."""
_TERM_WORDS = 3


@dataclass(frozen=True, slots=True)
class Word:
    """A content word of a question: characters ``start`` to ``end``, its index term and BM25's idf of it."""

    text: str
    start: int
    end: int
    term: str
    idf: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart. ``words`` are its content words in order; function words are left out."""

    text: str
    kind: Kind
    words: tuple[Word, ...]
    highest_idf: float
    """That of a word which no passage has."""


def analyse_question(text: str, lexical: LexicalIndex) -> Question:
    """Take ``text`` apart. Function words stay where there are no others; "?" is a word of its own.

    A bare term ("attention mask") asks what it is.
    """
    unknown = lexical.idf("")
    words = _content_words(text, lexical) or (Word(text, 0, len(text), text, unknown),)
    kind = _kind(text.lower())
    found = _WORD.findall(text)
    if kind is Kind.OTHER and 0 < len(found) <= _TERM_WORDS and all(map(_is_content, found)):
        kind = Kind.DEFINITION
    return Question(text, kind, words, unknown)


def _content_words(text: str, lexical: LexicalIndex) -> tuple[Word, ...]:
    """The words of ``text`` that say what it is about, or all where none does."""
    found = list(_WORD.finditer(text))
    spoken = [match for match in found if _is_content(match[0])] or found
    return tuple(Word(m[0], m.start(), m.end(), *lexical.weighed(m[0])) for m in spoken)


def weighed_words(text: str, lexical: LexicalIndex) -> list[tuple[str, float]]:
    """Index term and idf of each content word, or of every word where there is none."""
    found = _WORD.findall(text)
    return [lexical.weighed(word) for word in [*filter(_is_content, found)] or found]


def plain_text(text: str) -> str:
    """What was typed or pasted without markup and pictures, on one line: empty if it holds no word."""
    unmarked = _MARKUP.sub(" ", text)
    spoken = "".join(" " if unicodedata.category(c) in _NO_LANGUAGE else c for c in unmarked)
    return " ".join(spoken.split()) if _WORD.search(spoken) else ""


def punctuated(text: str) -> str:
    """``text`` with the question mark that people leave out when they type or dictate.

    To an encoder "what is docker" and "what is docker?" are two questions. Characters keep their offsets.
    """
    return text if any(mark in text for mark in _QUESTION_MARKS) else f"{text.rstrip(' .!')}?"


def has_content(text: str) -> bool:
    """Whether any of its words says what it is about."""
    return any(_is_content(word) for word in _WORD.findall(text))


def is_command(word: Word) -> bool:
    """Whether a word tells the assistant what to do and is no topic: "explain" at the beginning."""
    return word.start == 0 and word.text.lower() in _COMMANDS


def is_term(text: str) -> bool:
    """Whether it is but a name: one to three words, all of which say what it is about."""
    words = re.findall(r"\w+", text)
    return 0 < len(words) <= _TERM_WORDS and all(map(has_content, words))


def _is_content(word: str) -> bool:
    return word.lower().replace("’", "'") not in FUNCTION_WORDS


def _kind(text: str) -> Kind:
    return next((kind for kind, pattern in _KINDS if re.search(pattern, text)), Kind.OTHER)
