"""What speaks for a statement, worked out by hand on sentences whose words are axes of their own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_index import WordEncoder, live, run

from assistant.config import Settings
from assistant.embedding import EncodedText
from assistant.matching import Matching
from assistant.questions import Kind, Question, Word
from assistant.regions import read_regions
from assistant.retrieval import Hit
from assistant.statements import FEATURES, Statements, find_statements
from assistant.store import Generation
from corpus import Passage

TEXTS = {
    "apples": "Apples are red. Apples ripen. Why ripen red? Because they ripen in sun. Sun is warm.",
    "boats": "Boats are red.",
}
ENCODER = WordEncoder(dimension=128)
"""None of the words of ``TEXTS`` share a place."""
QUESTION = "Why ripen red?"
ASKED = Question(
    QUESTION,
    Kind.REASON,
    (Word("ripen", 4, 9, "ripen", 3.0), Word("red", 10, 13, "red", 1.0)),
    highest_idf=5.0,
)
PLAIN = Matching(
    np.zeros((128, 0), dtype=np.float32),
    np.zeros((0, 128), dtype=np.float32),
    np.zeros(128, dtype=np.float32),
    0.0,
)
APPLES_RED, APPLES_RIPEN, THEY_RIPEN, SUN_WARM, BOATS_RED = range(5)
"""The statements, when all sentences are read; the question among the sentences is none."""


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    with indexed(tmp_path_factory.mktemp("statements"), TEXTS) as opened:
        yield opened


@pytest.fixture(scope="module")
def denying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    apples = TEXTS["apples"].replace("is warm", "is not warm")
    with indexed(tmp_path_factory.mktemp("denying"), {"apples": apples, "boats": "Two boats."}) as opened:
        yield opened


@contextmanager
def indexed(folder: Path, texts: dict[str, str]) -> Iterator[Generation]:
    settings = Settings(home=folder / "home")
    (folder / "lectures").mkdir()
    for name, text in texts.items():
        (folder / "lectures" / f"{name}.txt").write_text(text, encoding="utf-8")
    run(settings, folder / "lectures", encoder=ENCODER)
    with closing(live(settings)) as opened:
        yield opened


def hit(
    lecture_id: str,
    start: int,
    end: int,
    *,
    score: float = 1.0,
    cosine: float | None = None,
    bm25: float | None = None,
) -> Hit:
    """Of sentences ``start`` to ``end``; characters and row are not read here."""
    return Hit(Passage("x", lecture_id, start, end, 0, 1), 0, score, cosine, bm25)


EVERYTHING = (hit("apples", 0, 5), hit("boats", 0, 1))


def statements(
    generation: Generation,
    hits: tuple[Hit, ...] = EVERYTHING,
    matching: Matching = PLAIN,
    encoded: EncodedText | None = None,
) -> Statements:
    asked = encoded or ENCODER.encode_question(QUESTION)
    return find_statements(generation, read_regions(generation, hits), ASKED, asked, matching)


def column(table: Statements, name: str) -> object:
    return pytest.approx(table.features[:, FEATURES.index(name)].tolist(), abs=1e-6)


def test_every_sentence_read_that_is_no_question_is_a_statement(generation: Generation) -> None:
    table = statements(generation)
    assert table.region.tolist() == [0, 0, 0, 0, 1]
    assert table.index.tolist() == [0, 1, 3, 4, 0]
    assert table.words.tolist() == [3, 2, 5, 3, 3]


def test_sentences_before_the_passages_are_context_only(generation: Generation) -> None:
    # Two sentences before the passage are read, the first two of the lecture's five are not.
    table = statements(generation, (hit("apples", 4, 5),))
    assert table.index.tolist() == [2]
    assert column(table, "position") == [4 / 5]


def test_without_passages_there_are_no_statements(generation: Generation) -> None:
    table = statements(generation, ())
    assert table.features.shape == (0, len(FEATURES))
    assert table.support.shape == (0, 2)


def test_the_best_token_of_a_sentence_matches_each_token_of_the_question(generation: Generation) -> None:
    table = statements(generation)
    # Of "why", "ripen" and "red" the sentences have one each, but for the one on the sun.
    assert column(table, "match") == [1 / 3, 1 / 3, 1 / 3, 0, 1 / 3]
    # Two before and one after: the first three each come to the question itself, which has all three.
    assert column(table, "match_around") == [2 / 3, 1, 1, 1, 1 / 3]
    # Without a map the same is sought, and all tokens weigh alike. Where nothing stands it is -1.
    assert column(table, "sought") == [1 / 3, 1 / 3, 1 / 3, 0, 1 / 3]
    assert column(table, "sought_around") == [2 / 3, 1, 1, 1, 1 / 3]
    assert column(table, "sought_before") == [-1, 1 / 3, 1, 1, -1]
    assert column(table, "sought_after") == [1 / 3, 1, 0, -1, -1]
    assert column(table, "sought_lecture") == [1, 1, 1, 1, 1 / 3]


def test_the_three_worst_matches_are_a_column_of_their_own(generation: Generation) -> None:
    # Of "why", "ripen", "red" and "sun" one sentence has two, and one of those is left among the worst.
    table = statements(generation, encoded=ENCODER.encode_question("Why ripen red sun?"))
    assert column(table, "match") == [1 / 4, 1 / 4, 1 / 2, 1 / 4, 1 / 4]
    assert column(table, "match_low") == [0, 0, 1 / 3, 0, 0]
    assert column(table, "sought_low") == [0, 0, 1 / 3, 0, 0]


def test_what_a_token_looks_for_and_weighs_is_the_map_s(generation: Generation) -> None:
    why, because, red = (ENCODER.axis(word) for word in ("why", "because", "red"))
    # "why" looks for "because" as much as for itself. Softplus of 0 is ln 2 and of ln 3 is ln 4, so "red"
    # weighs twice as much as another: 1/4, 1/4, 1/2.
    matching = Matching(why[:, np.newaxis], because[np.newaxis], red * np.float32(np.log(3) / 5), 0.0)
    table = statements(generation, matching=matching)
    assert column(table, "sought") == [1 / 2, 1 / 4, 1 / 4 + 1 / 4, 0, 1 / 2]
    # The cosines are what they were.
    assert column(table, "match") == [1 / 3, 1 / 3, 1 / 3, 0, 1 / 3]


def test_each_content_word_is_covered_by_its_nearest_word(generation: Generation) -> None:
    table = statements(generation)
    # "ripen" has idf 3 and "red" 1.
    assert table.support.tolist() == [[0, 1], [1, 0], [1, 0], [0, 0], [0, 1]]
    assert column(table, "coverage") == [1 / 4, 3 / 4, 3 / 4, 0, 1 / 4]
    assert column(table, "coverage_mean") == [1 / 2, 1 / 2, 1 / 2, 0, 1 / 2]
    assert column(table, "coverage_worst") == [0, 0, 0, 0, 0]
    assert column(table, "coverage_around") == [1, 1, 1, 1, 1 / 4]
    assert column(table, "coverage_worst_around") == [1, 1, 1, 1, 0]
    assert column(table, "coverage_lecture") == [1, 1, 1, 1, 1 / 4]


def test_coverage_is_soft_and_a_word_s_tokens_share_it(generation: Generation) -> None:
    # "ripen" is two tokens here: the first is as near to "sun" as to "ripen", 0.6 and 0.8, the second is
    # "warm". "red" is a little of "sun", too.
    sun, ripen, warm, red = (ENCODER.axis(word) for word in ("sun", "ripen", "warm", "red"))
    tokens = np.stack([0.6 * sun + 0.8 * ripen, warm, 0.28 * sun + 0.96 * red])
    encoded = EncodedText(ripen, tokens, ((4, 6), (6, 9), (10, 13)))
    table = statements(generation, encoded=encoded)
    # They ripen in sun: "ripen" (0.8 + 0) / 2, "red" 0.28. Sun is warm: "ripen" (0.6 + 1) / 2, "red" 0.28.
    expected = np.array([[0, 0.96], [0.4, 0], [0.4, 0.28], [0.8, 0.28], [0, 0.96]])
    assert table.support == pytest.approx(expected, abs=1e-6)
    assert column(table, "coverage") == [0.24, 0.3, 0.3 + 0.07, 0.6 + 0.07, 0.24]
    assert column(table, "coverage_worst") == [0, 0, 0.28, 0.28, 0]


def test_a_word_past_what_the_encoder_reads_has_no_support(generation: Generation) -> None:
    encoded = EncodedText(ENCODER.axis("red"), ENCODER.axis("red")[np.newaxis], ((10, 13),))
    assert statements(generation, encoded=encoded).support.tolist() == [
        [0, 1],
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 1],
    ]


def test_the_speaker_s_own_question_shortly_before_counts(generation: Generation) -> None:
    table = statements(generation)
    # It has all three tokens; it stands right before "Because they ripen", and two before "Sun is warm".
    assert column(table, "asked_before") == [0, 0, 1, 0, 0]
    assert column(table, "asked_before_match") == [0, 0, 1, 0, 0]
    assert column(table, "asked_lately_match") == [0, 0, 1, 1, 0]


def test_a_sentence_s_own_tokens_are_held_against_the_question(generation: Generation) -> None:
    table = statements(generation)
    # One of 3, 2, 5 tokens is in the question; the whole question is a third of each, of length 1.
    assert column(table, "echo") == [1 / 3, 1 / 2, 1 / 5, 0, 1 / 3]
    part = 1 / np.sqrt(3)
    assert column(table, "cosine") == [part / 3, part / 2, part / 5, 0, part / 3]


def test_a_statement_has_the_best_of_each_passage_around_it(generation: Generation) -> None:
    hits = (
        hit("apples", 0, 2, score=0.9, cosine=0.5, bm25=None),
        hit("apples", 1, 4, score=0.6, cosine=None, bm25=4.0),
        hit("apples", 4, 5, score=0.3, cosine=0.2, bm25=2.0),
        hit("boats", 0, 1, score=0.8, cosine=0.4, bm25=8.0),
    )
    table = statements(generation, hits)
    assert column(table, "passage_cosine") == [0.5, 0.5, 0, 0.2, 0.4]
    # Of the best, which has 8.
    assert column(table, "passage_bm25") == [0, 1 / 2, 1 / 2, 1 / 4, 1]
    assert column(table, "passage_fused") == [0.9, 0.9, 0.6, 0.3, 0.8]
    # By rank 0, 2 and 3 the apples have 1/5 + 1/7 + 1/8 = 131/280, by rank 1 the boats 1/6.
    share = (1 / 6) / (131 / 280)
    assert column(table, "lecture_share") == [1, 1, 1, 1, share]


def test_place_and_wording_are_those_of_the_sentence(generation: Generation) -> None:
    table = statements(generation)
    assert column(table, "position") == [0, 1 / 5, 3 / 5, 4 / 5, 0]
    assert column(table, "is_opening") == [1, 0, 0, 0, 1]
    assert column(table, "log_words") == np.log([3, 2, 5, 3, 3]).tolist()
    assert column(table, "very_short") == [1, 1, 1, 1, 1]
    assert column(table, "shape_reason") == [0, 0, 1, 0, 0]
    # Asked for a reason, nothing has the shape of another kind.
    assert column(table, "shape_definition") == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("question", "missing", "added", "number"),
    [
        ("Why ripen red?", [0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]),
        ("Why not ripen red?", [1, 1, 1, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
        ("How many ripen red?", [0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [1, 1, 1, 1, 0]),
    ],
)
def test_what_a_sentence_lacks_that_the_question_asks_for(
    denying: Generation, question: str, missing: list[int], added: list[int], number: list[int]
) -> None:
    hits = (hit("apples", 0, 5), hit("boats", 0, 1))
    encoded = ENCODER.encode_question(QUESTION)
    asked = replace(ASKED, text=question)
    table = find_statements(denying, read_regions(denying, hits), asked, encoded, PLAIN)
    assert column(table, "denial_missing") == missing
    assert column(table, "denial_added") == added
    assert column(table, "number_missing") == number


def test_a_title_shares_words_with_the_question_by_their_rarity(tmp_path: Path) -> None:
    with indexed(tmp_path, {"how-apples-ripen": TEXTS["apples"], "boats": TEXTS["boats"]}) as opened:
        hits = (hit("how-apples-ripen", 0, 5), hit("boats", 0, 1))
        table = statements(opened, hits)
        apples, ripen = (opened.lexical.idf(term) for term in ("appl", "ripen"))
    # Of the question "ripen" has 3 of 4; "how" says nothing, in a title neither.
    assert column(table, "title_asked") == [3 / 4] * 4 + [0]
    assert column(table, "title_told") == [ripen / (apples + ripen)] * 4 + [0]
