"""Ours beside webvtt-py, pysubs2, srt and pycaption on other projects' caption files.

    python tests/benchmarks/parsers.py [FOLDER]

FOLDER holds cases.jsonl (../shared/evaluation/parser-conformance unless given). A case agrees when
start, end and shown words of every cue are those upstream states; cues without words are not
counted, and an end that upstream does not state is not compared. Each library gets the cases of the
formats it says it reads, decoded for it, and its own way to show a cue's text. "fails" are exceptions
that are not the library's word for "these are no captions".
"""

import html
import json
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycaption
import pysubs2
import srt
import webvtt
from pycaption.exceptions import CaptionReadError
from webvtt.errors import MalformedCaptionError, MalformedFileError

from corpus import CorpusError, Source, read_lecture
from corpus.decoding import decode_transcript

Cue = tuple[int, int | None, str]
Reader = Callable[[Path, str], list[Cue]]
FOLDER = Path(__file__).parents[3] / "shared" / "evaluation" / "parser-conformance"


def plain(text: str) -> str:
    """Words as they are shown: no tags, references resolved, white space single."""
    shown = html.unescape(re.sub(r"<[^<>]*>|\{\\[^{}]*\}", "", text))
    return " ".join(shown.replace("\u200e", "").replace("\u200f", "").split())


def ours(path: Path, _kind: str) -> list[Cue]:
    lecture = read_lecture(Source(path, "case", "Case"))
    cues: list[Cue] = []
    last_line = 0
    for cue in lecture.cues:
        said = lecture.transcript[cue.char_start : cue.char_end].replace("\u200e", "").replace("\u200f", "")
        text = " ".join(said.split())
        # A caption that two voices or a sound share is a cue for each; here they are one again.
        if cues and cues[-1][:2] == (cue.start_ms, cue.end_ms) and cue.line_start == last_line + 1:
            cues[-1] = (cues[-1][0], cues[-1][1], f"{cues[-1][2]} {text}")
        else:
            cues.append((cue.start_ms or 0, cue.end_ms, text))
        last_line = cue.line_end
    return cues


def by_webvtt_py(path: Path, kind: str) -> list[Cue]:
    read = {"vtt": webvtt.read, "srt": webvtt.from_srt, "sbv": webvtt.from_sbv}[kind]
    captions = read(str(path)).captions
    return [(_clock(c.start), _clock(c.end), plain(c.raw_text)) for c in captions]


def by_pysubs2(path: Path, kind: str) -> list[Cue]:
    if kind == "whisper-json":
        subtitles = pysubs2.load_from_whisper(json.loads(path.read_text(encoding="utf-8")))
    else:
        subtitles = pysubs2.SSAFile.from_string(_text(path), format_=kind)
    return [(e.start, e.end, plain(e.text.replace(r"\N", " "))) for e in subtitles]


def by_srt(path: Path, _kind: str) -> list[Cue]:
    cues = srt.parse(_text(path), ignore_errors=True)
    return [
        (_ms(cue.start.total_seconds()), _ms(cue.end.total_seconds()), plain(cue.content)) for cue in cues
    ]


def by_pycaption(path: Path, kind: str) -> list[Cue]:
    readers = {"vtt": pycaption.WebVTTReader, "srt": pycaption.SRTReader, "ttml": pycaption.DFXPReader}
    found = readers[kind]().read(_text(path))
    captions = [caption for language in found.get_languages() for caption in found.get_captions(language)]
    return [(c.start // 1000, c.end // 1000, plain(c.get_text())) for c in captions]


READERS: dict[str, tuple[Reader, frozenset[str]]] = {
    "ours": (ours, frozenset({"vtt", "srt", "sbv", "ttml", "dfxp", "whisper-json", "timestamped-txt"})),
    "webvtt-py": (by_webvtt_py, frozenset({"vtt", "srt", "sbv"})),
    "pysubs2": (by_pysubs2, frozenset({"vtt", "srt", "ttml", "whisper-json"})),
    "srt": (by_srt, frozenset({"srt"})),
    "pycaption": (by_pycaption, frozenset({"vtt", "srt", "ttml", "dfxp"})),
}
REFUSALS = (
    *(CorpusError, MalformedFileError, MalformedCaptionError, CaptionReadError, srt.SRTParseError),
    pysubs2.exceptions.Pysubs2Error,
)


def _text(path: Path) -> str:
    return decode_transcript(path.read_bytes(), path)


def _clock(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return _ms((int(hours) * 60 + int(minutes)) * 60 + float(seconds))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _agrees(found: list[Cue], case: dict[str, Any]) -> bool:
    found = [cue for cue in found if cue[2]]
    if case.get("expected_text"):
        return " ".join(text for _, _, text in found) == case["expected_text"]
    stated = [cue for cue in case["expected_cues"] if plain(cue["text"])]
    if len(stated) != len(found):
        return False
    return all(
        _ms(cue["start"]) == start
        and (cue["end"] is None or _ms(cue["end"]) == end)
        and plain(cue["text"]) == text
        for cue, (start, end, text) in zip(stated, found, strict=True)
    )


def main(folder: Path) -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    cases = [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    print("| library | cases it reads | fails | with stated cues | agree | of them VTT | SRT | other | s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (read, kinds) in READERS.items():
        mine = [case for case in cases if case["format"] in kinds]
        fails = 0
        stated: dict[str, list[bool]] = {"vtt": [], "srt": [], "other": []}
        started = time.perf_counter()
        for case in mine:
            found: list[Cue] | None = []
            try:
                kind = "ttml" if case["format"] == "dfxp" else case["format"]
                found = read(folder / case["file"], kind)
            except REFUSALS:
                pass
            except Exception as error:  # noqa: BLE001 - what is counted
                fails += 1
                found = None
                print(f"{name}: {case['file']}: {error!r}"[:160], file=sys.stderr)
            if case["expected_cues"] is not None or case.get("expected_text"):
                group = case["format"] if case["format"] in stated else "other"
                stated[group].append(found is not None and _agrees(found, case))
        seconds = time.perf_counter() - started
        counts = [f"{sum(group)}/{len(group)}" if group else "" for group in stated.values()]
        agree, total = sum(map(sum, stated.values())), sum(map(len, stated.values()))
        print(
            f"| {name} | {len(mine)} | {fails} | {total} | {agree} | {' | '.join(counts)} | {seconds:.2f} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
