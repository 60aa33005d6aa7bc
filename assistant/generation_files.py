"""Lectures, new and taken over → the files of a generation."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.catalog import Catalog, RetiredPassage
from assistant.cataloguing import KeptLectures, NewLecture, write_catalog
from assistant.earlier import Earlier, Place
from assistant.lexical import LexicalIndex
from assistant.manifest import LectureEntry
from assistant.passage_vectors import LectureVectors
from assistant.tokens import write_tokens
from assistant.vectors import VectorIndex

__all__ = ["NewPart", "Part", "write_files"]


@dataclass(frozen=True, slots=True)
class NewPart:
    """A lecture and its vectors, to be written."""

    rows: NewLecture
    vectors: LectureVectors
    entry: LectureEntry


Part = Place | NewPart
"""A lecture that is taken over, or a new one."""


def write_files(
    folder: Path, parts: Sequence[Part], before: Earlier | None, retired: Sequence[RetiredPassage]
) -> int:
    """Write everything but the manifest; returns the dimension of the vectors."""
    path = folder / "catalog.sqlite"
    rows = [part.rows if isinstance(part, NewPart) else part for part in _neighbours(parts)]
    write_catalog(path, rows, before.folder / path.name if before else None, retired)
    vectors = np.concatenate([_passage_vectors(part, before) for part in _neighbours(parts)])
    VectorIndex.build(vectors).write(folder / "passages.faiss")
    write_tokens(
        folder / "tokens.npy",
        (_token_rows(part, before) for part in _neighbours(parts)),
        sum(part.entry.tokens for part in parts),
        vectors.shape[1],
    )
    with closing(Catalog(path)) as catalog:
        LexicalIndex.build(folder / "lexical", _passage_texts(catalog))
    return int(vectors.shape[1])


def _neighbours(parts: Iterable[Part]) -> Iterator[KeptLectures | NewPart]:
    """``parts`` with every run of kept lectures that were neighbours before as one."""
    run: KeptLectures | None = None
    for part in parts:
        if isinstance(part, NewPart):
            if run:
                yield run
            run = None
            yield part
        elif run and run.first + run.count == part.position:
            run = replace(
                run,
                count=run.count + 1,
                passages=run.passages + part.entry.passages,
                tokens=run.tokens + part.entry.tokens,
            )
        else:
            if run:
                yield run
            entry = part.entry
            run = KeptLectures(
                part.position, 1, part.row_start, entry.passages, part.token_start, entry.tokens
            )
    if run:
        yield run


def _passage_vectors(part: KeptLectures | NewPart, before: Earlier | None) -> NDArray[np.float32]:
    if isinstance(part, NewPart):
        return part.vectors.passages
    if before is None:
        raise ValueError("lectures are kept from nothing")
    return before.vectors.vectors(part.row_start, part.row_start + part.passages)


def _token_rows(part: KeptLectures | NewPart, before: Earlier | None) -> NDArray[np.int8]:
    if isinstance(part, NewPart):
        return part.vectors.tokens
    if before is None:
        raise ValueError("lectures are kept from nothing")
    return before.tokens[part.token_start : part.token_start + part.tokens]


def _passage_texts(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for lecture_id in catalog.lecture_ids():
        transcript = catalog.header(lecture_id).transcript
        for passage in catalog.passages_of(lecture_id):
            yield lecture_id, transcript[passage.char_start : passage.char_end]
