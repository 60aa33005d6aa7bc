"""Passages become answers that cite the lecture's own words."""

from typing import TYPE_CHECKING

from corpus.exports import exported

if TYPE_CHECKING:
    from assistant.answering import Answer
    from assistant.citations import Citation
    from assistant.config import Settings
    from assistant.conversation import Turn
    from assistant.errors import AssistantError

__all__ = ["Answer", "AssistantError", "Citation", "Settings", "Turn"]

_MODULES = {
    "Answer": "answering",
    "AssistantError": "errors",
    "Citation": "citations",
    "Settings": "config",
    "Turn": "conversation",
}

if not TYPE_CHECKING:  # a checker that saw it would take any name for one of the package's
    __getattr__, __dir__ = exported(__name__, _MODULES)
