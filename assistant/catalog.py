"""The catalogue: lectures, cues, sentences and passages in one SQLite file (``rows.py``), read side."""

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import IndexDamaged
from assistant.rows import (
    CUE_COLUMNS,
    LECTURE_COLUMNS,
    PASSAGE_COLUMNS,
    SENTENCE_COLUMNS,
    TABLES,
    are_sound,
    cue_of,
    is_sound_lecture,
    lecture_of,
    page_kind_of,
)
from corpus import Cue, Lecture, Passage, Sentence
from corpus.types import PageKind

__all__ = ["Catalog", "LectureHeader", "RetiredPassage", "StoredSentence", "immutable_uri"]

_HEADERS_KEPT = 128
"""Questions read the same lectures again and again; a transcript of an hour is some 60 KB."""
_SENTENCES_KEPT = 20_000
"""About 6 MB. A sentence that was read for one question is likely to be read for another."""


@dataclass(frozen=True, slots=True)
class StoredSentence:
    """A sentence and the rows ``token_start`` to ``token_end`` of its token vectors."""

    number: int
    sentence: Sentence
    token_start: int
    token_end: int


@dataclass(frozen=True, slots=True)
class LectureHeader:
    """A lecture without its cues."""

    lecture_id: str
    title: str
    course: str | None
    language: str
    speakers: tuple[str, ...]
    url: str | None
    source: str
    transcript: str
    sentences: int
    page_kind: PageKind | None
    """Set of slides: then lines are pages."""


@dataclass(frozen=True, slots=True)
class RetiredPassage:
    """A passage that an earlier generation had."""

    passage_id: str
    lecture_id: str
    retired_at: str
    """ISO 8601, UTC, as the clock of the writing machine had it."""


