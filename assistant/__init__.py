"""Passages become answers that cite the lecture's own words.

A public name is imported when it is first asked for (PEP 562): what answers takes several times as long to
import as the settings, which is all that many a command needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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

    def __getattr__(name: str) -> object:
        """The public name, from its module."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
