"""Transcripts inside a ZIP archive, read in memory; nothing is ever unpacked to disk.

Refused are archives of more than 2,000 files, or that would unpack to more than 1 GiB, files
that would unpack to more than a hundred times their size (captions compress about five times,
JSON fifteen) and names that lead out of the archive.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from corpus.errors import CorpusError, TranscriptMissing, TranscriptUnreadable

__all__ = ["is_archive", "is_hidden", "member_names", "read_member"]

_MAX_FILES = 2_000
_MAX_TOTAL = 2**30
_MAX_RATIO = 100
_SMALL = 2**20
"""Below this many bytes a ratio says nothing: a small file of blanks is harmless."""


def is_archive(path: Path) -> bool:
    """Whether ``path`` is a ZIP archive, by its first bytes, and not an office document."""
    try:
        with path.open("rb") as file:
            if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
                return False
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" not in archive.NameToInfo
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        # Damaged: an archive by name only, and member_names will say so.
        return path.suffix.lower() == ".zip"


def member_names(path: Path) -> list[str]:
    """The names of the files in the archive, in order, without hidden ones.

    Raises:
        TranscriptMissing: the archive cannot be opened.
        TranscriptUnreadable: it is damaged or breaks a limit above.
    """
    with _opened(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if len(infos) > _MAX_FILES:
            raise TranscriptUnreadable(
                f"{len(infos):,} files in it, {_MAX_FILES:,} at most are read; split the archive", path=path
            )
        total = sum(info.file_size for info in infos)
        if total > _MAX_TOTAL:
            raise TranscriptUnreadable(
                f"it would unpack to {total:,} bytes, {_MAX_TOTAL:,} at most are read; split the archive",
                path=path,
            )
        for info in infos:
            _refuse_unsafe(path, info)
        names = [info.filename for info in infos]
        return sorted(n for n in names if not any(map(is_hidden, PurePosixPath(n).parts)))


def read_member(path: Path, name: str, max_bytes: int) -> bytes:
    """The bytes of the file called ``name`` in the archive at ``path``.

    Raises:
        TranscriptMissing: the archive cannot be opened or has no such file.
        TranscriptUnreadable: it is damaged, encrypted, or breaks a limit.
    """
    with _opened(path) as archive:
        info = archive.NameToInfo.get(name)
        if info is None:
            raise TranscriptMissing(f"no file {name!r} in this archive", path=path)
        _refuse_unsafe(path, info)
        if info.flag_bits & 1:
            raise TranscriptUnreadable("it is encrypted; unpack the archive first", path=path / name)
        with archive.open(info) as file:
            # What the directory says of the size may be a lie; what comes out is counted.
            data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TranscriptUnreadable(
            f"larger than {max_bytes:,} bytes, the most that is read of one transcript; split it",
            path=path / name,
        )
    return data


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except CorpusError:
        raise
    except OSError as error:
        raise TranscriptMissing(f"cannot be read: {error.strerror or error}", path=path) from error
    except Exception as error:
        # zipfile, zlib, lzma and bz2 each have errors of their own, and struct has one for a cut directory.
        raise TranscriptUnreadable(
            f"damaged or unusual ZIP archive ({error}); pack it again", path=path
        ) from error


def _refuse_unsafe(path: Path, info: zipfile.ZipInfo) -> None:
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or (parts and parts[0].endswith(":")):
        raise TranscriptUnreadable(
            f"{name!r} leads out of the archive; pack it again with plain names", path=path
        )
    if info.file_size > _SMALL and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise TranscriptUnreadable(
            f"{name!r} would unpack to {info.file_size:,} bytes from {info.compress_size:,}, more than "
            f"{_MAX_RATIO} times; unpack the archive yourself if you trust it",
            path=path,
        )


def is_hidden(name: str) -> bool:
    """Also the file by which PowerPoint marks that a presentation is open, and what macOS packs beside it."""
    return name.startswith((".", "~$")) or name == "__MACOSX"
