"""YouTube's own caption files: json3, and the XML of srv1, srv2 and srv3."""

import re
from typing import Any, TypeGuard

from corpus.formats.json_records import Records
from corpus.formats.markup import collapse, resolve_references
from corpus.formats.xml_walk import walk_xml
from corpus.types import Problem, RawCue

__all__ = ["read_json3", "read_srv"]


def read_json3(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read the events of a json3 file; window definitions and line feeds alone are no speech."""
    cues: list[RawCue] = []
    problems: list[Problem] = []
    records = Records(text, path, "events")
    for line_start, line_end, event in records:
        segments = event.get("segs")
        if not isinstance(segments, list):
            continue
        said = "".join(str(part.get("utf8", "")) for part in segments if isinstance(part, dict))
        if not collapse(said):
            continue
        start, length = event.get("tStartMs"), event.get("dDurationMs", 0)
        if not (_is_time(start) and _is_time(length)):
            reason = f"cue left out: tStartMs {start!r} or dDurationMs {length!r} is no time"
            problems.append(Problem(path, line_start, reason))
            continue
        cues.append(_cue(said, line_start, line_end, int(start), int(length) or None))
    return cues, problems + records.problems


def read_srv(text: str, path: str) -> tuple[list[RawCue], list[Problem]]:
    """Read ``<text start= dur=>`` in seconds (srv1), or ``<text t= d=>`` and ``<p t= d=>`` in ms."""
    reader = _Srv(path)
    broken = walk_xml(text, path, start=reader.start, words=reader.words, end=reader.end)
    return reader.cues, reader.problems + broken


class _Srv:
    def __init__(self, path: str) -> None:
        self.cues: list[RawCue] = []
        self.problems: list[Problem] = []
        self._path = path
        self._times: tuple[int | None, int | None] | None = None
        self._line = 1
        self._said: list[str] = []

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name not in ("text", "p"):
            return
        if "start" in attributes:
            times = _scaled(attributes["start"], 1000), _scaled(attributes.get("dur"), 1000)
        else:
            times = _scaled(attributes.get("t"), 1), _scaled(attributes.get("d"), 1)
        self._times, self._line, self._said = times, line, []

    def words(self, data: str, line: int) -> None:  # noqa: ARG002 - one signature for all walkers
        if self._times:
            self._said.append(data)

    def end(self, name: str, line: int) -> None:
        if name not in ("text", "p") or self._times is None:
            return
        start, length = self._times
        self._times = None
        # In srv1 references are escaped once more: &amp;#39; is an apostrophe.
        said = resolve_references("".join(self._said))
        if not collapse(said):
            return
        if start is None:
            reason = "cue left out: its start is missing or is no time"
            self.problems.append(Problem(self._path, self._line, reason))
        else:
            self.cues.append(_cue(said, self._line, line, start, length))


def _cue(said: str, line_start: int, line_end: int, start: int, length: int | None) -> RawCue:
    rows = tuple((line_start, words) for row in said.split("\n") if (words := collapse(row)))
    start = max(start, 0)
    end = None if length is None else start + max(length, 0)
    return RawCue(" ".join(words for _, words in rows), line_start, line_end, start, end, lines=rows)


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**15


def _scaled(value: str | None, factor: int) -> int | None:
    if value is None or not re.fullmatch(r"-?\d{1,12}(?:\.\d{1,12})?", value.strip()):
        return None
    return round(float(value) * factor)