class Catalog:
    """Read side of one catalogue; safe to use from several threads.

    Lectures, their cues, sentences and passages are held against their digests: what was altered raises
    ``IndexDamaged`` and is never returned.
    """

    def __init__(self, path: Path) -> None:
        """Open the file read-only.

        Raises:
            IndexDamaged: it is missing or not a catalogue.
        """
        self._path = path
        self._lock = threading.Lock()
        self._headers: dict[str, LectureHeader] = {}
        self._sentences: dict[tuple[str, int], StoredSentence] = {}
        try:
            # Immutable: a generation never changes, so SQLite need not look for a journal.
            self._connection = sqlite3.connect(immutable_uri(path), uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        self._close = weakref.finalize(self, self._connection.close)

    def close(self) -> None:
        """Close the file; dropping the last reference does it too."""
        self._close()

    def lectures(self) -> list[Lecture]:
        """Every lecture whole, in the order of the index."""
        return [self.lecture(lecture_id) for lecture_id in self.lecture_ids()]

    def lecture(self, lecture_id: str) -> Lecture:
        """One lecture whole.

        Raises:
            KeyError: there is no such lecture.
        """
        row = self._lecture_row(lecture_id)
        cues = self._rows(
            f"SELECT {CUE_COLUMNS} FROM cues JOIN"
            " (SELECT position FROM lectures WHERE lecture_id = ?) ON lecture = position ORDER BY number",
            (lecture_id,),
        )
        self._check_rows(lecture_id, cues)
        if [cue[0] for cue in cues] != list(range(row[9])):
            raise self._damaged(f"cues of lecture {lecture_id!r} are missing")
        return lecture_of(row, cues)

    def header(self, lecture_id: str) -> LectureHeader:
        """What is known of one lecture, without its cues.

        Raises:
            KeyError: there is no such lecture.
        """
        known = self._headers.get(lecture_id)
        if known is None:
            known = _header(self._lecture_row(lecture_id))
            if len(self._headers) >= _HEADERS_KEPT:
                self._headers.clear()
            self._headers[lecture_id] = known
        return known

    def headers(self) -> list[LectureHeader]:
        """``header`` of every lecture, in order of the index."""
        rows = self._rows(f"SELECT {LECTURE_COLUMNS} FROM lectures ORDER BY position")
        return [_header(self._sound_lecture(row)) for row in rows]

    def sources(self) -> dict[str, str]:
        """The file each lecture was read from, by lecture id in order of the index."""
        return dict(self._rows("SELECT lecture_id, source FROM lectures ORDER BY position"))

    def cues_over(self, lecture_id: str, char_start: int, char_end: int) -> list[Cue]:
        """The cues that hold any of characters ``char_start`` to ``char_end``, in order.

        Raises:
            IndexDamaged: a cue was altered, or they do not hold all of the characters.
        """
        rows = self._rows(
            f"SELECT {CUE_COLUMNS} FROM cues"
            " WHERE lecture = (SELECT position FROM lectures WHERE lecture_id = ?)"
            " AND char_end > ? AND char_start < ? ORDER BY number",
            (lecture_id, char_start, char_end),
        )
        self._check_rows(lecture_id, rows)
        whole = (
            rows
            and rows[0][1] <= char_start
            and rows[-1][2] >= char_end
            and rows[-1][0] - rows[0][0] == len(rows) - 1
        )
        if not whole:
            raise self._damaged(f"cues of lecture {lecture_id!r} are missing")
        return [cue_of(row) for row in rows]

    def lecture_ids(self, course: str | None = None) -> list[str]:
        """The ids in order of the index, of one course or of all."""
        if course is None:
            return [r[0] for r in self._rows("SELECT lecture_id FROM lectures ORDER BY position")]
        rows = self._rows("SELECT lecture_id FROM lectures WHERE course = ? ORDER BY position", (course,))
        return [r[0] for r in rows]

    def courses(self) -> list[str]:
        """The names of all courses, sorted."""
        return [
            r[0]
            for r in self._rows(
                "SELECT DISTINCT course FROM lectures WHERE course IS NOT NULL ORDER BY course"
            )
        ]

    def passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """Passages by row of the index.

        Raises:
            IndexDamaged: one was altered, or there is no such row.
        """
        wanted = list(rows)
        found = self._rows(
            f"SELECT row, lecture_id, {_of('passages', PASSAGE_COLUMNS)}"
            " FROM passages JOIN lectures ON position = lecture"
            f" WHERE row IN ({','.join('?' * len(wanted))})",
            wanted,
        )
        passages = {row[0]: self._passage(row[1:]) for row in found}
        if missing := set(wanted) - set(passages):
            raise self._damaged(f"passages {sorted(missing)[:5]} are missing")
        return passages

    def passage(self, passage_id: str) -> Passage | None:
        """The passage of an id, or ``None``."""
        found = self._rows(
            f"SELECT lecture_id, {_of('passages', PASSAGE_COLUMNS)}"
            " FROM passages JOIN lectures ON position = lecture WHERE passage_id = ?",
            (passage_id,),
        )
        return self._passage(found[0]) if found else None

    def passage_ids(self) -> list[tuple[str, str]]:
        """(passage id, lecture id) of every passage in order of row."""
        query = "SELECT passage_id, lecture_id FROM passages JOIN lectures ON position = lecture ORDER BY row"
        return [(passage_id, lecture_id) for passage_id, lecture_id in self._rows(query)]

    def passages_of(self, lecture_id: str) -> list[Passage]:
        """Every passage of a lecture in order."""
        found = self._rows(
            f"SELECT lecture_id, {_of('passages', PASSAGE_COLUMNS)}"
            " FROM passages JOIN lectures ON position = lecture WHERE lecture_id = ? ORDER BY row",
            (lecture_id,),
        )
        return [self._passage(row) for row in found]

    def retired(self, passage_id: str | None = None) -> list[RetiredPassage]:
        """The passages of earlier generations that this one lacks: all, or that of one id."""
        where = "" if passage_id is None else " WHERE passage_id = ?"
        values = () if passage_id is None else (passage_id,)
        query = f"SELECT passage_id, lecture_id, retired_at FROM retired{where}"
        return [RetiredPassage(*row) for row in self._rows(query, values)]

    def passage_rows(self, lecture_ids: Sequence[str]) -> list[int]:
        """The rows of every passage of these lectures."""
        found = self._rows(
            "SELECT row FROM passages JOIN lectures ON position = lecture"
            f" WHERE lecture_id IN ({','.join('?' * len(lecture_ids))}) ORDER BY row",
            lecture_ids,
        )
        return [r[0] for r in found]

    def sentences(self, lecture_id: str, start: int = 0, end: int | None = None) -> list[StoredSentence]:
        """Sentences ``start`` to ``end`` (half open) of a lecture, in order.

        Raises:
            IndexDamaged: one was altered or is missing.
        """
        rows = self._rows(
            f"SELECT lectures.token_start, lectures.sentences, {_of('sentences', SENTENCE_COLUMNS)}"
            " FROM sentences JOIN lectures ON position = lecture"
            " WHERE lecture_id = ? AND number >= ? AND number < ? ORDER BY number",
            (lecture_id, start, 2**31 if end is None else end),
        )
        self._check_rows(lecture_id, [row[2:] for row in rows])
        expected = range(start, rows[0][1] if rows and end is None else end or start)
        if [row[2] for row in rows] != list(expected):
            raise self._damaged(f"sentences of lecture {lecture_id!r} are missing")
        return [
            StoredSentence(n, Sentence(a, b, bool(q)), base + t, base + u)
            for base, _, n, a, b, q, t, u, _ in rows
        ]

    def window(self, lecture_id: str, start: int, end: int) -> list[StoredSentence]:
        """``sentences``, but those that were read before need not be read again.

        Raises:
            IndexDamaged: one was altered or is missing.
        """
        kept = [self._sentences.get((lecture_id, number)) for number in range(start, end)]
        known = [stored for stored in kept if stored is not None]
        if len(known) == len(kept):
            return known
        read = self.sentences(lecture_id, start, end)
        if len(self._sentences) + len(read) > _SENTENCES_KEPT:
            self._sentences.clear()
        self._sentences.update(((lecture_id, stored.number), stored) for stored in read)
        return read

    def counts(self) -> dict[str, int]:
        """Rows of every table, by name."""
        tables = ("lectures", "cues", "sentences", "passages")
        return {table: self._rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}

    def check(self) -> str | None:
        """What is wrong with the file by SQLite's own integrity check or its tables, or ``None``."""
        try:
            result = str(self._rows("PRAGMA integrity_check")[0][0])
            tables = dict(self._rows("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
        except IndexDamaged as error:
            return str(error)
        if result == "ok" and tables != TABLES:
            return "has other tables than a catalogue"
        return None if result == "ok" else result

    def _lecture_row(self, lecture_id: str) -> Sequence[Any]:
        rows = self._rows(f"SELECT {LECTURE_COLUMNS} FROM lectures WHERE lecture_id = ?", (lecture_id,))
        if not rows:
            raise KeyError(lecture_id)
        return self._sound_lecture(rows[0])

    def _sound_lecture(self, row: Sequence[Any]) -> Sequence[Any]:
        if not is_sound_lecture(row):
            raise self._damaged(f"lecture {row[0]!r} was altered")
        return row

    def _passage(self, row: Sequence[Any]) -> Passage:
        lecture_id, *values = row
        self._check_rows(lecture_id, [tuple(values)])
        passage_id, *bounds, _ = values
        return Passage(passage_id, lecture_id, *bounds)

    def _check_rows(self, lecture_id: str, rows: Iterable[Sequence[Any]]) -> None:
        if not are_sound(lecture_id, rows):
            raise self._damaged(f"a row of lecture {lecture_id!r} was altered")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except (sqlite3.DatabaseError, OverflowError) as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> IndexDamaged:
        return IndexDamaged(f"{self._path}: not a readable catalogue ({reason}); run `assistant repair`")


def immutable_uri(path: Path) -> str:
    """The URI by which SQLite reads a file that nobody writes."""
    name = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{name}?immutable=1"


def _of(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{column}" for column in columns.split(", "))


def _header(row: Sequence[Any]) -> LectureHeader:
    lecture_id, title, course, language, speakers, url, source, _, problems, _, sentences, transcript, _ = row
    return LectureHeader(
        lecture_id=lecture_id,
        title=title,
        course=course,
        language=language,
        speakers=tuple(json.loads(speakers)),
        url=url,
        source=source,
        transcript=transcript,
        sentences=sentences,
        page_kind=page_kind_of(problems),
    )
