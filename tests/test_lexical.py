import math
import shutil
from pathlib import Path

import pytest

from assistant.errors import IndexDamaged
from assistant.lexical import LexicalIndex

# 2, 3 and 3 terms: tantivy stores lengths up to 40 exactly, longer ones rounded down.
PASSAGES = [("fruit", "Red apples"), ("fruit", "red dogs running"), ("pets", "café dogs dogs")]
MEAN_LENGTH = (2 + 3 + 3) / 3


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    return LexicalIndex.build(tmp_path / "lexical", PASSAGES)


def bm25(occurrences: int, length: int, holding: int, passages: int = 3) -> float:
    """Of one term: how often it stands in a passage of ``length`` terms; ``holding`` passages have it."""
    idf = math.log(1 + (passages - holding + 0.5) / (holding + 0.5))
    return idf * occurrences * 2.2 / (occurrences + 1.2 * (1 - 0.75 + 0.75 * length / MEAN_LENGTH))


def assert_hits(found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert [row for row, _ in found] == [row for row, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], rel=1e-5)


def test_the_formula_of_this_file_by_hand() -> None:
    # "dog" twice of 3 terms, in 2 of 3 passages: idf = ln(1 + 1.5/2.5) = ln 1.6 = 0.470004;
    # 1.2 · (0.25 + 0.75 · 3 / 2.6667) = 1.3125; 0.470004 · 2 · 2.2 / (2 + 1.3125) = 0.624307
    assert bm25(2, 3, holding=2) == pytest.approx(0.624307, abs=1e-6)


def test_scores_are_bm25_best_first(index: LexicalIndex) -> None:
    assert_hits(index.search("dog", 5), [(2, bm25(2, 3, holding=2)), (1, bm25(1, 3, holding=2))])


def test_the_terms_of_a_question_add_up_and_count_once(index: LexicalIndex) -> None:
    # Passage 1 has both terms; 2 has "dog" twice; 0 has "red" in a short passage.
    expected = [
        (1, bm25(1, 3, holding=2) + bm25(1, 3, holding=2)),
        (2, bm25(2, 3, holding=2)),
        (0, bm25(1, 2, holding=2)),
    ]
    assert_hits(index.search("a red dog", 5), expected)
    assert_hits(index.search("red red dog dogs", 5), expected)


def test_only_passages_of_the_given_lectures_with_the_same_scores(index: LexicalIndex) -> None:
    assert_hits(index.search("dog", 5, ["pets"]), [(2, bm25(2, 3, holding=2))])
    assert_hits(index.search("dog", 5, ["fruit"]), [(1, bm25(1, 3, holding=2))])
    assert len(index.search("dog", 5, ["pets", "fruit"])) == 2
    assert index.search("dog", 5, []) == []
    assert index.search("dog", 5, ["pet"]) == []


def test_limit_cuts_after_the_best(index: LexicalIndex) -> None:
    assert [row for row, _ in index.search("dog", 1)] == [2]


@pytest.mark.parametrize(
    ("question", "rows"),
    [("runs", [1]), ("APPLE", [0]), ("cafe", [2]), ("CAFÉS", [2]), ("doggy", [])],
)
def test_words_match_without_case_ending_and_accent(
    index: LexicalIndex, question: str, rows: list[int]
) -> None:
    assert [row for row, _ in index.search(question, 5)] == rows


@pytest.mark.parametrize("question", ["", "   ", "?!", "the of and", "zebra"])
def test_a_question_without_a_word_of_the_index_finds_nothing(index: LexicalIndex, question: str) -> None:
    assert index.search(question, 5) == []


def test_query_syntax_is_only_words(index: LexicalIndex) -> None:
    assert index.search('NOT red^9 AND "(dogs', 5) == index.search("red dogs", 5)


def test_terms_in_order_with_repetitions(index: LexicalIndex) -> None:
    assert index.terms("The dogs and their running, running to Cafés") == ["dog", "run", "run", "cafe"]


def test_idf_by_hand(index: LexicalIndex) -> None:
    assert index.idf("dog") == pytest.approx(math.log(1.6))  # in 2 of 3: 1 + 1.5/2.5
    assert index.idf("appl") == pytest.approx(math.log(1 + 5 / 3))  # in 1 of 3: 1 + 2.5/1.5
    assert index.idf("zebra") == pytest.approx(math.log(8))  # in none: 1 + 3.5/0.5


def test_saved_and_read_again_it_finds_the_same(index: LexicalIndex, tmp_path: Path) -> None:
    again = LexicalIndex.read(tmp_path / "lexical")
    assert again.rows == index.rows == 3
    assert again.search("red dog", 5) == index.search("red dog", 5)


def test_a_folder_that_is_missing_or_foreign_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "meta.json").write_text("{}")
    for name in ("foreign", "absent"):
        with pytest.raises(IndexDamaged, match=rf"{name}: not a readable BM25 index.*assistant repair"):
            LexicalIndex.read(tmp_path / name)


@pytest.mark.parametrize("kind", ["store", "idx", "pos", "term", "fieldnorm"])
def test_an_altered_file_answers_or_is_named_with_the_fix(
    index: LexicalIndex, tmp_path: Path, kind: str
) -> None:
    (name,) = (path.name for path in (tmp_path / "lexical").glob(f"*.{kind}"))
    sound = (tmp_path / "lexical" / name).read_bytes()
    messages = []
    for at in range(0, len(sound), 3):
        # Never the file itself: who holds it mapped must not see it shrink.
        folder = tmp_path / f"altered-{at}"
        shutil.copytree(tmp_path / "lexical", folder)
        (folder / name).write_bytes(sound[:at] + bytes([sound[at] ^ 0xA5]) + sound[at + 1 :])
        try:
            altered = LexicalIndex.read(folder)
            altered.idf("dog")
            altered.search("dog apple", 5, ["pets"])
        except IndexDamaged as error:
            messages.append(str(error).removeprefix(str(folder)))
    assert set(messages) == {": not a readable BM25 index; run `assistant repair`"}
