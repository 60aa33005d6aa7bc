"""What a question is made of."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.lexical import LexicalIndex
from assistant.questions import Kind, analyse_question, plain_text, punctuated


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


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("what is docker", "what is docker?"),
        ("Explain attention.", "Explain attention?"),
        ("What is Docker?", "What is Docker?"),
        ("How does it work? (Docker Hub)", "How does it work? (Docker Hub)"),
        ("什么是 Docker？", "什么是 Docker？"),
        ("ما هو دوكر؟", "ما هو دوكر؟"),
    ],
)
def test_a_question_mark_that_was_left_out_is_read(typed: str, read: str) -> None:
    assert punctuated(typed) == read


@given(st.text())
def test_reading_a_question_mark_moves_no_character_and_happens_once(text: str) -> None:
    read = punctuated(text)
    assert text.startswith(read.removesuffix("?")) or read == text
    assert punctuated(read) == read


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("attention mask", Kind.DEFINITION),
        ("EKS", Kind.DEFINITION),
        ("byte pair encoding", Kind.DEFINITION),
        ("masks for attention", Kind.OTHER),
        ("what are the three steps", Kind.LIST),
        ("why docker", Kind.REASON),
        ("list services", Kind.LIST),
        ("docker vs kubernetes", Kind.CHOICE),
        ("the mask", Kind.OTHER),
    ],
)
def test_a_bare_term_asks_what_it_is(tmp_path: Path, question: str, kind: Kind) -> None:
    lexical = LexicalIndex.build(tmp_path / "lexical", [("a", "attention masks")])
    assert analyse_question(question, lexical).kind is kind
