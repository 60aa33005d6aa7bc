import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import evaluation_data
from assistant.conversation import Turn
from assistant.errors import EvaluationInvalid
from assistant.evaluation_data import EvaluationQuestion, Place, load_corpus, load_questions

TEXT = "Docker  runs\n\napps.  It is fast."
TRANSCRIPT = "Docker runs apps. It is fast."
# Offsets into TEXT:       "apps." 14 to 19, "It is fast." 21 to 32
# Offsets into TRANSCRIPT: "apps." 12 to 17, "It is fast." 18 to 29
APPS, FAST = Place("d", 12, 17), Place("d", 18, 29)


def write_lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def load_one(tmp_path: Path, **gold: Any) -> EvaluationQuestion:
    record = {"id": "q", "question": "What?", "doc_id": "d", "answerable": True, **gold}
    path = write_lines(tmp_path / "questions.jsonl", record)
    (question,) = load_questions(path, {"d": TRANSCRIPT}, {"d": TEXT})
    return question


def test_a_corpus_gives_lectures_and_the_texts_they_came_from(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "corpus.jsonl",
        {"doc_id": "d", "title": "Docker", "text": TEXT},
        {"doc_id": "leer", "title": "Nothing", "text": " \n "},
        {"doc_id": "es", "title": "", "text": "Hola.", "lang": "es"},
    )
    lectures, texts = load_corpus(path)
    assert [(x.lecture_id, x.title, x.language, x.transcript) for x in lectures] == [
        ("d", "Docker", "en", TRANSCRIPT),
        ("es", "es", "es", "Hola."),
    ]
    assert texts == {"d": TEXT, "es": "Hola."}
    assert lectures[1].source == f"{path}:3"


def test_evidence_is_mapped_into_the_transcript(tmp_path: Path) -> None:
    evidence = [
        {"doc_id": "d", "char_start": 21, "char_end": 32},
        {"doc_id": "d", "char_start": 14, "char_end": 19},
        {"doc_id": "unknown", "char_start": 3, "char_end": 5},
    ]
    assert load_one(tmp_path, evidence=evidence).places == (FAST, APPS, Place("unknown", 3, 5))


def test_gold_sentences_are_mapped_into_the_transcript(tmp_path: Path) -> None:
    question = load_one(tmp_path, gold_sentences=["It is fast."], answer_start=[21], answers=["not used"])
    assert question.places == (FAST,)


def test_answers_are_mapped_into_the_transcript(tmp_path: Path) -> None:
    question = load_one(tmp_path, answers=["apps.", "it IS fast."], answer_start=[14, 21])
    assert question.places == (APPS, FAST)


@pytest.mark.parametrize("starts", [[3], [-1], [900], []], ids=["wrong", "unknown", "outside", "absent"])
def test_words_are_looked_for_where_the_offset_does_not_hold_them(tmp_path: Path, starts: list[int]) -> None:
    assert load_one(tmp_path, answers=["IT IS FAST."], answer_start=starts).places == (FAST,)


def test_letters_that_grow_in_lower_case_do_not_shift_what_is_found(tmp_path: Path) -> None:
    text = "İİİ go."  # "İ".lower() is two characters; "go." is at 4 to 7
    record = {"id": "q", "question": "?", "doc_id": "d", "answerable": True, "answers": ["GO."]}
    path = write_lines(tmp_path / "questions.jsonl", record)
    assert load_questions(path, {"d": text}, {})[0].places == (Place("d", 4, 7),)


@pytest.mark.parametrize("answers", [["never said"], [""]], ids=["not said", "empty"])
def test_words_that_are_nowhere_give_no_place(tmp_path: Path, answers: list[str]) -> None:
    assert load_one(tmp_path, answers=answers).places == ()


def test_a_document_that_is_not_loaded_gives_no_place(tmp_path: Path) -> None:
    assert load_one(tmp_path, doc_id="other", answers=["apps."], answer_start=[14]).places == ()


def test_a_question_that_is_not_covered_has_no_place(tmp_path: Path) -> None:
    question = load_one(tmp_path, answerable=False, answers=["apps."], answer_start=[14])
    assert not question.answerable
    assert question.places == ()


def test_without_a_text_offsets_count_in_the_transcript(tmp_path: Path) -> None:
    record = {"id": 7, "question": "?", "doc_id": "d", "answerable": True, "answers": ["apps."]}
    path = write_lines(tmp_path / "questions.jsonl", record | {"answer_start": [12]})
    (question,) = load_questions(path, {"d": TRANSCRIPT}, {})
    assert (question.question_id, question.places) == ("7", (APPS,))


