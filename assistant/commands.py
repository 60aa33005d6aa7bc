"""What is ordered is asked: "List the use cases of Docker" → "What are the use cases of Docker?".

The encoder and the ranking know questions; the same as an order finds its answer less often, and with less
confidence. Texts are as ``plain_text`` gives them: their words stand one blank apart.
"""

import re

from assistant.questions import END_MARKS, is_term

__all__ = ["what_is", "what_ordered", "what_told"]

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
_NUMBER = r"two|three|four|five|six|seven|eight|nine|ten|[2-9]|\d\d"
_LIST = re.compile(
    rf"{_POLITELY}(?P<order>list|name|mention|enumerate) (?:me )?"
    rf"(?:(?P<many>all|some|any|several|a few|a couple|an?|one|{_NUMBER})(?: of)? )?"
    rf"(?:(?P<whose>the|its|their) )?(?:(?P<number>{_NUMBER}) )?"
    r"(?P<what>(?!(?:few|couple|number|handful|of|it|its|them|they|their|the|this|that|these|those)\b)\S.*)",
    re.IGNORECASE,
)
_NO_LIST = re.compile(
    r"[.?!;:] |[\[\](){}=]|\b(?:and|then) (?:list|name|explain|describe|compare|say|tell)\b"
    r"|\b(?:what|which|who|where|when|why|how)[.?!]*$",
    re.IGNORECASE,
)
"""What follows a list that is all that is ordered does not have: another sentence or order, or code."""
_COMPARE = re.compile(
    rf"{_POLITELY}compare (?P<one>.+?) (?P<by>and|with|to|against|versus|vs\.?) (?P<other>.+)", re.IGNORECASE
)
_PARTS = re.compile(
    r"[,;:]|\b(?:pros|cons|advantages|disadvantages|similarities|differences)\b", re.IGNORECASE
)
"""What two things to compare do not have in their names."""
_ARTICLE = re.compile("(?:an?|the) ", re.IGNORECASE)
_PLEASE = re.compile(r"(?: for me)?[,.?!]*(?: please)?$", re.IGNORECASE)
_PLURAL = re.compile(r"[a-z][a-hj-rtv-z]s$")
"""How a plural ends, as far as a question needs it: no "ECS", "class" or "status"."""
_NOUN = re.compile(
    r".*?(?=[,;:]| (?:of|that|which|who|where|when|in|on|for|to|with|by|from|at|as|and|or|i|you|we|they|it"
    r"|is|are|used|using|called)\b|$)",
    re.IGNORECASE,
)
"""What is before the first word that says more of it: "use cases" of "use cases of Docker"."""


def what_told(text: str) -> str | None:
    """The question what something is, where ``text`` tells to tell of it or asks in other words."""
    if (tell := _TELL.match(text)) and (asked := what_is(text[tell.end() :])):
        return asked
    clause = _CLAUSE.fullmatch(text)
    return what_is(clause["topic"]) if clause else None


def what_ordered(text: str) -> str | None:
    """The question that an order for a list, an example or a comparison asks."""
    if example := _EXAMPLE.fullmatch(text):
        is_one = example["some"].lower() == "an example"
        return f"What {'is an example' if is_one else 'are examples'} of {_bare(example['what'])}?"
    if (listed := _LIST.fullmatch(text)) and not _NO_LIST.search(listed["what"]):
        return _listed(listed)
    if compared := _COMPARE.fullmatch(text):
        one, other = compared["one"], _bare(compared["other"])
        # Of "ECS and EKS pricing" the last word may be of both.
        is_clear = compared["by"] != "and" or _named(other) != other or len(other.split()) <= len(one.split())
        if is_clear and is_term(_named(one)) and is_term(_named(other)) and not _PARTS.search(text):
            return f"What is the difference between {one} and {other}?"
    return None


def what_is(topic: str) -> str | None:
    """The question what ``topic`` is, where that is a term with or without an article."""
    topic = _bare(topic)
    return f"What {'are' if _PLURAL.search(topic) else 'is'} {topic}?" if is_term(_named(topic)) else None


def _listed(listed: re.Match[str]) -> str | None:
    """What is asked for, with "the" where it is a list, by which lists are known."""
    order, many, whose = ((listed[part] or "").lower() for part in ("order", "many", "whose"))
    is_list = order in {"list", "enumerate"}
    what = " ".join(part for part in (listed["number"], _bare(listed["what"])) if part)
    if not (many or whose):
        # "list comprehension": what is asked for may be called a list.
        return None
    if many in {"a", "an", "one"} and not whose:
        return None if is_list else f"What is {many} {what}?"
    if many == "all":
        return f"What are all {whose or 'the'} {what}?"
    if many:
        count = f"{many} " if many[0].isdigit() or many in _NUMBER.split("|") else ""
        return f"What are {whose or f'the {count}'.strip()} {what}?"
    noun = _NOUN.match(what)
    is_plural = is_list or listed["number"] or (noun is not None and _PLURAL.search(noun[0]))
    return f"What {'are' if is_plural else 'is'} {whose} {what}?"


def _named(topic: str) -> str:
    """Without an article before it."""
    article = _ARTICLE.match(topic)
    return topic[article.end() :] if article else topic


def _bare(topic: str) -> str:
    return _PLEASE.sub("", topic.rstrip(END_MARKS)).rstrip(END_MARKS)
