"""Question sets and corpora in the evaluation format, JSON Lines.

A corpus line is ``{doc_id, title, text}``. A question line is ``{id, question, doc_id, answerable}`` and,
where it is answerable, its gold places in one of three forms:

- ``evidence``: ``[{doc_id, char_start, char_end}]``, in any document;
- ``gold_sentences`` with ``answer_start``: sentences of ``doc_id`` and where they start;
- ``answers`` with ``answer_start``: words of ``doc_id`` and where they start. Where an offset does not
  hold the words (a transcript of another recording of them), the words are looked for.

An answerable question with none of these, or only empty ones, is refused.

``history`` (``[{role, content or text}]``) makes a question a follow-up. Where ``answerable`` is null
nobody has judged the question yet, and it is left out. ``"needs": "all"`` says that each of its places holds
another part of the answer; without it any of them will do.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.config import QUESTION_CHARACTERS
from assistant.conversation import Turn
from assistant.errors import EvaluationInvalid
from corpus import Lecture, lecture_from_text

__all__ = ["EvaluationQuestion", "Place", "load_corpus", "load_questions"]


_MOST_BYTES = 500_000_000
"""Of one file: more than any set has."""
_GOLD = ("evidence", "gold_sentences", "answers")
_LISTS: tuple[tuple[str, type, str], ...] = (
    ("history", dict, "objects"),
    ("evidence", dict, "objects"),
    ("gold_sentences", str, "texts"),
    ("answers", str, "texts"),
    ("answer_start", int, "whole numbers"),
    ("doc_ids", str, "texts"),
)
"""The keys of a line that hold a list, and what it is a list of."""


@dataclass(frozen=True, slots=True)
class Place:
    """Characters of a lecture that answer a question."""

    lecture_id: str
    char_start: int
    char_end: int

    def shared_with(self, other: "Place") -> int:
        """How many characters are in both; none of two lectures."""
        if self.lecture_id != other.lecture_id:
            return 0
        return max(0, min(self.char_end, other.char_end) - max(self.char_start, other.char_start))


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """A question and every place that answers it; none if the lectures do not cover it."""

    question_id: str
    question: str
    history: tuple[Turn, ...]
    lecture_ids: tuple[str, ...]
    """The documents it is about: where to look with ``--in-document``."""
    answerable: bool
    kind: str
    split: str
    places: tuple[Place, ...]
    needs_all: bool = False
    """Whether each place holds another part of the answer."""


def load_corpus(path: Path) -> tuple[list[Lecture], dict[str, str]]:
    """Lectures of a corpus file, and each one's text as the file has it, by lecture id.

    Raises:
        EvaluationInvalid: which line is not in the format.
    """
    lectures, texts = [], {}
    for number, record in _records(path):
        try:
            doc_id, text = str(record["doc_id"]), str(record["text"])
        except KeyError as error:
            raise EvaluationInvalid(f"{path}:{number}: no {error} in this line") from error
        if not text.strip():
            continue
        if doc_id in texts:
            raise EvaluationInvalid(f"{path}:{number}: document {doc_id!r} is there a second time")
        lecture = lecture_from_text(
            doc_id,
            str(record.get("title") or doc_id),
            text,
            source=f"{path}:{number}",
            language=_language(record),
        )
        lectures.append(lecture)
        texts[lecture.lecture_id] = text
    if not lectures:
        raise EvaluationInvalid(f"{path}: no document with text in it")
    return lectures, texts


def load_questions(
    path: Path, transcripts: Mapping[str, str], texts: Mapping[str, str]
) -> list[EvaluationQuestion]:
    """Questions with their places as offsets into ``transcripts``.

    ``texts`` are the documents that the file's own offsets count in; a lecture that is not among
    them is taken to be its transcript.

    Raises:
        EvaluationInvalid: which line is not in the format.
    """
    offsets = {i: _OffsetMap(texts.get(i, transcript)) for i, transcript in transcripts.items()}
    questions = []
    lines: dict[str, int] = {}
    for number, record in _records(path):
        if "answerable" in record and record["answerable"] is None:
            continue
        if fault := _fault(record, offsets):
            raise EvaluationInvalid(f"{path}:{number}: {fault}")
        if record.get("answerable") and not any(record.get(key) for key in _GOLD):
            raise EvaluationInvalid(
                f"{path}:{number}: answerable is true, but this line has no {' or '.join(_GOLD)}: "
                "say where the answer is, or make it null"
            )
        try:
            question = _question(record, offsets)
        except KeyError as error:
            raise EvaluationInvalid(f"{path}:{number}: no {error} in this line") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise EvaluationInvalid(f"{path}:{number}: not an evaluation question ({error!r})") from error
        first = lines.setdefault(question.question_id, number)
        if first != number:
            raise EvaluationInvalid(
                f"{path}:{number}: id {question.question_id!r} is that of line {first}; give each its own"
            )
        questions.append(question)
    if not questions:
        raise EvaluationInvalid(f"{path}: no question in it")
    return questions


class _OffsetMap:
    """Offsets into a text → offsets into the same text with every run of white space one space."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._length = len(" ".join(text.split()))
        self._dropped = [
            i for i, character in enumerate(text) if character.isspace() and (i == 0 or text[i - 1].isspace())
        ]

    def __call__(self, offset: int) -> int:
        return min(offset - bisect_left(self._dropped, offset), self._length)


