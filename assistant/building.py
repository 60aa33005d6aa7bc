"""Lectures → the files of a generation.

Each passage is encoded once, and everything else comes from that: its vector for retrieval, and
for each sentence the contextual token vectors that it has in the passage around it ("late
chunking", Günther et al. 2024, arXiv:2409.04701).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.catalog import IndexedLecture, write_catalog
from assistant.config import Settings
from assistant.embedding import EncodedText, PassageEncoder, TransformerEncoder, load_tokenizer
from assistant.lexical import LexicalIndex
from assistant.model_files import locate_model
from assistant.onnx_export import export_encoder, exported_folder
from assistant.store import Generation, LectureEntry, Manifest, file_records, new_generation, publish
from assistant.vectors import VectorIndex
from corpus import Lecture, Passage, Sentence, build_passages, split_sentences

__all__ = ["Changes", "GenerationBuilder", "Progress"]

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is; 0 where unknown)."""

_SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Changes:
    """How a new generation differs from the one before, by lecture id."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    passages: int
    passages_embedded: int


@dataclass(frozen=True, slots=True)
class _Vectors:
    """What the encoder says of one lecture."""

    passages: NDArray[np.float32]
    """Shape (passages, dimension), unit rows."""
    tokens: NDArray[np.int8]
    """Shape (tokens, dimension); a row divided by its norm is a token's unit vector."""
    token_ends: tuple[int, ...]
    """Sentence ``i`` has the rows from ``token_ends[i - 1]`` (or 0) to ``token_ends[i]``."""


class GenerationBuilder:
    """Splits, embeds and writes; vectors of content that was embedded before are taken over."""

    def __init__(self, settings: Settings, progress: Progress, encoder: PassageEncoder | None = None) -> None:
        """``encoder`` stands in for the model of the settings; that one is loaded only if needed.

        Raises:
            ModelUnusable: the settings' model is missing or altered.
        """
        self._settings = settings
        self._progress = progress
        self._given_encoder = encoder
        self._files = locate_model(settings.model)
        tokenizer = load_tokenizer(self._files.folder)
        self._count_tokens = lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
        self._max_tokens = min(settings.passage_tokens, self._files.max_tokens - _SPECIAL_TOKENS)

    def build(self, lectures: Sequence[Lecture], before: Generation | None) -> Changes:
        """Publish a generation of ``lectures``, unless ``before`` is that already.

        Raises:
            ModelUnusable: the model cannot be loaded or exported.
            OSError: the home folder cannot be written.
        """
        indexed = [self._derive(lectures, number) for number in range(len(lectures))]
        reusable = _reusable(before) if before and self._same_make(before.manifest) else {}
        contents = [_content_sha256(item) for item in indexed]
        entries = [
            LectureEntry(item.lecture.lecture_id, _record_sha256(item), content, len(item.passages))
            for item, content in zip(indexed, contents, strict=True)
        ]
        to_embed = sum(e.passages for e in entries if e.content_sha256 not in reusable)
        old = before.manifest.lectures if before else ()
        changes = _changes(old, entries, to_embed)
        if tuple(entries) == old and not to_embed and self._is_exported:
            return changes
        if not self._is_exported:
            self._progress("exporting the encoder", 0, 0)
            _ = self._encoder
        parts = self._vectors(indexed, contents, reusable, to_embed)
        self._progress("writing", 0, 0)
        with new_generation(self._settings.home) as aside:
            _write_files(aside, indexed, parts)
            manifest = Manifest(
                model_name=self._files.name,
                model_sha256=self._files.sha256,
                dimension=parts[0].passages.shape[1],
                passage_tokens=self._settings.passage_tokens,
                overlap_tokens=self._settings.overlap_tokens,
                lectures=tuple(entries),
                files=file_records(aside),
            )
            publish(self._settings.home, aside, manifest)
        return changes

    @cached_property
    def _is_exported(self) -> bool:
        return (exported_folder(self._settings.home, self._files.sha256) / "encoder.json").is_file()

    @cached_property
    def _encoder(self) -> PassageEncoder:
        if self._given_encoder is not None:
            return self._given_encoder
        self._progress("loading the encoder", 0, 0)
        model = TransformerEncoder(self._files)
        export_encoder(model, self._files, self._settings.home)
        return model

    def _same_make(self, manifest: Manifest) -> bool:
        return (
            manifest.model_sha256 == self._files.sha256
            and manifest.passage_tokens == self._settings.passage_tokens
            and manifest.overlap_tokens == self._settings.overlap_tokens
        )

    def _derive(self, lectures: Sequence[Lecture], number: int) -> IndexedLecture:
        self._progress("splitting", number + 1, len(lectures))
        lecture = lectures[number]
        sentences = split_sentences(lecture, self._count_tokens, self._max_tokens)
        passages = build_passages(
            lecture,
            sentences,
            self._count_tokens,
            max_tokens=self._max_tokens,
            overlap_tokens=min(self._settings.overlap_tokens, self._max_tokens - 1),
        )
        return IndexedLecture(lecture, sentences, passages)

    def _vectors(
        self,
        indexed: Sequence[IndexedLecture],
        contents: Sequence[str],
        reusable: dict[str, Callable[[], _Vectors]],
        to_embed: int,
    ) -> list[_Vectors]:
        done = 0

        def step(count: int) -> None:
            nonlocal done
            done += count
            self._progress("embedding", done, to_embed)

        parts = []
        for item, content in zip(indexed, contents, strict=True):
            if content in reusable:
                parts.append(reusable[content]())
            else:
                parts.append(_embed(item, self._encoder, step))
        return parts


