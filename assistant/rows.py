"""The rows of the catalogue: what they hold, and the digest by which each one proves itself.

Tables, written once per generation and only read afterwards::

    lectures   position (0..n-1), lecture_id, title, course, language, speakers (JSON), url, source,
               source_sha256, transcript, problems (JSON: a list; of slides an object of it and page_kind),
               cues and sentences (how many), digest, token_start (its first row in tokens.npy)
    cues       lecture (position), number, char_start, char_end, line_start, line_end, start_ms,
               end_ms, speaker, starts_block, digest
    sentences  lecture, number, char_start, char_end, is_question, token_start, token_end
               (rows in tokens.npy, from the lecture's first), digest
    passages   row (as in passages.faiss and lexical/), lecture, passage_id, sentence_start,
               sentence_end, char_start, char_end, digest
    retired    passage_id, lecture_id, retired_at: passages that an earlier generation had

A digest is the first 8 bytes of the SHA-256 of the lecture's id and the row's values as Python's
``ascii`` writes a tuple (of a lecture, its values, followed by the transcript in UTF-8), without what
depends on the other lectures. It is compared whenever a row is read, so that a byte that the disk
altered is an error and never a wrong citation.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from typing import Any

from corpus import Cue, Lecture, Passage, Problem, Sentence
from corpus.types import PageKind

__all__ = [
    "CUE_COLUMNS",
    "LECTURE_COLUMNS",
    "PASSAGE_COLUMNS",
    "SCHEMA",
    "SENTENCE_COLUMNS",
    "TABLES",
    "IndexedLecture",
    "are_sound",
    "cue_of",
    "cue_rows",
    "cue_values",
    "is_sound_lecture",
    "lecture_of",
    "lecture_row",
    "lecture_sha256",
    "page_kind_of",
    "passage_rows",
    "sentence_rows",
]

TABLES = {
    "lectures": """CREATE TABLE lectures (position INTEGER PRIMARY KEY, lecture_id TEXT NOT NULL UNIQUE,
 title TEXT NOT NULL, course TEXT, language TEXT NOT NULL, speakers TEXT NOT NULL, url TEXT,
 source TEXT NOT NULL, source_sha256 TEXT NOT NULL, transcript TEXT NOT NULL, problems TEXT NOT NULL,
 cues INTEGER NOT NULL, sentences INTEGER NOT NULL, digest BLOB NOT NULL, token_start INTEGER NOT NULL)""",
    "cues": """CREATE TABLE cues (lecture INTEGER NOT NULL, number INTEGER NOT NULL,
 char_start INTEGER NOT NULL, char_end INTEGER NOT NULL, line_start INTEGER NOT NULL,
 line_end INTEGER NOT NULL, start_ms INTEGER, end_ms INTEGER, speaker TEXT, starts_block INTEGER NOT NULL,
 digest BLOB NOT NULL, PRIMARY KEY (lecture, number)) WITHOUT ROWID""",
    "sentences": """CREATE TABLE sentences (lecture INTEGER NOT NULL, number INTEGER NOT NULL,
 char_start INTEGER NOT NULL, char_end INTEGER NOT NULL, is_question INTEGER NOT NULL,
 token_start INTEGER NOT NULL, token_end INTEGER NOT NULL, digest BLOB NOT NULL,
 PRIMARY KEY (lecture, number)) WITHOUT ROWID""",
    "passages": """CREATE TABLE passages (row INTEGER PRIMARY KEY, lecture INTEGER NOT NULL,
 passage_id TEXT NOT NULL UNIQUE, sentence_start INTEGER NOT NULL, sentence_end INTEGER NOT NULL,
 char_start INTEGER NOT NULL, char_end INTEGER NOT NULL, digest BLOB NOT NULL)""",
    "passages_of_lecture": "CREATE INDEX passages_of_lecture ON passages (lecture)",
    "retired": """CREATE TABLE retired (passage_id TEXT PRIMARY KEY, lecture_id TEXT NOT NULL,
 retired_at TEXT NOT NULL) WITHOUT ROWID""",
}
SCHEMA = ";\n".join(TABLES.values())

LECTURE_COLUMNS = (
    "lecture_id, title, course, language, speakers, url, source, source_sha256, problems, cues, sentences,"
    " transcript, digest"
)
CUE_COLUMNS = (
    "number, char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, starts_block, digest"
)
SENTENCE_COLUMNS = "number, char_start, char_end, is_question, token_start, token_end, digest"
PASSAGE_COLUMNS = "passage_id, sentence_start, sentence_end, char_start, char_end, digest"

_DIGEST_BYTES = 8
_as_json = json.JSONEncoder(separators=(",", ":")).encode
cue_values = attrgetter(
    "char_start", "char_end", "line_start", "line_end", "start_ms", "end_ms", "speaker", "starts_block"
)
"""A cue's values in the order of its fields."""


@dataclass(frozen=True, slots=True)
class IndexedLecture:
    """A lecture with everything that was derived from it, ready to be written."""

    lecture: Lecture
    sentences: tuple[Sentence, ...]
    passages: tuple[Passage, ...]


