"""What a lecture asks itself → the questions a learner may begin with.

Teachers ask what they are about to explain ("So where do you store Docker images?"). Such a question
can be suggested when it is understood without the sentences around it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.conversation import points_back
from assistant.questions import has_content
from assistant.wording import is_signpost
from corpus import Sentence

__all__ = ["LectureQuestion", "self_contained_questions"]

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_FEWEST_WORDS, _MOST_WORDS = 4, 14
_OPENING = re.compile(
    r"(?:(?:so|now|okay|ok|and|but|well|then|first|alright|all right|right|because|or)\b[,.]?\s+)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class LectureQuestion:
    """A question a lecture asks, without what leads up to it ("So, …"), and where it asks it."""

    question: str
    char_start: int
    char_end: int


def self_contained_questions(transcript: str, sentences: Sequence[Sentence]) -> list[LectureQuestion]:
    """The questions of 4 to 14 words that point at nothing outside themselves, in order, each once."""
    found: dict[str, LectureQuestion] = {}
    for sentence in sentences:
        if not sentence.is_question:
            continue
        said = transcript[sentence.char_start : sentence.char_end]
        opening = _OPENING.match(said)
        asked = said[opening.end() :] if opening else said
        asked = asked[:1].upper() + asked[1:]
        if (
            _FEWEST_WORDS <= len(_WORD.findall(asked)) <= _MOST_WORDS
            and not points_back(asked)
            and not is_signpost(asked.lower())
            and has_content(asked)
        ):
            found.setdefault(asked.casefold(), LectureQuestion(asked, sentence.char_start, sentence.char_end))
    return list(found.values())
