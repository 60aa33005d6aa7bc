"""Cues → sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.captions import assemble_transcript
from corpus.formats.plain import read_plain
from corpus.sentences import split_sentences
from corpus.types import Lecture, RawCue

WORD = st.sampled_from(
    ["so", "Docker", "runs.", "why?", "Dr.", "e.g.", "3.5", '"No!"', "你好。", "Où", "😀", "…", "a--b"]
)
RAW = st.builds(
    RawCue,
    text=st.lists(WORD, min_size=1, max_size=6).map(" ".join),
    line_start=st.just(1),
    line_end=st.just(1),
    start_ms=st.none() | st.integers(0, 10_000),
    end_ms=st.none() | st.integers(0, 10_000),
    starts_block=st.booleans(),
)


def count_words(text: str) -> int:
    return len(text.split())


def lecture(raw: list[RawCue], language: str = "en") -> Lecture:
    transcript, cues = assemble_transcript(raw)
    return Lecture("talk", "Talk", None, language, (), None, "talk.txt", "", transcript, cues)


def timed(*captions: tuple[int, int, str]) -> Lecture:
    return lecture([RawCue(text, i, i, start, end) for i, (start, end, text) in enumerate(captions, start=1)])


def sentences(of: Lecture, max_tokens: int = 100) -> list[str]:
    return [of.transcript[s.char_start : s.char_end] for s in split_sentences(of, count_words, max_tokens)]


def test_a_sentence_is_whole_across_lines_and_blank_lines() -> None:
    raw, _ = read_plain(
        "Hello, and welcome\n\nto this section\non Docker. It is\n\n\na container. Good.\n", "a.txt"
    )
    assert sentences(lecture(raw)) == [
        "Hello, and welcome to this section on Docker.",
        "It is a container.",
        "Good.",
    ]


def test_abbreviations_and_decimals_end_no_sentence() -> None:
    raw = [RawCue("Dr. Smith paid 3.5 dollars, e.g. for tea. He left!", 1, 1)]
    assert sentences(lecture(raw)) == ["Dr. Smith paid 3.5 dollars, e.g. for tea.", "He left!"]


def test_offsets_are_characters_where_letters_are_many_bytes() -> None:
    split = split_sentences(lecture([RawCue("😀 Voilà. 你好吗？我很好。", 1, 1)]), count_words, 100)
    # "😀 Voilà." is 8 characters, a space follows; the two Chinese sentences touch.
    assert [(s.char_start, s.char_end) for s in split] == [(0, 8), (9, 13), (13, 17)]


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("What is Docker?", True),
        ('She said "why?"', True),
        ("你好吗？", True),
        ("أين؟", True),
        ("It is a container.", False),
        ("Why? is the word.", False),
        ("Some ask (why?) too often.", False),
        ("no mark", False),
    ],
)
def test_the_last_mark_says_whether_a_sentence_asks(text: str, is_question: bool) -> None:
    assert split_sentences(lecture([RawCue(text, 1, 1)]), count_words, 100)[-1].is_question is is_question


def test_no_sentence_reaches_back_over_the_start_of_a_block() -> None:
    raw = [
        RawCue("Docker on AWS", 1, 1, starts_block=True),
        RawCue("It runs", 3, 3, starts_block=True),
        RawCue("anywhere.", 4, 4),
    ]
    assert sentences(lecture(raw)) == ["Docker on AWS", "It runs anywhere."]


def test_unpunctuated_speech_is_cut_at_its_longest_pause_and_then_at_the_next() -> None:
    # 12 words where 8 may stand. Pauses of 2000, 200 and 100 ms: the first leaves 3 and 9 words,
    # the second makes 3 and 6 of the 9.
    talk = timed(
        (0, 1_000, "one two six"),
        (3_000, 4_000, "ten one two"),
        (4_200, 5_000, "six ten one"),
        (5_100, 6_000, "two six ten"),
    )
    assert sentences(talk, 8) == ["one two six", "ten one two", "six ten one two six ten"]


def test_halves_that_are_still_too_long_are_cut_at_their_own_longest_pause() -> None:
    # First at 2000 ms, before "six ten one"; then each half of 6 words at the one boundary in it.
    talk = timed(
        (0, 1_000, "one two six"),
        (1_200, 2_000, "ten one two"),
        (4_000, 5_000, "six ten one"),
        (5_100, 6_000, "two six ten"),
    )
    assert sentences(talk, 4) == ["one two six", "ten one two", "six ten one", "two six ten"]


def test_a_long_pause_near_the_edge_does_not_leave_a_stub() -> None:
    # 34 characters, a quarter is 8: the 9 s pause at character 3 is out of reach, the one at 15 is not.
    talk = timed((0, 1_000, "so"), (10_000, 11_000, "one two ten"), (11_500, 12_000, "six one two ten six"))
    assert sentences(talk, 5) == ["so one two ten", "six one two ten six"]


def test_without_times_or_boundaries_speech_is_cut_at_the_space_nearest_the_middle() -> None:
    # 50 words of one letter, 99 characters, middle 49. Words start at even characters; 48 is the
    # first of the two nearest, with 24 words before it.
    assert sentences(lecture([RawCue(" ".join("w" * 50), 1, 1)]), 48) == [
        " ".join("w" * 24),
        " ".join("w" * 26),
    ]


def test_unpunctuated_speech_is_cut_into_pieces_of_at_most_forty_words() -> None:
    # 90 words are 179 characters, middle 89, cut at 88: 44 and 46 words. They would fit 80, but not 40.
    # 87 characters have their middle at 43, cut at 42: 21 and 23. The rest runs from 88 to 179,
    # middle 133, cut at 132: 22 and 24.
    pieces = sentences(lecture([RawCue(" ".join("w" * 90), 1, 1)]), 80)
    assert [count_words(piece) for piece in pieces] == [21, 23, 22, 24]


def test_a_sentence_of_more_than_forty_words_that_fits_is_not_cut() -> None:
    text = " ".join("w" * 47) + " end."
    assert sentences(lecture([RawCue(text, 1, 1)]), 48) == [text]


def test_words_without_spaces_are_cut_by_characters() -> None:
    talk = lecture([RawCue("a" * 10, 1, 1)])
    split = split_sentences(talk, len, 3)
    # 10 -> 5 + 5 -> 2 + 3 each.
    assert [(s.char_start, s.char_end) for s in split] == [(0, 2), (2, 5), (5, 7), (7, 10)]


def test_one_word_a_sentence_is_reached_even_after_a_long_pause() -> None:
    # The piece "a b" begins at the longer of two pauses, which must not be tried again.
    talk = timed((0, 1_000, "x"), (9_000, 9_500, "a"), (9_500, 9_900, "b"))
    assert sentences(talk, 1) == ["x", "a", "b"]


@given(
    st.lists(RAW, min_size=1, max_size=8), st.integers(1, 12), st.sampled_from(["en", "fr", "zh-CN", "xx"])
)
def test_sentences_partition_the_transcript_and_none_is_too_long(
    raw: list[RawCue], max_tokens: int, language: str
) -> None:
    talk = lecture(raw, language)
    split = split_sentences(talk, count_words, max_tokens)
    position = 0
    for sentence in split:
        text = talk.transcript[sentence.char_start : sentence.char_end]
        assert text == text.strip() != ""
        assert count_words(text) <= max_tokens
        assert talk.transcript[position : sentence.char_start].strip() == ""
        assert sentence.char_start >= position
        position = sentence.char_end
    assert position == len(talk.transcript)
