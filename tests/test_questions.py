"""What a question is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.questions import plain_text


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("\x1b[1;31mWhat is\x1b[0m Docker?", "What is Docker?"),
        ("What is <strong>Docker</strong>?", "What is Docker ?"),
        ("🐳 What is\n Docker? 🎉", "What is Docker?"),
        ("Where are images stored [2] [13]?", "Where are images stored ?"),
        # What only looks like markup stays.
        ("What does List<String> hold?", "What does List<String> hold?"),
        ("What is in a[1] if a < b > c?", "What is in a[1] if a < b > c?"),
        ("What is x^2 at 90% and `pip`?", "What is x^2 at 90% and `pip`?"),
        ("什么是 Docker？", "什么是 Docker？"),
        ("🎉 [3] ?!", ""),
    ],
)
def test_a_question_is_read_without_markup_and_pictures(typed: str, plain: str) -> None:
    assert plain_text(typed) == plain


@given(st.text())
def test_plain_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    plain = plain_text(text)
    assert plain == " ".join(plain.split())
    assert plain_text(plain) == plain
