"""What readers say of answers, kept so that it can become an evaluation set.

``HOME/feedback.sqlite``::

    feedback  number, created (Unix seconds), question, standalone_question, verdict, comment,
              citations (JSON list of {lecture_id, char_start, char_end, quote})

The words of each quote are kept beside its offsets: a transcript may change after the vote.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistant.records import RecordFile

__all__ = ["Feedback", "FeedbackStore", "QuotedPlace", "evaluation_lines"]

_SCHEMA = """CREATE TABLE IF NOT EXISTS feedback (number INTEGER PRIMARY KEY, created INTEGER NOT NULL,
    question TEXT NOT NULL, standalone_question TEXT NOT NULL, verdict TEXT NOT NULL, comment TEXT,
    citations TEXT NOT NULL)"""


@dataclass(frozen=True, slots=True)
class QuotedPlace:
    """Characters of a transcript and the words they were when the answer was given."""

    lecture_id: str
    char_start: int
    char_end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """One reader's verdict on one answer; no citations where it was "not covered"."""

    question: str
    standalone_question: str
    verdict: str
    """``up``, ``down`` or ``wrong_source``."""
    citations: tuple[QuotedPlace, ...]
    comment: str | None = None


class FeedbackStore:
    """The feedback of one home; indexing again does not touch it."""

    def __init__(self, home: Path) -> None:
        self._records = RecordFile(home / "feedback.sqlite", _SCHEMA)

    def add(self, feedback: Feedback) -> int:
        """Keep a verdict; returns its number.

        Raises:
            HomeUnusable: it cannot be written.
        """
        number, _ = self._records.write(
            "INSERT INTO feedback (created, question, standalone_question, verdict, comment, citations)"
            " VALUES (?,?,?,?,?,?)",
            (
                int(time.time()),
                feedback.question,
                feedback.standalone_question,
                feedback.verdict,
                feedback.comment,
                json.dumps([asdict(place) for place in feedback.citations]),
            ),
        )
        return number

    def all(self) -> list[Feedback]:
        """Every verdict, the oldest first."""
        rows = self._records.read(
            "SELECT question, standalone_question, verdict, citations, comment FROM feedback ORDER BY number"
        )
        return [
            Feedback(q, s, v, tuple(QuotedPlace(**place) for place in json.loads(c)), comment)
            for q, s, v, c, comment in rows
        ]

    def close(self) -> None:
        """Close the file."""
        self._records.close()


def evaluation_lines(
    feedback: Iterable[Feedback], transcript_of: Callable[[str], str | None]
) -> list[dict[str, Any]]:
    """One evaluation question for every question voted on, in the format ``eval`` reads.

    A place is evidence when more readers found it good (``up``) than bad. A "not covered" that readers
    agreed with makes a question without an answer. What is left cannot be judged from votes, since
    nobody said where the answer is or that there is none: ``answerable`` is null, ``eval`` leaves it out,
    and someone can label it. Places whose words are gone from the transcript are dropped.
    """
    asked: dict[str, list[Feedback]] = {}
    for item in feedback:
        asked.setdefault(" ".join(item.standalone_question.lower().split()), []).append(item)
    return [_line(number, items, transcript_of) for number, items in enumerate(asked.values(), start=1)]


def _line(
    number: int, items: Sequence[Feedback], transcript_of: Callable[[str], str | None]
) -> dict[str, Any]:
    votes: dict[QuotedPlace, int] = {}
    refusal_votes = 0
    for item in items:
        vote = 1 if item.verdict == "up" else -1
        for place in item.citations:
            if (found := _found_again(place, transcript_of)) is not None:
                votes[found] = votes.get(found, 0) + vote
        refusal_votes += vote if not item.citations else 0
    good = [place for place, count in votes.items() if count > 0]
    line: dict[str, Any] = {
        "id": f"feedback-{number}",
        "question": items[0].standalone_question,
        "answerable": True if good else (False if refusal_votes > 0 else None),
        "kind": "feedback",
        "split": "feedback",
        "verdicts": [item.verdict for item in items],
        "comments": [item.comment for item in items if item.comment],
    }
    if good:
        line["doc_ids"] = list(dict.fromkeys(place.lecture_id for place in good))
        line["evidence"] = [
            {"doc_id": p.lecture_id, "char_start": p.char_start, "char_end": p.char_end} for p in good
        ]
    return line


def _found_again(place: QuotedPlace, transcript_of: Callable[[str], str | None]) -> QuotedPlace | None:
    """The place in today's transcript: where it was, else where its words now are."""
    transcript = transcript_of(place.lecture_id)
    if transcript is None:
        return None
    start = place.char_start
    if transcript[start : place.char_end] != place.quote:
        start = transcript.find(place.quote)
    if start < 0:
        return None
    return QuotedPlace(place.lecture_id, start, start + len(place.quote), place.quote)
