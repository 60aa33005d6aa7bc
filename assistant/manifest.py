"""``manifest.json``: what shaped a generation, and the checksum of every file of it.

CURRENT holds the checksum of the live manifest, the manifest those of the catalogue, the vectors,
the words and the encoder's description, and that one those of the graph and the tokenizer: one
altered byte anywhere breaks the chain. ``sha256`` in the manifest is of the rest of its content, for
generations that CURRENT does not name.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistant.errors import IndexDamaged, IndexOutdated, IndexTooNew
from assistant.model_files import file_sha256

__all__ = [
    "FILE_NAME",
    "FORMAT_VERSION",
    "REBUILD",
    "LectureEntry",
    "Manifest",
    "altered_files",
    "file_records",
    "manifest_record",
    "read_manifest",
    "write_manifest",
]

FORMAT_VERSION = 2
"""1: no digests in the catalogue, token rows counted over all lectures, no retired passages, a CURRENT
without checksum. ``migration.py`` makes 2 of it."""
REBUILD = (
    "run `assistant repair`; if it can save nothing, index the transcripts again: `assistant index PATH...`"
)
_SHA256 = re.compile("[0-9a-f]{64}")
FILE_NAME = r"\.?[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""A pattern of what a file of a generation or of an encoder may be called: nothing that leads elsewhere."""
_FILE = re.compile(f"(?:lexical/)?{FILE_NAME}")


@dataclass(frozen=True, slots=True)
class LectureEntry:
    """What tells whether a lecture changed, and how many rows it has."""

    lecture_id: str
    source: str
    """The file it was read from."""
    lecture_sha256: str
    """Of everything that was read of it."""
    content_sha256: str
    """Of its transcript and the bounds in it: equal content has equal vectors."""
    passages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that shaped a generation, checked when it is opened."""

    model_name: str
    model_sha256: str
    encoder_sha256: str
    """Of the exported encoder's ``encoder.json``; empty if none was exported."""
    dimension: int
    passage_tokens: int
    overlap_tokens: int
    splitting_sha256: str
    """Of the code that makes sentences and passages; another one makes them again."""
    lectures: tuple[LectureEntry, ...]
    files: dict[str, dict[str, Any]]
    """Path inside the generation → its ``size`` in bytes and ``sha256``."""
    format_version: int = FORMAT_VERSION

    @property
    def passages(self) -> int:
        """Passages of all lectures."""
        return sum(entry.passages for entry in self.lectures)

    @property
    def tokens(self) -> int:
        """Token vectors of all lectures."""
        return sum(entry.tokens for entry in self.lectures)


def read_manifest(folder: Path, sha256: str | None = None) -> Manifest:
    """Read and check ``manifest.json``; with ``sha256``, its bytes too.

    Raises:
        IndexDamaged: it is missing or altered.
        IndexOutdated: an earlier version of this program wrote it.
        IndexTooNew: a later one did.
    """
    record = manifest_record(folder, sha256)
    path = folder / "manifest.json"
    version = record["format_version"]
    if version < FORMAT_VERSION:
        raise IndexOutdated(
            f"{path}: format version {version}, this program reads {FORMAT_VERSION}; "
            "upgrade it where the index can be written: `assistant index`"
        )
    try:
        lectures = tuple(LectureEntry(**entry) for entry in record.pop("lectures"))
        manifest = Manifest(lectures=lectures, **record)
        _check_values(manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IndexDamaged(f"{path}: not a manifest ({error!r}); {REBUILD}") from error
    return manifest


def _check_values(manifest: Manifest) -> None:
    """Hold against their kinds what names files or sizes: an archive may have been made by anybody.

    Raises:
        ValueError: one is not what this program writes.
        TypeError: likewise.
    """
    sums = [manifest.model_sha256, *(described["sha256"] for described in manifest.files.values())]
    sums += [manifest.encoder_sha256] if manifest.encoder_sha256 else []
    numbers = [manifest.dimension, *(described["size"] for described in manifest.files.values())]
    for value, pattern in [*((s, _SHA256) for s in sums), *((name, _FILE) for name in manifest.files)]:
        if not pattern.fullmatch(value):
            raise ValueError(value)
    numbers += [count for entry in manifest.lectures for count in (entry.passages, entry.tokens)]
    if manifest.dimension < 1 or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError(numbers)


def manifest_record(folder: Path, sha256: str | None = None) -> dict[str, Any]:
    """The checked content of a manifest of this format version or an earlier one.

    Raises:
        IndexDamaged: it is missing or altered.
        IndexTooNew: a later version of this program wrote it.
    """
    path = folder / "manifest.json"
    try:
        content = path.read_bytes()
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise IndexDamaged(f"{path}: was altered; run `assistant repair`")
        record: dict[str, Any] = json.loads(content)
        claimed = record.pop("sha256")
        version = record["format_version"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged(f"{path}: not a manifest ({error!r}); {REBUILD}") from error
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise IndexTooNew(
            f"{path}: format version {version} is of a later version of this program, which reads "
            f"{FORMAT_VERSION} at most; upgrade it: `pip install -U lecture-assistant`. Nothing was changed"
        )
    if not isinstance(version, int) or version < 1 or claimed != _record_sha256(record):
        raise IndexDamaged(f"{path}: was altered; {REBUILD}")
    return record


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write ``manifest.json`` with the checksum of its own content; returns that of the file."""
    record = asdict(manifest)
    record["sha256"] = _record_sha256(record)
    content = json.dumps(record, indent=1).encode()
    (folder / "manifest.json").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def altered_files(folder: Path, files: dict[str, dict[str, Any]]) -> list[str]:
    """Every file of a generation that is not the one that was written, one line each."""
    problems = []
    for name, expected in files.items():
        path = folder / name
        try:
            if file_sha256(path) != expected["sha256"]:
                problems.append(f"{path}: was altered; run `assistant repair`")
        except FileNotFoundError:
            problems.append(f"{path}: is missing; run `assistant repair`")
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror}); run `assistant repair`")
    return problems


def file_records(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and checksum of every file of a generation but its manifest."""
    return {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json" and not path.name.endswith(".lock")
    }


def _record_sha256(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
