"""An index in one file, to take to another machine.

A ZIP file whose entries are all stored, not compressed, in this order::

    contents.json       archive_version, and of every other entry its size in bytes and sha256
    generation/...      the files of a generation, manifest.json among them
    encoder/...         as ``onnx_export.py`` says; missing if none was exported

Whoever made an archive is not trusted: an entry may only have a name that is listed and plain, be
stored, and be as long as is said, so it cannot write elsewhere or grow; and all of it is checked as
``verify`` would before it takes the place of the index.
"""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from dataclasses import replace as replaced
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from assistant.checking import row_problems
from assistant.disk import flush
from assistant.embedding import OnnxEncoder
from assistant.errors import (
    ArchiveInvalid,
    AssistantError,
    HomeUnusable,
    IndexDamaged,
    IndexTooNew,
    ModelUnusable,
)
from assistant.manifest import FILE_NAME, Manifest, altered_files, read_manifest
from assistant.model_files import file_sha256
from assistant.onnx_export import (
    ENCODER_FILES,
    encoder_aside,
    encoder_problems,
    exported_folder,
    place_encoder,
)
from assistant.store import (
    generation_folders,
    make_live,
    new_generation,
    open_current,
    open_generation,
    publish,
    writing,
)

__all__ = ["ArchiveContents", "export_archive", "import_archive"]

_VERSION = 1
_CONTENTS = "contents.json"
_CONTENTS_BYTES = 50_000_000
_NAME = re.compile(f"(?:generation/(?:lexical/)?|encoder/){FILE_NAME}")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """What an archive holds."""

    lectures: int
    passages: int
    size: int
    """Of the archive in bytes."""


def export_archive(home: Path, file: Path) -> ArchiveContents:
    """Write the live index and its encoder to ``file``, replacing it.

    Raises:
        IndexMissing: there is no index.
        IndexDamaged: a file of it is not what was written; nothing is exported.
        HomeUnusable: ``file`` cannot be written.
    """
    if file.exists() and not file.is_file():
        raise HomeUnusable(f"{file}: is no file and is not replaced; name another")
    with closing(open_current(home)) as generation:
        folder, manifest = generation.folder, generation.manifest
        sources = {f"generation/{name}": folder / name for name in ("manifest.json", *manifest.files)}
        encoder = exported_folder(home, manifest.model_sha256)
        problems = altered_files(folder, manifest.files)
        if manifest.encoder_sha256:
            problems += encoder_problems(encoder, manifest.encoder_sha256)
            held = (name for name in ENCODER_FILES if (encoder / name).exists())
            sources |= {f"encoder/{name}": encoder / name for name in held}
        if problems:
            raise IndexDamaged(problems[0])
        files = {
            name: {"size": path.stat().st_size, "sha256": file_sha256(path)} for name, path in sources.items()
        }
        contents = json.dumps({"archive_version": _VERSION, "files": files}, indent=1)
        aside = file.with_name(f"{file.name}.part")
        try:
            with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_entry(_CONTENTS), contents)
                for name, path in sources.items():
                    with path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as to:
                        shutil.copyfileobj(source, to, _CHUNK)
            flush(aside)
            aside.replace(file)
            flush(file.absolute().parent)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise HomeUnusable(f"{file}: cannot be written: {error.strerror or error}") from error
        return ArchiveContents(len(manifest.lectures), manifest.passages, file.stat().st_size)


def import_archive(home: Path, file: Path, *, replace: bool = False) -> ArchiveContents:
    """Make the index in ``file`` the live one of ``home``; until it is found whole nothing changes.

    Raises:
        ArchiveInvalid: the file is no archive, or not a whole one; or the index of ``home`` has lectures
            that it lacks, and ``replace`` is not set.
        IndexTooNew: a later version of this program wrote it.
        IndexBusy: another process is writing.
        HomeUnusable: the home cannot be written.
    """
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise ArchiveInvalid(f"{file}: is no file; copy the archive to one")
    with _archive_errors(file), zipfile.ZipFile(file) as archive:
        files = _listed_files(archive, file)
        with writing(home), new_generation(home) as aside, encoder_aside(home) as encoder:
            _extract(archive, file, files, {"generation": aside, "encoder": encoder})
            manifest_sha256 = str(files["generation/manifest.json"]["sha256"])
            manifest = _checked(aside, encoder, manifest_sha256, file)
            if not replace:
                _refuse_loss(home, manifest, file)
            own = exported_folder(home, manifest.model_sha256)
            if not encoder_problems(own):
                # The encoder that is here stays: nothing runs that came with an archive without need.
                described = file_sha256(own / "encoder.json")
                publish(home, aside, replaced(manifest, encoder_sha256=described))
            else:
                if manifest.encoder_sha256:
                    _check_loads(encoder, file)
                    place_encoder(encoder, own)
                make_live(home, aside, manifest_sha256)
    return ArchiveContents(len(manifest.lectures), manifest.passages, file.stat().st_size)


