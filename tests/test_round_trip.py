"""Caption → transcript → sentence → caption: every word leads back to its place and time."""

import hashlib
import html
import json
import re
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corpus import CorpusError, Lecture, find_sources, read_lecture, shipped_lectures, split_sentences
from corpus.captions import is_nonspeech
from corpus.describing import Source
from corpus.library import lecture_of
from corpus.transcripts import parse_transcript
from corpus.types import Cue

SUBTITLES = Path(__file__).parents[2] / "shared" / "evaluation" / "hf-course-lectures" / "srt"
HASHES: dict[str, str] = json.loads(
    (Path(__file__).parent / "data" / "transcript-sha256.json").read_text(encoding="utf-8")
)
WORD = st.sampled_from(
    ["so", "Docker", "runs.", "why?", "Dr.", "3.5", "你好。", "是吗？", "Où", "😀", "यह।", "(noise)"]
)
LINES = st.lists(st.lists(WORD, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=3)
# Past a hundred hours, and within a minute, so that no second recording seems to begin.
START = st.integers(400_000_000, 400_059_000)
CAPTIONS = st.lists(st.tuples(START, st.integers(0, 9_999), LINES), min_size=1, max_size=8)


def count_words(text: str) -> int:
    return len(text.split())


def cues_over(lecture: Lecture, start: int, end: int) -> list[Cue]:
    starts = [cue.char_start for cue in lecture.cues]
    return list(lecture.cues[max(bisect_right(starts, start) - 1, 0) : bisect_right(starts, end - 1)])


def quotes(text: str, suffix: str, language: str = "en", max_tokens: int = 60) -> list[str]:
    """The sentences of a transcript."""
    path = Path(f"a{suffix}")
    lecture = lecture_of(Source(path, "a", "A", language=language), parse_transcript(text.encode(), path))
    split = split_sentences(lecture, count_words, max_tokens)
    return [lecture.transcript[s.char_start : s.char_end] for s in split]


def clock(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"


@settings(deadline=None)
@given(
    CAPTIONS,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.data(),
)
def test_any_character_of_a_transcript_leads_back_to_its_caption(
    captions: list[tuple[int, int, list[str]]], newline: str, encoding: str, data: st.DataObject
) -> None:
    assume(any(lines != ["(noise)"] for _, _, lines in captions))  # a file without words is refused
    captions = sorted(captions, key=lambda caption: caption[0])
    written: list[str] = []
    for number, (start, length, lines) in enumerate(captions, start=1):
        written += [str(number), f"{clock(start)} --> {clock(start + length)}", *lines, ""]
    transcript = parse_transcript(newline.join(written).encode(encoding), Path("a.srt"))
    assert transcript.problems == ()
    # A caption may say what the one before said; the texts are drawn from few words, so cues that
    # look like rolling captions are not compared with what was written.
    if transcript.repeats:
        return
    at = data.draw(st.integers(0, len(transcript.text) - 1))
    cue = transcript.cues[bisect_right([c.char_start for c in transcript.cues], at) - 1]
    start, length, lines = next(
        caption
        for caption in captions
        if (caption[0], caption[0] + caption[1]) == (cue.start_ms, cue.end_ms)
        and " ".join(caption[2]) == transcript.text[cue.char_start : cue.char_end]
    )
    assert written[cue.line_start - 1 : cue.line_end] == lines
    assert len(transcript.cues) == len(captions)


@settings(deadline=None)
@given(CAPTIONS, st.integers(2, 12), st.sampled_from(["en", "zh-CN", "hi", "de"]))
def test_the_time_of_a_quote_is_that_of_its_captions(
    captions: list[tuple[int, int, list[str]]], max_tokens: int, language: str
) -> None:
    srt = "".join(f"{clock(s)} --> {clock(s + n)}\n{chr(10).join(lines)}\n\n" for s, n, lines in captions)
    try:
        transcript = parse_transcript(srt.encode(), Path("a.srt"))
    except CorpusError:
        return  # nothing but sounds
    lecture = lecture_of(Source(Path("a.srt"), "a", "A", language=language), transcript)
    for sentence in split_sentences(lecture, count_words, max_tokens):
        quote = lecture.transcript[sentence.char_start : sentence.char_end]
        cues = cues_over(lecture, sentence.char_start, sentence.char_end)
        assert quote in " ".join(lecture.transcript[c.char_start : c.char_end] for c in cues)
        assert cues[0].char_start <= sentence.char_start < cues[0].char_end
        assert cues[-1].char_start < sentence.char_end <= cues[-1].char_end
        # Each caption that the quote has words of was written with that time, and they are in order.
        assert {(cue.start_ms, cue.end_ms) for cue in cues} <= {(s, s + n) for s, n, _ in captions}
        starts = [cue.start_ms or 0 for cue in cues]
        assert starts == sorted(starts)


@pytest.mark.parametrize("language", ["en", "fr", "ru", "zh-CN", "shipped"])
def test_real_lectures_lead_back_to_the_words_of_their_files(language: str) -> None:
    folder = shipped_lectures() if language == "shipped" else SUBTITLES / language
    if not folder.is_dir():
        pytest.skip("the Hugging Face course captions are not beside this repository")
    sources = find_sources([folder])
    if language == "en":
        assert len(sources) == 82
    for source in sources:
        lecture = read_lecture(source)
        assert lecture.problems == ()
        lines = re.split(r"\r\n|\r|\n", source.path.read_text(encoding="utf-8-sig"))
        for cue in lecture.cues:
            written = " ".join(" ".join(lines[cue.line_start - 1 : cue.line_end]).split())
            assert lecture.transcript[cue.char_start : cue.char_end] == html.unescape(
                re.sub(r"</?i>", "", written)
            )
        assert all(lecture.transcript[a.char_end : b.char_start] == " " for a, b in pairwise(lecture.cues))
        sounds = {
            c.char_start
            for c in lecture.cues
            if is_nonspeech(lecture.transcript[c.char_start : c.char_end], is_timed=c.start_ms is not None)
        }
        covered = 0
        for sentence in split_sentences(lecture, count_words, 60):
            between = lecture.transcript[covered : sentence.char_start]
            assert not between.strip() or covered + len(between) - len(between.lstrip()) in sounds
            covered = sentence.char_end
            cues = cues_over(lecture, sentence.char_start, sentence.char_end)
            starts = [cue.start_ms or 0 for cue in cues]
            assert starts == sorted(starts)


@pytest.mark.parametrize("folder", ["en", "shipped"])
def test_transcripts_that_questions_point_into_stay_as_they_are(folder: str) -> None:
    # The questions of tests/data and of the evaluation hold offsets into these very characters.
    path = shipped_lectures() if folder == "shipped" else SUBTITLES / folder
    if not path.is_dir():
        pytest.skip("the Hugging Face course captions are not beside this repository")
    found = {
        f"{folder}/{source.lecture_id}": hashlib.sha256(read_lecture(source).transcript.encode()).hexdigest()
        for source in find_sources([path])
    }
    assert found == {name: sha for name, sha in HASHES.items() if name.startswith(f"{folder}/")}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("zh-CN", "你好吗？ 我很好。 我们 开始吧！", ["你好吗？", "我很好。", "我们 开始吧！"]),
        ("ja", "こんにちは。 今日は元気ですか？ はい。", ["こんにちは。", "今日は元気ですか？", "はい。"]),
        ("ar", "كيف حالك؟ أنا بخير. شكرا!", ["كيف حالك؟", "أنا بخير.", "شكرا!"]),
        ("hi", "यह एक किताब है। क्या आप ठीक हैं? हाँ।", ["यह एक किताब है।", "क्या आप ठीक हैं?", "हाँ।"]),
        (
            "es-MX",
            "¿Qué es Docker? El Sr. Pérez llegó. ¡Hola!",
            ["¿Qué es Docker?", "El Sr. Pérez llegó.", "¡Hola!"],
        ),
        (
            "de-AT",
            "Das ist z. B. ein Test. Dr. Müller kam am 3. Mai.",
            ["Das ist z. B. ein Test.", "Dr. Müller kam am 3. Mai."],
        ),
    ],
)
def test_each_language_is_split_at_its_own_marks(language: str, text: str, expected: list[str]) -> None:
    assert quotes(text, ".txt", language) == expected


