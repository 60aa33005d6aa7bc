"""The objects of a list in a JSON file, one by one, each with the lines it stands on."""

import json
import re
from collections.abc import Iterator
from typing import Any

from corpus.types import Problem

__all__ = ["Records", "has_list"]

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")
_SPACES = re.compile(r"[ \t\r\n\ufeff]*")


def has_list(text: str, key: str) -> bool:
    """Whether ``text`` is a JSON object with a list called ``key``, or, with the key ``""``, is a list."""
    opening = text[(first := _end(_SPACES, text, 0)) : first + 1]
    return opening == ("{" if key else "[") and _list_start(text, key) is not None


class Records:
    """Iterates over the list called ``key`` in ``text``: ``(first line, last line, object)``.

    The key ``""`` stands for the list that the file itself is.

    The list is read an object at a time, so a file that was cut short gives what came before the
    cut; the fault is then in ``problems``. What is no object in the list is reported too.
    """

    def __init__(self, text: str, path: str, key: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._path = path
        self._key = key

    def __iter__(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        text = self._text
        position = _list_start(text, self._key) or len(text)
        line, counted = 1, 0
        while True:
            position = _end(_BETWEEN, text, position)
            line += text.count("\n", counted, position)
            counted = position
            if text.startswith("]", position):
                return
            try:
                value, position = _DECODER.raw_decode(text, position)
            except (ValueError, RecursionError) as error:
                what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
                reason = f"the rest left out: the JSON breaks here ({what})"
                self.problems.append(Problem(self._path, line, reason))
                return
            first = line
            line += text.count("\n", counted, position)
            counted = position
            if isinstance(value, dict):
                yield first, line, value
            else:
                reason = f"left out: {str(value)[:40]!r} is no object"
                self.problems.append(Problem(self._path, first, reason))


def _list_start(text: str, key: str) -> int | None:
    match = re.search(rf'"{key}"\s*:\s*\[' if key else r"\[", text)
    return match.end() if match else None


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
