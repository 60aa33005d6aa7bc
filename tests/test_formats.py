"""Transcript files of each format → cues and problems."""

import html
import re
from pathlib import Path

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from webvtt.errors import MalformedFileError

from corpus.decoding import decode_transcript
from corpus.formats.clock import find_timing, format_time, parse_time
from corpus.formats.detection import detect_format
from corpus.formats.markdown import read_markdown
from corpus.formats.plain import read_plain
from corpus.formats.srt import read_srt
from corpus.formats.webvtt import read_webvtt
from corpus.formats.youtube import read_srv
from corpus.types import Problem, RawCue

SUBTITLES = Path(__file__).parents[2] / "shared" / "evaluation" / "hf-course-lectures" / "srt"
# Words as captions have them: several scripts, marks that mean something in markup, digits.
WORD = st.text("abNOTEsv012.,?!'\"<>/&;#:-éЖ你😀", min_size=1, max_size=8)
LINE = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
MS = st.integers(min_value=0, max_value=2000 * 3_600_000)
CAPTION = st.tuples(MS, st.integers(min_value=0, max_value=20_000), st.lists(LINE, min_size=1, max_size=3))


def texts(cues: list[RawCue]) -> list[str]:
    return [cue.text for cue in cues]


def clock(ms: int, mark: str) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{ms:03d}"


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("00:00:05,850", 5_850),
        ("00:00:05.850", 5_850),
        ("00:00:05:850", 5_850),
        ("01:02:03,004", 3_723_004),  # 3600 + 2 * 60 + 3 s, and 4 ms
        ("1:2:03", 3_723_000),
        ("02:03.5", 123_500),  # no hours; .5 is half a second
        ("75:00.000", 4_500_000),  # without hours minutes may pass 59
        ("100:00:00,000", 360_000_000),
        ("1234:56:07,890", 4_445_767_890),  # 1234 * 3600 + 56 * 60 + 7 = 4,445,767 s
        ("00:00:01.23456", 1_234),
        ("00:00:01,", 1_000),
        ("-00:00:01,000", 0),
        (" 00:01.000 ", 1_000),
    ],
)
def test_a_clock_is_milliseconds(written: str, ms: int) -> None:
    assert parse_time(written) == ms


@pytest.mark.parametrize(
    "written",
    [
        "",
        "5",
        "five",
        "00:00:60,000",
        "00:60:00,000",
        "00:-1:00",
        "00:00:0x,000",
        "1:2:3:4:5",
        f"{'1' * 5000}:00:00",
    ],
)
def test_what_is_no_clock_is_none(written: str) -> None:
    assert parse_time(written) is None


@pytest.mark.parametrize(
    "line",
    [
        "00:00:01,000 --> 00:00:02,500",
        "00:01.000-->00:02.500",
        "  0:01.000\t-->   0:02.5  align:start position:10%",
        "00:00:01.000 -> 00:00:02.500",
    ],
)
def test_a_timing_line_may_be_spaced_freely_and_hold_settings(line: str) -> None:
    assert find_timing(line) == (1_000, 2_500)


@pytest.mark.parametrize(
    "line", ["", "00:00:01,000", "00:00:01,000 --> ", "a --> b", "00:00:01,000 --> soon"]
)
def test_an_unsound_timing_line_is_none(line: str) -> None:
    assert find_timing(line) is None


@given(MS, st.sampled_from(",.:"))
def test_any_time_written_out_is_read_back(ms: int, mark: str) -> None:
    assert parse_time(clock(ms, mark)) == ms


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(0, "0:00"), (59_999, "0:59"), (754_000, "12:34"), (3_599_999, "59:59"), (3_725_000, "1:02:05")],
)
def test_a_time_is_shown_with_an_hour_where_there_is_one(ms: int, shown: str) -> None:
    assert format_time(ms) == shown
    assert parse_time(shown) == ms // 1000 * 1000


@given(MS, st.sampled_from(",.:"))
def test_any_negative_time_is_zero(ms: int, mark: str) -> None:
    assert parse_time("-" + clock(ms, mark)) == 0


