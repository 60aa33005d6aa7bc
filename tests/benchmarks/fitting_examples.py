"""Questions to fit on, with the passages that the plain encoder finds for them.

Our questions and the written ones, never those of a split called ``report``; and questions of SQuAD 2,
Spoken-SQuAD and CLAP NQ about articles whose title's MD5 is even (the odd ones are for reporting:
``is_held_out``). All come in two folds, by lecture (twins such as the PyTorch and the TensorFlow version of
one together), by written course and by article, so that what is fitted on one fold can be looked at on the
other.
"""

import hashlib
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.catalog import Catalog
from assistant.config import Settings
from assistant.embedding import OnnxEncoder
from assistant.evaluation_data import EvaluationQuestion, Place, load_corpus, load_questions
from assistant.indexing import index_lectures, index_paths
from assistant.onnx_export import exported_folder
from assistant.products import on_one_thread
from assistant.questions import punctuated
from assistant.retrieval import encoded_question, retrieve
from assistant.store import Generation, current_generation, open_generation
from assistant.understanding import understood
from corpus import Lecture, Passage, find_sources, read_lecture

__all__ = [
    "ARTICLES",
    "FOLDS",
    "LECTURES",
    "NO_QUESTIONS",
    "FitPassage",
    "FitQuestion",
    "Source",
    "collect",
    "drawn",
    "is_held_out",
    "open_source",
    "own_lecture",
    "shares_half",
    "written_lectures",
]

DATA = Path(__file__).parents[1] / "data"
FOLDS = 2
LECTURES = {
    "hf": (
        "lecture-questions.jsonl",
        "lecture-questions-fit.jsonl",
        "lecture-questions-later.jsonl",
        "lecture-questions-worded.jsonl",
    ),
    "written": (
        "written-questions.jsonl",
        "written-questions-later.jsonl",
        "written-questions-worded.jsonl",
    ),
}
"""Kinds of lectures, each with the files of questions about them."""
NO_QUESTIONS = DATA / "no-questions.jsonl"
"""Greetings, orders, matters of the course, other worlds: what is typed and no lecture answers."""
ARTICLES = ("squad2-halfdev", "spoken-squad-wer23", "clapnq-dev")
QUESTIONS_PER_SET = 900
_TWINS = {
    "hf-09": "hf-08",
    "hf-11": "hf-10",
    "hf-18": "hf-17",
    "hf-20": "hf-19",
    "hf-22": "hf-21",
    "hf-34": "hf-33",
    "hf-46": "hf-45",
    "hf-48": "hf-47",
    "hf-67": "hf-66",
    "hf-74": "hf-73",
}
"""Lectures of the Hugging Face course that say the same as another."""


