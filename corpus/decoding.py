"""Bytes of a transcript file → text whose lines end in a line feed."""

import codecs
import re
from pathlib import Path

from corpus.errors import TranscriptUnreadable

__all__ = ["decode_transcript", "encoding_of"]

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark begins the same.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_CONTROL_SHARE_OF_A_BINARY = 0.01


def decode_transcript(data: bytes, path: Path) -> str:
    """Decode UTF-8 or UTF-16, with or without a byte order mark, else Windows-1252.

    Raises:
        TranscriptUnreadable: the file is empty or is not text.
    """
    if not data.strip():
        raise TranscriptUnreadable("the file is empty; give a transcript with text", path=path)
    text = _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    controls = sum(1 for _ in _CONTROL.finditer(text))
    if controls > _CONTROL_SHARE_OF_A_BINARY * len(text):
        raise TranscriptUnreadable(
            "this is a binary file, not a transcript; export the captions as text, SRT or WebVTT",
            path=path,
        )
    if not text.strip():
        raise TranscriptUnreadable("the file holds only white space", path=path)
    return text


def encoding_of(data: bytes) -> str:
    """The name of the encoding that ``decode_transcript`` reads ``data`` in."""
    return _encoding_and_mark(data)[0]


def _decode(data: bytes) -> str:
    encoding, mark = _encoding_and_mark(data)
    return data[len(mark) :].decode(encoding, errors="replace")


def _encoding_and_mark(data: bytes) -> tuple[str, bytes]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding, mark
    # Captions stored as UTF-16 have a zero in every other byte of their times and spaces, whatever
    # their script; bytes that are UTF-8 have none.
    sample = data[:4096]
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    if max(odd, even) > 0.15 * len(sample) / 2 and min(odd, even) * 8 <= max(odd, even):
        return ("utf-16-le" if odd > even else "utf-16-be"), b""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252", b""
    return "utf-8", b""
