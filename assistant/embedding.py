"""Text → vectors: sentence-transformers to build an index, ONNX Runtime to look things up.

Both give the same vectors. Importing sentence-transformers takes seconds, so it is imported
only when passages are embedded; a question never needs it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from assistant.errors import ModelUnusable
from assistant.model_files import ModelFiles
from corpus.errors import in_one_line

__all__ = [
    "EncodedText",
    "OnnxEncoder",
    "PassageEncoder",
    "QuestionEncoder",
    "TransformerEncoder",
    "load_tokenizer",
    "token_limits",
]

_BATCH = 32
_SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the encoder reads it.

    ``vector`` has shape (dimension,), ``tokens`` (n, dimension), both float32 with rows of unit
    length; ``tokens[i]`` is the contextual vector of characters ``spans[i]``. Special tokens and
    prompts are left out.
    """

    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    spans: tuple[tuple[int, int], ...]


class PassageEncoder(Protocol):
    """What embeds passages when an index is built."""

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        """Encode ``texts`` in order; ``progress`` gets how many were done since the last call."""
        ...


class QuestionEncoder(Protocol):
    """What embeds a question when something is looked up."""

    def encode_question(self, text: str) -> EncodedText:
        """Encode one question, truncated to what the model reads."""
        ...


def load_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a model folder, without truncation or padding.

    Raises:
        ModelUnusable: there is no readable ``tokenizer.json``.
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelUnusable(f"{folder / 'tokenizer.json'} cannot be read: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_limits(files: ModelFiles, most: int) -> tuple[Callable[[str], int], int]:
    """What counts the tokens of a text, and how many of them a passage may have.

    That is ``most``, or what the model reads beside its two special tokens where that is less.

    Raises:
        ModelUnusable: the model has no readable ``tokenizer.json``.
    """
    tokenizer = load_tokenizer(files.folder)

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count, min(most, files.max_tokens - _SPECIAL_TOKENS)


class TransformerEncoder:
    """The model through sentence-transformers, on whatever device torch finds."""

    def __init__(self, files: ModelFiles) -> None:
        """Load the model.

        Raises:
            ModelUnusable: sentence-transformers cannot load the folder, or its adapter is not for it.
        """
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs has no types
        try:
            self.model = SentenceTransformer(str(files.folder), local_files_only=True).eval()
            if files.adapter is not None:
                from assistant.adapter import change_weights

                change_weights(self.model, files.adapter)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelUnusable(f"model {files.name!r} cannot be loaded: {error}") from error
        self.tokenizer = load_tokenizer(files.folder)
        self.max_tokens = files.max_tokens
        self.model.max_seq_length = files.max_tokens
        self.tokenizer.enable_truncation(self.max_tokens)
        prompts = self.model.prompts or {}
        self.passage_prompt: str = prompts.get("document") or prompts.get("passage") or ""
        self.question_prompt: str = prompts.get("query") or ""

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        """Encode ``texts`` in order; ``progress`` gets how many were done since the last call."""
        for start in range(0, len(texts), _BATCH):
            batch = [self.passage_prompt + text for text in texts[start : start + _BATCH]]
            # With output_value=None, all that the model gives for each text; its type says less.
            outputs: Any = self.model.encode(
                batch, output_value=None, prompt="", show_progress_bar=False, batch_size=_BATCH
            )
            for text, output in zip(batch, outputs, strict=True):
                yield encoded_text(
                    self.tokenizer.encode(text),
                    output["token_embeddings"].float().cpu().numpy(),
                    output["sentence_embedding"].float().cpu().numpy(),
                    len(self.passage_prompt),
                )
            progress(len(batch))


class OnnxEncoder:
    """The exported model through ONNX Runtime, on the CPU."""

    def __init__(self, folder: Path) -> None:
        """Open what ``onnx_export.export_encoder`` wrote to ``folder``.

        Raises:
            ModelUnusable: a file is missing or ONNX Runtime cannot load it.
        """
        import onnxruntime

        try:
            description = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            self._folder = folder
            self._question_prompt: str = description["question_prompt"]
            self._passage_prompt: str = description.get("passage_prompt", "")
            self.encodes_passages = "passage_prompt" in description
            """False for an export of before it was kept, which may lack a prompt."""
            self.tokenizer = load_tokenizer(folder)
            self.tokenizer.enable_truncation(description["max_tokens"])
            options = onnxruntime.SessionOptions()
            # The graph was optimised when it was exported; doing it again doubles the start.
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            self._weights = folder / "encoder.weights"
            self._mapped = self._weights.stat() if self._weights.exists() else None
            self._session = onnxruntime.InferenceSession(
                str(folder / "encoder.onnx"),
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # which would say on standard output that it failed
            )
        except ModelUnusable:
            raise
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            raise ModelUnusable(
                f"the exported encoder in {folder} cannot be loaded: {error}; run `assistant repair`"
            ) from error

    def encode_question(self, text: str) -> EncodedText:
        """Encode one question, truncated to what the model reads.

        Raises:
            ModelUnusable: the graph gives no numbers, so it was altered; or its weights were cut.
        """
        return self._encode(self._question_prompt, text)

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        """Encode ``texts`` in order; ``progress`` gets how many were done since the last call."""
        for text in texts:
            yield self._encode(self._passage_prompt, text)
            progress(1)

    def _encode(self, prompt: str, text: str) -> EncodedText:
        self.check_weights()
        encoding = self.tokenizer.encode(prompt + text)
        altered = f"the exported encoder in {self._folder} was altered; run `assistant repair`"
        try:
            tokens, vector = self._session.run(
                ["token_embeddings", "sentence_embedding"],
                {
                    "input_ids": np.asarray([encoding.ids], dtype=np.int64),
                    "attention_mask": np.asarray([encoding.attention_mask], dtype=np.int64),
                },
            )
        except Exception as error:  # as when it is opened
            told = f"the exported encoder in {self._folder} could not be run ({in_one_line(error)})"
            raise ModelUnusable(f"{told}; if it stays so, run `assistant repair`") from error
        if not (np.isfinite(vector).all() and np.isfinite(tokens).all()):
            raise ModelUnusable(altered)
        return encoded_text(encoding, tokens[0], vector[0], len(prompt))

    def check_weights(self) -> None:
        """Look at the size of the weights again.

        To read on in a mapped file that was cut ends the process; one that was removed or replaced stays
        mapped.

        Raises:
            ModelUnusable: it is another than it was when they were opened.
        """
        if self._mapped is None:
            return
        try:
            found = self._weights.stat()
        except OSError:
            return
        is_same = (found.st_dev, found.st_ino) == (self._mapped.st_dev, self._mapped.st_ino)
        if is_same and found.st_size != self._mapped.st_size:
            raise ModelUnusable(f"{self._weights} was altered while it was in use; run `assistant repair`")


def encoded_text(
    encoding: Encoding, tokens: NDArray[np.float32], vector: NDArray[np.float32], prompt_length: int
) -> EncodedText:
    """Drop special and prompt tokens and bring every row to unit length."""
    kept = [
        i
        for i, (special, (start, end)) in enumerate(
            zip(encoding.special_tokens_mask, encoding.offsets, strict=True)
        )
        if not special and start >= prompt_length and end > start
    ]
    if not kept:
        # Nothing but characters that the tokenizer drops: the whole stands for its only token.
        return EncodedText(_unit(vector), _unit(vector)[np.newaxis], ((0, 1),))
    return EncodedText(
        vector=_unit(vector),
        tokens=_unit(tokens[kept]),
        spans=tuple(
            (encoding.offsets[i][0] - prompt_length, encoding.offsets[i][1] - prompt_length) for i in kept
        ),
    )


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (rows / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
