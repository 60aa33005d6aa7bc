"""Lectures → the files of a generation; what did not change is taken over from the one before."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import corpus.passages
import corpus.sentences
from assistant.catalog import RetiredPassage
from assistant.cataloguing import NewLecture
from assistant.config import Settings
from assistant.earlier import Earlier, Place
from assistant.embedding import OnnxEncoder, PassageEncoder, TransformerEncoder, token_limits
from assistant.generation_files import NewPart, Part, write_files
from assistant.manifest import LectureEntry, Manifest, file_records
from assistant.model_files import file_sha256, locate_model
from assistant.onnx_export import encoder_problems, export_encoder, exported_folder
from assistant.passage_vectors import LectureVectors, embed_lecture
from assistant.rows import IndexedLecture, lecture_sha256
from assistant.store import new_generation, publish
from corpus import Lecture, build_passages, split_sentences

__all__ = ["Changes", "GenerationBuilder", "Progress"]

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is; 0 where unknown)."""

_FEW_PASSAGES = 256
"""About as many as a CPU embeds while torch and sentence-transformers are being loaded."""


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
class _Derived:
    """A lecture whose rows are made anew."""

    item: IndexedLecture
    entry: LectureEntry
    same_content: Place | None
    """A lecture of the generation before that has its vectors."""


