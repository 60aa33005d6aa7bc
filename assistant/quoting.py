"""Which of the spans found an answer quotes: one, or several for a list or a comparison."""

import re
from collections.abc import Sequence

from assistant.citations import Citation
from assistant.questions import LIST_ASKED
from assistant.ranking import RankedSpan

__all__ = ["as_told", "spans_quoted", "wants_several"]

_MOST = 4
_NEAR = 0.15
"""Share of the first span's probability that a further part has at least."""

# A plural after "which" or "what", with at most three words between and something after it that a noun has:
# "which settings does", "what are the three steps". Verbs that end in s are no plurals.
_NO_PLURAL = (
    r"(?!(?:is|was|does|has|this|its|us|as|always|makes|allows|tells|happens|decides|\w*(?:ss|us|is))\b)"
)
_LIST = re.compile(
    rf"\b(?:which|what)(?: (?:are|were))?(?: (?:all|of|the|its|their|some))* (?!are |were )"
    rf"(?:[\w-]+ ){{0,3}}?{_NO_PLURAL}\w{{2,}}s"
    r" (?:does|do|did|are|were|is|can|could|should|will|would|has|have|had|must|may|might|to|exist|there|of"
    r"|for|in|on|that)\b"
    rf"|{LIST_ASKED}"
    r"|\ball (?:of )?the\b|\bwhat else\b|\beverything\b|^what (?:does|do)\b.*\bcontain\b"
    r"|\b(?:what|which|name|the|are) (?:two|three|four|five|six|seven|several|various|different) \w+s\b"
    r"|\bwho are the\b",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"\b(?:differ\w*|versus|vs|compar\w*|distinguish\w*|as opposed to|rather than|instead of)\b|\w+ or \w+",
    re.IGNORECASE,
)


def wants_several(question: str) -> bool:
    """Whether it asks for a list or a comparison, whose parts may be said in several places."""
    return _LIST.search(question) is not None or _COMPARISON.search(question) is not None


def spans_quoted(question: str, spans: Sequence[RankedSpan]) -> int:
    """How many of ``spans``, which come best first, the answer quotes: at most four."""
    if not wants_several(question):
        return min(1, len(spans))
    far = (n for n, span in enumerate(spans[:_MOST]) if span.probability < _NEAR * spans[0].probability)
    return next(far, min(_MOST, len(spans)))


def as_told(quoted: Sequence[Citation]) -> list[Citation]:
    """Quotes of one lecture in its order, since parts follow one another; of several, best first."""
    one_lecture = len({citation.lecture_id for citation in quoted}) == 1
    return sorted(quoted, key=lambda citation: citation.char_start) if one_lecture else list(quoted)