def test_srt_cues_have_text_lines_and_times() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nHello,\nworld.\n\n2\n100:00:00,000 --> 100:00:01,500\nBye.\n"
    assert read_srt(text, "a.srt") == (
        [RawCue("Hello, world.", 3, 4, 1_000, 2_000), RawCue("Bye.", 8, 8, 360_000_000, 360_001_500)],
        [],
    )


def test_a_malformed_cue_is_reported_by_file_and_line_and_the_rest_is_kept() -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nFirst.\n\n"
        "2\n00:00:xx,000 --> 00:00:04,000\nLost.\n\n"
        "3\n00:00:05,000 --> 00:00:06,000\nThird.\n"
    )
    cues, problems = read_srt(text, "week1/a.srt")
    assert cues == [RawCue("First.", 3, 3, 1_000, 2_000), RawCue("Third.", 11, 11, 5_000, 6_000)]
    reason = "cue left out: '00:00:xx,000 --> 00:00:04,000' is not a cue timing"
    assert problems == [Problem("week1/a.srt", 6, reason)]
    assert str(problems[0]) == f"week1/a.srt:6: {reason}"


def test_a_malformed_cue_right_under_another_is_reported_too() -> None:
    text = "00:00:01,000 --> 00:00:02,000\nFirst.\n00:00:03,000 --> later\nLost.\n"
    cues, problems = read_srt(text, "a.srt")
    assert texts(cues) == ["First."]
    assert [problem.line for problem in problems] == [3]


def test_counters_and_blank_lines_may_be_missing() -> None:
    text = (
        "00:00:01,000 --> 00:00:02,000\nNo counter.\n00:00:03,000 --> 00:00:04,000\nNo blank line.\n"
        "3\n00:00:05,000 --> 00:00:06,000\n\nBlank line first.\n"
    )
    cues, problems = read_srt(text, "a.srt")
    assert texts(cues) == ["No counter.", "No blank line.", "Blank line first."]
    assert problems == []


def test_text_after_a_blank_line_still_belongs_to_its_cue() -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nTake\n\nNOTEBOOK one.\n\n2\n00:00:03,000 --> 00:00:04,000\nNext.\n"
    )
    assert read_srt(text, "a.srt")[0] == [
        RawCue("Take NOTEBOOK one.", 3, 5, 1_000, 2_000),
        RawCue("Next.", 9, 9, 3_000, 4_000),
    ]


def test_numbers_that_are_spoken_are_not_counters() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:03,000 --> 00:00:04,000\n43\n"
    assert texts(read_srt(text, "a.srt")[0]) == ["42", "43"]


def test_an_arrow_that_is_spoken_is_text() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nThe function is\nwritten a --> b here.\n"
    assert read_srt(text, "a.srt") == (
        [RawCue("The function is written a --> b here.", 3, 4, 1_000, 2_000)],
        [],
    )


def test_a_cue_that_ends_before_it_starts_ends_when_it_starts_and_is_reported() -> None:
    text = "1\n00:00:05,000 --> 00:00:02,000\nHello.\n\n2\n00:00:06,000 --> 00:00:02,000\n<i> </i>\n"
    cues, problems = read_srt(text, "a.srt")
    assert [(cue.text, cue.start_ms, cue.end_ms) for cue in cues] == [("Hello.", 5_000, 5_000)]
    # Nothing is said of the second, which has no words.
    assert list(map(str, problems)) == [
        "a.srt:2: end left out: '00:00:05,000 --> 00:00:02,000' ends before it begins"
    ]


def test_a_cue_that_ends_as_it_starts_is_sound() -> None:
    assert read_srt("1\n00:00:05,000 --> 00:00:05,000\nHello.\n", "a.srt")[1] == []


def test_a_negative_time_is_clamped_to_zero() -> None:
    cues, _ = read_srt("1\n-00:00:01,000 --> 00:00:02,000\nHello.\n", "a.srt")
    assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(0, 2_000)]


