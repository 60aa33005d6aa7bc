"""Caption markup → the words a viewer reads."""

import html
import re

__all__ = ["VOICE", "collapse", "resolve_references", "strip_tags", "voice_of"]

# Only the tags that captions really use: a lecture about HTML says "<s>" and means it.
_TAG = re.compile(
    r"</?(?:b|i|u|font|c|v|lang|ruby|rt)(?:[.\s][^<>]*)?/?>|<(?:\d+:)?\d\d:\d\d\.\d{3}>|\{\\[^{}]*\}",
    re.IGNORECASE,
)
_NO_CHARACTER = re.compile(r"&#(?:\d{8,}|x[0-9a-f]{7,});?", re.IGNORECASE)
VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s(?P<name>[^<>]+)>", re.IGNORECASE)
"""A WebVTT voice span's opening tag."""


def resolve_references(text: str) -> str:
    """HTML's character references as the characters they stand for, once.

    One past Unicode's last is U+FFFD, as in HTML, however many digits it has.
    """
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))


def strip_tags(text: str) -> str:
    """Remove caption tags and inline times, then resolve character references once.

    The lines stay as many: a line feed that a reference stands for (``&#10;``) becomes a space.
    """
    lines = _TAG.sub(_line_ends, text).split("\n")
    return "\n".join(resolve_references(line).replace("\n", " ") for line in lines)


def _line_ends(tag: re.Match[str]) -> str:
    return "\n" * tag[0].count("\n")


def voice_of(text: str) -> str | None:
    """The speaker of the first WebVTT voice span, or ``None``."""
    match = VOICE.search(text)
    return (collapse(resolve_references(match["name"])) or None) if match else None


def collapse(text: str) -> str:
    """Every run of white space as one space, none at the ends."""
    return " ".join(text.split())
