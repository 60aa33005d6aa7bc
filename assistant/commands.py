"""What is ordered is asked: "List the use cases of Docker" → "What are the use cases of Docker?".

The encoder and the ranking know questions; the same as an order finds its answer less often, and with less
confidence. Texts are as ``plain_text`` gives them: their words stand one blank apart.
"""

import re

from assistant.questions import is_term

__all__ = ["as_question", "what_is"]

_POLITELY = "(?:please )?(?:(?:can|could|would) you )?(?:please )?"
_TELL = re.compile(
    "(?:(?:and|so|ok|okay|but|now|then|well|thanks|thank you|great)[,.!]? )*"
    rf"{_POLITELY}tell me (?:more |something )?about |{_POLITELY}(?:explain|describe|define) "
    "|what (?:did|does|do) (?:the )?(?:lecturers?|speakers?|teachers?|professors?|lectures?|videos?|course)"
    " (?:say|tell us) about ",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    rf"{_POLITELY}(?:would you mind )?(?:tell(?:ing)? me|explain(?:ing)?(?: to me)?|do you know"
    r"|i want to know|i(?:'d| would) like to know) what (?P<topic>.+) (?:is|are|means?)[?.! ]*",
    re.IGNORECASE,
)
"""What is asked inside another sentence: "tell me what Fargate is"."""
_EXAMPLE = re.compile(
    rf"{_POLITELY}give (?:me )?(?P<some>an example|(?:some )?examples) of (?P<what>.+)", re.IGNORECASE
)
_NUMBER = r"two|three|four|five|six|seven|eight|nine|ten|\d{1,2}"
_LIST = re.compile(
    # Without a word like "the" after it "list" may be what is asked for: "list comprehension".
    rf"{_POLITELY}(?P<order>list|name|mention|enumerate) (?:me )?"
    rf"(?P<many>all(?: of)?(?: the)?|some|any|several|(?:the )?(?:{_NUMBER})|the|an?|one|its|their) "
    "(?P<what>.+)",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    rf"{_POLITELY}compare (?P<one>.+?) (?P<by>and|with|to|against|versus|vs\.?) (?P<other>.+)", re.IGNORECASE
)
_SENTENCES = re.compile(r"[.?!;:] ")
_PARTS = re.compile(
    r"[,;:]|\b(?:pros|cons|advantages|disadvantages|similarities|differences)\b", re.IGNORECASE
)
"""What two things to compare do not have in their names."""
_ARTICLE = re.compile("(?:an?|the) ", re.IGNORECASE)
_PLEASE = re.compile(r"(?: for me)?[,.?!]*(?: please)?$", re.IGNORECASE)
_PLURAL = re.compile(r"[a-z][a-rtv-z]s$")
"""How a plural ends, as far as a question needs it: no "ECS", "class" or "status"."""
_NOUN = re.compile(
    r".*?(?=[,;:]| (?:of|that|which|who|where|when|in|on|for|to|with|by|from|at|as|and|or|i|you|we|they|it"
    r"|is|are|used|using|called)\b|$)",
    re.IGNORECASE,
)
"""What is before the first word that says more of it: "use cases" of "use cases of Docker"."""
_END = "?.! "


def as_question(text: str) -> str:
    """``text`` as a question where it orders to explain, list or compare; else as it is."""
    if (tell := _TELL.match(text)) and (asked := what_is(text[tell.end() :])):
        return asked
    if (clause := _CLAUSE.fullmatch(text)) and (asked := what_is(clause["topic"])):
        return asked
    if example := _EXAMPLE.fullmatch(text):
        is_one = example["some"].lower() == "an example"
        return f"What {'is an example' if is_one else 'are examples'} of {_bare(example['what'])}?"
    if (listed := _LIST.fullmatch(text)) and not _SENTENCES.search(listed["what"]):
        return _listed(listed["order"].lower(), listed["many"].lower(), _bare(listed["what"]))
    if compared := _COMPARE.fullmatch(text):
        one, other = compared["one"], _bare(compared["other"])
        # Of "ECS and EKS pricing" the last word may be of both.
        is_clear = compared["by"] != "and" or _named(other) != other or len(other.split()) <= len(one.split())
        if is_clear and is_term(_named(one)) and is_term(_named(other)) and not _PARTS.search(text):
            return f"What is the difference between {one} and {other}?"
    return text


def what_is(topic: str) -> str | None:
    """The question what ``topic`` is, where that is a term with or without an article."""
    topic = _bare(topic)
    return f"What {'are' if _PLURAL.search(topic) else 'is'} {topic}?" if is_term(_named(topic)) else None


def _listed(order: str, many: str, what: str) -> str:
    """What ``order`` asks for, with "the" where it is a list, by which lists are known."""
    if many in {"a", "an", "one"}:
        return f"What is {'a' if many == 'one' else many} {what}?"
    noun = _NOUN.match(what)
    is_plural = noun is not None and _PLURAL.search(noun[0]) is not None
    if many in {"its", "their", "the"}:
        return f"What {'are' if is_plural or order in {'list', 'enumerate'} else 'is'} {many} {what}?"
    number = many.removeprefix("the ")
    if many.startswith("all"):
        return f"What are all the {what}?"
    return (
        f"What are the {what}?" if number in {"some", "any", "several"} else f"What are the {number} {what}?"
    )


def _named(topic: str) -> str:
    """Without an article before it."""
    article = _ARTICLE.match(topic)
    return topic[article.end() :] if article else topic


def _bare(topic: str) -> str:
    return _PLEASE.sub("", topic.rstrip(_END)).rstrip(_END)
