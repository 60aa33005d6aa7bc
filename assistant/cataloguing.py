"""The catalogue, written: new lectures row by row, kept ones taken over from the catalogue before."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.catalog import RetiredPassage, immutable_uri
from assistant.rows import (
    CUE_COLUMNS,
    LECTURE_COLUMNS,
    PASSAGE_COLUMNS,
    SCHEMA,
    SENTENCE_COLUMNS,
    IndexedLecture,
    cue_rows,
    lecture_row,
    passage_rows,
    sentence_rows,
)

__all__ = ["KeptLectures", "NewLecture", "write_catalog"]


@dataclass(frozen=True, slots=True)
class KeptLectures:
    """Neighbours in the index before that are neighbours in this one too, unchanged."""

    first: int
    """Position of the first in the catalogue before."""
    count: int
    row_start: int
    """The first passage's row in the index before."""
    passages: int
    token_start: int
    """The first token's row in the index before."""
    tokens: int


@dataclass(frozen=True, slots=True)
class NewLecture:
    """A lecture whose rows are written afresh; sentence ``i`` has token rows up to ``token_ends[i]``."""

    item: IndexedLecture
    token_ends: tuple[int, ...]


def write_catalog(
    path: Path,
    parts: Sequence[KeptLectures | NewLecture],
    before: Path | None,
    retired: Sequence[RetiredPassage],
) -> None:
    """Write a catalogue of ``parts`` in order; what is kept comes from the catalogue ``before``."""
    with closing(sqlite3.connect(path, uri=True)) as connection:
        # The file is flushed as a whole before anyone reads it: SQLite need not, nor keep a journal.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = OFF")
        if before is not None:
            connection.execute("ATTACH ? AS before", (immutable_uri(before),))
        connection.executescript(SCHEMA)
        position = row = token = 0
        for part in parts:
            if isinstance(part, KeptLectures):
                _take_over(connection, part, position, row, token)
                position, row, token = position + part.count, row + part.passages, token + part.tokens
            else:
                _write(connection, part, position, row, token)
                position, row = position + 1, row + len(part.item.passages)
                token += part.token_ends[-1]
        connection.executemany(
            "INSERT INTO retired VALUES (?, ?, ?)",
            ((r.passage_id, r.lecture_id, r.retired_at) for r in sorted(retired, key=lambda r: r.passage_id)),
        )
        connection.commit()


def _take_over(
    connection: sqlite3.Connection, part: KeptLectures, position: int, row: int, token: int
) -> None:
    shift = {
        "lecture": position - part.first,
        "row": row - part.row_start,
        "token": token - part.token_start,
        "first": part.first,
        "end": part.first + part.count,
    }
    connection.execute(
        f"INSERT INTO lectures (position, {LECTURE_COLUMNS}, token_start)"
        f" SELECT position + :lecture, {LECTURE_COLUMNS}, token_start + :token FROM before.lectures"
        " WHERE position >= :first AND position < :end ORDER BY position",
        shift,
    )
    for table, columns in (("cues", CUE_COLUMNS), ("sentences", SENTENCE_COLUMNS)):
        connection.execute(
            f"INSERT INTO {table} (lecture, {columns}) SELECT lecture + :lecture, {columns}"
            f" FROM before.{table} WHERE lecture >= :first AND lecture < :end ORDER BY lecture, number",
            shift,
        )
    connection.execute(
        f"INSERT INTO passages (row, lecture, {PASSAGE_COLUMNS})"
        f" SELECT row + :row, lecture + :lecture, {PASSAGE_COLUMNS} FROM before.passages"
        " WHERE lecture >= :first AND lecture < :end ORDER BY row",
        shift,
    )


def _write(connection: sqlite3.Connection, part: NewLecture, position: int, row: int, token: int) -> None:
    item = part.item
    connection.execute(
        f"INSERT INTO lectures (position, {LECTURE_COLUMNS}, token_start) VALUES (?{',?' * 14})",
        (position, *lecture_row(item), token),
    )
    connection.executemany(
        f"INSERT INTO cues (lecture, {CUE_COLUMNS}) VALUES (?{',?' * 10})",
        ((position, *values) for values in cue_rows(item.lecture)),
    )
    connection.executemany(
        f"INSERT INTO sentences (lecture, {SENTENCE_COLUMNS}) VALUES (?{',?' * 7})",
        ((position, *values) for values in sentence_rows(item, part.token_ends)),
    )
    connection.executemany(
        f"INSERT INTO passages (row, lecture, {PASSAGE_COLUMNS}) VALUES (?{',?' * 7})",
        ((row + n, position, *values) for n, values in enumerate(passage_rows(item.passages))),
    )
