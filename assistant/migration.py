"""An index of an earlier format version → one of this version, without embedding anything.

Format 1 had absolute token rows and no digests in its catalogue, no retired passages, and a CURRENT
that was the bare number; vectors, words and tokens are the same bytes since.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from assistant.catalog import immutable_uri
from assistant.cataloguing import NewLecture, write_catalog
from assistant.errors import IndexDamaged, IndexMissing
from assistant.manifest import REBUILD, LectureEntry, Manifest, altered_files, file_records, manifest_record
from assistant.model_files import file_sha256
from assistant.onnx_export import exported_folder
from assistant.rows import IndexedLecture, lecture_of, lecture_sha256
from assistant.store import new_generation, publish, read_current, writing
from corpus import Passage, Sentence

__all__ = ["lectures_of_format_1", "upgrade_current", "upgrade_home"]

_LECTURES = (
    "position, lecture_id, title, course, language, speakers, url, source, source_sha256, problems, 0,"
    " sentences, transcript, NULL"
)
_CUES = "number, char_start, char_end, line_start, line_end, start_ms, end_ms, speaker, starts_block, NULL"


def upgrade_home(home: Path) -> bool:
    """Upgrade the live generation if it is of an earlier format; whether it was.

    Raises:
        IndexDamaged: it is of an earlier format and altered.
        IndexTooNew: it is of a later one.
        IndexBusy: another process is writing.
        HomeUnusable: it is of an earlier format and cannot be written.
    """
    if _outdated(home) is None:
        return False
    with writing(home):
        return upgrade_current(home)


def upgrade_current(home: Path) -> bool:
    """``upgrade_home`` for who is the writer already."""
    found = _outdated(home)
    if found is None:
        return False
    folder, record = found
    if problems := altered_files(folder, record["files"]):
        raise IndexDamaged(f"{problems[0]} (it is of format 1, and only whole ones are upgraded)")
    lectures = lectures_of_format_1(folder)
    entries = tuple(
        LectureEntry(
            lecture_id=entry["lecture_id"],
            source=part.item.lecture.source,
            lecture_sha256=lecture_sha256(part.item.lecture),
            content_sha256=entry["content_sha256"],
            passages=entry["passages"],
            tokens=part.token_ends[-1],
        )
        for entry, part in zip(record["lectures"], lectures, strict=True)
    )
    encoder = exported_folder(home, record["model_sha256"]) / "encoder.json"
    with new_generation(home) as aside:
        write_catalog(aside / "catalog.sqlite", lectures, None, ())
        for name in record["files"]:
            if name != "catalog.sqlite":
                (aside / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(folder / name, aside / name)
        manifest = Manifest(
            model_name=record["model_name"],
            model_sha256=record["model_sha256"],
            encoder_sha256=file_sha256(encoder) if encoder.is_file() else "",
            dimension=record["dimension"],
            passage_tokens=record["passage_tokens"],
            overlap_tokens=record["overlap_tokens"],
            # Not known: the next index run splits again, and embeds what comes out differently.
            splitting_sha256="",
            lectures=entries,
            files=file_records(aside),
        )
        publish(home, aside, manifest)
    return True


def lectures_of_format_1(folder: Path) -> list[NewLecture]:
    """Every lecture of a catalogue of format 1.

    Raises:
        IndexDamaged: the file is not as it was written.
    """
    record = manifest_record(folder)
    path = folder / "catalog.sqlite"
    if record["format_version"] != 1:
        raise IndexDamaged(f"{path}: not of format 1; {REBUILD}")
    if problems := altered_files(folder, {path.name: record["files"][path.name]}):
        raise IndexDamaged(problems[0])
    try:
        with closing(sqlite3.connect(immutable_uri(path), uri=True)) as connection:
            rows = connection.execute(f"SELECT {_LECTURES} FROM lectures ORDER BY position").fetchall()
            return [_lecture(connection, *row) for row in rows]
    except sqlite3.DatabaseError as error:
        raise IndexDamaged(f"{path}: {error}; {REBUILD}") from error


def _lecture(connection: sqlite3.Connection, position: int, lecture_id: str, *values: Any) -> NewLecture:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, (position,)).fetchall()

    cues = rows(f"SELECT {_CUES} FROM cues WHERE lecture = ? ORDER BY number")
    sentences = rows(
        "SELECT char_start, char_end, is_question, token_start, token_end FROM sentences"
        " WHERE lecture = ? ORDER BY number"
    )
    passages = rows(
        "SELECT passage_id, sentence_start, sentence_end, char_start, char_end FROM passages"
        " WHERE lecture = ? ORDER BY row"
    )
    first = sentences[0][3]
    return NewLecture(
        IndexedLecture(
            lecture_of((lecture_id, *values), cues),
            tuple(Sentence(start, end, bool(asks)) for start, end, asks, _, _ in sentences),
            tuple(Passage(passage_id, lecture_id, *bounds) for passage_id, *bounds in passages),
        ),
        tuple(end - first for *_, end in sentences),
    )


def _outdated(home: Path) -> tuple[Path, dict[str, Any]] | None:
    try:
        folder, sha256 = read_current(home)
    except (IndexMissing, IndexDamaged):
        return None
    if sha256 is not None:
        return None  # CURRENT has had a checksum since format 2
    record = manifest_record(folder)
    if record["format_version"] != 1:
        raise IndexDamaged(f"{home / 'CURRENT'}: was altered; run `assistant repair`")
    return folder, record
