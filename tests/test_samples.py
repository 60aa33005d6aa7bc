"""One small file of each format, read to the word, time, line and speaker."""

from pathlib import Path

import pytest

from corpus.transcripts import read_transcript

SAMPLES = Path(__file__).parent / "data" / "samples"
Row = tuple[str, int | None, int | None, int, int, str | None]

EXPECTED: dict[str, tuple[str, list[Row]]] = {
    "bracketed.lrc": (
        "timestamped text",
        [
            # A line lasts until the next one begins.
            ("First things first", 8_620, 9_640, 1, 1, None),
            ("I am", 9_640, 74_500, 2, 2, None),
            ("Okay.", 74_500, 75_500, 3, 3, None),
        ],
    ),
    "breaks.sbv": (
        "SBV",
        [("Hello there.", 1_000, 2_500, 2, 2, None), ("Bye.", 3_000, 4_000, 5, 5, "ANNA")],
    ),
    "counters.srt": (
        "SRT",
        # The second caption begins at -3 s, which is 0: it comes first. The last counter has no cue.
        [("[Music]", 0, 4_000, 7, 7, None), ("Hello & welcome.", 1_000, 2_500, 3, 3, None)],
    ),
    "dialogue.txt": (
        "plain text",
        [
            ("Hello, and", None, None, 1, 1, "Anna"),
            ("welcome.", None, None, 3, 3, "Bo"),
            ("Thanks.", None, None, 4, 4, "Anna"),
            ("Bye.", None, None, 5, 5, "Bo"),
        ],
    ),
    "escaped.xml": ("YouTube srv", [("it's", 500, 2_600, 1, 1, None), ("on", 3_000, None, 1, 1, None)]),
    "events.json3": ("YouTube json3", [("hello there", 1_000, 3_000, 2, 2, None)]),
    "frames.ttml": (
        "TTML",
        [
            # The division begins at 1 s, and 10,000 ticks at 10,000 a second later the span.
            ("four", 2_000, 4_000, 2, 2, None),
            # 1 s + 1 s + 12 frames at 24,000/1,001 a second (500.5 ms) is 2,500.5 ms.
            ("One two & three", 2_500, 5_000, 2, 2, "Anna"),
        ],
    ),
    "front-matter.md": (
        "Markdown",
        [
            ("Docker", None, None, 4, 4, None),
            ("A container runs docker run.", None, None, 6, 7, None),
            ("item", None, None, 9, 9, None),
        ],
    ),
    "pasted.txt": (
        "timestamped text",
        [
            ("hello there", 0, 5_000, 2, 2, None),
            ("and so", 5_000, 3_601_000, 5, 5, None),
            ("we go", 3_601_000, None, 6, 6, None),
        ],
    ),
    "rows.tsv": (
        "Whisper TSV",
        [("Hello there.", 0, 1_000, 2, 2, None), ("Bye.", 1_000, 2_500, 3, 3, None)],
    ),
    "segments.json": (
        "Whisper JSON",
        # Half a surrogate pair, which JSON can write and no file can hold.
        [("And so", 0, 7_500, 1, 1, "S1"), ("\ufffd x", 8_000, None, 1, 1, None)],
    ),
    "voices.vtt": (
        "WebVTT",
        [
            ("Is it", 1_000, 2_000, 11, 11, "Anna"),
            ("late? No.", 1_000, 2_000, 12, 12, "Bo"),
            ("Yes.", 2_000, 3_000, 16, 16, None),
            ("And so.", 3_000, 4_000, 20, 20, None),
        ],
    ),
    "words.srv3": ("YouTube srv", [("so what", 1_000, 3_000, 1, 1, None)]),
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("suffix", ["", ".txt"])
def test_a_sample_is_read_to_the_word_whatever_it_is_called(name: str, suffix: str, tmp_path: Path) -> None:
    if suffix and name == "front-matter.md":
        pytest.skip("only its name tells Markdown from text")
    file = tmp_path / f"{name}{suffix}"
    file.write_bytes((SAMPLES / name).read_bytes())
    kind, rows = EXPECTED[name]
    transcript = read_transcript(file)
    assert transcript.format == kind
    assert transcript.problems == ()
    assert [
        (
            transcript.text[c.char_start : c.char_end],
            c.start_ms,
            c.end_ms,
            c.line_start,
            c.line_end,
            c.speaker,
        )
        for c in transcript.cues
    ] == rows


def test_every_sample_is_expected_to_be_something() -> None:
    assert {file.name for file in SAMPLES.iterdir()} == set(EXPECTED)
