"""The assistant: one object over one home, and the one place where its parts are put together."""

import copy
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from assistant.answering import ANSWERED_FROM, Answer
from assistant.catalog import LectureHeader
from assistant.citations import CharRange, Citation, cite, cite_passages
from assistant.config import CITED, Settings
from assistant.conversation import Turn
from assistant.embedding import QuestionEncoder
from assistant.errors import NotIndexed, PassageRetired, QuestionInvalid
from assistant.opening import LiveIndex, OpenIndex
from assistant.questions import analyse_question, plain_text
from assistant.retrieval import encoded_question, retrieve
from assistant.spelling import corrected
from assistant.store import Generation
from assistant.suggestions import LectureQuestion, self_contained_questions
from corpus import Lecture

if TYPE_CHECKING:
    from assistant.building import Progress

__all__ = ["LectureAssistant", "SearchPage", "Understood", "index_shipped"]

_SEARCH_DEPTH = 200
_NAMES_SHOWN = 5
_QUESTIONS_TRIED = 3
"""How many of a lecture's questions are read for each one wanted; each costs as much as an answer."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Some of the passages found; ``next_offset`` is ``None`` on the last page."""

    query: str
    understood: str
    """``query`` with words that no lecture has spelled as the lectures do; this is what was looked for."""
    unknown: tuple[str, ...]
    """Words of it that no lecture has, and which the results cannot be about."""
    results: tuple[Citation, ...]
    offset: int
    limit: int
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class Understood:
    """A question that was checked and made complete, and where its answer is looked for."""

    question: str
    standalone_question: str
    lectures: tuple[str, ...] | None
    """Lecture ids, or ``None`` for all."""
    opened: OpenIndex
    """Both halves of an answer read one generation, whatever is published between them."""


