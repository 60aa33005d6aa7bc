"""Repeats, order, sounds and speakers: what is taken out of cues, and where each word leads back to."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.captions import drop_repeats, is_nonspeech, order_cues, part_nonspeech
from corpus.formats.srt import read_srt
from corpus.formats.webvtt import read_webvtt
from corpus.speakers import name_speakers
from corpus.types import RawCue

WORD = st.text("abcdefgh", min_size=1, max_size=6)
LINE = st.lists(WORD, min_size=2, max_size=5).map(" ".join)


def timed(*captions: tuple[int, int, str]) -> list[RawCue]:
    return [RawCue(text, i, i, start, end) for i, (start, end, text) in enumerate(captions, start=1)]


def said(*texts: str) -> list[RawCue]:
    return timed(*((i * 1_000, i * 1_000 + 900, text) for i, text in enumerate(texts)))


def texts(cues: list[RawCue]) -> list[str]:
    return [cue.text for cue in cues]


def rolling(lines: list[str]) -> str:
    """As YouTube writes it: each line appears under the one before, stands alone for a moment, moves up."""
    written, above = ["WEBVTT", ""], " "
    for i, line in enumerate(lines):
        first = f"{line.split()[0]}<00:00:{i:02d}.100><c> {' '.join(line.split()[1:])}</c>"
        written += [f"00:00:{i:02d}.000 --> 00:00:{i:02d}.900 align:start", above, first, ""]
        written += [f"00:00:{i:02d}.900 --> 00:00:{i:02d}.910 align:start", line, " ", ""]
        above = line
    return "\n".join(written)


@given(st.lists(LINE, min_size=3, max_size=20))
def test_rolling_captions_come_out_once_each_line_with_its_own_time_and_place(lines: list[str]) -> None:
    # A line that is said twice running would be taken for a repeat: no caption can tell them apart.
    lines = [line for i, line in enumerate(lines) if i == 0 or line != lines[i - 1]]
    if len(lines) < 3:
        return
    cues, problems = read_webvtt(rolling(lines), "a.vtt")
    kept, repeats = drop_repeats(cues)
    assert problems == []
    assert texts(kept) == lines
    # Line i is written first on line 5 + 8 * i, in a cue of 4 lines of which the next has 4 more.
    assert [(cue.line_start, cue.line_end) for cue in kept] == [
        (5 + 8 * i, 5 + 8 * i) for i in range(len(lines))
    ]
    assert [cue.start_ms for cue in kept] == [1_000 * i for i in range(len(lines))]
    # Each line alone, and again above the next one.
    assert repeats == 2 * len(lines) - 1


def test_two_lines_that_roll_up_come_out_once() -> None:
    srt = "".join(
        f"{i}\n00:00:0{i},000 --> 00:00:0{i + 1},500\n{a}\n{b}\n\n"
        for i, (a, b) in enumerate(pairwise(["one", "two", "three", "four", "five"]), start=1)
    )
    kept, repeats = drop_repeats(read_srt(srt, "a.srt")[0])
    assert texts(kept) == ["one two", "three", "four", "five"]
    assert repeats == 3
    assert [(cue.line_start, cue.start_ms) for cue in kept] == [
        (3, 1_000),
        (9, 2_000),
        (14, 3_000),
        (19, 4_000),
    ]


def test_a_line_that_grows_word_by_word_comes_out_once() -> None:
    kept, _ = drop_repeats(said("so", "so what", "so what is", "so what is it", "Fine."))
    assert texts(kept) == ["so", "what", "is", "it", "Fine."]
    assert [cue.start_ms for cue in kept] == [0, 1_000, 2_000, 3_000, 4_000]


@pytest.mark.parametrize(
    "captions",
    [
        ["Yes.", "Yes.", "No.", "No.", "Yes."],  # said again, and nothing shows that it is only shown
        ["no", "no it is", "two", "three", "four", "five", "six", "seven", "eight"],  # once is no habit
        ["one"],
        [],
    ],
)
def test_what_is_said_twice_stays(captions: list[str]) -> None:
    assert drop_repeats(said(*captions)) == (said(*captions), 0)


def test_overlapping_cues_are_in_order_of_their_start_and_ties_in_that_of_the_file() -> None:
    cues = timed((5_000, 6_000, "b"), (0, 9_000, "a"), (7_000, 8_000, "d"), (5_000, 5_500, "c"))
    assert texts(order_cues(cues)) == ["a", "b", "c", "d"]


def test_files_put_one_after_the_other_stay_one_after_the_other() -> None:
    cues = timed(
        (0, 1, "a"), (100_000, 1, "b"), (0, 1, "c"), (2_000, 1, "e"), (1_000, 1, "d"), (90_000, 1, "f")
    )
    assert texts(order_cues(cues)) == ["a", "b", "c", "d", "e", "f"]


def test_cues_without_times_stay_as_they_are() -> None:
    cues = [RawCue("b", 1, 1, 5), RawCue("a", 2, 2), RawCue("c", 3, 3, 1)]
    assert order_cues(cues) == cues


@pytest.mark.parametrize(
    ("text", "is_timed", "expected"),
    [
        ("[Music]", True, True),
        ("[MUSIC]", False, True),
        ("【音乐】", True, True),
        ("[موسيقى]", True, True),
        ("(logo whooshing)", True, True),
        ("(logo whooshing)", False, False),  # in written text an aside
        ("♪ la la ♪", True, True),
        ("♪ la ♪ ♪ lu ♪", True, True),
        ("♪ la", True, True),
        ("♪ la ♪ Hello.", True, False),
        ("[MASK]", True, False),
        ("[CLS] the cat [SEP]", True, False),
        ("[1, 2, 3]", True, False),
        ("(a longer aside that the speaker makes here)", True, False),
        ("Music", True, False),
    ],
)
def test_a_sound_is_told_from_speech_in_brackets(text: str, is_timed: bool, expected: bool) -> None:
    assert is_nonspeech(text, is_timed=is_timed) is expected


def test_a_sound_beside_words_is_a_cue_of_its_own_and_the_transcript_is_the_same() -> None:
    cues = [RawCue("[Music] so today [Applause]", 3, 4, 0, 9, None, True), RawCue("the [MASK] token", 7, 7)]
    assert [(c.text, c.line_start, c.start_ms, c.starts_block) for c in part_nonspeech(cues)] == [
        ("[Music]", 3, 0, True),
        ("so today", 3, 0, False),
        ("[Applause]", 3, 0, False),
        ("the [MASK] token", 7, None, False),
    ]
    assert " ".join(texts(part_nonspeech(cues))) == " ".join(texts(cues))


def speakers(cues: list[RawCue]) -> list[tuple[str | None, str, bool]]:
    return [(cue.speaker, cue.text, cue.starts_block) for cue in cues]


def test_names_before_every_caption_are_speakers_as_zoom_writes_them() -> None:
    cues = said("Ann Lee: Hello: all.", "Ann Lee: Welcome.", "Bo: Hi.", "and thanks", "Bo: Bye.")
    assert speakers(name_speakers(cues)) == [
        ("Ann Lee", "Hello: all.", True),
        ("Ann Lee", "Welcome.", False),
        ("Bo", "Hi.", True),
        ("Bo", "and thanks", False),
        ("Bo", "Bye.", False),
    ]


@pytest.mark.parametrize(
    "captions",
    [
        ["Note: this matters.", "And so on.", "Note: that too.", "It does.", "It really does."],
        ["Docker: a platform.", "ECS: a service.", "EKS: another.", "ECR: a registry."],  # no name again
        ["At 10:30 we begin", "see https://a.example", "a:b", "x := y"],
        ["Question: why?"],
        [">>> print(1)", "a >> b", ">>>> x"],
    ],
)
def test_a_colon_or_an_arrow_is_not_always_a_speaker(captions: list[str]) -> None:
    assert name_speakers(said(*captions)) == said(*captions)


def test_a_name_that_is_known_to_be_a_speakers_is_one_however_rare() -> None:
    cues = said("A. Teacher: Welcome.", "Note: this matters.", "It does.")
    assert speakers(name_speakers(cues, ["a. teacher"])) == [
        ("A. Teacher", "Welcome.", True),
        ("A. Teacher", "Note: this matters.", False),
        ("A. Teacher", "It does.", False),
    ]


def test_two_arrows_mark_another_speaker_and_the_name_after_them_holds_until_the_next() -> None:
    srt = (
        "1\n00:00:01,000 --> 00:00:02,000\n>> ANNA: Is it\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nlate?\n>> No.\n\n"
        "3\n00:00:03,000 --> 00:00:04,000\nIt is not.\n"
    )
    cues = name_speakers(read_srt(srt, "a.srt")[0])
    assert [(c.speaker, c.text, c.starts_block, c.line_start) for c in cues] == [
        ("ANNA", "Is it", True, 3),
        ("ANNA", "late?", False, 7),
        (None, "No.", True, 8),
        (None, "It is not.", False, 12),
    ]