@dataclass(frozen=True, slots=True)
class FitPassage:
    """A passage that was found for a question."""

    kind: str
    """Its source: one of ``LECTURES`` or ``ARTICLES``."""
    place: Place
    text: str
    sentences: tuple[Place, ...]
    is_statement: tuple[bool, ...]
    """Of each sentence; the others are questions."""

    def answers(self, question: EvaluationQuestion) -> list[bool]:
        """Of each sentence, whether it is a statement and shares half of itself with a gold place."""
        return [
            said and any(shares_half(sentence, gold) for gold in question.places)
            for sentence, said in zip(self.sentences, self.is_statement, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class FitQuestion:
    """A question with what was found for it."""

    asked: EvaluationQuestion
    text: str
    """What the encoder reads."""
    kind: str
    fold: int
    lecture_id: str
    """The lecture or article that it was written for."""
    right: tuple[FitPassage, ...]
    """Passages found that hold the answer, best first."""
    others: tuple[FitPassage, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Lectures or articles as one encoder reads them, and the questions about them that may be fitted on."""

    is_lectures: bool
    generation: Generation
    encoder: OnnxEncoder
    questions: tuple[tuple[int, EvaluationQuestion], ...]
    """With the fold of each; split ``choose`` is among them, for what is chosen and calibrated."""


def is_held_out(title: str) -> bool:
    """Whether questions about this article are for reporting and never for fitting."""
    return _md5(title) % 2 == 1


def open_source(name: str, evaluation: Path, home: Path, model: str) -> Source:
    """The source called ``name``; its index in ``home`` is made or brought up to date."""
    on_one_thread()
    settings = Settings(home=home, model=model)
    texts: dict[str, str] = {}
    if name in LECTURES:
        if name == "hf":
            index_paths([evaluation / "hf-course-lectures" / "srt" / "en"], settings, lambda *_: None)
        else:
            index_lectures(written_lectures(), settings, lambda *_: None)
        files = [DATA / file for file in LECTURES[name]]
    else:
        lectures, texts = load_corpus(evaluation / name / "corpus.jsonl")
        index_lectures(lectures, settings, lambda *_: None)
        files = [evaluation / name / "questions.jsonl"]
    generation = open_generation(current_generation(home))
    headers = {h.lecture_id: h for h in generation.catalog.headers()}
    transcripts = {i: h.transcript for i, h in headers.items()}
    loaded = [question for file in files for question in load_questions(file, transcripts, texts)]
    if name in LECTURES:
        kept = [(_fold_of(q), q) for q in loaded if q.split != "report"]
    else:
        titled = [(headers[q.lecture_ids[0]].title, q) for q in loaded if q.lecture_ids]
        kept = [(_md5(title) // 2 % FOLDS, q) for title, q in titled if not is_held_out(title)]
    encoder = OnnxEncoder(exported_folder(home, generation.manifest.model_sha256))
    return Source(name in LECTURES, generation, encoder, tuple(kept))


def written_lectures() -> list[Lecture]:
    """The written lectures, with titles that a language model gave them from how they begin."""
    titles = json.loads((DATA / "written-titles.json").read_text(encoding="utf-8"))
    return [
        read_lecture(replace(source, title=titles[source.lecture_id]))
        for source in find_sources([DATA / "written-lectures"])
    ]


def drawn(source: Source) -> list[tuple[int, EvaluationQuestion]]:
    """The questions of a source to fit on: of articles at most ``QUESTIONS_PER_SET``, drawn at random."""
    if source.is_lectures:
        return [(fold, question) for fold, question in source.questions if question.split != "choose"]
    return random.Random(0).sample(  # noqa: S311 (no secret)
        source.questions, min(QUESTIONS_PER_SET, len(source.questions))
    )


def collect(evaluation: Path, homes: Path, model: str) -> list[FitQuestion]:
    """Everything there is to fit the encoder on, found with ``model``; indexes are kept in ``homes``."""
    found = []
    for name in (*LECTURES, *ARTICLES):
        source = open_source(name, evaluation, homes / name, model)
        catalog = source.generation.catalog
        passages: dict[int, FitPassage] = {}
        for fold, question in drawn(source):
            asked = understood(question.question, question.history, source.generation, source.encoder, None)
            encoded = encoded_question(source.encoder, asked)
            rows = []
            for limit, lectures in (
                ((24, None),) if source.is_lectures else ((8, None), (12, question.lecture_ids))
            ):
                for hit in retrieve(source.generation, asked, encoded, limit=limit, lectures=lectures):
                    rows.append(hit.row)
                    if hit.row not in passages:
                        passages[hit.row] = _passage(name, catalog, hit.passage)
            read = [passages[row] for row in dict.fromkeys(rows)]
            is_right = [any(passage.answers(question)) for passage in read]
            found.append(
                FitQuestion(
                    asked=question,
                    text=punctuated(asked),
                    kind=name,
                    fold=fold,
                    lecture_id=own_lecture(question) if source.is_lectures else question.lecture_ids[0],
                    right=tuple(p for p, right in zip(read, is_right, strict=True) if right),
                    others=tuple(p for p, right in zip(read, is_right, strict=True) if not right),
                )
            )
    return found


def shares_half(sentence: Place, gold: Place) -> bool:
    """Whether a sentence shares half of the shorter of the two with a gold place."""
    if sentence.lecture_id != gold.lecture_id:
        return False
    shared = min(sentence.char_end, gold.char_end) - max(sentence.char_start, gold.char_start)
    return 2 * shared >= min(sentence.char_end - sentence.char_start, gold.char_end - gold.char_start)


def own_lecture(question: EvaluationQuestion) -> str:
    """The lecture that a question of ours was written for, answered there or not."""
    return question.question_id.rsplit("-", 1)[0]


def _passage(kind: str, catalog: Catalog, found: Passage) -> FitPassage:
    stored = catalog.sentences(found.lecture_id, found.sentence_start, found.sentence_end)
    sentences = [s.sentence for s in stored]
    return FitPassage(
        kind=kind,
        place=Place(found.lecture_id, found.char_start, found.char_end),
        text=catalog.header(found.lecture_id).transcript[found.char_start : found.char_end],
        sentences=tuple(Place(found.lecture_id, s.char_start, s.char_end) for s in sentences),
        is_statement=tuple(not s.is_question for s in sentences),
    )


def _fold_of(question: EvaluationQuestion) -> int:
    """The same for all questions of a lecture, of its twin, of a written course."""
    lecture = own_lecture(question)
    group = _TWINS.get(lecture, lecture) if lecture.startswith("hf-") else lecture.partition("-")[0]
    return _md5(group) % FOLDS


def _md5(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16)