def test_srt_with_short_arrows_is_read() -> None:
    text = "1\n00:00:01,000 -> 00:00:02,000\nHello.\n\n2\n00:00:03,000 -> 00:00:04,000\nBye.\n"
    reader = detect_format(text, Path("a.srt")).read
    assert texts(reader(text, "a.srt")[0]) == ["Hello.", "Bye."]


@pytest.mark.parametrize("text", ["Only words.\n", "1\n2\n", "WEBVTT\n"])
def test_timed_captions_without_a_timing_are_no_cues(text: str) -> None:
    assert read_srt(text, "a.srt") == ([], [])
    assert read_webvtt(text, "a.vtt") == ([], [])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<i>Hello</i> <b>there</b>", "Hello there"),
        ('<font color="#fff">Hello</font>', "Hello"),
        ("<c.yellow.bg_blue>Hello</c>", "Hello"),
        ("<00:00:01.500>Hello <01:02.000>there", "Hello there"),
        (r"{\an8}Hello", "Hello"),
        ("the tokens <s> and </s>", "the tokens <s> and </s>"),
        ("write <script> or <pad>", "write <script> or <pad>"),
        ("if a < b and b > c", "if a < b and b > c"),
        ("Q&amp;A &lt;b&gt; it&#39;s&nbsp;on", "Q&A <b> it's on"),
        ("&amp;lt;", "&lt;"),  # resolved once, not twice
        ("  two \t spaces ", "two spaces"),
    ],
)
def test_markup_goes_entities_are_resolved_and_speech_about_tags_stays(written: str, read: str) -> None:
    timing = "00:00:01.000 --> 00:00:02.000"
    assert texts(read_srt(f"1\n{timing}\n{written}\n", "a.srt")[0]) == [read]
    assert texts(read_webvtt(f"WEBVTT\n\n{timing}\n{written}\n", "a.vtt")[0]) == [read]


def test_a_cue_of_markup_alone_is_left_out_silently() -> None:
    assert read_srt("1\n00:00:01,000 --> 00:00:02,000\n<i></i>\n", "a.srt") == ([], [])


def test_webvtt_headers_notes_styles_and_identifiers_are_not_speech() -> None:
    text = (
        "WEBVTT - week 1\nKind: captions\n\nSTYLE\n::cue { color: red }\n\n"
        "NOTE 00:00.000 --> 00:09.000\nnot said\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\nHello.\n\n"
        "NOTE\nnot said either\n\nREGION\nid:fred\n\n"
        "100:00:00.000 --> 100:00:01.000\nBye.\n"
    )
    assert read_webvtt(text, "a.vtt") == (
        [RawCue("Hello.", 12, 12, 1_000, 2_000), RawCue("Bye.", 21, 21, 360_000_000, 360_001_000)],
        [],
    )


def test_a_spoken_line_that_begins_with_note_is_speech() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nNOTE that this matters.\nREGION 5.\n"
    assert texts(read_webvtt(text, "a.vtt")[0]) == ["NOTE that this matters. REGION 5."]


def test_a_malformed_webvtt_cue_is_reported_with_its_line() -> None:
    text = "WEBVTT\n\n1\n00:xx.000 --> 00:02.000\nLost.\n\n00:03.000 --> 00:04.000\nKept.\n"
    cues, problems = read_webvtt(text, "a.vtt")
    assert cues == [RawCue("Kept.", 8, 8, 3_000, 4_000)]
    assert [str(p) for p in problems] == [
        "a.vtt:4: cue left out: '00:xx.000 --> 00:02.000' is not a cue timing"
    ]


def test_voice_spans_name_speakers_and_another_speaker_starts_a_block() -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna Q&amp;A>Is it\n\n"
        "00:02.000 --> 00:03.000\n<v Anna Q&amp;A>late?</v>\n\n"
        "00:03.000 --> 00:04.000\nSilence.\n\n"
        "00:04.000 --> 00:05.000\n<v.loud Bo>No.</v>\n"
    )
    assert [(c.text, c.speaker, c.starts_block) for c in read_webvtt(text, "a.vtt")[0]] == [
        ("Is it", "Anna Q&A", True),
        ("late?", "Anna Q&A", False),
        ("Silence.", None, False),
        ("No.", "Bo", True),
    ]


