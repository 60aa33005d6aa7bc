"""TTML and its older name DFXP (https://www.w3.org/TR/ttml2/): timed paragraphs in XML."""

import re
from dataclasses import dataclass, field

from corpus.formats.markup import collapse
from corpus.formats.xml_walk import walk_xml
from corpus.types import Problem, RawCue

__all__ = ["read_ttml"]

_CLOCK = re.compile(r"(\d{2,9}):(\d\d):(\d\d)(?:\.(\d{1,9})|:(\d{1,9})(?:\.(\d{1,9}))?)?")
_OFFSET = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(ms|h|m|s|f|t)")
_UNSPOKEN = frozenset({"metadata", "desc", "title", "copyright"})


def read_ttml(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read every ``<p>`` with words; one whose times cannot be read is reported and left out.

    A time counts from the start of the element around it, as the standard has it, unless that would
    lie past that element's end: then it was meant to count from the start of the recording.
    """
    document = _Document(path)
    broken = walk_xml(text, path, start=document.start, words=document.words, end=document.end)
    return document.cues, document.problems + broken


def _number(text: str | None) -> float | None:
    """A rate, which is above zero; ``None`` where there is none."""
    if text is None or not re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text.strip()):
        return None
    return float(text) or None


@dataclass(frozen=True, slots=True)
class _Rates:
    """How many frames, parts of a frame and ticks a second has."""

    frames: float = 30.0
    sub_frames: float = 1.0
    ticks: float = 1.0

    @classmethod
    def of(cls, attributes: dict[str, str]) -> "_Rates":
        given = _number(attributes.get("frameRate"))
        frames = given or 30.0
        parts = re.split(r"[\s:]+", attributes.get("frameRateMultiplier", "1 1").strip())
        times, by = (_number(part) for part in parts) if len(parts) == 2 else (None, None)
        sub_frames = _number(attributes.get("subFrameRate")) or 1.0
        ticks = _number(attributes.get("tickRate")) or (given * sub_frames if given else 1.0)
        return cls(frames * (times or 1.0) / (by or 1.0), sub_frames, ticks)

    def milliseconds(self, expression: str) -> int | None:
        """A TTML time expression in milliseconds, or ``None``."""
        expression = expression.strip()
        if clock := _CLOCK.fullmatch(expression):
            hours, minutes, seconds, fraction, frames, sub_frames = clock.groups()
            total = (int(hours) * 60 + int(minutes)) * 60 + int(seconds) + float(f"0.{fraction or 0}")
            shown = int(frames or 0) + int(sub_frames or 0) / self.sub_frames
            return round((total + shown / self.frames) * 1000)
        if offset := _OFFSET.fullmatch(expression):
            units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "f": 1 / self.frames, "t": 1 / self.ticks}
            return round(float(offset[1]) * units[offset[2]] * 1000)
        return None


@dataclass(frozen=True, slots=True)
class _Span:
    """When an element is shown; an end of ``None`` is open."""

    start: int = 0
    end: int | None = None
    is_given: bool = False
    agent: str | None = None
    ends_early: bool = False
    """Whether its own end was before its start, where it ends now."""


@dataclass(slots=True)
class _Row:
    """A line as it is shown, and the line of the file its words begin on."""

    line: int
    said: str = ""


@dataclass(slots=True)
class _Paragraph:
    line: int
    depth: int
    rows: list[_Row]
    has_times: bool
    """Its own, not those of an element around it."""
    spans: list[_Span] = field(default_factory=list)
    fault: str | None = None


class _Document:
    """What is open while the file is walked through."""

    def __init__(self, path: str) -> None:
        self.cues: list[RawCue] = []
        self.problems: list[Problem] = []
        self._path = path
        self._rates = _Rates()
        self._open: list[tuple[str, _Span]] = []
        self._paragraph: _Paragraph | None = None
        self._agents: dict[str, str] = {}
        self._agent: str | None = None
        self._speaker: str | None = None

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "tt":
            self._rates = _Rates.of(attributes)
        elif name == "agent":
            self._agent = attributes.get("id")
        elif name == "br" and self._paragraph:
            self._paragraph.rows.append(_Row(line))
        around = self._open[-1][1] if self._open else _Span()
        span, fault = self._timed(attributes, around)
        self._open.append((name, span))
        if name == "p":
            has_times = not {"begin", "end", "dur"}.isdisjoint(attributes)
            self._paragraph = _Paragraph(line, len(self._open), [_Row(line)], has_times, fault=fault)
        elif self._paragraph and fault:
            self._paragraph.fault = fault
        elif self._paragraph and name == "span" and span.is_given and span != around:
            self._paragraph.spans.append(span)

    def words(self, data: str, line: int) -> None:
        name = self._open[-1][0] if self._open else ""
        if name == "name" and self._agent:
            self._agents[self._agent] = collapse(self._agents.get(self._agent, "") + data)
        if self._paragraph and not any(open_name in _UNSPOKEN for open_name, _ in self._open):
            row = self._paragraph.rows[-1]
            if not row.said.strip():
                row.line = line
            row.said += data

    def end(self, name: str, line: int) -> None:
        depth = len(self._open)
        _, span = self._open.pop()
        if name == "agent":
            self._agent = None
        if self._paragraph and self._paragraph.depth == depth:
            self._close(self._paragraph, span, line)
            self._paragraph = None

    def _timed(self, attributes: dict[str, str], around: _Span) -> tuple[_Span, str | None]:
        agent = attributes.get("agent", around.agent)
        given = {key: attributes[key] for key in ("begin", "end", "dur") if key in attributes}
        times: dict[str, int] = {}
        for key, expression in given.items():
            time = self._rates.milliseconds(expression)
            if time is None:
                return _Span(around.start, around.end, True, agent), f"{key} {expression!r} is no time"
            times[key] = time
        if not given:
            return _Span(around.start, around.end, around.is_given, agent), None
        base = around.start
        if around.end is not None and base + times.get("begin", 0) >= around.end and times.get("begin"):
            base = 0
        start = base + times.get("begin", 0)
        end = base + times["end"] if "end" in times else around.end
        if "dur" in times:
            end = start + times["dur"] if "end" not in times else min(end or 0, start + times["dur"])
        if end is None or end >= start:
            return _Span(start, end, True, agent), None
        return _Span(start, start, True, agent, ends_early="end" in times), None

    def _close(self, paragraph: _Paragraph, span: _Span, line: int) -> None:
        rows = tuple((row.line, words) for row in paragraph.rows if (words := collapse(row.said)))
        if not rows:
            return
        text = " ".join(words for _, words in rows)
        if paragraph.spans and not paragraph.has_times:
            ends = [inner.end for inner in paragraph.spans]
            last = None if None in ends else max(end for end in ends if end is not None)
            ends_early = any(inner.ends_early for inner in paragraph.spans)
            span = _Span(min(inner.start for inner in paragraph.spans), last, True, span.agent, ends_early)
        fault = paragraph.fault or (None if span.is_given else "it has no begin")
        if fault:
            self.problems.append(Problem(self._path, paragraph.line, f"cue left out: {fault}"))
            return
        if span.ends_early:
            self.problems.append(Problem(self._path, paragraph.line, "end left out: it is before the begin"))
        agent = (span.agent or "").split()[:1]
        speaker = self._agents.get(agent[0].lstrip("#")) if agent else None
        self.cues.append(
            RawCue(
                text,
                paragraph.line,
                line,
                span.start,
                span.end,
                speaker,
                speaker is not None and speaker != self._speaker,
                rows,
            )
        )
        self._speaker = speaker or self._speaker
