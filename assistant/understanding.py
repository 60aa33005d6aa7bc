"""What was typed → the question that is looked up."""

from collections.abc import Callable, Sequence

from assistant.conversation import Turn, standalone_question
from assistant.embedding import QuestionEncoder
from assistant.questions import plain_text
from assistant.spelling import corrected
from assistant.store import Generation

__all__ = ["understood"]


def understood(
    question: str,
    history: Sequence[Turn],
    generation: Generation,
    encoder: QuestionEncoder,
    lectures: Sequence[str] | None,
    confidence: Callable[[str], float] | None = None,
) -> str:
    """``question`` without markup, made complete from the turns before, spelled as the lectures do.

    With ``confidence``, the probability that the lectures answer a question, one that may change the topic is
    completed only where that makes it likelier to be answered.
    """

    def spelled(text: str) -> str:
        return corrected(text, generation, encoder, lectures)

    def likelier(completed: str, alone: str) -> str:
        if confidence is None:
            return completed
        return completed if confidence(spelled(completed)) > confidence(spelled(alone)) else alone

    return spelled(standalone_question(plain_text(question), history, generation.lexical, likelier))
