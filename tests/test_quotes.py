"""Every citation ever returned is exact: words, offsets, sentence bounds, lines, times."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.answering import Answer
from assistant.config import Settings
from assistant.indexing import index_paths
from assistant.service import LectureAssistant
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


def assert_exact(answer: Answer, lectures: dict[str, Lecture]) -> int:
    """Check every citation of an answer against the lecture; returns how many there were."""
    for citation in (*answer.citations, *answer.nearest):
        lecture = lectures[citation.lecture_id]
        assert citation.quote == lecture.transcript[citation.char_start : citation.char_end]
        over = [
            c for c in lecture.cues if c.char_end > citation.char_start and c.char_start < citation.char_end
        ]
        assert (citation.line_start, citation.line_end) == (over[0].line_start, over[-1].line_end)
        assert (citation.start_ms, citation.end_ms) == (over[0].start_ms, over[-1].end_ms)
        assert citation.char_start <= citation.highlight.char_start < citation.highlight.char_end
        assert citation.highlight.char_end <= citation.char_end
    for citation in answer.citations:
        text = lectures[citation.lecture_id].transcript
        before = text[: citation.char_start].rstrip()
        assert not before or not before[-1].isalnum() or text[citation.char_end - 1] in ".?!"
    return len(answer.citations) + len(answer.nearest)


def test_every_question_about_the_first_lecture_is_cited_exactly(indexed_home: Path) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    lectures = {"docker-on-aws": assistant.lecture("docker-on-aws")}
    lines = (DATA / "first-lecture-questions.jsonl").read_text(encoding="utf-8").splitlines()
    cited = sum(assert_exact(assistant.ask(json.loads(line)["question"]), lectures) for line in lines)
    assert cited == 3 * len(lines)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
def test_any_words_are_cited_exactly(indexed_home: Path, words: list[str]) -> None:
    assistant = LectureAssistant(Settings(home=indexed_home))
    lectures = {"docker-on-aws": assistant.lecture("docker-on-aws")}
    assert assert_exact(assistant.ask(" ".join(words)), lectures) == 3


def test_every_question_of_the_lecture_sets_is_cited_exactly(shared_data: Path, tmp_path: Path) -> None:
    where = Settings(home=tmp_path)
    index_paths(
        [shipped_lectures(), shared_data / "evaluation/hf-course-lectures/srt/en"], where, lambda *_: None
    )
    assistant = LectureAssistant(where)
    lectures = {h.lecture_id: assistant.lecture(h.lecture_id) for h in assistant.lectures()}
    assert len(lectures) == 83
    files = [shared_data / "evaluation/hf-course-lectures/questions.jsonl", DATA / "lecture-questions.jsonl"]
    questions = [json.loads(line)["question"] for f in files for line in f.read_text().splitlines()]
    cited = sum(assert_exact(assistant.ask(question), lectures) for question in questions)
    assert cited == 3 * len(questions)


def test_the_url_names_the_characters(indexed_home: Path) -> None:
    citation = LectureAssistant(Settings(home=indexed_home)).ask("What is Docker?").citations[0]
    assert citation.url == f"/lectures/docker-on-aws#c{citation.char_start}-{citation.char_end}"
