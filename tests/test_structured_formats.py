"""TTML, YouTube's and Whisper's files: times in every notation, and what becomes of faults."""

import json
import warnings
from pathlib import Path

import pycaption
import pytest

from corpus.errors import TranscriptUnreadable
from corpus.formats.detection import detect_format
from corpus.formats.ttml import read_ttml
from corpus.formats.whisper import read_whisper_json, read_whisper_tsv
from corpus.formats.youtube import read_json3, read_srv
from corpus.types import RawCue


def shown(cues: list[RawCue]) -> list[tuple[int | None, int | None, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in cues]


def ttml(body: str, attributes: str = "") -> str:
    names = 'xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"'
    opening = f'<?xml version="1.0"?>\n<tt {names} xml:lang="en" {attributes}>'
    return f"{opening}\n<body>\n<div>\n{body}\n</div></body></tt>"


@pytest.mark.parametrize(
    ("attributes", "times", "expected"),
    [
        ("", 'begin="00:00:01.500" end="00:00:02.5"', (1_500, 2_500)),
        ("", 'begin="1.5s" dur="1000ms"', (1_500, 2_500)),
        ("", 'begin="1m" end="0.5h"', (60_000, 1_800_000)),
        # 15 of 30 frames, the standard's rate where none is given, are half a second.
        ("", 'begin="00:00:01:15" end="60f"', (1_500, 2_000)),
        ('ttp:frameRate="25"', 'begin="00:00:01:05" end="50f"', (1_200, 2_000)),
        # 24 * 1000 / 1001 frames a second: 360 frames are 15.015 s.
        (
            'ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001"',
            'begin="360f" dur="24f"',
            (15_015, 16_016),
        ),
        ('ttp:tickRate="10000000"', 'begin="15000000t" end="25000000t"', (1_500, 2_500)),
        ("", 'begin="100:00:00.000" end="100:00:01.000"', (360_000_000, 360_001_000)),
    ],
)
def test_a_ttml_time_is_what_the_standard_and_pycaption_say(
    attributes: str, times: str, expected: tuple[int, int]
) -> None:
    text = ttml(f"<p {times}>One<br/>two.</p>", attributes)
    cues, problems = read_ttml(text, "a.ttml")
    assert (shown(cues), problems) == ([(*expected, "One two.")], [])
    assert (cues[0].line_start, cues[0].lines) == (5, ((5, "One"), (5, "two.")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of how it uses another library
        theirs = pycaption.DFXPReader().read(text).get_captions("en")[0]
    # pycaption counts microseconds and cuts what is less.
    assert [round(theirs.start / 1000), round(theirs.end / 1000)] == list(expected)


@pytest.mark.parametrize(
    "body",
    [
        '<p begin="5s" end="2s">Hello.</p><p begin="6s" end="2s"> </p>',
        '<p><span begin="5s" end="2s">Hello.</span></p>',
    ],
)
def test_a_ttml_paragraph_that_ends_before_it_begins_is_kept_and_reported(body: str) -> None:
    cues, problems = read_ttml(ttml(body), "a.ttml")
    assert shown(cues) == [(5_000, 5_000, "Hello.")]
    (problem,) = problems
    assert problem.line == cues[0].line_start
    assert problem.reason == "end left out: it is before the begin"


def test_a_whisper_segment_that_ends_before_it_begins_is_kept_and_reported() -> None:
    segments = [{"start": 5, "end": 2, "text": "Hello."}, {"start": 6, "end": 6, "text": "Bye."}]
    of_json = read_whisper_json(json.dumps({"segments": segments}, indent=1), "a.json")
    of_tsv = read_whisper_tsv("start\tend\ttext\n5000\t2000\tHello.\n6000\t6000\tBye.\n", "a.tsv")
    for cues, problems in (of_json, of_tsv):
        assert shown(cues) == [(5_000, 5_000, "Hello."), (6_000, 6_000, "Bye.")]
        (problem,) = problems
        assert problem.line == cues[0].line_start
        assert problem.reason == "end left out: 2000 ms is before the start, 5000 ms"


def test_a_ttml_time_counts_from_the_element_around_it_unless_that_is_over_by_then() -> None:
    body = (
        '</div><div begin="10s" end="20s"><p begin="2s" end="3s">a</p><p begin="12s" end="13s">b</p><p>c</p>'
    )
    assert shown(read_ttml(ttml(body), "a.ttml")[0]) == [
        (12_000, 13_000, "a"),
        (12_000, 13_000, "b"),
        (10_000, 20_000, "c"),
    ]


def test_a_malformed_paragraph_is_reported_and_the_rest_kept() -> None:
    body = (
        '<p begin="1s" end="2s">Kept &amp; &nbsp;whole & sound.</p>\n<p begin="soon" end="2s">Lost.</p>\n'
        '<p>No time.</p>\n<p begin="3s"/>\n<p begin="4s" end="5s">Broken <b>here</p>\n<p begin="6s">Gone.</p>'
    )
    cues, problems = read_ttml(ttml(body), "a.ttml")
    assert shown(cues) == [(1_000, 2_000, "Kept & whole & sound.")]
    assert [str(problem) for problem in problems] == [
        "a.ttml:6: cue left out: begin 'soon' is no time",
        "a.ttml:7: cue left out: it has no begin",
        "a.ttml:9: the rest left out: the XML breaks here (mismatched tag)",
    ]


def test_a_file_cut_short_gives_what_came_before_the_cut() -> None:
    events = [{"tStartMs": i * 1_000, "dDurationMs": 900, "segs": [{"utf8": f"w{i}"}]} for i in range(9)]
    text = json.dumps({"events": events}, indent=0)
    cues, problems = read_json3(text[: text.index("w5")], "a.json3")
    assert shown(cues) == [(i * 1_000, i * 1_000 + 900, f"w{i}") for i in range(5)]
    # Each event takes nine lines, after two lines that open the list.
    assert [(p.line, p.reason[:41]) for p in problems] == [(48, "the rest left out: the JSON breaks here (")]


def test_events_that_say_nothing_are_passed_over_and_a_wrong_time_is_reported() -> None:
    text = json.dumps(
        {
            "events": [
                {"tStartMs": 0, "id": 1},
                {"tStartMs": 5, "segs": [{"utf8": "\n"}]},
                {"tStartMs": "x", "segs": [{"utf8": "lost"}]},
                {"tStartMs": -5, "dDurationMs": 10, "segs": [{"utf8": "a"}, {}, 3, {"utf8": "b"}]},
                3,
            ]
        }
    )
    cues, problems = read_json3(text, "a.json3")
    assert shown(cues) == [(0, 10, "ab")]
    assert [p.reason for p in problems] == [
        "cue left out: tStartMs 'x' or dDurationMs 0 is no time",
        "left out: '3' is no object",
    ]


def test_srv_captions_have_their_lines_and_a_missing_start_is_reported() -> None:
    text = '<transcript>\n<text start="1.5" dur="2">a &amp;amp; b</text>\n<text>lost</text>\n</transcript>'
    cues, problems = read_srv(text, "a.xml")
    assert cues == [RawCue("a & b", 2, 2, 1_500, 3_500)]
    assert [str(p) for p in problems] == ["a.xml:3: cue left out: its start is missing or is no time"]


@pytest.mark.parametrize(
    "record",
    [
        {"segments": [{"start": 1.5, "end": 2.5, "text": " so it is"}], "text": "so it is"},
        {
            "transcription": [
                {"timestamps": {"from": "00:00:01,500", "to": "00:00:02,500"}, "text": " so it is"}
            ]
        },
        {"chunks": [{"timestamp": [1.5, 2.5], "text": " so it is"}]},
        {
            "segments": [
                {"text": "so it is", "words": [{"start": 1.5, "word": "so"}, {"end": 2.5, "word": "is"}]}
            ]
        },
        [{"text": "so it is", "start": 1.5, "duration": 1.0}],
        {
            "words": [
                {"word": w, "start": 1.5 + i / 3, "end": 1.5 + (i + 1) / 3}
                for i, w in enumerate(["so", "it", "is"])
            ]
        },
    ],
    ids=["openai", "whisper.cpp", "transformers", "words inside", "bare list", "words alone"],
)
def test_what_each_kin_of_whisper_writes_is_the_same_cue(record: object) -> None:
    text = json.dumps(record)
    assert detect_format(text, Path("a.json")).name == "Whisper JSON"
    assert shown(read_whisper_json(text, "a.json")[0]) == [(1_500, 2_500, "so it is")]


def test_words_alone_are_cut_at_pauses_and_after_twelve() -> None:
    times = [i * 0.5 for i in range(13)] + [20.0]
    text = json.dumps({"words": [{"word": f"w{i}", "start": t, "end": t + 0.4} for i, t in enumerate(times)]})
    cues, _ = read_whisper_json(text, "a.json")
    # Twelve words, then the thirteenth, then one after 13.6 s of silence.
    assert [(len(cue.text.split()), cue.start_ms) for cue in cues] == [(12, 0), (1, 6_000), (1, 20_000)]


def test_speakers_of_segments_start_blocks() -> None:
    segments = [{"start": i, "end": i + 1, "text": "x", "speaker": s} for i, s in enumerate(["A", "A", "B"])]
    cues, _ = read_whisper_json(json.dumps({"segments": segments}), "a.json")
    assert [(cue.speaker, cue.starts_block) for cue in cues] == [("A", True), ("A", False), ("B", True)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("package.json", '{"name": "x", "words": 3}', "no captions of a known kind in it"),
        ("a.xml", "<rss><channel/></rss>", "no captions of a known kind in it"),
        (
            "a.ass",
            "[Script Info]\nTitle: x",
            "this is SubStation Alpha, which is not read; convert it to SRT",
        ),
        ("a.smi", "<SAMI><BODY></BODY></SAMI>", "this is SAMI"),
        ("a.sub", "{1}{2}Hello", "this is MicroDVD"),
        ("a.txt", "<!DOCTYPE html><html></html>", "this is HTML"),
        ("a.txt", "{\\rtf1 x}", "this is Rich Text"),
    ],
)
def test_a_known_format_that_is_not_read_is_refused_with_the_fix(name: str, text: str, message: str) -> None:
    with pytest.raises(TranscriptUnreadable, match=message):
        detect_format(text, Path(name))
