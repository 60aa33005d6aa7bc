"""Whether an index is what was written, and building it again where it is not."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.building import GenerationBuilder, Progress
from assistant.config import Settings
from assistant.earlier import open_earlier
from assistant.embedding import OnnxEncoder
from assistant.errors import IndexDamaged, ModelUnusable
from assistant.manifest import altered_files, read_manifest
from assistant.migration import upgrade_current
from assistant.onnx_export import encoder_problems, exported_folder, exported_folders
from assistant.salvage import salvage
from assistant.store import Generation, generation_folders, open_generation, read_current, writing

__all__ = ["RepairReport", "repair_home", "row_problems", "verify_home"]

_SAMPLE = 8
_SAME_COSINE = 0.999
"""Two machines round differently; another text or model is far below."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What ``repair_home`` did, one line each."""

    done: tuple[str, ...]
    lost: tuple[str, ...]
    """Lectures that could not be saved, with what to do."""


def verify_home(home: Path, *, sample: int = _SAMPLE) -> list[str]:
    """Every fault of the live generation and of its exported encoder, one line each.

    Every byte of every file is held against its checksum, the rows of all parts are counted, every row of
    the catalogue is read, and ``sample`` passages are encoded again and compared with their vectors.

    Raises:
        IndexMissing: there is no index.
        IndexOutdated: it is of an earlier format; indexing upgrades it.
        IndexTooNew: it is of a later format.
    """
    try:
        folder, sha256 = read_current(home)
        manifest = read_manifest(folder, sha256)
        problems = altered_files(folder, manifest.files)
        encoder = exported_folder(home, manifest.model_sha256)
        problems += encoder_problems(encoder, manifest.encoder_sha256)
        if problems:
            return problems
        with closing(open_generation(folder, sha256)) as generation:
            return list(row_problems(generation)) or list(_vector_problems(generation, encoder, sample))
    except (IndexDamaged, ModelUnusable) as error:
        return [str(error)]


def repair_home(settings: Settings, progress: Progress) -> RepairReport:
    """Build a new generation of every lecture that can be saved.

    Vectors are taken over where they are whole; what cannot be rebuilt is said.

    Raises:
        IndexMissing: there never was an index.
        IndexDamaged: nothing can be read.
        IndexTooNew: a later version of this program wrote the index.
    """
    if not generation_folders(settings.home):
        read_current(settings.home)
    with writing(settings.home):
        done = []
        with suppress(IndexDamaged):
            if upgrade_current(settings.home):
                done.append("upgraded the index to the present format")
        damaged = [folder for folder in exported_folders(settings.home) if encoder_problems(folder)]
        done += [f"removed the damaged encoder {folder}; it is exported again" for folder in damaged]
        with _set_aside(damaged):
            built, lost = _build_again(settings, progress)
        return RepairReport((*done, *built), lost)


@contextmanager
def _set_aside(folders: Sequence[Path]) -> Iterator[None]:
    """Put folders out of the way, for good once the rest is done, and back if it fails."""
    asides = {folder: folder.with_name(f".{folder.name}-damaged") for folder in folders}
    try:
        for folder, aside in asides.items():
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
        yield
    except BaseException:
        for folder, aside in asides.items():
            if not folder.exists():
                with suppress(OSError):
                    aside.rename(folder)
        raise
    for aside in asides.values():
        shutil.rmtree(aside, ignore_errors=True)


def _build_again(settings: Settings, progress: Progress) -> tuple[list[str], tuple[str, ...]]:
    """What was done and what was lost."""
    earlier = open_earlier(settings.home)
    builder = GenerationBuilder(settings, progress)
    if earlier:
        with closing(earlier):
            ids = list(earlier.places)
            builder.build(ids, earlier, always=True)
        return [f"built the index again from {earlier.folder / 'catalog.sqlite'}: {_count(ids)}"], ()
    saved = salvage(settings.home)
    builder.build(saved.lectures, None, saved.retired)
    done = [f"read again from their files: {', '.join(saved.read_again)}"] if saved.read_again else []
    done.append(f"built the index again from {saved.origin}: {_count(saved.lectures)}")
    return done, tuple(saved.lost.values())


def row_problems(generation: Generation) -> Iterator[str]:
    """Every fault of the catalogue's tables, rows and counts.

    Raises:
        IndexDamaged: a row is not as it was written.
    """
    path = generation.folder / "catalog.sqlite"
    fault = generation.catalog.check()
    if fault is not None:
        yield f"{path}: {fault}"
        return
    ids = []
    for entry in generation.manifest.lectures:
        lecture = generation.catalog.lecture(entry.lecture_id)
        ids.append(lecture.lecture_id)
        passages = generation.catalog.passages_of(entry.lecture_id)
        sentences = generation.catalog.sentences(entry.lecture_id)
        tokens = sentences[-1].token_end - sentences[0].token_start
        if (len(passages), tokens) != (entry.passages, entry.tokens):
            yield (
                f"{path}: lecture {entry.lecture_id!r} has {len(passages)} passages and {tokens} tokens, "
                f"expected {entry.passages} and {entry.tokens}; run `assistant repair`"
            )
    if ids != generation.catalog.lecture_ids():
        yield f"{path}: holds other lectures than the manifest; run `assistant repair`"


def _vector_problems(generation: Generation, encoder: Path, sample: int) -> Iterator[str]:
    rows = np.linspace(0, generation.vectors.rows - 1, min(sample, generation.vectors.rows), dtype=int)
    if not len(rows):
        return
    model = OnnxEncoder(encoder)
    if not model.encodes_passages:
        return
    for row, passage in sorted(generation.catalog.passages(rows.tolist()).items()):
        transcript = generation.catalog.header(passage.lecture_id).transcript
        (again,) = model.encode_passages([transcript[passage.char_start : passage.char_end]], lambda _: None)
        cosine = float(generation.vectors.vectors(row, row + 1)[0] @ again.vector)
        if cosine < _SAME_COSINE:
            yield (
                f"{generation.folder / 'passages.faiss'}: row {row} is not the vector of passage "
                f"{passage.passage_id} (cosine {cosine:.3f}); run `assistant repair`"
            )


def _count(lectures: Sequence[object]) -> str:
    return f"{len(lectures)} {'lecture' if len(lectures) == 1 else 'lectures'}"