def are_sound(lecture_id: str, rows: Iterable[Sequence[Any]]) -> bool:
    """Whether rows of a lecture, tuples with their digest last, are as they were written."""
    # The beginning of what a digest is made of is the same for all rows.
    opening = ascii((lecture_id, None)).removesuffix("None)")
    for row in rows:
        if sha256(f"{opening}{ascii(row[:-1])[1:]}".encode()).digest()[:_DIGEST_BYTES] != row[-1]:
            return False
    return True


def is_sound_lecture(row: Sequence[Any]) -> bool:
    """``are_sound`` of the lecture's own row, in order of ``LECTURE_COLUMNS``."""
    *values, transcript, digest = row
    return isinstance(transcript, str) and _lecture_digest(values, transcript) == digest


def lecture_row(item: IndexedLecture) -> tuple[Any, ...]:
    """In order of ``LECTURE_COLUMNS``."""
    lecture = item.lecture
    values = (
        lecture.lecture_id,
        lecture.title,
        lecture.course,
        lecture.language,
        json.dumps(lecture.speakers),
        lecture.url,
        lecture.source,
        lecture.source_sha256,
        _problems_json(lecture),
        len(lecture.cues),
        len(item.sentences),
    )
    return (*values, lecture.transcript, _lecture_digest(values, lecture.transcript))


def cue_rows(lecture: Lecture) -> Iterator[tuple[Any, ...]]:
    """In order of ``CUE_COLUMNS``."""
    for number, cue in enumerate(lecture.cues):
        *values, starts_block = cue_values(cue)
        yield _proven(lecture.lecture_id, (number, *values, int(starts_block)))


def sentence_rows(item: IndexedLecture, token_ends: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """In order of ``SENTENCE_COLUMNS``; ``token_ends[i]`` is where the token rows of sentence ``i`` end."""
    start = 0
    for number, (sentence, end) in enumerate(zip(item.sentences, token_ends, strict=True)):
        asks = int(sentence.is_question)
        values = (number, sentence.char_start, sentence.char_end, asks, start, end)
        yield _proven(item.lecture.lecture_id, values)
        start = end


def passage_rows(passages: Sequence[Passage]) -> Iterator[tuple[Any, ...]]:
    """In order of ``PASSAGE_COLUMNS``."""
    for p in passages:
        values = (p.passage_id, p.sentence_start, p.sentence_end, p.char_start, p.char_end)
        yield _proven(p.lecture_id, values)


def lecture_of(row: Sequence[Any], cues: Sequence[Sequence[Any]]) -> Lecture:
    """The lecture of sound rows."""
    return Lecture(
        lecture_id=row[0],
        title=row[1],
        course=row[2],
        language=row[3],
        speakers=tuple(json.loads(row[4])),
        url=row[5],
        source=row[6],
        source_sha256=row[7],
        transcript=row[11],
        cues=tuple(map(cue_of, cues)),
        problems=tuple(Problem(*p) for p in _problems(row[8])),
        page_kind=page_kind_of(row[8]),
    )


def lecture_sha256(lecture: Lecture) -> str:
    """Of everything that was read of a lecture."""
    said = [
        lecture.lecture_id,
        lecture.title,
        lecture.course,
        lecture.language,
        lecture.speakers,
        lecture.url,
        lecture.source,
        lecture.source_sha256,
        lecture.transcript,
        [cue_values(cue) for cue in lecture.cues],
        [[p.path, p.line, p.reason] for p in lecture.problems],
    ]
    if lecture.page_kind is not None:
        said.append(lecture.page_kind)
    return sha256(_as_json(said).encode()).hexdigest()


def page_kind_of(problems: str) -> PageKind | None:
    """What the lines of a lecture are numbers of, from its sound column ``problems``."""
    # An index without slides, such as one that an earlier version wrote, has a list there.
    found: PageKind | None = json.loads(problems)["page_kind"] if problems.startswith("{") else None
    return found


def cue_of(row: Sequence[Any]) -> Cue:
    """The cue of a sound row."""
    _, char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, starts_block, _ = row
    return Cue(char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, bool(starts_block))


def _problems_json(lecture: Lecture) -> str:
    problems = [[p.path, p.line, p.reason] for p in lecture.problems]
    if lecture.page_kind is None:
        return json.dumps(problems)
    return json.dumps({"page_kind": lecture.page_kind, "problems": problems})


def _problems(column: str) -> list[list[Any]]:
    found = json.loads(column)
    return list(found["problems"] if isinstance(found, dict) else found)


def _proven(lecture_id: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*values, _digest(lecture_id, values))


def _digest(lecture_id: str, values: Sequence[Any]) -> bytes:
    # ASCII, since what repr() leaves as it is depends on the Unicode version of the Python at hand.
    return sha256(ascii((lecture_id, *values)).encode()).digest()[:_DIGEST_BYTES]


def _lecture_digest(values: Sequence[Any], transcript: str) -> bytes:
    digest = sha256(ascii(tuple(values)).encode())
    digest.update(transcript.encode())
    return digest.digest()[:_DIGEST_BYTES]
