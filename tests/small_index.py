"""Three short lectures, and an encoder of words that says what it was given."""

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assistant.config import Settings
from assistant.embedding import EncodedText
from assistant.indexing import IndexReport, index_paths
from assistant.store import Generation, current_generation, open_generation

TEXTS = {
    "apples": "Apples are red. They grow on trees.",
    "boats": "Boats float on water. A boat has a sail.",
    "cats": "Cats sleep all day. Do cats dream? They do.",
}


@dataclass
class WordEncoder:
    """Each word counts in one of ``dimension`` places by its checksum; remembers the passages given to it."""

    dimension: int = 16
    texts: list[str] = field(default_factory=list)

    def axis(self, word: str) -> np.ndarray:
        """The vector of a word by itself."""
        return np.eye(self.dimension, dtype=np.float32)[zlib.crc32(word.lower().encode()) % self.dimension]

    def encode_question(self, text: str) -> EncodedText:
        words = list(re.finditer(r"\w+", text))
        tokens = np.stack([self.axis(word[0]) for word in words])
        total = tokens.sum(axis=0)
        vector = (total / np.linalg.norm(total)).astype(np.float32)
        return EncodedText(vector, tokens, tuple(word.span() for word in words))

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        for text in texts:
            self.texts.append(text)
            yield self.encode_question(text)
            progress(1)


class FailingEncoder(WordEncoder):
    """Runs out of memory at a passage on cats."""

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Iterator[EncodedText]:
        for encoded, text in zip(super().encode_passages(texts, progress), texts, strict=True):
            if "Cats" in text:
                raise RuntimeError("out of memory")
            yield encoded


def quiet(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def run(
    settings: Settings, *paths: Path, encoder: WordEncoder | None = None, strict: bool = False
) -> IndexReport:
    return index_paths(list(paths), settings, quiet, strict=strict, encoder=encoder or WordEncoder())


def live(settings: Settings) -> Generation:
    return open_generation(current_generation(settings.home))


def snapshot(home: Path) -> dict[str, bytes | None]:
    """Everything under ``home`` but the lock."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(home.rglob("*"))
        if path.name != "index.lock"
    }
