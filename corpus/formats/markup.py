"""Caption markup → the words a viewer reads."""

import html
import re

__all__ = ["collapse", "strip_tags", "voice_of"]

# Only the tags that captions really use: a lecture about HTML says "<s>" and means it.
_TAG = re.compile(
    r"</?(?:b|i|u|font|c|v|lang|ruby|rt)(?:[.\s][^<>]*)?/?>|<(?:\d+:)?\d\d:\d\d\.\d{3}>|\{\\[^{}]*\}",
    re.IGNORECASE,
)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]+)>", re.IGNORECASE)


def strip_tags(text: str) -> str:
    """Remove caption tags and inline times, then resolve character references once."""
    return html.unescape(_TAG.sub("", text))


def voice_of(text: str) -> str | None:
    """The speaker of a WebVTT voice span, or ``None``."""
    match = _VOICE.search(text)
    return collapse(html.unescape(match[1])) if match else None


def collapse(text: str) -> str:
    """Every run of white space as one space, none at the ends."""
    return " ".join(text.split())