def test_plain_lines_are_cues_and_blank_lines_only_count() -> None:
    assert read_plain("Hello, and\n\n  welcome \t to this. \n\n\n<s> &amp;\n", "a.txt") == (
        [RawCue("Hello, and", 1, 1), RawCue("welcome to this.", 3, 3), RawCue("<s> &amp;", 6, 6)],
        [],
    )


def test_markdown_words_are_cues_and_code_blocks_html_and_targets_are_left_out() -> None:
    text = (
        "# Docker &amp; *AWS*\n\nA [container](https://example.org) runs\n`docker run` **anywhere**.\n\n"
        "- first item\n- second\n  item\n\n```sh\nrm -rf x\n```\n\n<div>no</div>\n\n![a whale](whale.png)\n"
    )
    assert read_markdown(text, "a.md") == (
        [
            RawCue("Docker & AWS", 1, 1, starts_block=True),
            RawCue("A container runs", 3, 3, starts_block=True),
            RawCue("docker run anywhere.", 4, 4),
            RawCue("first item", 6, 6, starts_block=True),
            RawCue("second", 7, 7, starts_block=True),
            RawCue("item", 8, 8),
            RawCue("a whale", 16, 16, starts_block=True),
        ],
        [],
    )


def test_a_row_of_a_markdown_table_is_a_block_of_its_cells() -> None:
    text = "Parts.\n\n| organelle | function |\n| --- | :-: |\n| ribosome | makes *protein* |\n\nMore.\n"
    assert read_markdown(text, "a.md") == (
        [
            RawCue("Parts.", 1, 1, starts_block=True),
            RawCue("organelle", 3, 3, starts_block=True),
            RawCue("function", 3, 3),
            RawCue("ribosome", 5, 5, starts_block=True),
            RawCue("makes protein", 5, 5),
            RawCue("More.", 7, 7, starts_block=True),
        ],
        [],
    )


def test_markdown_lines_hold_their_words_where_a_code_span_runs_over_a_line_end() -> None:
    # The span loses the line end in it, so the words of line 3 are on line 2 or 3.
    cues, _ = read_markdown("Type `docker\nrun` and\nwait.\n", "a.md")
    assert [(c.text, c.line_start, c.line_end) for c in cues] == [
        ("Type docker run and", 1, 2),
        ("wait.", 2, 3),
    ]


@pytest.mark.parametrize(
    ("text", "name", "reader"),
    [
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi.\n", "a.txt", read_webvtt),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi.\n", "a.txt", read_srt),
        ("1\n-0:00:01,000 --> 0:00:02,000\nHi.\n", "a.md", read_srt),
        ("No captions.\n", "A.SRT", read_srt),
        ("No captions.\n", "a.vtt", read_webvtt),
        ("# Title\n", "a.MD", read_markdown),
        ("# Title\n", "a.txt", read_plain),
        ("An arrow --> here.\n", "a.text", read_plain),
        ("From 0:01 --> 0:02 it rains.\n", "a.txt", read_plain),
    ],
)
def test_the_format_is_told_by_content_and_then_by_name(text: str, name: str, reader: object) -> None:
    assert detect_format(text, Path(name)).read is reader


