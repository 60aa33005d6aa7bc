"""Every citation ever returned is exact: words, offsets, sentence bounds, lines, times."""

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.answering import Answer
from assistant.config import Settings
from assistant.indexing import index_paths
from assistant.service import LectureAssistant
from assistant.store import open_current
from corpus import Lecture, shipped_lectures

WORDS = [
    "what",
    "is",
    "docker",
    "ecs",
    "eks",
    "where",
    "store",
    "image",
    "how",
    "why",
    "vm",
    "fargate",
    "push",
    "run",
    "server",
    "kubernetes",
    "not",
    "who",
    "cost",
]
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Told:
    """A lecture, and where the catalogue says its sentences begin and end."""

    lecture: Lecture
    starts: frozenset[int]
    ends: frozenset[int]


def read_index(home: Path) -> dict[str, Told]:
    with closing(open_current(home)) as generation:
        told = {}
        for lecture in generation.catalog.lectures():
            sentences = [stored.sentence for stored in generation.catalog.sentences(lecture.lecture_id)]
            starts, ends = {s.char_start for s in sentences}, {s.char_end for s in sentences}
            told[lecture.lecture_id] = Told(lecture, frozenset(starts), frozenset(ends))
        return told


def assert_exact(answer: Answer, index: dict[str, Told]) -> int:
    """Check every citation of an answer against the lecture; returns how many there were."""
    for citation in (*answer.citations, *answer.nearest):
        told = index[citation.lecture_id]
        lecture = told.lecture
        assert citation.quote == lecture.transcript[citation.char_start : citation.char_end]
        assert citation.char_start in told.starts
        assert citation.char_end in told.ends
        over = [
            c for c in lecture.cues if c.char_end > citation.char_start and c.char_start < citation.char_end
        ]
        assert (citation.line_start, citation.line_end) == (over[0].line_start, over[-1].line_end)
        assert (citation.start_ms, citation.end_ms) == (over[0].start_ms, over[-1].end_ms)
        assert citation.char_start <= citation.highlight.char_start < citation.highlight.char_end
        assert citation.highlight.char_end <= citation.char_end
    return len(answer.citations) + len(answer.nearest)


def test_every_question_about_the_first_lecture_is_cited_exactly(indexed_home: Path) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    index = read_index(indexed_home)
    lines = (DATA / "first-lecture-questions.jsonl").read_text(encoding="utf-8").splitlines()
    cited = sum(assert_exact(assistant.ask(json.loads(line)["question"]), index) for line in lines)
    assert len(lines) <= cited <= 3 * len(lines)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_any_words_are_cited_exactly(indexed_home: Path, words: list[str]) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    assert 1 <= assert_exact(assistant.ask(" ".join(words)), read_index(indexed_home)) <= 3


def test_every_question_of_the_lecture_sets_is_cited_exactly(shared_data: Path, tmp_path: Path) -> None:
    where = Settings(home=tmp_path)
    index_paths(
        [shipped_lectures(), shared_data / "evaluation/hf-course-lectures/srt/en"], where, lambda *_: None
    )
    assistant = LectureAssistant(where)
    index = read_index(tmp_path)
    assert len(index) == 83
    files = [shared_data / "evaluation/hf-course-lectures/questions.jsonl", DATA / "lecture-questions.jsonl"]
    questions = [json.loads(line)["question"] for f in files for line in f.read_text().splitlines()]
    cited = sum(assert_exact(assistant.ask(question), index) for question in questions)
    assert len(questions) <= cited <= 3 * len(questions)


def test_the_url_names_the_characters(indexed_home: Path) -> None:
    citation = LectureAssistant(Settings(home=indexed_home)).ask("What is Docker?").citations[0]
    assert citation.url == f"/lectures/docker-on-aws#c{citation.char_start}-{citation.char_end}"