def test_history_in_both_spellings(tmp_path: Path) -> None:
    history = [{"role": "user", "content": "What is ECS?"}, {"role": "assistant", "text": "A service."}]
    expected = (Turn("user", "What is ECS?"), Turn("assistant", "A service."))
    assert load_one(tmp_path, answers=["apps."], history=history).history == expected


@given(
    text=st.text(alphabet="ab.é \n\t\r\v\xa0\x85\x1c\u2003\u2028", min_size=1).filter(lambda t: t.strip()),
    data=st.data(),
)
def test_a_place_is_the_same_words_with_white_space_collapsed(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("property")
    (lecture,), texts = load_corpus(write_lines(folder / "corpus.jsonl", {"doc_id": "d", "text": text}))
    words = [i for i, character in enumerate(text) if not character.isspace()]
    start = data.draw(st.sampled_from(words))
    end = data.draw(st.sampled_from([i for i in words if i >= start])) + 1
    question = {
        "id": "q",
        "question": "?",
        "answerable": True,
        "evidence": [
            {"doc_id": "d", "char_start": a, "char_end": b} for a, b in ((start, end), (0, len(text)))
        ],
    }
    path = write_lines(folder / "questions.jsonl", question)
    part, whole = load_questions(path, {"d": lecture.transcript}, texts)[0].places
    said = " ".join(text.split())
    assert lecture.transcript == said
    assert lecture.transcript[part.char_start : part.char_end] == " ".join(text[start:end].split())
    assert (whole.char_start, whole.char_end) == (0, len(said))


GOOD = json.dumps({"id": "q", "question": "?", "doc_id": "d", "answerable": False})
LIKE = {"id": "q", "question": "?", "doc_id": "d", "answerable": True}


@pytest.mark.parametrize(
    "line",
    [
        "{not json",
        '["a", "list"]',
        json.dumps({"id": "q", "question": "?"}),
        json.dumps({"id": "q", "question": "?", "answerable": True, "answers": ["apps."]}),
        json.dumps(LIKE | {"evidence": [{"doc_id": "d"}]}),
        json.dumps(LIKE | {"evidence": [{"doc_id": "d", "char_start": "1", "char_end": "2"}]}),
        json.dumps(LIKE | {"gold_sentences": [5]}),
        json.dumps(LIKE | {"answers": [["apps."]], "answer_start": [12]}),
        json.dumps(LIKE | {"history": ["hello"]}),
        json.dumps(LIKE | {"history": [{"content": "no role"}]}),
    ],
)
def test_a_bad_question_line_is_named_by_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(EvaluationInvalid, match=r"questions\.jsonl:3: "):
        load_questions(path, {"d": TRANSCRIPT}, {})


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"question": "?", "answerable": False}, "no 'id' in this line"),
        ({"id": "q", "answerable": False}, "no 'question' in this line"),
        ({"id": "q", "question": "?"}, "no 'answerable' in this line"),
        (LIKE | {"evidence": [{"doc_id": "d", "char_start": 1}]}, "no 'char_end' in this line"),
        (LIKE | {"answerable": False, "history": [{"content": "What?"}]}, "no 'role' in this line"),
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, record: dict[str, Any], said: str) -> None:
    path = write_lines(tmp_path / "questions.jsonl", record)
    with pytest.raises(EvaluationInvalid) as invalid:
        load_questions(path, {"d": TRANSCRIPT}, {})
    assert str(invalid.value) == f"{path}:1: {said}"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"question": 5}, '"question" is to be a text, found 5'),
        ({"question": " "}, '"question" is to be a text, found " "'),
        ({"answerable": "yes"}, '"answerable" is to be true, false or null, found "yes"'),
        ({"evidence": "abc"}, '"evidence" is to be a list of objects, found "abc"'),
        ({"answers": "apps."}, '"answers" is to be a list of texts, found "apps."'),
        ({"answer_start": ["1"]}, '"answer_start" is to be a list of whole numbers, found ["1"]'),
        ({"answerable": "yes", "answers": []}, '"answerable" is to be true, false or null, found "yes"'),
        ({"history": [1]}, '"history" is to be a list of objects, found [1]'),
        (
            {"evidence": [{"doc_id": "d", "char_start": 4, "char_end": 4}]},
            '"char_start" and "char_end" are to be rising whole numbers, found [4, 4]',
        ),
        (
            {"evidence": [{"doc_id": "d", "char_start": 0, "char_end": 30}]},
            '"char_end" is 30, but d has 29 characters',
        ),
    ],
)
def test_a_value_of_a_wrong_kind_is_named(tmp_path: Path, record: dict[str, Any], said: str) -> None:
    path = write_lines(tmp_path / "questions.jsonl", LIKE | {"evidence": [], "answers": ["apps."]} | record)
    with pytest.raises(EvaluationInvalid) as invalid:
        load_questions(path, {"d": TRANSCRIPT}, {})
    assert str(invalid.value) == f"{path}:1: {said}"