@given(st.lists(CAPTION, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_generated_captions_are_read_back_to_the_character_line_and_millisecond(
    captions: list[tuple[int, int, list[str]]], newline: str, is_srt: bool
) -> None:
    written = [] if is_srt else ["WEBVTT", ""]
    expected = []
    for number, (start, length, lines) in enumerate(captions, start=1):
        mark = "," if is_srt else "."
        written += [str(number), f"{clock(start, mark)} --> {clock(start + length, mark)}"]
        first = len(written) + 1
        written += [html.escape(line, quote=False) for line in lines]
        expected.append(RawCue(" ".join(lines), first, len(written), start, start + length))
        written.append("")
    path = Path("a.srt" if is_srt else "a.vtt")
    text = decode_transcript(newline.join(written).encode(), path)
    assert detect_format(text, path).read(text, str(path)) == (expected, [])


@given(st.text("0:,.->\n aNOTE<v>", max_size=80))
def test_any_text_is_read_without_an_error_and_in_order_of_lines(text: str) -> None:
    for reader in (read_srt, read_webvtt, read_plain, read_markdown):
        cues, _ = reader(text, "any")
        spans = [(cue.line_start, cue.line_end) for cue in cues]
        assert all(1 <= start <= end <= text.count("\n") + 1 for start, end in spans)
        assert [start for start, _ in spans] == sorted(start for start, _ in spans)
        assert all(cue.text == " ".join(cue.text.split()) != "" for cue in cues)


@pytest.mark.parametrize("language", ["en", "fr", "ru", "zh-CN"])
def test_real_srt_files_have_the_cue_texts_that_webvtt_py_finds(language: str) -> None:
    files = sorted((SUBTITLES / language).glob("*.srt"))
    if not files:
        pytest.skip("the Hugging Face course captions are not beside this repository")
    compared = 0
    for file in files:
        cues, problems = read_srt(decode_transcript(file.read_bytes(), file), str(file))
        assert problems == []
        try:
            captions = webvtt.from_srt(str(file)).captions
        except MalformedFileError:  # one file is in YouTube's SBV format, whatever its name
            continue
        compared += 1
        # webvtt-py drops all that looks like a tag, also where a lecture says "<s>", and keeps entities.
        ours = [re.sub(r"<[^<>]*>", "", text) for text in texts(cues)]
        theirs = [html.unescape(caption.text) for caption in captions]
        assert [text.split() for text in ours] == [text.split() for text in theirs], file.name
    assert compared >= len(files) - 1


def test_webvtt_py_finds_the_same_cue_texts_in_webvtt(tmp_path: Path) -> None:
    file = tmp_path / "a.vtt"
    file.write_text(
        "WEBVTT\n\nNOTE a note\n\nid\n00:01.000 --> 00:02.000 line:0\n<v Anna>Hello,\n<i>world</i>.\n\n"
        "second id\n00:00:03.000 --> 00:00:04.500\nBye.\n",
        encoding="utf-8",
    )
    cues, _ = read_webvtt(file.read_text(encoding="utf-8"), str(file))
    captions = webvtt.read(str(file)).captions
    assert (
        texts(cues) == [" ".join(caption.text.split()) for caption in captions] == ["Hello, world.", "Bye."]
    )
    assert [cue.speaker for cue in cues] == [caption.voice for caption in captions] == ["Anna", None]


def test_real_speech_about_html_tags_is_kept() -> None:
    file = SUBTITLES / "en" / "hf-16.srt"
    if not file.is_file():
        pytest.skip("the Hugging Face course captions are not beside this repository")
    cues, _ = read_srt(file.read_text(encoding="utf-8-sig"), str(file))
    assert "<s> and </s>." in texts(cues)


def test_a_reference_past_the_last_character_is_the_replacement_character() -> None:
    text = f"1\n00:00:01,000 --> 00:00:02,000\nA &#{'9' * 5000}; B &#x{'f' * 9}; C &#x41;\n"
    assert texts(read_srt(text, "a.srt")[0]) == ["A \ufffd B \ufffd C A"]
    text = f'<transcript><text start="1" dur="1">A &amp;#{"9" * 5000};</text></transcript>'
    assert texts(read_srv(text, "a.xml")[0]) == ["A \ufffd"]


def test_a_line_feed_written_as_a_reference_moves_no_line() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nA container&#10;is light.\nIt starts at once.\n"
    (cue,), problems = read_srt(text, "a.srt")
    assert (cue.text, cue.line_start, cue.line_end) == ("A container is light. It starts at once.", 3, 4)
    assert cue.lines == ((3, "A container is light."), (4, "It starts at once."))
    assert problems == []
