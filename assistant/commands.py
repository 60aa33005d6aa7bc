"""What is ordered is asked: "List the use cases of Docker" → "What are the use cases of Docker?".

The encoder and the ranking know questions; the same as an order finds less, and looks less answered.
"""

import re

from assistant.questions import has_content

__all__ = ["as_question", "is_term", "what_is"]

_TERM_WORDS = 3
_POLITELY = r"(?:please\s+)?(?:(?:can|could|would) you\s+)?(?:please\s+)?"
_BEFORE = rf"(?:(?:and|so|ok|okay|but|now|then|well|thanks|thank you|great)[,.!]?\s+)*{_POLITELY}"
_TELL = re.compile(
    rf"{_BEFORE}(?:tell me (?:more |something )?about|explain|describe|define)\s+", re.IGNORECASE
)
_LIST = re.compile(
    # Without a word like "the" after it "list" may be what is asked for: "list comprehension".
    rf"{_BEFORE}(?:list|name|enumerate)\s+(?:me\s+)?"
    r"(?P<what>(?:all|the|some|any|an?|its|their|two|three|four|five|six|several)\s+\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_COMPARE = re.compile(
    rf"{_BEFORE}compare\s+(?P<one>\S.*?)\s+(?:and|with|to|against|versus|vs\.?)\s+(?P<other>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_ARTICLE = re.compile(r"(?:an?|the)\s+", re.IGNORECASE)
_PLEASE = re.compile(r",?\s+please$", re.IGNORECASE)
_PLURAL = re.compile(r"[a-z][a-rtv-z]s$")
"""How a plural ends, as far as a question needs it: no "ECS", "class" or "status"."""
_NOUN = re.compile(r".*?(?=\s(?:of|that|which|who|where|when|in|on|for|to|with|by|from|at)\b|$)", re.DOTALL)
"""What is before the first word that says more of it: "the use cases" of "the use cases of Docker"."""
_END = "?.! "


def as_question(text: str) -> str:
    """``text`` as a question where it orders to explain, list or compare; else as it is."""
    if (tell := _TELL.match(text)) and (asked := what_is(text[tell.end() :])):
        return asked
    if ordered := _LIST.fullmatch(text):
        what = _bare(ordered["what"])
        noun = _NOUN.match(what)
        return f"What {'are' if noun and _PLURAL.search(noun[0]) else 'is'} {what}?"
    if ordered := _COMPARE.fullmatch(text):
        one, other = ordered["one"], _bare(ordered["other"])
        if _is_named(one) and _is_named(other):
            return f"How {'do' if _PLURAL.search(one) else 'does'} {one} differ from {other}?"
    return text


def what_is(topic: str) -> str | None:
    """The question what ``topic`` is, where that is a term with or without an article."""
    topic = _bare(topic)
    if not _is_named(topic):
        return None
    return f"What {'are' if _PLURAL.search(topic) else 'is'} {topic}?"


def is_term(text: str) -> bool:
    """Whether it is but a name: one to three words, all of which say what it is about."""
    words = re.findall(r"\w+", text)
    return 0 < len(words) <= _TERM_WORDS and all(map(has_content, words))


def _is_named(topic: str) -> bool:
    article = _ARTICLE.match(topic)
    return is_term(topic[article.end() :] if article else topic)


def _bare(topic: str) -> str:
    return _PLEASE.sub("", topic.rstrip(_END))
