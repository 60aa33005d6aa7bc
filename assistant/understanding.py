"""What was typed → the question that is looked up."""

from collections.abc import Sequence

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
) -> str:
    """``question`` without markup, made complete from the turns before, spelled as the lectures do."""
    complete = standalone_question(plain_text(question), history, generation.lexical)
    return corrected(complete, generation, encoder, lectures)