def _entry(name: str) -> zipfile.ZipInfo:
    """The same bytes whenever an index is exported: no clock in them."""
    return zipfile.ZipInfo(name)


@contextmanager
def _archive_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise ArchiveInvalid(f"{file}: not a whole archive ({error}); export it again") from error
    except FileNotFoundError as error:
        if error.filename is None or Path(error.filename) != file:
            raise
        raise ArchiveInvalid(f"{file}: no such file") from error
    except IsADirectoryError as error:
        raise ArchiveInvalid(f"{file}: is a folder") from error


def _listed_files(archive: zipfile.ZipFile, file: Path) -> dict[str, dict[str, Any]]:
    """What ``contents.json`` lists, held against the entries there are."""
    infos = archive.infolist()
    if not infos or infos[0].filename != _CONTENTS or infos[0].file_size > _CONTENTS_BYTES:
        raise ArchiveInvalid(f"{file}: does not begin with {_CONTENTS}; `assistant export` did not write it")
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
        raise ArchiveInvalid(f"{file}: has a compressed or encrypted entry, which `assistant export` has not")
    try:
        record = json.loads(archive.read(infos[0]))
        version = record["archive_version"]
        files: dict[str, dict[str, Any]] = dict(record["files"])
        sizes = {name: int(described["size"]) for name, described in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArchiveInvalid(f"{file}: {_CONTENTS} cannot be read ({error!r})") from error
    if version != _VERSION:
        raise IndexTooNew(
            f"{file}: archive version {version!r}, this program reads {_VERSION}; upgrade it: "
            "`pip install -U lecture-assistant`"
        )
    if [info.filename for info in infos[1:]] != list(files):
        raise ArchiveInvalid(f"{file}: has other entries than {_CONTENTS} lists")
    for info in infos[1:]:
        if not _NAME.fullmatch(info.filename):
            raise ArchiveInvalid(f"{file}: has an entry {info.filename!r}, which is no file of an index")
        if not info.file_size == info.compress_size == sizes[info.filename]:
            raise ArchiveInvalid(f"{file}: {info.filename} is not as long as {_CONTENTS} says")
    if sum(sizes.values()) > file.stat().st_size:
        raise ArchiveInvalid(f"{file}: its entries overlap")
    if "generation/manifest.json" not in files:
        raise ArchiveInvalid(f"{file}: has no manifest")
    return files


def _extract(
    archive: zipfile.ZipFile, file: Path, files: dict[str, dict[str, Any]], into: dict[str, Path]
) -> None:
    for name, described in files.items():
        top, _, inner = name.partition("/")
        path = into[top] / inner
        path.parent.mkdir(exist_ok=True)
        with archive.open(name) as source, path.open("xb") as target:
            if _copy(source, target, int(described["size"])) != described.get("sha256"):
                raise ArchiveInvalid(f"{file}: {name} was altered; export it again")


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> str:
    digest = sha256()
    left = size
    while left and (chunk := source.read(min(left, _CHUNK))):
        digest.update(chunk)
        target.write(chunk)
        left -= len(chunk)
    return digest.hexdigest() if not left and not source.read(1) else ""


def _checked(aside: Path, encoder: Path, manifest_sha256: str, file: Path) -> Manifest:
    """The manifest of an extracted generation that is found whole."""
    try:
        manifest = read_manifest(aside, manifest_sha256)
        present = {p.relative_to(aside).as_posix() for p in aside.rglob("*") if p.is_file()}
        unlisted = present - {"manifest.json", *manifest.files}
        problems = [f"{name} is not in its manifest" for name in sorted(unlisted)]
        problems += altered_files(aside, manifest.files)
        if manifest.encoder_sha256:
            problems += encoder_problems(encoder, manifest.encoder_sha256)
        if not problems:
            with closing(open_generation(aside, manifest_sha256)) as generation:
                problems += row_problems(generation)
    except IndexTooNew:
        raise
    except AssistantError as error:
        problems = [str(error)]
    if problems:
        raise ArchiveInvalid(f"{file}: does not hold a whole index: {problems[0]}")
    return manifest


def _check_loads(encoder: Path, file: Path) -> None:
    try:
        OnnxEncoder(encoder)
    except ModelUnusable as error:
        raise ArchiveInvalid(f"{file}: its encoder cannot be loaded ({error})") from error


def _refuse_loss(home: Path, manifest: Manifest, file: Path) -> None:
    try:
        with closing(open_current(home)) as generation:
            held = set(generation.catalog.lecture_ids())
    except IndexTooNew:
        raise
    except AssistantError as error:
        if generation_folders(home):
            raise ArchiveInvalid(
                f"{home} holds an index that cannot be read ({error}); repair it first, or import with "
                "--replace to lose it"
            ) from error
        return
    if missing := sorted(held - {entry.lecture_id for entry in manifest.lectures}):
        raise ArchiveInvalid(
            f"{file} does not hold {', '.join(missing[:3])}{' and others' if missing[3:] else ''}, "
            f"which {home} does; import with --replace to lose them"
        )