class GenerationBuilder:
    """Splits, embeds and writes; what was derived of an unchanged lecture before is taken over."""

    def __init__(self, settings: Settings, progress: Progress, encoder: PassageEncoder | None = None) -> None:
        """``encoder`` stands in for the model of the settings; that one is loaded only if needed.

        Raises:
            ModelUnusable: the settings' model is missing or altered.
        """
        self._settings = settings
        self._progress = progress
        self._given_encoder = encoder
        self._files = locate_model(settings.model)
        self._count_tokens, self._max_tokens = token_limits(self._files, settings.passage_tokens)
        self._splitting = _splitting_sha256()

    def build(
        self,
        lectures: Sequence[Lecture | str],
        before: Earlier | None,
        retired: Sequence[RetiredPassage] = (),
        *,
        always: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Changes:
        """Publish a generation of ``lectures``, unless ``before`` is that already and not ``always``.

        A text among ``lectures`` is the id of one that stays as ``before`` has it. ``retired`` are
        passages to remember where ``before`` cannot say.

        Raises:
            ModelUnusable: the model cannot be loaded or exported.
            OSError: the home folder cannot be written.
        """
        planned = [self._plan(lectures, number, before) for number in range(len(lectures))]
        old = before.manifest.lectures if before else ()
        entries = tuple(item.entry for item in planned)
        to_embed = sum(
            item.entry.passages
            for item in planned
            if isinstance(item, _Derived) and item.same_content is None
        )
        changes = _changes(old, entries, to_embed)
        if not always and before and entries == old and self._is_current(before.manifest):
            return changes
        if not self._is_exported:
            self._progress("exporting the encoder", 0, 0)
        encoder = self._encoder(to_embed) if to_embed or not self._is_exported else None
        parts = list(self._parts(planned, before, encoder, to_embed))
        self._progress("writing", 0, 0)
        with new_generation(self._settings.home) as aside:
            dimension = write_files(aside, parts, before, _retired(planned, before, retired, now()))
            manifest = Manifest(
                model_name=self._files.name,
                model_sha256=self._files.sha256,
                encoder_sha256=self._exported_sha256,
                dimension=dimension,
                passage_tokens=self._settings.passage_tokens,
                overlap_tokens=self._settings.overlap_tokens,
                splitting_sha256=self._splitting,
                lectures=tuple(part.entry for part in parts),
                files=file_records(aside),
            )
            publish(self._settings.home, aside, manifest)
        return changes

    @property
    def _exported(self) -> Path:
        return exported_folder(self._settings.home, self._files.sha256) / "encoder.json"

    @property
    def _is_exported(self) -> bool:
        return self._exported.is_file()

    @property
    def _exported_sha256(self) -> str:
        return file_sha256(self._exported) if self._is_exported else ""

    def _encoder(self, passages: int) -> PassageEncoder:
        """What encodes so many passages: a few the exported encoder, which loads in no time."""
        if self._given_encoder is not None:
            return self._given_encoder
        folder = self._exported.parent
        if passages <= _FEW_PASSAGES and self._is_exported and not encoder_problems(folder):
            exported = OnnxEncoder(folder)
            if exported.encodes_passages:
                return exported
        self._progress("loading the encoder", 0, 0)
        model = TransformerEncoder(self._files)
        export_encoder(model, self._files, self._settings.home)
        return model

    def _is_current(self, manifest: Manifest) -> bool:
        return (
            self._is_exported
            and manifest.encoder_sha256 == self._exported_sha256
            and self._same_make(manifest)
            and manifest.splitting_sha256 == self._splitting
        )

    def _same_make(self, manifest: Manifest) -> bool:
        return (
            manifest.model_sha256 == self._files.sha256
            and manifest.passage_tokens == self._settings.passage_tokens
            and manifest.overlap_tokens == self._settings.overlap_tokens
        )

    def _plan(
        self, lectures: Sequence[Lecture | str], number: int, before: Earlier | None
    ) -> Place | _Derived:
        self._progress("splitting", number + 1, len(lectures))
        lecture = lectures[number]
        same_make = before is not None and self._same_make(before.manifest)
        if before is not None and same_make and before.manifest.splitting_sha256 == self._splitting:
            place = before.places.get(lecture if isinstance(lecture, str) else lecture.lecture_id)
            if place and (isinstance(lecture, str) or lecture_sha256(lecture) == place.entry.lecture_sha256):
                return place
        if isinstance(lecture, str):
            if before is None:
                raise ValueError(f"lecture {lecture!r} is kept from nothing")
            lecture = before.catalog.lecture(lecture)
        item = self._derive(lecture)
        content = _content_sha256(item)
        known = before.by_content.get(content) if before and same_make else None
        entry = LectureEntry(
            lecture_id=lecture.lecture_id,
            source=lecture.source,
            lecture_sha256=lecture_sha256(lecture),
            content_sha256=content,
            passages=len(item.passages),
            tokens=known.entry.tokens if known else 0,
        )
        return _Derived(item, entry, known)

    def _derive(self, lecture: Lecture) -> IndexedLecture:
        sentences = split_sentences(lecture, self._count_tokens, self._max_tokens)
        passages = build_passages(
            lecture,
            sentences,
            self._count_tokens,
            max_tokens=self._max_tokens,
            overlap_tokens=min(self._settings.overlap_tokens, self._max_tokens - 1),
        )
        return IndexedLecture(lecture, sentences, passages)

    def _parts(
        self,
        planned: Sequence[Place | _Derived],
        before: Earlier | None,
        encoder: PassageEncoder | None,
        to_embed: int,
    ) -> Iterator[Part]:
        done = 0

        def step(count: int) -> None:
            nonlocal done
            done += count
            self._progress("embedding", done, to_embed)

        for planned_lecture in planned:
            if isinstance(planned_lecture, Place):
                yield planned_lecture
            elif before and planned_lecture.same_content:
                yield _new(planned_lecture, before.vectors_of(planned_lecture.same_content))
            elif encoder:
                yield _new(planned_lecture, embed_lecture(planned_lecture.item, encoder, step))


def _new(derived: _Derived, vectors: LectureVectors) -> NewPart:
    rows = NewLecture(derived.item, vectors.token_ends)
    return NewPart(rows, vectors, replace(derived.entry, tokens=len(vectors.tokens)))


def _retired(
    planned: Sequence[Place | _Derived],
    before: Earlier | None,
    known: Sequence[RetiredPassage],
    now: datetime,
) -> list[RetiredPassage]:
    """The passages that were and are no more, with when they went."""
    kept = {item.entry.lecture_id for item in planned if isinstance(item, Place)}
    present = {p.passage_id for item in planned if isinstance(item, _Derived) for p in item.item.passages}
    retired = {r.passage_id: r for r in known}
    if before:
        retired |= {r.passage_id: r for r in before.catalog.retired()}
        stamp = now.isoformat(timespec="seconds")
        for passage_id, lecture_id in before.catalog.passage_ids():
            if lecture_id not in kept:
                retired[passage_id] = RetiredPassage(passage_id, lecture_id, stamp)
    return [r for r in retired.values() if r.passage_id not in present]


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
    content = json.dumps([item.lecture.transcript, bounds, windows], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _splitting_sha256() -> str:
    """Of the code that makes sentences and passages, and of the library it uses."""
    digest = hashlib.sha256(metadata.version("sentencex").encode())
    for module in (corpus.sentences, corpus.passages):
        if module.__file__:
            digest.update(Path(module.__file__).read_bytes())
    return digest.hexdigest()
