"""Whether an index is what was written, and building it again where it is not."""

import json
import shutil
from pathlib import Path

from assistant.building import GenerationBuilder, Progress
from assistant.config import Settings
from assistant.errors import IndexDamaged
from assistant.model_files import file_sha256
from assistant.onnx_export import exported_folder
from assistant.store import (
    altered_files,
    current_generation,
    home_errors,
    open_generation,
    read_manifest,
    whole_catalog,
    writer_lock,
)

__all__ = ["repair_home", "verify_home"]


def verify_home(home: Path) -> list[str]:
    """Every fault of the live generation and of its exported encoder, one line each.

    Raises:
        IndexMissing: there is no index.
    """
    try:
        folder = current_generation(home)
        manifest = read_manifest(folder)
    except IndexDamaged as error:
        return [str(error)]
    problems = altered_files(folder, manifest)
    problems += _encoder_problems(exported_folder(home, manifest.model_sha256))
    if problems:
        return problems
    try:
        generation = open_generation(folder)
        fault = generation.catalog.check()
    except IndexDamaged as error:
        return [str(error)]
    return [] if fault is None else [f"{folder / 'catalog.sqlite'}: {fault}"]


def repair_home(settings: Settings, progress: Progress) -> list[str]:
    """Build a new generation from the best catalogue there is; returns what was done, a line each.

    Raises:
        IndexDamaged: no catalogue can be read.
    """
    with writer_lock(settings.home), home_errors(settings.home):
        done = []
        models = settings.home / "models"
        for folder in sorted(models.iterdir()) if models.is_dir() else []:
            if folder.is_dir() and _encoder_problems(folder):
                shutil.rmtree(folder)
                done.append(f"removed the damaged encoder {folder}; it is exported again")
        source, lectures = whole_catalog(settings.home)
        GenerationBuilder(settings, progress).build(lectures, None)
        done.append(f"built the index again from {source}: {len(lectures)} lectures")
        return done


def _encoder_problems(folder: Path) -> list[str]:
    problems = []
    try:
        description = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        for name, key in (("encoder.onnx", "onnx_sha256"), ("tokenizer.json", "tokenizer_sha256")):
            if file_sha256(folder / name) != description[key]:
                problems.append(f"{folder / name}: was altered; run `assistant repair`")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{folder}: holds no whole encoder ({error}); run `assistant repair`"]
    return problems
