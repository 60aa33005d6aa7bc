"""Bytes of a transcript file → text whose lines end in a line feed."""

import codecs
import unicodedata
from pathlib import Path

from corpus.errors import TranscriptUnreadable

__all__ = ["decode_transcript"]

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL_SHARE_OF_A_BINARY = 0.01


def decode_transcript(data: bytes, path: Path) -> str:
    """Decode UTF-8 or UTF-16, with or without a byte order mark, else Windows-1252.

    Raises:
        TranscriptUnreadable: the file is empty or is not text.
    """
    if not data.strip():
        raise TranscriptUnreadable("the file is empty; give a transcript with text", path=path)
    text = _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    controls = sum(unicodedata.category(c) == "Cc" and c not in "\n\t\f\v\x1c\x1d\x1e\x85" for c in text)
    if controls > _CONTROL_SHARE_OF_A_BINARY * len(text):
        raise TranscriptUnreadable(
            "this is a binary file, not a transcript; export the captions as text, SRT or WebVTT",
            path=path,
        )
    if not text.strip():
        raise TranscriptUnreadable("the file holds only white space", path=path)
    return text


def _decode(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    # Text in Latin letters stored as UTF-16 has a zero in every other byte.
    sample = data[:4096]
    if len(sample) >= 4 and sample[1::2].count(0) > 0.4 * len(sample) / 2:
        return data.decode("utf-16-le", errors="replace")
    if len(sample) >= 4 and sample[0::2].count(0) > 0.4 * len(sample) / 2:
        return data.decode("utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