def test_speech_without_marks_is_cut_at_pauses_at_most_forty_words_and_at_another_speaker() -> None:
    words = [f"word{i}" for i in range(120)]
    # Four words a caption, a pause of a second after every fifth; the second half is another speaker.
    rows = [" ".join(words[i : i + 4]) for i in range(0, 120, 4)]
    srt = ""
    for i, row in enumerate(rows):
        start = i * 2_000 + (i // 5) * 1_000
        srt += f"{clock(start)} --> {clock(start + 2_000)}\n{'>> ' if i == 15 else ''}{row}\n\n"
    pieces = quotes(srt, ".srt", max_tokens=126)
    # 60 words each side of the speaker, three runs of 20 between pauses: 20 + 40 or 40 + 20.
    assert all(count_words(piece) in (20, 40) for piece in pieces)
    assert [piece.split()[0] for piece in pieces if piece.split()[0] == "word60"] == ["word60"]
    assert " ".join(pieces) == " ".join(words)


def test_a_sound_is_in_no_sentence_and_ends_the_one_before() -> None:
    srt = "0:01,0 --> 0:02,0\n[Music] so we\n\n0:02,0 --> 0:03,0\n[Applause]\n\n0:03,0 --> 0:04,0\ngo on\n"
    assert parse_transcript(srt.encode(), Path("a.srt")).text == "[Music] so we [Applause] go on"
    assert quotes(srt, ".srt") == ["so we", "go on"]