def _embed(item: IndexedLecture, encoder: PassageEncoder, step: Callable[[int], None]) -> _Vectors:
    transcript = item.lecture.transcript
    texts = [transcript[p.char_start : p.char_end] for p in item.passages]
    encoded = list(encoder.encode_passages(texts, step))
    tokens, ends = [], []
    total = 0
    for number, sentence in enumerate(item.sentences):
        home = _passage_around(item.passages, number)
        rows = _token_rows(encoded[home], item.passages[home], sentence)
        tokens.append(_quantise(rows))
        total += len(rows)
        ends.append(total)
    return _Vectors(np.stack([e.vector for e in encoded]), np.concatenate(tokens), tuple(ends))


def _passage_around(passages: Sequence[Passage], number: int) -> int:
    """The passage in which sentence ``number`` stands nearest the middle: it has most context there."""
    holding = [i for i, p in enumerate(passages) if p.sentence_start <= number < p.sentence_end]
    return min(
        holding, key=lambda i: abs(passages[i].sentence_start + passages[i].sentence_end - 1 - 2 * number)
    )


def _token_rows(encoded: EncodedText, passage: Passage, sentence: Sentence) -> NDArray[np.float32]:
    start, end = sentence.char_start - passage.char_start, sentence.char_end - passage.char_start
    inside = [i for i, (first, _) in enumerate(encoded.spans) if start <= first < end]
    # A sentence of nothing but characters the encoder drops still gets a vector: its passage's.
    return encoded.tokens[inside] if inside else encoded.vector[np.newaxis, :]


def _quantise(rows: NDArray[np.float32]) -> NDArray[np.int8]:
    """Each row scaled to use all of int8; its length is restored when it is read."""
    peaks = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12)
    quantised: NDArray[np.int8] = np.rint(rows * (127.0 / peaks)).astype(np.int8)
    return quantised


def _write_files(folder: Path, indexed: Sequence[IndexedLecture], parts: Sequence[_Vectors]) -> None:
    token_rows = []
    first = 0
    for part in parts:
        bounds = [first, *(first + end for end in part.token_ends)]
        token_rows.append(list(pairwise(bounds)))
        first = bounds[-1]
    write_catalog(folder / "catalog.sqlite", indexed, token_rows)
    VectorIndex.build(np.concatenate([p.passages for p in parts])).write(folder / "passages.faiss")
    np.save(folder / "tokens.npy", np.concatenate([p.tokens for p in parts]))
    LexicalIndex.build(
        folder / "lexical",
        (
            (item.lecture.lecture_id, item.lecture.transcript[p.char_start : p.char_end])
            for item in indexed
            for p in item.passages
        ),
    )


def _reusable(before: Generation) -> dict[str, Callable[[], _Vectors]]:
    """Content checksum → a call that reads its vectors from the generation before."""
    found: dict[str, Callable[[], _Vectors]] = {}
    row = 0
    for entry in before.manifest.lectures:
        end = row + entry.passages

        def read(entry: LectureEntry = entry, row: int = row, end: int = end) -> _Vectors:
            sentences = before.catalog.sentences(entry.lecture_id)
            first, last = sentences[0].token_start, sentences[-1].token_end
            return _Vectors(
                before.vectors.vectors(row, end),
                np.array(before.tokens[first:last]),
                tuple(s.token_end - first for s in sentences),
            )

        found[entry.content_sha256] = read
        row = end
    return found


def _changes(old: Sequence[LectureEntry], new: Sequence[LectureEntry], to_embed: int) -> Changes:
    was = {entry.lecture_id: entry for entry in old}
    now = {entry.lecture_id: entry for entry in new}
    return Changes(
        added=tuple(i for i in now if i not in was),
        changed=tuple(i for i, entry in now.items() if i in was and was[i] != entry),
        removed=tuple(i for i in was if i not in now),
        unchanged=tuple(i for i, entry in now.items() if was.get(i) == entry),
        passages=sum(entry.passages for entry in new),
        passages_embedded=to_embed,
    )


def _content_sha256(item: IndexedLecture) -> str:
    bounds = [[s.char_start, s.char_end] for s in item.sentences]
    windows = [[p.sentence_start, p.sentence_end] for p in item.passages]
    return _sha256([item.lecture.transcript, bounds, windows])


def _record_sha256(item: IndexedLecture) -> str:
    return _sha256([asdict(item.lecture), [asdict(s) for s in item.sentences]])


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
