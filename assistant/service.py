"""The assistant: one object over one home, and the one place where its parts are put together."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.answering import Answer, Reader
from assistant.catalog import LectureHeader
from assistant.citations import CharRange, Citation, cite, cite_passages
from assistant.config import Settings
from assistant.conversation import Turn, standalone_question
from assistant.embedding import OnnxEncoder, QuestionEncoder
from assistant.errors import IndexOutdated, NotIndexed, PassageRetired, QuestionInvalid
from assistant.onnx_export import exported_folder
from assistant.ranking import load_ranker
from assistant.retrieval import retrieve
from assistant.store import Generation, current_generation, open_current, prune
from corpus import Lecture

__all__ = ["LectureAssistant", "SearchPage"]

_SEARCH_DEPTH = 200


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Some of the passages found; ``next_offset`` is ``None`` on the last page."""

    query: str
    results: tuple[Citation, ...]
    offset: int
    limit: int
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class _Open:
    """A generation with all that reads it, replaced as a whole when a newer one is published."""

    generation: Generation
    encoder: QuestionEncoder
    reader: Reader


class LectureAssistant:
    """Ask, search and read the lectures indexed under one home. Safe to use from several threads."""

    def __init__(self, settings: Settings, encoder: QuestionEncoder | None = None) -> None:
        """Open the live index; ``encoder`` stands in for the exported one.

        Raises:
            IndexMissing: nothing has been indexed.
            IndexDamaged: a file of the index is not what the manifest says.
            IndexTooNew: a later version of this program wrote the index.
            HomeUnusable: an earlier one did, and the index cannot be upgraded where it is.
            ModelUnusable: the exported encoder cannot be loaded.
        """
        self._settings = settings
        self._given_encoder = encoder
        self._opened = self._open()

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        course: str | None = None,
        lectures: Sequence[str] | None = None,
        limit: int = 3,
    ) -> Answer:
        """Answer a question from all lectures, those of a course, or those named.

        Raises:
            QuestionInvalid: it is empty or too long.
            NotIndexed: the course or a lecture is not in the index.
        """
        text = self._checked(question)
        opened = self._current()
        within = self._scope(opened.generation, course, lectures)
        return opened.reader.answer(
            text, standalone_question(text, history, opened.generation.lexical), limit, within
        )

    def search(
        self,
        words: str,
        *,
        course: str | None = None,
        lectures: Sequence[str] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> SearchPage:
        """Passages for some words, best first, a page at a time; the best 200 can be paged through.

        Raises:
            QuestionInvalid: there are no words or too many.
            NotIndexed: the course or a lecture is not in the index.
        """
        text = self._checked(words)
        opened = self._current()
        within = self._scope(opened.generation, course, lectures)
        encoded = opened.encoder.encode_question(text)
        hits = retrieve(opened.generation, text, encoded, limit=_SEARCH_DEPTH, lectures=within)
        page = hits[offset : offset + limit]
        following = offset + limit
        return SearchPage(
            query=text,
            results=cite_passages(opened.generation.catalog, page, first_number=offset + 1),
            offset=offset,
            limit=limit,
            next_offset=following if following < len(hits) else None,
        )

    def lectures(self, course: str | None = None) -> list[LectureHeader]:
        """Every lecture, or those of a course, in order of the index.

        Raises:
            NotIndexed: there is no such course.
        """
        generation = self._current().generation
        wanted = self._scope(generation, course, None)
        return [h for h in generation.catalog.headers() if wanted is None or h.lecture_id in wanted]

    def lecture(self, lecture_id: str) -> Lecture:
        """One lecture with its transcript and cues.

        Raises:
            NotIndexed: there is no such lecture.
        """
        generation = self._current().generation
        self._scope(generation, None, [lecture_id])
        return generation.catalog.lecture(lecture_id)

    def passage(self, passage_id: str) -> Citation:
        """The passage of an id that a citation or a search gave, now or earlier.

        Raises:
            PassageRetired: its lecture has changed since or was removed.
            NotIndexed: no index of this home ever had it.
        """
        catalog = self._current().generation.catalog
        found = catalog.passage(passage_id)
        if found:
            where = CharRange(found.char_start, found.char_end)
            return cite(catalog, found.lecture_id, where, passage_id, number=1, score=1.0)
        for gone in catalog.retired(passage_id):
            what = "has changed" if gone.lecture_id in catalog.lecture_ids() else "was removed"
            raise PassageRetired(
                f"passage {passage_id!r} is gone: its lecture {gone.lecture_id!r} {what} "
                f"({gone.retired_at}); search it again"
            )
        raise NotIndexed(f"there is no passage {passage_id!r}, and there was none")

    def _current(self) -> _Open:
        folder = current_generation(self._settings.home)
        if folder != self._opened.generation.folder:
            # Who still reads the old one keeps it; with the last of them it is closed.
            self._opened = self._open()
            prune(self._settings.home)
        return self._opened

    def _open(self) -> _Open:
        try:
            generation = open_current(self._settings.home)
        except IndexOutdated:
            from assistant.migration import upgrade_home

            upgrade_home(self._settings.home)
            generation = open_current(self._settings.home)
        encoder = self._given_encoder or OnnxEncoder(
            exported_folder(self._settings.home, generation.manifest.model_sha256)
        )
        reader = Reader(generation, encoder, load_ranker(), self._settings.passages_retrieved)
        return _Open(generation, encoder, reader)

    def _checked(self, question: str) -> str:
        text = " ".join(question.split())
        if not text:
            raise QuestionInvalid("the question is empty; ask something, for example: What is Docker?")
        longest = self._settings.question_characters
        if len(text) > longest:
            raise QuestionInvalid(
                f"the question has {len(text)} characters, {longest} at most are read; shorten it"
            )
        return text

    def _scope(
        self, generation: Generation, course: str | None, lectures: Sequence[str] | None
    ) -> list[str] | None:
        """The lecture ids to look in, or ``None`` for all."""
        catalog = generation.catalog
        if course is not None and course not in catalog.courses():
            raise NotIndexed(_unknown("course", course, catalog.courses))
        if course is None and lectures is None:
            return None
        within = catalog.lecture_ids(course)
        if lectures is None:
            return within
        for lecture_id in lectures:
            if lecture_id not in within:
                raise NotIndexed(_unknown("lecture", lecture_id, lambda: within))
        return list(lectures)


def _unknown(what: str, name: str, known: Callable[[], list[str]]) -> str:
    names = known()
    close = difflib.get_close_matches(name, names, n=3) or names[:5]
    listed = ", ".join(close) if close else "none"
    return f"there is no {what} {name!r}; did you mean {listed}? All are listed by `assistant lectures`"