@pytest.mark.parametrize("gold", [{}, {"evidence": []}, {"evidence": [], "answers": []}])
def test_an_answerable_question_says_where_its_answer_is(tmp_path: Path, gold: dict[str, Any]) -> None:
    with pytest.raises(EvaluationInvalid, match=r"jsonl:1: answerable is true, but .* or make it null"):
        load_one(tmp_path, **gold)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "not JSON"),
        ("5", "a JSON object is expected, found '5'"),
        ('{"doc_id": "e"}', "no 'text' in this line"),
        ('{"text": "Hello."}', "no 'doc_id' in this line"),
        ('{"doc_id": "d", "text": "Again."}', "document 'd' is there a second time"),
    ],
)
def test_a_bad_corpus_line_is_named_by_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text(f'{{"doc_id": "d", "text": "Hello."}}\n{line}\n', encoding="utf-8")
    with pytest.raises(EvaluationInvalid, match=rf"corpus\.jsonl:2: {reason}"):
        load_corpus(path)


def test_a_file_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(EvaluationInvalid, match=r"empty\.jsonl: no document"):
        load_corpus(path)
    with pytest.raises(EvaluationInvalid, match=r"empty\.jsonl: no question"):
        load_questions(path, {}, {})


def test_a_question_longer_than_is_read_and_json_too_deep_are_refused_by_line(tmp_path: Path) -> None:
    record = {"id": "q", "question": "x" * 2000, "doc_id": None, "answerable": False}
    path = write_lines(tmp_path / "questions.jsonl", record, {**record, "id": "r", "question": "x" * 2001})
    with pytest.raises(EvaluationInvalid, match=r"questions\.jsonl:2: \"question\" has more than 2,000"):
        load_questions(path, {}, {})
    path.write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(EvaluationInvalid, match=r"questions\.jsonl:1: not JSON"):
        load_questions(path, {}, {})


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": "q", "question": "What?", "answerable": false}', encoding="utf-8-sig")
    assert [q.question_id for q in load_questions(path, {}, {})] == ["q"]


def test_a_question_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    record = {"id": "q", "question": "What?", "doc_id": None, "answerable": False}
    path = write_lines(tmp_path / "questions.jsonl", record, {**record, "id": "r"}, record)
    with pytest.raises(EvaluationInvalid, match=r"questions\.jsonl:3: id 'q' is that of line 1"):
        load_questions(path, {}, {})


def test_a_file_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "questions.jsonl", {"id": "q", "question": "What?", "answerable": False})
    monkeypatch.setattr(evaluation_data, "_MOST_BYTES", path.stat().st_size)
    assert len(load_questions(path, {}, {})) == 1
    monkeypatch.setattr(evaluation_data, "_MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(EvaluationInvalid, match=r"questions\.jsonl: more than \d+ bytes; give a part of it"):
        load_questions(path, {}, {})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes(b'{"doc_id": "caf\xe9"}\n')
    for name in ("latin.jsonl", "absent.jsonl"):
        with pytest.raises(EvaluationInvalid, match=rf"{name}: cannot be read"):
            load_corpus(tmp_path / name)


@pytest.mark.parametrize("name", ["xquad-en", "xquad-zh", "spoken-squad-wer23"])
def test_gold_words_of_real_sets_are_where_the_places_say(shared_data: Path, name: str) -> None:
    folder = shared_data / "evaluation" / name
    lectures, texts = load_corpus(folder / "corpus.jsonl")
    transcripts = {lecture.lecture_id: lecture.transcript for lecture in lectures}
    questions = load_questions(folder / "questions.jsonl", transcripts, texts)
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").split("\n")
    records = {r["id"]: r for r in map(json.loads, filter(None, lines))}
    checked = 0
    for question in questions:
        record = records[question.question_id]
        golds = record.get("gold_sentences") or record.get("answers") or []
        wanted = {" ".join(gold.split()).lower() for gold in golds}
        for place in question.places:
            checked += 1
            assert transcripts[place.lecture_id][place.char_start : place.char_end].lower() in wanted
    assert checked > 100
