"""The catalogue: lectures, cues, sentences and passages in one SQLite file.

Tables, written once per generation and only read afterwards::

    lectures   position (0..n-1), lecture_id, title, course, language, speakers (JSON), url, source,
               source_sha256, transcript, problems (JSON), sentences (how many)
    cues       lecture (position), number, char_start, char_end, line_start, line_end, start_ms,
               end_ms, speaker, starts_block
    sentences  lecture, number, char_start, char_end, is_question, token_start, token_end
               (its rows in tokens.npy)
    passages   row (as in passages.faiss and lexical/), passage_id, lecture, sentence_start,
               sentence_end, char_start, char_end
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from assistant.errors import IndexDamaged
from corpus import Cue, Lecture, Passage, Problem, Sentence

__all__ = ["Catalog", "IndexedLecture", "LectureHeader", "StoredSentence", "write_catalog"]

_SCHEMA = """
CREATE TABLE lectures (position INTEGER PRIMARY KEY, lecture_id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    course TEXT, language TEXT NOT NULL, speakers TEXT NOT NULL, url TEXT, source TEXT NOT NULL,
    source_sha256 TEXT NOT NULL, transcript TEXT NOT NULL, problems TEXT NOT NULL,
    sentences INTEGER NOT NULL);
CREATE TABLE cues (lecture INTEGER NOT NULL, number INTEGER NOT NULL, char_start INTEGER NOT NULL,
    char_end INTEGER NOT NULL, line_start INTEGER NOT NULL, line_end INTEGER NOT NULL, start_ms INTEGER,
    end_ms INTEGER, speaker TEXT, starts_block INTEGER NOT NULL, PRIMARY KEY (lecture, number)) WITHOUT ROWID;
CREATE TABLE sentences (lecture INTEGER NOT NULL, number INTEGER NOT NULL, char_start INTEGER NOT NULL,
    char_end INTEGER NOT NULL, is_question INTEGER NOT NULL, token_start INTEGER NOT NULL,
    token_end INTEGER NOT NULL, PRIMARY KEY (lecture, number)) WITHOUT ROWID;
CREATE TABLE passages (row INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE, lecture INTEGER NOT NULL,
    sentence_start INTEGER NOT NULL, sentence_end INTEGER NOT NULL, char_start INTEGER NOT NULL,
    char_end INTEGER NOT NULL);