def _fault(record: dict[str, Any], offsets: dict[str, _OffsetMap]) -> str | None:
    """What is wrong with a value that is there, of all that ``_question`` reads."""
    if "question" in record and not (isinstance(record["question"], str) and record["question"].strip()):
        return f'"question" is to be a text, found {_shown(record["question"])}'
    if len(str(record.get("question"))) > QUESTION_CHARACTERS:
        return f'"question" has more than {QUESTION_CHARACTERS:,} characters, the most that is read'
    if not isinstance(record.get("answerable", True), bool):
        return f'"answerable" is to be true, false or null, found {_shown(record["answerable"])}'
    for name, kind, called in _LISTS:
        items = record.get(name) or []
        if not isinstance(items, list) or not all(type(item) is kind for item in items):
            return f'"{name}" is to be a list of {called}, found {_shown(items)}'
    faults = (_place_fault(place, offsets) for place in record.get("evidence") or [])
    return next(filter(None, faults), None)


def _place_fault(place: dict[str, Any], offsets: dict[str, _OffsetMap]) -> str | None:
    if not {"char_start", "char_end"} <= place.keys():
        return None  # which of them is missing is said when the question is read
    start, end = place["char_start"], place["char_end"]
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        return f'"char_start" and "char_end" are to be rising whole numbers, found {_shown([start, end])}'
    lecture = offsets.get(str(place.get("doc_id")))
    if lecture is not None and end > len(lecture.text):
        return f'"char_end" is {end}, but {place["doc_id"]} has {len(lecture.text)} characters'
    return None


def _shown(value: object) -> str:
    return json.dumps(value)[:60]


def _question(record: dict[str, Any], offsets: dict[str, _OffsetMap]) -> EvaluationQuestion:
    answerable = bool(record["answerable"])
    return EvaluationQuestion(
        question_id=str(record["id"]),
        question=str(record["question"]),
        history=tuple(
            Turn(str(turn["role"]), str(turn.get("content", turn.get("text", ""))))
            for turn in record.get("history") or ()
        ),
        lecture_ids=tuple(record.get("doc_ids") or filter(None, [record.get("doc_id")])),
        answerable=answerable,
        kind=str(record.get("kind", "")),
        split=str(record.get("split", "")),
        places=tuple(_places(record, offsets)) if answerable else (),
        needs_all=record.get("needs") == "all",
    )


def _places(record: dict[str, Any], offsets: dict[str, _OffsetMap]) -> Iterator[Place]:
    if record.get("evidence"):
        for item in record["evidence"]:
            yield _place(item["doc_id"], item["char_start"], item["char_end"], offsets)
        return
    quotes = record.get("gold_sentences") or record.get("answers") or []
    starts = record.get("answer_start") or []
    doc_id = str(record["doc_id"])
    if doc_id not in offsets:
        return
    text = offsets[doc_id].text
    for i, quote in enumerate(quotes):
        start = starts[i] if i < len(starts) else -1
        if start < 0 or text[start : start + len(quote)].lower() != quote.lower():
            found = re.search(re.escape(quote), text, re.IGNORECASE)
            start = found.start() if found else -1
        if start >= 0 and quote:
            yield _place(doc_id, start, start + len(quote), offsets)


def _place(doc_id: str, start: int, end: int, offsets: dict[str, _OffsetMap]) -> Place:
    place_of = offsets.get(doc_id)
    return Place(doc_id, place_of(start), place_of(end)) if place_of else Place(doc_id, start, end)


def _language(record: dict[str, Any]) -> str:
    return str(record.get("lang") or record.get("language") or "en")


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise EvaluationInvalid(f"{path}: more than {_MOST_BYTES:,} bytes; give a part of it")
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationInvalid(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise EvaluationInvalid(f"{path}:{number}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise EvaluationInvalid(f"{path}:{number}: a JSON object is expected, found {line[:40]!r}")
        yield number, record
