"""Sentences → overlapping passages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.library import lecture_from_text
from corpus.passages import build_passages
from corpus.sentences import split_sentences
from corpus.types import Lecture, Passage, Sentence

# Every sentence has four words, so with words for tokens the sizes below are multiples of four.
FACTS = ["Alpha is the first.", "Beta is the second.", "Gamma is the third."]
MORE_FACTS = [*FACTS, "Delta is the fourth.", "Epsilon is the fifth.", "Zeta is the sixth."]
QUESTION = "What is a container?"
SENTENCE = st.lists(st.sampled_from(["so", "we", "go"]), min_size=1, max_size=5).flatmap(
    lambda words: st.sampled_from([" ".join([*words, "on."]), " ".join([*words, "why?"])])
)


def count_words(text: str) -> int:
    return len(text.split())


def talk(lines: list[str], lecture_id: str = "talk") -> tuple[Lecture, tuple[Sentence, ...]]:
    lecture = lecture_from_text(lecture_id, "Talk", "\n".join(lines), source="talk.txt")
    return lecture, split_sentences(lecture, count_words, 100)


def passages(
    lines: list[str], max_tokens: int, overlap_tokens: int, lecture_id: str = "talk"
) -> tuple[Passage, ...]:
    lecture, sentences = talk(lines, lecture_id)
    return build_passages(
        lecture, sentences, count_words, max_tokens=max_tokens, overlap_tokens=overlap_tokens
    )


def ranges(lines: list[str], max_tokens: int, overlap_tokens: int) -> list[tuple[int, int]]:
    return [(p.sentence_start, p.sentence_end) for p in passages(lines, max_tokens, overlap_tokens)]


@pytest.mark.parametrize(
    ("max_tokens", "overlap", "expected"),
    [
        (12, 0, [(0, 3), (3, 6)]),  # three sentences of 4 fill 12
        (15, 0, [(0, 3), (3, 6)]),  # a fourth would make 16
        (12, 4, [(0, 3), (2, 5), (4, 6)]),  # one sentence shared
        (12, 3, [(0, 3), (3, 6)]),  # an overlap of 3 has no room for a sentence of 4
        (12, 8, [(0, 3), (1, 4), (2, 5), (3, 6)]),  # two shared
        (24, 4, [(0, 6)]),
        (4, 0, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]),
    ],
)
def test_passages_fill_their_tokens_and_share_sentences_up_to_the_overlap(
    max_tokens: int, overlap: int, expected: list[tuple[int, int]]
) -> None:
    assert ranges(MORE_FACTS, max_tokens, overlap) == expected


def test_the_size_is_what_the_given_counter_says() -> None:
    lecture, sentences = talk(FACTS)
    # Each sentence counts 19 characters: two are 38, and three would be 57.
    built = build_passages(lecture, sentences, len, max_tokens=56, overlap_tokens=0)
    assert [(p.sentence_start, p.sentence_end) for p in built] == [(0, 2), (2, 3)]


def test_offsets_run_from_the_first_sentence_to_the_last() -> None:
    lecture, _ = talk(FACTS)
    built = passages(FACTS, 8, 0)
    # "Alpha is the first." and "Beta is the second." have 19 characters each: 19 + 1 + 19 = 39.
    assert [(p.char_start, p.char_end) for p in built] == [(0, 39), (40, 59)]
    assert lecture.transcript[0:39] == "Alpha is the first. Beta is the second."
    assert lecture.transcript[40:59] == "Gamma is the third."


def test_a_question_stays_with_its_answer() -> None:
    # Without the question the first passage would be sentences 0 to 3, and the answer the next one's.
    lines = [*FACTS[:2], QUESTION, "It is a box.", "Delta is the fourth."]
    assert ranges(lines, 12, 0) == [(0, 2), (2, 5)]
    # The second passage steps back by sentence 1; the pair of 8 is too much for the third to share.
    assert ranges(lines, 12, 4) == [(0, 2), (1, 4), (4, 5)]


def test_a_passage_shares_less_than_the_overlap_where_it_would_hold_nothing_new() -> None:
    # Two facts and the pair of 8 would be 16, so the second passage shares one fact only.
    assert ranges([*FACTS, QUESTION, "It is a box."], 12, 8) == [(0, 3), (2, 5)]


def test_a_question_and_an_answer_too_long_for_one_passage_are_parted() -> None:
    assert ranges([QUESTION, "It is a box that runs just anywhere."], 8, 0) == [(0, 1), (1, 2)]


def test_of_questions_too_long_for_one_passage_the_last_stays_with_the_answer() -> None:
    assert ranges([QUESTION, "Why is that so?", "It is a box."], 12, 0) == [(0, 3)]
    assert ranges([QUESTION, "Why is that so?", "It is a box."], 8, 0) == [(0, 1), (1, 3)]


def test_a_lecture_that_ends_in_a_question_ends_in_a_passage_with_it() -> None:
    assert ranges([FACTS[0], QUESTION], 4, 0) == [(0, 1), (1, 2)]


def test_no_sentences_make_no_passages() -> None:
    lecture, _ = talk(FACTS)
    assert build_passages(lecture, (), count_words, max_tokens=8, overlap_tokens=0) == ()


@pytest.mark.parametrize("overlap", [-1, 8, 9])
def test_an_overlap_outside_the_passage_is_refused_with_its_value(overlap: int) -> None:
    with pytest.raises(ValueError, match=rf"^overlap_tokens must be in \[0, 8\), got {overlap}$"):
        passages(FACTS, 8, overlap)


def test_an_id_is_the_start_of_the_hash_of_lecture_place_and_text() -> None:
    # printf 'talk\x1f0\x1fAlpha is the first.' | sha256sum | cut -c1-16
    assert passages(FACTS, 4, 0)[0].passage_id == "b8b0188074ef7add"


def test_ids_do_not_change_when_passages_are_built_again_or_speech_is_added_at_the_end() -> None:
    ids = [p.passage_id for p in passages(FACTS, 4, 0)]
    assert [p.passage_id for p in passages(FACTS, 4, 0)] == ids
    assert [p.passage_id for p in passages(MORE_FACTS, 4, 0)][:3] == ids


def test_ids_differ_by_lecture_and_by_place() -> None:
    twice = [FACTS[0], FACTS[0]]
    ids = {p.passage_id for name in ("talk", "other") for p in passages(twice, 4, 0, name)}
    assert len(ids) == 4


@given(st.lists(SENTENCE, min_size=1, max_size=15), st.integers(6, 20), st.integers(0, 19))
def test_passages_cover_all_sentences_fit_and_part_no_question_from_an_answer_that_fits(
    lines: list[str], max_tokens: int, overlap: int
) -> None:
    lecture, sentences = talk(lines)
    overlap = min(overlap, max_tokens - 1)
    built = build_passages(lecture, sentences, count_words, max_tokens=max_tokens, overlap_tokens=overlap)
    sizes = [count_words(lecture.transcript[s.char_start : s.char_end]) for s in sentences]

    assert built[0].sentence_start == 0
    assert built[-1].sentence_end == len(sentences)
    for passage in built:
        assert passage.char_start == sentences[passage.sentence_start].char_start
        assert passage.char_end == sentences[passage.sentence_end - 1].char_end
        assert count_words(lecture.transcript[passage.char_start : passage.char_end]) <= max_tokens
    for before, after in pairwise(built):
        assert before.sentence_start < after.sentence_start <= before.sentence_end < after.sentence_end
        assert sum(sizes[after.sentence_start : before.sentence_end]) <= overlap
        end = before.sentence_end
        if sentences[end - 1].is_question and not sentences[end].is_question:
            assert sizes[end - 1] + sizes[end] > max_tokens
    assert len({p.passage_id for p in built}) == len(built)