CREATE INDEX passages_of_lecture ON passages (lecture);
"""
_LECTURE_COLUMNS = (
    "lecture_id, title, course, language, speakers, url, source, source_sha256, transcript, problems"
)
_HEADER_COLUMNS = "lecture_id, title, course, language, speakers, url, source, transcript, sentences"
_CUE_COLUMNS = "char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, starts_block"


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


@dataclass(frozen=True, slots=True)
class IndexedLecture:
    """A lecture with everything that was derived from it, ready to be written."""

    lecture: Lecture
    sentences: tuple[Sentence, ...]
    passages: tuple[Passage, ...]


def write_catalog(
    path: Path, lectures: Sequence[IndexedLecture], token_rows: Sequence[Sequence[tuple[int, int]]]
) -> None:
    """Write ``lectures`` in one transaction; ``token_rows[i][j]`` are the rows of sentence ``j``."""
    with sqlite3.connect(path) as connection:
        connection.executescript(_SCHEMA)
        row = 0
        for position, (indexed, rows) in enumerate(zip(lectures, token_rows, strict=True)):
            lecture = indexed.lecture
            connection.execute(
                f"INSERT INTO lectures (position, {_LECTURE_COLUMNS}, sentences)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (position, *_lecture_values(lecture), len(indexed.sentences)),
            )
            connection.executemany(
                "INSERT INTO cues VALUES (?,?,?,?,?,?,?,?,?,?)",
                ((position, n, *astuple(c)) for n, c in enumerate(lecture.cues)),
            )
            connection.executemany(
                "INSERT INTO sentences VALUES (?,?,?,?,?,?,?)",
                (
                    (position, n, s.char_start, s.char_end, s.is_question, *rows[n])
                    for n, s in enumerate(indexed.sentences)
                ),
            )
            for p in indexed.passages:
                connection.execute(
                    "INSERT INTO passages VALUES (?,?,?,?,?,?,?)",
                    (row, p.passage_id, position, p.sentence_start, p.sentence_end, p.char_start, p.char_end),
                )
                row += 1
    connection.close()


def _lecture_values(lecture: Lecture) -> tuple[Any, ...]:
    return (
        lecture.lecture_id,
        lecture.title,
        lecture.course,
        lecture.language,
        json.dumps(lecture.speakers),
        lecture.url,
        lecture.source,
        lecture.source_sha256,
        lecture.transcript,
        json.dumps([[p.path, p.line, p.reason] for p in lecture.problems]),
    )


class Catalog:
    """Read side of one catalogue; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the file read-only.

        Raises:
            IndexDamaged: it is missing or not a catalogue.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            # Immutable: a generation never changes, so SQLite need not look for a journal.
            self._connection = sqlite3.connect(
                f"file:{_uri_path(path)}?immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def lectures(self) -> list[Lecture]:
        """Every lecture whole, in the order of the index."""
        rows = self._rows("SELECT lecture_id FROM lectures ORDER BY position")
        return [self.lecture(row[0]) for row in rows]

    def lecture(self, lecture_id: str) -> Lecture:
        """One lecture whole.

        Raises:
            KeyError: there is no such lecture.
        """
        rows = self._rows(
            f"SELECT {_LECTURE_COLUMNS}, position FROM lectures WHERE lecture_id = ?", (lecture_id,)
        )
        if not rows:
            raise KeyError(lecture_id)
        *values, position = rows[0]
        cues = self._rows(f"SELECT {_CUE_COLUMNS} FROM cues WHERE lecture = ? ORDER BY number", (position,))
        return _lecture(values, cues)

    def header(self, lecture_id: str) -> LectureHeader:
        """What is known of one lecture, without its cues.

        Raises:
            KeyError: there is no such lecture.
        """
        rows = self._rows(f"SELECT {_HEADER_COLUMNS} FROM lectures WHERE lecture_id = ?", (lecture_id,))
        if not rows:
            raise KeyError(lecture_id)
        return _header(rows[0])

    def headers(self) -> list[LectureHeader]:
        """``header`` of every lecture, in order of the index."""
        return [
            _header(row) for row in self._rows(f"SELECT {_HEADER_COLUMNS} FROM lectures ORDER BY position")
        ]

    def cues_over(self, lecture_id: str, char_start: int, char_end: int) -> list[Cue]:
        """The cues that hold any of characters ``char_start`` to ``char_end``, in order."""
        rows = self._rows(
            f"SELECT {_CUE_COLUMNS} FROM cues JOIN lectures ON position = lecture"
            " WHERE lecture_id = ? AND char_end > ? AND char_start < ? ORDER BY number",
            (lecture_id, char_start, char_end),
        )
        return [_cue(row) for row in rows]

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
        """Passages by row of the index."""
        wanted = list(rows)
        found = self._rows(
            "SELECT row, passage_id, lecture_id, sentence_start, sentence_end, char_start, char_end"
            " FROM passages JOIN lectures ON position = lecture"
            f" WHERE row IN ({','.join('?' * len(wanted))})",
            wanted,
        )
        return {r[0]: Passage(*r[1:]) for r in found}

    def passage_rows(self, lecture_ids: Sequence[str]) -> list[int]:
        """The rows of every passage of these lectures."""
        found = self._rows(
            "SELECT row FROM passages JOIN lectures ON position = lecture"
            f" WHERE lecture_id IN ({','.join('?' * len(lecture_ids))}) ORDER BY row",
            lecture_ids,
        )
        return [r[0] for r in found]

    def sentences(self, lecture_id: str, start: int = 0, end: int | None = None) -> list[StoredSentence]:
        """Sentences ``start`` to ``end`` (half open) of a lecture, in order."""
        rows = self._rows(
            "SELECT number, char_start, char_end, is_question, token_start, token_end"
            " FROM sentences JOIN lectures ON position = lecture"
            " WHERE lecture_id = ? AND number >= ? AND number < ? ORDER BY number",
            (lecture_id, start, 2**31 if end is None else end),
        )
        return [StoredSentence(n, Sentence(a, b, bool(q)), t, u) for n, a, b, q, t, u in rows]

    def counts(self) -> dict[str, int]:
        """Rows of every table, by name."""
        tables = ("lectures", "cues", "sentences", "passages")
        return {table: self._rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}

    def check(self) -> str | None:
        """SQLite's own integrity check: what is wrong, or ``None``."""
        try:
            result = str(self._rows("PRAGMA integrity_check")[0][0])
        except IndexDamaged as error:
            return str(error)
        return None if result == "ok" else result

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> IndexDamaged:
        return IndexDamaged(
            f"{self._path}: not a readable catalogue ({error}); index the transcripts again: "
            "`assistant index PATH...`"
        )


def _uri_path(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _cue(row: Sequence[Any]) -> Cue:
    char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, starts_block = row
    return Cue(char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, bool(starts_block))


def _header(row: Sequence[Any]) -> LectureHeader:
    lecture_id, title, course, language, speakers, url, source, transcript, sentences = row
    names = tuple(json.loads(speakers))
    return LectureHeader(lecture_id, title, course, language, names, url, source, transcript, sentences)


def _lecture(values: Sequence[Any], cues: Sequence[tuple[Any, ...]]) -> Lecture:
    lecture_id, title, course, language, speakers, url, source, sha256, transcript, problems = values
    return Lecture(
        lecture_id=lecture_id,
        title=title,
        course=course,
        language=language,
        speakers=tuple(json.loads(speakers)),
        url=url,
        source=source,
        source_sha256=sha256,
        transcript=transcript,
        cues=tuple(_cue(row) for row in cues),
        problems=tuple(Problem(*p) for p in json.loads(problems)),
    )
