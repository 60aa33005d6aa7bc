"""Cues → one transcript, and where each cue stands in it."""

from bisect import bisect_right
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from corpus.captions import assemble_transcript
from corpus.formats.srt import read_srt
from corpus.types import Cue, RawCue

# Letters of one to four bytes in UTF-8: offsets count characters, not bytes.
TEXT = st.lists(st.text("ab.é你😀", min_size=1, max_size=6), min_size=1, max_size=4).map(" ".join)
RAW = st.builds(
    RawCue,
    text=TEXT,
    line_start=st.integers(1, 9),
    line_end=st.integers(1, 9),
    start_ms=st.none() | st.integers(0, 10**9),
    end_ms=st.none() | st.integers(0, 10**9),
    speaker=st.none() | st.just("Anna"),
    starts_block=st.booleans(),
)


def test_texts_are_joined_by_single_spaces_and_offsets_count_characters() -> None:
    raw = [
        RawCue("Hé 😀", 3, 4, 1_000, 2_000, "Anna", True),
        RawCue("你好。", 8, 8, 2_000, 3_000),
    ]
    # "Hé 😀" is characters 0 to 4, the space is character 4, "你好。" is 5 to 8.
    assert assemble_transcript(raw) == (
        "Hé 😀 你好。",
        (
            Cue(0, 4, 3, 4, 1_000, 2_000, "Anna", True),
            Cue(5, 8, 8, 8, 2_000, 3_000, None, False),
        ),
    )


def test_no_cues_are_an_empty_transcript() -> None:
    assert assemble_transcript([]) == ("", ())


def test_a_generator_of_cues_will_do() -> None:
    assert assemble_transcript(RawCue(word, 1, 1) for word in ("a", "b"))[0] == "a b"


@given(st.lists(RAW, max_size=8))
def test_every_cue_is_a_slice_of_the_transcript_and_keeps_what_it_knew(raw: list[RawCue]) -> None:
    transcript, cues = assemble_transcript(raw)
    assert [
        RawCue(
            transcript[c.char_start : c.char_end],
            c.line_start,
            c.line_end,
            c.start_ms,
            c.end_ms,
            c.speaker,
            c.starts_block,
        )
        for c in cues
    ] == raw


@given(st.lists(RAW, min_size=1, max_size=8))
def test_cues_and_the_single_spaces_between_them_are_the_whole_transcript(raw: list[RawCue]) -> None:
    transcript, cues = assemble_transcript(raw)
    assert cues[0].char_start == 0
    assert cues[-1].char_end == len(transcript)
    assert all(transcript[a.char_end : b.char_start] == " " for a, b in pairwise(cues))


@given(st.lists(TEXT, min_size=1, max_size=6), st.data())
def test_a_caption_is_found_again_from_any_offset_in_it(captions: list[str], data: st.DataObject) -> None:
    # Caption i is written on line 4 * i + 3 and shown from second i to second i + 1.
    srt = "".join(
        f"{i}\n00:{i:02d},000 --> 00:{i + 1:02d},000\n{text}\n\n" for i, text in enumerate(captions)
    )
    raw, problems = read_srt(srt, "a.srt")
    transcript, cues = assemble_transcript(raw)
    wanted = data.draw(st.integers(0, len(captions) - 1))
    offset = data.draw(st.integers(cues[wanted].char_start, cues[wanted].char_end - 1))

    found = bisect_right([cue.char_start for cue in cues], offset) - 1
    cue = cues[found]

    assert problems == []
    assert found == wanted
    assert transcript[cue.char_start : cue.char_end] == captions[wanted]
    assert (cue.line_start, cue.line_end) == (4 * wanted + 3, 4 * wanted + 3)
    assert (cue.start_ms, cue.end_ms) == (1_000 * wanted, 1_000 * wanted + 1_000)
