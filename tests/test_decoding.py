"""Bytes of a transcript file → text."""

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.decoding import decode_transcript
from corpus.errors import TranscriptUnreadable

FILE = Path("talk.txt")
TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff") | st.just("\n")
).filter(lambda text: text.strip())


@pytest.mark.parametrize(
    "data",
    [
        "Où est l'été ?\nИ 你好 😀".encode(),
        codecs.BOM_UTF8 + "Où est l'été ?\nИ 你好 😀".encode(),
        codecs.BOM_UTF16_LE + "Où est l'été ?\nИ 你好 😀".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "Où est l'été ?\nИ 你好 😀".encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16-le", "utf-16-be"],
)
def test_unicode_text_is_the_same_in_every_encoding_and_loses_its_mark(data: bytes) -> None:
    assert decode_transcript(data, FILE) == "Où est l'été ?\nИ 你好 😀"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_recognised_by_its_zeros(encoding: str) -> None:
    assert decode_transcript("Hello there".encode(encoding), FILE) == "Hello there"


def test_bytes_that_are_not_utf8_are_windows_1252() -> None:
    # In Windows-1252 0x93 and 0x94 are curly quotes, 0xE9 is e acute, 0x85 the ellipsis.
    assert decode_transcript(b"\x93caf\xe9\x94\x85", FILE) == "“café”…"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_end_becomes_a_line_feed(newline: str) -> None:
    assert decode_transcript(f"one{newline}{newline}two{newline}".encode(), FILE) == "one\n\ntwo\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "talk.txt: the file is empty; give a transcript with text"),
        (b" \r\n\t ", "talk.txt: the file is empty; give a transcript with text"),
        (codecs.BOM_UTF8, "talk.txt: the file holds only white space"),
        (codecs.BOM_UTF16_LE + "\n ".encode("utf-16-le"), "talk.txt: the file holds only white space"),
        (
            bytes(range(256)) * 4,
            "talk.txt: this is a binary file, not a transcript; export the captions as text, SRT or WebVTT",
        ),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00",
            "talk.txt: this is a binary file, not a transcript; export the captions as text, SRT or WebVTT",
        ),
    ],
    ids=["no bytes", "blanks", "only a mark", "blanks in utf-16", "all bytes", "png"],
)
def test_what_is_no_text_is_refused_by_name_with_the_fix(data: bytes, message: str) -> None:
    with pytest.raises(TranscriptUnreadable) as caught:
        decode_transcript(data, FILE)
    assert str(caught.value) == message


def test_one_control_in_a_hundred_characters_is_still_text_and_two_are_not() -> None:
    # The limit is a share of 0.01: 1 of 100 is not above it, 2 of 100 is.
    assert decode_transcript(b"\x01" + b"a" * 99, FILE) == "\x01" + "a" * 99
    with pytest.raises(TranscriptUnreadable, match="binary"):
        decode_transcript(b"\x01\x01" + b"a" * 98, FILE)


@given(TEXT, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_text_comes_back_whatever_its_encoding_and_line_ends(text: str, encoding: str, newline: str) -> None:
    assert decode_transcript(text.replace("\n", newline).encode(encoding), FILE) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        text = decode_transcript(data, FILE)
    except TranscriptUnreadable:
        return
    assert text.strip()
    assert "\r" not in text
