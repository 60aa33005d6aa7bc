"""What Whisper and its kin write: JSON with segments (or words alone), and TSV."""

import re
from typing import Any

from corpus.formats.clock import parse_time, seconds_to_ms
from corpus.formats.json_records import Records, has_list
from corpus.formats.markup import collapse
from corpus.types import Problem, RawCue

__all__ = ["looks_like_whisper_json", "looks_like_whisper_tsv", "read_whisper_json", "read_whisper_tsv"]

# openai-whisper and faster-whisper; whisper.cpp; the transformers pipeline; words alone; a bare list.
_LISTS = ("segments", "transcription", "chunks", "word_segments", "words", "")
_CAPTION_KEY = re.compile(r'"(?:text|word)"\s*:')
_WORDS_A_CUE = 12
_PAUSE_MS = 800
_TSV_HEADER = "start\tend\ttext"


def looks_like_whisper_json(text: str) -> bool:
    """Whether ``text`` is JSON with one of the lists Whisper programs write, and a caption in it."""
    return any(has_list(text, key) for key in _LISTS) and _CAPTION_KEY.search(text) is not None


def looks_like_whisper_tsv(text: str) -> bool:
    """Whether the first line is the header of Whisper's TSV."""
    return text.lstrip("\ufeff\n ").startswith(_TSV_HEADER)


def read_whisper_json(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """One cue a segment; words alone make cues of at most 12 words that end at pauses of 0.8 s.

    A segment's ``speaker`` is kept. Where a segment has no times its words' are taken.
    """
    key = next((key for key in _LISTS if has_list(text, key)), "segments")
    cues: list[RawCue] = []
    problems: list[Problem] = []
    records = Records(text, path, key)
    speaker: str | None = None
    for line_start, line_end, segment in records:
        said = segment.get("text", segment.get("word"))
        if not isinstance(said, str):
            problems.append(Problem(path, line_start, "segment left out: it has no text"))
            continue
        if not collapse(said):
            continue
        start, end = _times(segment)
        if start is None:
            problems.append(Problem(path, line_start, "segment left out: it has no start that is a time"))
            continue
        voice = segment.get("speaker")
        voice = collapse(voice) or None if isinstance(voice, str) else None
        starts_block = voice is not None and voice != speaker
        if end is not None and end < start:
            problems.append(_ends_early(path, line_start, start, end))
            end = start
        cues.append(RawCue(collapse(said), line_start, line_end, start, end, voice, starts_block))
        speaker = voice or speaker
    if key in ("word_segments", "words"):
        cues = _joined(cues)
    return cues, problems + records.problems


def read_whisper_tsv(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """``start``, ``end`` (milliseconds) and ``text``, separated by tabs."""
    cues: list[RawCue] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip("\ufeff").strip() == _TSV_HEADER:
            continue
        start, _, rest = line.partition("\t")
        end, _, said = rest.partition("\t")
        start_ms, end_ms = _milliseconds(start), _milliseconds(end)
        if start_ms is None or end_ms is None:
            reason = f"row left out: {line.strip()[:60]!r} does not begin with two numbers"
            problems.append(Problem(path, number, reason))
        elif words := collapse(said):
            if end_ms < start_ms:
                problems.append(_ends_early(path, number, start_ms, end_ms))
            cues.append(RawCue(words, number, number, start_ms, max(start_ms, end_ms)))
    return cues, problems


def _ends_early(path: str, line: int, start: int, end: int) -> Problem:
    return Problem(path, line, f"end left out: {end} ms is before the start, {start} ms")


def _times(segment: dict[str, Any]) -> tuple[int | None, int | None]:
    pair = segment.get("timestamp")
    if isinstance(pair, list) and len(pair) == 2:
        return seconds_to_ms(pair[0]), seconds_to_ms(pair[1])
    clock = segment.get("timestamps")
    if isinstance(clock, dict):
        return parse_time(str(clock.get("from"))), parse_time(str(clock.get("to")))
    start, end = seconds_to_ms(segment.get("start")), seconds_to_ms(segment.get("end"))
    length = seconds_to_ms(segment.get("duration"))
    if end is None and start is not None and length is not None:
        end = start + length
    words = segment.get("words")
    if isinstance(words, list):
        timed = [word for word in words if isinstance(word, dict)]
        if start is None and timed:
            start = seconds_to_ms(timed[0].get("start"))
        if end is None and timed:
            end = seconds_to_ms(timed[-1].get("end"))
    return start, end


def _joined(words: list[RawCue]) -> list[RawCue]:
    """Runs of single words as cues."""
    runs: list[list[RawCue]] = []
    for word in words:
        last = runs[-1] if runs else []
        pause = (word.start_ms or 0) - (last[-1].end_ms or last[-1].start_ms or 0) if last else 0
        if not last or len(last) == _WORDS_A_CUE or word.starts_block or pause >= _PAUSE_MS:
            runs.append([word])
        else:
            last.append(word)
    return [
        RawCue(
            " ".join(word.text for word in run),
            run[0].line_start,
            run[-1].line_end,
            run[0].start_ms,
            run[-1].end_ms,
            run[0].speaker,
            run[0].starts_block,
        )
        for run in runs
    ]


def _milliseconds(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isdecimal() and len(digits) < 16 else None
