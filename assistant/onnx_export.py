"""The encoder, tokens to vector, written once as an ONNX graph so that look-ups need no torch.

``HOME/models/<first 16 digits of its sha256>/`` then holds::

    encoder.onnx     input_ids, attention_mask (int64, batch × tokens) → token_embeddings
                     (float32, batch × tokens × dimension), sentence_embedding (float32, batch × dimension)
    encoder.weights  its large tensors, which are mapped: what no question needs is never read. Exports of
                     before have them in the graph
    encoder.json     name, sha256 of the model and of the other files, max_tokens, both prompts, dimension
    tokenizer.json   the model's own
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from assistant.disk import flush, flush_tree, remove_folder
from assistant.embedding import OnnxEncoder, TransformerEncoder
from assistant.errors import ModelUnusable
from assistant.model_files import ModelFiles, file_sha256

__all__ = [
    "ENCODER_CHECKSUMS",
    "ENCODER_FILES",
    "encoder_aside",
    "encoder_problems",
    "export_encoder",
    "exported_folder",
    "exported_folders",
    "place_encoder",
]

ENCODER_CHECKSUMS = {
    "encoder.onnx": "onnx_sha256",
    "encoder.weights": "weights_sha256",
    "tokenizer.json": "tokenizer_sha256",
}
"""Where ``encoder.json`` keeps that of each other file."""
ENCODER_FILES = ("encoder.json", *ENCODER_CHECKSUMS)

_FOLDER = re.compile("[0-9a-f]{16}")
_OPSET = 17
_PROBES = ("What is stored here?", "A word.", "It goes from one end to the other, and then back again: why?")
_TOLERANCE = 1e-4


def exported_folder(home: Path, model_sha256: str) -> Path:
    """Where the exported encoder of a model is kept."""
    return home / "models" / model_sha256[:16]


def exported_folders(home: Path) -> list[Path]:
    """Every folder of an exported encoder, whole or damaged."""
    found = (home / "models").glob("*")
    return sorted(folder for folder in found if _FOLDER.fullmatch(folder.name) and folder.is_dir())


def export_encoder(encoder: TransformerEncoder, files: ModelFiles, home: Path) -> Path:
    """Export ``encoder`` unless that was done before; returns the folder.

    Raises:
        ModelUnusable: the graph does not give the vectors that the model gives.
    """
    folder = exported_folder(home, files.sha256)
    if (folder / "encoder.json").is_file():
        return folder
    for leftover in folder.parent.glob(".exporting-*"):
        shutil.rmtree(leftover)
    with encoder_aside(home) as aside:
        _write_graph(encoder, aside)
        shutil.copyfile(files.folder / "tokenizer.json", aside / "tokenizer.json")
        description = {
            "name": files.name,
            "model_sha256": files.sha256,
            **{key: file_sha256(aside / name) for name, key in ENCODER_CHECKSUMS.items()},
            "max_tokens": encoder.max_tokens,
            "question_prompt": encoder.question_prompt,
            "passage_prompt": encoder.passage_prompt,
            "dimension": int(encoder.model.get_embedding_dimension() or 0),
        }
        (aside / "encoder.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
        _compare(encoder, OnnxEncoder(aside), files)
        place_encoder(aside, folder)
    return folder


@contextmanager
def encoder_aside(home: Path) -> Iterator[Path]:
    """A folder to put an encoder together in; removed at the end, unless it was placed."""
    models = home / "models"
    models.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".exporting-", dir=models))
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def place_encoder(aside: Path, folder: Path) -> None:
    """Make the encoder in ``aside``, flushed to the disk, the one of ``folder``.

    Raises:
        OSError: the disk does not take it.
    """
    flush_tree(aside)
    if folder.exists():
        remove_folder(folder)
    aside.replace(folder)
    flush(folder.parent)


def encoder_problems(folder: Path, description_sha256: str | None = None) -> list[str]:
    """Every fault of an exported encoder; with ``description_sha256``, of its ``encoder.json`` too."""
    problems = []
    path = folder / "encoder.json"
    try:
        content = path.read_bytes()
        if description_sha256 and hashlib.sha256(content).hexdigest() != description_sha256:
            return [f"{path}: was altered; run `assistant repair`"]
        description = json.loads(content)
        for name, key in ENCODER_CHECKSUMS.items():
            is_in_graph = name == "encoder.weights" and key not in description
            if is_in_graph and not (folder / name).exists():
                continue
            if file_sha256(folder / name) != description[key]:
                problems.append(f"{folder / name}: was altered; run `assistant repair`")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{folder}: holds no whole encoder ({error}); run `assistant repair`"]
    return problems


def _write_graph(encoder: TransformerEncoder, folder: Path) -> None:
    import onnxruntime
    import torch

    class _Pipeline(torch.nn.Module):
        """All of the model's modules, pooling and normalising included."""

        def __init__(self) -> None:
            super().__init__()
            self.model = encoder.model

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            output = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
            return output["token_embeddings"], output["sentence_embedding"]

    sample = torch.ones(2, 8, dtype=torch.long, device=encoder.model.device)
    names = ["input_ids", "attention_mask", "token_embeddings", "sentence_embedding"]
    axes = {name: {0: "batch", 1: "tokens"} for name in names[:3]} | {names[3]: {0: "batch"}}
    plain = folder / "plain.onnx"
    with torch.no_grad(), warnings.catch_warnings():
        # The tracing exporter warns that it is the older one and that it traces.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Pipeline(),
            (sample, sample),
            str(plain),
            dynamo=False,
            input_names=names[:2],
            output_names=names[2:],
            dynamic_axes=axes,
            opset_version=_OPSET,
        )
    options = onnxruntime.SessionOptions()
    # "Extended" fuses attention and GELU and still runs on any CPU, unlike "all".
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "encoder.onnx")
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_file_name", "encoder.weights"
    )
    options.log_severity_level = 3
    try:
        onnxruntime.InferenceSession(
            str(plain), options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime's errors share no narrower base, and do not tell why
        if shutil.disk_usage(folder).free < plain.stat().st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
        raise
    plain.unlink()


def _compare(encoder: TransformerEncoder, exported: OnnxEncoder, files: ModelFiles) -> None:
    prompted = [encoder.question_prompt + probe for probe in _PROBES]
    expected = encoder.model.encode(prompted, prompt="", normalize_embeddings=True, show_progress_bar=False)
    found = np.stack([exported.encode_question(probe).vector for probe in _PROBES])
    difference = float(np.abs(expected - found).max())
    if difference > _TOLERANCE:
        raise ModelUnusable(
            f"model {files.name!r} does not export: the graph is off by {difference:.1e}; "
            "choose another encoder"
        )
