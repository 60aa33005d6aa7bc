"""Changes of the encoder's weights: exactly the product of two thin matrices, or a clear refusal."""

from pathlib import Path

import numpy as np
import pytest

from assistant.adapter import change_weights
from assistant.embedding import TransformerEncoder
from assistant.errors import ModelUnusable
from assistant.model_files import adapted, locate_model, plain_model

QUERY = "encoder.layer.5.attention.self.query"


def written(path: Path, name: str = QUERY, outputs: int = 384) -> Path:
    """An adapter of rank 1 that adds .5 × 4 to the weight in row 2, column 3, and nothing else."""
    outer, inner = np.zeros((outputs, 1), np.float16), np.zeros((1, 384), np.float16)
    outer[2], inner[:, 3] = 0.5, 4.0
    np.savez_compressed(path, **{f"{name}.outer": outer, f"{name}.inner": inner})
    return path


@pytest.fixture(scope="module")
def plain() -> TransformerEncoder:
    return TransformerEncoder(plain_model())


def weight(encoder: TransformerEncoder) -> np.ndarray:
    return encoder.model[0].get_submodule(f"model.{QUERY}").weight.detach().numpy()


def test_the_product_of_the_two_is_added_and_nothing_else(tmp_path: Path, plain: TransformerEncoder) -> None:
    before = weight(plain).copy()
    changed = TransformerEncoder(adapted(plain_model(), written(tmp_path / "adapter.npz")))
    difference = weight(changed) - before
    assert difference[2, 3] == pytest.approx(2.0, abs=1e-6)
    difference[2, 3] = 0.0
    assert not difference.any()


def test_a_changed_model_is_another_one(tmp_path: Path) -> None:
    one = adapted(plain_model(), written(tmp_path / "one.npz"))
    same = adapted(plain_model(), written(tmp_path / "same.npz"))
    other = adapted(plain_model(), written(tmp_path / "other.npz", "encoder.layer.4.output.dense"))
    assert one.sha256 == same.sha256
    assert len({one.sha256, other.sha256, plain_model().sha256, locate_model(None).sha256}) == 4


def test_the_adapter_that_ships_changes_the_upper_layers_only() -> None:
    adapter = locate_model(None).adapter
    assert adapter is not None
    with np.load(adapter) as stored:
        layers = {key.removeprefix("encoder.layer.").split(".")[0] for key in stored.files}
        ranks = {stored[key].shape[0] for key in stored.files if key.endswith(".inner")}
    assert layers == {"2", "3", "4", "5"}
    assert ranks == {128}  # of four encoders, 32 each


@pytest.mark.parametrize(
    ("name", "outputs"), [("encoder.layer.9.output.dense", 384), (QUERY, 100), ("nonsense", 384)]
)
def test_changes_of_another_model_are_refused(
    tmp_path: Path, plain: TransformerEncoder, name: str, outputs: int
) -> None:
    adapter = written(tmp_path / "adapter.npz", name, outputs)
    before = weight(plain).copy()
    with pytest.raises(ModelUnusable, match=r"adapter\.npz does not fit the encoder: .*reinstall"):
        change_weights(plain.model, adapter)
    assert (weight(plain) == before).all()


def test_a_damaged_file_is_refused(tmp_path: Path, plain: TransformerEncoder) -> None:
    adapter = written(tmp_path / "adapter.npz")
    adapter.write_bytes(adapter.read_bytes()[:-40])
    with pytest.raises(ModelUnusable, match=r"adapter\.npz does not fit the encoder"):
        change_weights(plain.model, adapter)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"adapter\.npz cannot be read: .*reinstall"):
        adapted(plain_model(), tmp_path / "adapter.npz")
