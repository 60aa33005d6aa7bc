"""Passages become answers that cite the lecture's own words."""

from assistant.answering import Answer
from assistant.citations import Citation
from assistant.config import Settings
from assistant.conversation import Turn
from assistant.errors import AssistantError

__all__ = ["Answer", "AssistantError", "Citation", "Settings", "Turn"]
