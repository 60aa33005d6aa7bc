"""Which format a text is in."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import TranscriptUnreadable
from corpus.formats.json_records import has_list
from corpus.formats.markdown import read_markdown
from corpus.formats.plain import read_plain
from corpus.formats.sbv import looks_like_sbv, read_sbv
from corpus.formats.srt import read_srt
from corpus.formats.timestamped import looks_timestamped, read_timestamped
from corpus.formats.ttml import read_ttml
from corpus.formats.webvtt import read_webvtt
from corpus.formats.whisper import (
    looks_like_whisper_json,
    looks_like_whisper_tsv,
    read_whisper_json,
    read_whisper_tsv,
)
from corpus.formats.xml_walk import root_element
from corpus.formats.youtube import read_json3, read_srv
from corpus.types import Problem, RawCue

__all__ = ["Format", "Reader", "detect_format"]

Reader = Callable[[str, str], tuple[list[RawCue], list[Problem]]]

_SRT_TIMING = re.compile(
    r"^[^\S\n]*-?\d{1,9}:\d{1,9}[:.,\d]{0,24}[^\S\n]*--?>[^\S\n]*-?\d{1,9}:\d", re.MULTILINE
)
_FOREIGN = (
    (re.compile(r"\s*\[Script Info\]", re.IGNORECASE), "SubStation Alpha"),
    (re.compile(r"\s*<SAMI\b", re.IGNORECASE), "SAMI"),
    (re.compile(r"\s*\{\d+\}\{\d+\}"), "MicroDVD"),
    (re.compile(r"\s*\{\\rtf"), "Rich Text"),
    (re.compile(r"\s*<(?:!DOCTYPE\s+html|html)\b", re.IGNORECASE), "HTML"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A transcript format: what people call it, and its reader."""

    name: str
    read: Reader
    is_timed: bool = True


_PLAIN = Format("plain text", read_plain, is_timed=False)
_MARKDOWN = Format("Markdown", read_markdown, is_timed=False)
_SRT = Format("SRT", read_srt)
_WEBVTT = Format("WebVTT", read_webvtt)
_SBV = Format("SBV", read_sbv)
_TIMESTAMPED = Format("timestamped text", read_timestamped)
_TTML = Format("TTML", read_ttml)
_JSON3 = Format("YouTube json3", read_json3)
_SRV = Format("YouTube srv", read_srv)
_WHISPER_JSON = Format("Whisper JSON", read_whisper_json)
_WHISPER_TSV = Format("Whisper TSV", read_whisper_tsv)


def detect_format(text: str, path: Path) -> Format:
    """The format of ``text``: by what it holds, by its name only where content cannot tell.

    Raises:
        TranscriptUnreadable: it is in a format that is known and not read, or is JSON or XML of
            another kind.
    """
    suffix = path.suffix.lower()
    if re.match(r"\s*\ufeff?\s*WEBVTT(?:\s|$)", text):
        return _WEBVTT
    for pattern, name in _FOREIGN:
        if pattern.match(text):
            reason = f"this is {name}, which is not read; convert it to SRT or WebVTT"
            raise TranscriptUnreadable(reason, path=path)
    structured = _structured(text)
    if structured:
        return structured
    if suffix in (".json", ".json3", ".xml", ".ttml", ".dfxp", ".srv1", ".srv2", ".srv3"):
        reason = (
            "no captions of a known kind in it; of JSON, Whisper's and YouTube's json3 are read, "
            "of XML TTML and YouTube's srv1 to srv3"
        )
        raise TranscriptUnreadable(reason, path=path)
    return _lines(text, suffix)


def _structured(text: str) -> Format | None:
    root = root_element(text)
    if root == "tt":
        return _TTML
    if root in ("transcript", "timedtext"):
        return _SRV
    if has_list(text, "events") and '"segs"' in text:
        return _JSON3
    if looks_like_whisper_json(text):
        return _WHISPER_JSON
    return _WHISPER_TSV if looks_like_whisper_tsv(text) else None


def _lines(text: str, suffix: str) -> Format:
    if suffix == ".vtt":
        return _WEBVTT
    if _SRT_TIMING.search(text):
        return _SRT
    if looks_like_sbv(text):
        return _SBV
    if looks_timestamped(text):
        return _TIMESTAMPED
    by_name = {".srt": _SRT, ".sbv": _SBV, ".sub": _SBV, ".md": _MARKDOWN, ".markdown": _MARKDOWN}
    return by_name.get(suffix, _PLAIN)
