"""Hostile and enormous transcripts: refused with a clear error, or read within bounds."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.describing import Source
from corpus.errors import CorpusError, TranscriptUnreadable
from corpus.library import lecture_from_text, read_lecture
from corpus.transcripts import MAX_BYTES, parse_transcript, read_transcript

SAMPLES = {file.name: file.read_bytes() for file in (Path(__file__).parent / "data" / "samples").iterdir()}
PIECES = st.sampled_from(
    [
        "\n",
        "\0",
        "\ufeff",
        " --> ",
        "00:00:01,000",
        "<v ",
        ">",
        "<p>",
        "&",
        "&#0;",
        '"',
        "{",
        "}",
        "[",
        "♪",
        ">> ",
    ]
)


def clock(second: int, mark: str = ".") -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{mark}000"


LONG: dict[str, tuple[str, str, str]] = {
    # Suffix: what stands before, for each caption ({i} its number, {a} and {b} its times), and after.
    ".srt": ("", "{i}\n{a} --> {b}\n{said}\n\n", ""),
    ".vtt": ("WEBVTT\n\n", "{a} --> {b}\n<v Anna>{said}\n\n", ""),
    ".sbv": ("", "{a},{b}\n{said}\n\n", ""),
    ".ttml": ("<tt><body><div>", '<p begin="{a}" end="{b}">{said}</p>\n', "</div></body></tt>"),
    ".srv3": ("<timedtext><body>", '<p t="{i}" d="900">{said}</p>', "</body></timedtext>"),
    ".json3": ('{"events":[', '{{"tStartMs":{i},"segs":[{{"utf8":"{said}"}}]}},', "]}"),
    ".json": ('{"segments":[', '{{"start":{i},"end":{i},"text":"{said}"}},', "]}"),
    ".tsv": ("start\tend\ttext\n", "{i}\t{i}\t{said}\n", ""),
    ".lrc": ("", "[{a}] {said}\n", ""),
    ".md": ("", "## Part {i}\n\n{said} **and** `code`\n\n", ""),
    ".txt": ("", "{said}\n", ""),
}


@pytest.mark.parametrize("suffix", LONG)
def test_a_long_transcript_takes_less_than_fifty_times_its_size(suffix: str) -> None:
    before, caption, after = LONG[suffix]
    said = "this is a caption of what the lecturer has to say"
    captions = (caption.format(i=i, a=clock(i), b=clock(i + 1), said=f"{said} {i}") for i in range(3_000))
    data = f"{before}{''.join(captions)}{after}".encode()
    # What is imported on first use is not the transcript's.
    parse_transcript(SAMPLES["front-matter.md"], Path("first.md"))
    tracemalloc.start()
    try:
        transcript = parse_transcript(data, Path(f"long{suffix}"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(transcript.cues) == (6_000 if suffix == ".md" else 3_000)
    assert peak < 50 * len(data)


def test_a_file_or_a_line_of_more_than_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    # The limit is 64 MiB; a smaller one stands for it, and a hole in the file for what is too long.
    assert MAX_BYTES == 67_108_864
    file = tmp_path / "a.srt"
    with file.open("wb") as out:
        out.truncate(2 * 2**30)
    reason = r"a\.srt: larger than 1,000,000 bytes, the most that is read of one transcript; split it"
    tracemalloc.start()
    try:
        with pytest.raises(TranscriptUnreadable, match=reason):
            read_transcript(file, max_bytes=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    file = tmp_path / "a.txt"
    file.write_bytes(b"x" * 1_001)
    assert read_lecture(Source(file, "a", "A"), max_bytes=1_001).transcript == "x" * 1_001
    with pytest.raises(TranscriptUnreadable, match="larger than 1,000 bytes"):
        read_lecture(Source(file, "a", "A"), max_bytes=1_000)


def test_entities_that_expand_into_each_other_are_refused() -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    body = '<tt><body><p begin="1s">&e9;</p></body></tt>'
    bomb = f'<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY e0 "ha">{entities}]>{body}'
    with pytest.raises(TranscriptUnreadable, match=r"a\.ttml:1: a document type is declared"):
        parse_transcript(bomb.encode(), Path("a.ttml"))


def test_a_file_elsewhere_is_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    text = (
        f'<!DOCTYPE tt [<!ENTITY s SYSTEM "{secret.as_uri()}">]><tt><body><p begin="1s">&s;</p></body></tt>'
    )
    with pytest.raises(TranscriptUnreadable, match="document type"):
        parse_transcript(text.encode(), Path("a.ttml"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ttml", "<tt>" + "<div>" * 100_000),
        ("a.json", '{"segments":[' + "[" * 100_000),
        ("a.json3", '{"events":[{"segs":' + '[{"a":' * 100_000),
    ],
)
def test_what_is_nested_too_deep_is_refused(name: str, text: str) -> None:
    with pytest.raises(TranscriptUnreadable, match=r"nested|no caption|no captions"):
        parse_transcript(text.encode(), Path(name))


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.txt", "a.md", "a.sbv"])
@pytest.mark.parametrize(
    "piece", ["\n", " ", "<v ", "{\\", "&", " --> ", "1\n", "9", ">> ", "A: ", "[", "\u2028"]
)
def test_a_hundred_thousand_of_anything_is_read_or_refused(name: str, piece: str) -> None:
    # What takes the square of the length would not end in the time that a test has.
    text = "00:00:01.000 --> 00:00:02.000\n" + piece * (100_000 // len(piece))
    try:
        assert parse_transcript(text.encode(), Path(name)).text
    except CorpusError as error:
        assert name in str(error)  # noqa: PT017 - either will do, silence will not


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_damaged_sample_is_read_within_its_promises_or_refused(name: str, data: st.DataObject) -> None:
    text = SAMPLES[name].decode("utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        a = data.draw(st.integers(0, len(text)))
        b = data.draw(st.integers(a, min(len(text), a + 30)))
        text = text[:a] + data.draw(PIECES | st.just("") | st.text(max_size=3)) + text[b:]
    try:
        transcript = parse_transcript(text.encode("utf-8", "surrogatepass"), Path(name))
    except CorpusError:
        return
    transcript.text.encode()
    position = 0
    for cue in transcript.cues:
        assert cue.char_start == position
        assert transcript.text[cue.char_start : cue.char_end].strip()
        assert 1 <= cue.line_start <= cue.line_end <= text.count("\n") + text.count("\r") + 1
        assert cue.start_ms is None or cue.start_ms >= 0
        assert cue.start_ms is None or cue.end_ms is None or cue.start_ms <= cue.end_ms
        position = cue.char_end + 1
    assert position == len(transcript.text) + 1


def test_half_a_surrogate_pair_in_a_text_becomes_a_mark_that_can_be_stored() -> None:
    lecture = lecture_from_text("a", "A", "so \ud83d it\nis \ude00", source="nowhere")
    assert lecture.transcript == "so \ufffd it is \ufffd"
    assert len(lecture.source_sha256) == 64
