"""Low-rank changes of the encoder's weights that make it an encoder of lectures.

The encoder was trained on written texts. ``adapter.npz`` holds, for some of its linear maps, two thin
matrices whose product is added to the weight (Hu et al., LoRA, ICLR 2022), so that some megabytes beside
the published weights are all that differs. ``python tests/benchmarks/fit_encoder.py`` fits it.
"""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.errors import ModelUnusable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["change_weights"]


def change_weights(model: "SentenceTransformer", adapter: Path) -> None:
    """Add the changes in ``adapter`` to the weights of the transformer of ``model``.

    The file has two arrays for each linear map that changes, called after it: ``NAME.inner``, shape
    (rank, inputs), and ``NAME.outer``, shape (outputs, rank).

    Raises:
        ModelUnusable: the file is damaged, or its maps are not those of the model.
    """
    import torch

    transformer = model[0].get_submodule("model")
    try:
        with adapter.open("rb") as file, np.load(file) as stored, torch.no_grad():
            for name in {key.rpartition(".")[0] for key in stored.files}:
                outer, inner = (stored[f"{name}.{part}"].astype(np.float32) for part in ("outer", "inner"))
                weight = transformer.get_submodule(name).get_parameter("weight")
                weight.add_(torch.from_numpy(outer @ inner).to(weight.device))
    except (AttributeError, KeyError, OSError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
        raise ModelUnusable(
            f"{adapter} does not fit the encoder: {error}; reinstall the assistant"
        ) from error