class LectureAssistant:
    """Ask, search and read the lectures indexed under one home. Safe to use from several threads."""

    def __init__(self, settings: Settings, encoder: QuestionEncoder | None = None) -> None:
        """Open the live index; ``encoder`` stands in for the exported one.

        Raises:
            IndexMissing: nothing has been indexed.
            IndexDamaged: a file of the index is not what the manifest says.
            IndexTooNew: a later version of this program wrote the index.
            HomeUnusable: an earlier one did, and the index cannot be upgraded where it is.
            IndexBusy: an earlier one did, and another process is writing.
            ModelUnusable: the exported encoder or the cross-encoder cannot be loaded.
            CalibrationInvalid: the stored calibration cannot be read.
        """
        self._settings = settings
        self._live = LiveIndex(settings, encoder)
        self._courses: frozenset[str] | None = None

    def check(self) -> None:
        """Open the live index where that is not done yet.

        Raises:
            AssistantError: nothing can be asked of it, for the reasons for which it cannot be opened.
        """
        self._live.current()

    def within(self, courses: Iterable[str]) -> "LectureAssistant":
        """The same assistant for someone who may see these courses only: the rest is not there."""
        view = copy.copy(self)
        view._courses = frozenset(courses)
        return view

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        course: str | None = None,
        lectures: Sequence[str] | None = None,
        limit: int = CITED,
    ) -> Answer:
        """Answer a question from all lectures, those of a course, or those named.

        Raises:
            QuestionInvalid: it holds no word or is too long.
            NotIndexed: the course or a lecture is not in the index.
        """
        understood = self.understand(question, history=history, course=course, lectures=lectures)
        return self.answer(understood, limit=limit)

    def understand(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        course: str | None = None,
        lectures: Sequence[str] | None = None,
    ) -> Understood:
        """The first half of ``ask``: what is asked, and of which lectures.

        It takes next to no time, but where a conversation may have changed its topic twice that of an answer.

        Raises:
            QuestionInvalid: it holds no word or is too long.
            NotIndexed: the course or a lecture is not in the index.
        """
        text = self._checked(question)
        longest = self._settings.question_characters
        earlier = [Turn(turn.role, _sound(turn.content[:longest])) for turn in history]
        opened = self._live.current()
        within = self._scope(opened.generation, course, lectures)
        return Understood(
            question=text,
            standalone_question=opened.reader.understand(text, earlier, within),
            lectures=None if within is None else tuple(within),
            opened=opened,
        )

    def answer(self, understood: Understood, *, limit: int = CITED) -> Answer:
        """The second half of ``ask``: look up, read and cite."""
        reader = understood.opened.reader
        return reader.answer(understood.question, understood.standalone_question, limit, understood.lectures)

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
        opened = self._live.current()
        within = self._scope(opened.generation, course, lectures)
        understood = corrected(plain_text(text), opened.generation, opened.encoder, within)
        asked = analyse_question(understood, opened.generation.lexical)
        encoded = encoded_question(opened.encoder, understood)
        hits = retrieve(opened.generation, understood, encoded, limit=_SEARCH_DEPTH, lectures=within)
        page = hits[offset : offset + limit]
        following = offset + limit
        return SearchPage(
            query=text,
            understood=understood,
            unknown=tuple(word.text for word in asked.words if word.idf >= asked.highest_idf),
            results=cite_passages(opened.generation.catalog, page, first_number=offset + 1),
            offset=offset,
            limit=limit,
            next_offset=following if following < len(hits) else None,
        )

    def lectures(
        self, course: str | None = None, *, offset: int = 0, limit: int | None = None
    ) -> list[LectureHeader]:
        """Lectures, or those of a course, in order of the index, from the ``offset``-th on.

        Raises:
            NotIndexed: there is no such course.
        """
        generation = self._live.current().generation
        within = self._scope(generation, course, None)
        ids = generation.catalog.lecture_ids()
        if within is not None:
            seen = set(within)
            ids = [lecture_id for lecture_id in ids if lecture_id in seen]
        end = None if limit is None else offset + limit
        return [generation.catalog.header(lecture_id) for lecture_id in ids[offset:end]]

    def courses(self) -> list[str]:
        """The names of all courses, sorted."""
        return self._visible_courses(self._live.current().generation)

    def lecture(self, lecture_id: str) -> Lecture:
        """One lecture with its transcript and cues.

        Raises:
            NotIndexed: there is no such lecture.
        """
        generation = self._live.current().generation
        self._scope(generation, None, [lecture_id])
        return generation.catalog.lecture(lecture_id)

    def passage(self, passage_id: str) -> Citation:
        """The passage of an id that a citation or a search gave, now or earlier.

        Raises:
            PassageRetired: its lecture has changed since or was removed.
            NotIndexed: no index of this home ever had it, or its course is not to be seen.
        """
        generation = self._live.current().generation
        catalog = generation.catalog
        visible = self._scope(generation, None, None)
        found = catalog.passage(passage_id)
        if found and (visible is None or found.lecture_id in visible):
            where = CharRange(found.char_start, found.char_end)
            return cite(catalog, found.lecture_id, where, passage_id, number=1, score=1.0)
        # What was retired had a course once, but none that is known now: only who sees all is told.
        for gone in catalog.retired(passage_id) if self._courses is None else ():
            what = "has changed" if gone.lecture_id in catalog.lecture_ids() else "was removed"
            raise PassageRetired(
                f"passage {passage_id!r} is gone: its lecture {gone.lecture_id!r} {what} "
                f"({gone.retired_at}); search it again"
            )
        raise NotIndexed(f"there is no passage {passage_id!r}, and there was none")

    def questions(self, lecture_id: str, limit: int = 4) -> list[LectureQuestion]:
        """Questions that a lecture asks and answers itself, in its order: what a learner may begin with.

        Raises:
            NotIndexed: there is no such lecture.
        """
        opened = self._live.current()
        catalog = opened.generation.catalog
        self._scope(opened.generation, None, [lecture_id])
        asked = self_contained_questions(
            catalog.header(lecture_id).transcript,
            [stored.sentence for stored in catalog.sentences(lecture_id)],
        )
        answered = (
            question
            for question in asked[: limit * _QUESTIONS_TRIED]
            if opened.reader.read(question.question, 1, [lecture_id]).confidence >= ANSWERED_FROM
        )
        return list(islice(answered, limit))

    def _checked(self, question: str) -> str:
        text = " ".join(_sound(question).split())
        if not plain_text(text):
            raise QuestionInvalid(
                "the question is empty or holds no word; ask something, for example: What is Docker?"
            )
        longest = self._settings.question_characters
        if len(text) > longest:
            raise QuestionInvalid(
                f"the question has {len(text)} characters, {longest} at most are read; shorten it"
            )
        return text

    def _visible_courses(self, generation: Generation) -> list[str]:
        return [c for c in generation.catalog.courses() if self._courses is None or c in self._courses]

    def _scope(
        self, generation: Generation, course: str | None, lectures: Sequence[str] | None
    ) -> list[str] | None:
        """The lecture ids to look in, or ``None`` for all."""
        catalog = generation.catalog
        courses = self._visible_courses(generation)
        if course is not None and course not in courses:
            raise NotIndexed(_unknown("course", course, courses))
        if course is not None:
            within = catalog.lecture_ids(course)
        elif self._courses is not None:
            within = [lecture_id for c in courses for lecture_id in catalog.lecture_ids(c)]
        elif lectures is None:
            return None
        else:
            within = catalog.lecture_ids()
        if lectures is None:
            return within
        for lecture_id in lectures:
            if lecture_id not in within:
                place = "" if course is None else f" in course {course!r}"
                raise NotIndexed(_unknown("lecture", lecture_id, within, place))
        return list(lectures)


def index_shipped(settings: Settings, progress: "Progress") -> None:
    """Index the lectures that ship; raises what ``index_paths`` does."""
    from assistant.indexing import index_paths
    from corpus import shipped_lectures

    index_paths([shipped_lectures()], settings, progress)


def _sound(text: str) -> str:
    """``text`` with half a character (a lone surrogate, as JSON can hold one) made a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _unknown(what: str, name: str, names: Sequence[str], place: str = "") -> str:
    message = f"there is no {what} {name!r}{place}"
    if close := difflib.get_close_matches(name, names, n=3):
        return f"{message}; did you mean {', '.join(close)}?"
    listed = ", ".join(names[:_NAMES_SHOWN]) or "none"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{message}; known are {listed}{more}"
