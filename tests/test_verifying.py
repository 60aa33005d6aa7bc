"""The verifier, worked out by hand with one unit and two dimensions, and what it reads of a real index."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from assistant.model_files import locate_model
from assistant.products import unit_rows
from assistant.regions import read_regions
from assistant.retrieval import Hit
from assistant.statements import FEATURES, Statements
from assistant.store import current_generation, open_generation
from assistant.tokens import quantise
from assistant.verifying import WINDOW_TOKENS, Verifier, Window, load_verifier, read_windows


def verifier(**changed: object) -> Verifier:
    """Attention alike for all tokens; every pooled number can be told from the verdict."""
    weights = {
        "sharpness": 0.0,
        "query": [[0.0, 0.0]],
        "key": [[0.0, 0.0]],
        "place": [0.0, 0.0, 0.0, 0.0],
        "value": [[1.0, 0.0]],
        "value_bias": [0.0],
        "asked_value": [[1.0, 0.0]],
        "asked_value_bias": [0.0],
        "importance": [0.0, 0.0],
        "compare": [[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]],
        "compare_bias": [0.0],
        "answer": [[1.0, 2.0, 4.0]],
        "answer_bias": [0.0],
        "answer_importance": [0.0],
        "judge": [[1.0, 10.0, 100.0]],
        "judge_bias": [0.0],
        "verdict": [2.0],
        "verdict_bias": 1.0,
    }
    return Verifier({name: np.array(value, dtype=np.float32) for name, value in (weights | changed).items()})


ASKED = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
WINDOW = Window(ASKED.copy(), np.array([0, 1]))


def test_comparisons_are_pooled_by_mean_and_maximum_beside_what_the_sentence_says() -> None:
    # Each question token finds half of each token: 1/2. Compared, with cosines 1 at best and 1/2 on
    # average and half of the attention on the sentence: 1 + 1 + 2 + 4 + 16 + 16 + 32 = 72 for the first
    # and 1 + 4 + 16 + 16 + 32 = 69 for the second. Of its own the sentence says 1/2 + 2 + 4 = 6.5.
    # The verdict is 2 (70.5 + 10 * 72 + 100 * 6.5) + 1.
    assert verifier()(ASKED, [WINDOW]).tolist() == pytest.approx([2882.0])


def test_attention_goes_to_the_token_that_is_alike() -> None:
    # The first finds itself in the sentence: 1 + 2 + 4 + 0 + 16 + 32 + 64 = 119; the second finds itself
    # in the sentence before: 0 + 0 + 0 + 0 + 16 + 0 + 64 = 80.
    (verdict,) = verifier(sharpness=100.0)(ASKED, [WINDOW])
    assert verdict == pytest.approx(2 * (99.5 + 10 * 119 + 650) + 1)


def test_the_place_of_a_token_can_draw_attention() -> None:
    # All attention on the sentence before, whose token has value 0: 1 + 0 + 0 + 8 + 16 + 0 + 0 = 25 for
    # the first and 0 + 0 + 0 + 0 + 16 + 0 + 64 = 80 for the second.
    (verdict,) = verifier(place=[0.0, 100.0, 0.0, 0.0])(ASKED, [WINDOW])
    assert verdict == pytest.approx(2 * (52.5 + 10 * 80 + 650) + 1)


def test_windows_do_not_see_each_other() -> None:
    other = Window(np.array([[0.6, 0.8]], dtype=np.float32), np.array([0]))
    both = verifier(sharpness=3.0)(ASKED, [WINDOW, other])
    alone = [verifier(sharpness=3.0)(ASKED, [window])[0] for window in (WINDOW, other)]
    assert both.tolist() == pytest.approx(alone)
    assert alone[0] != alone[1]


def test_there_is_none_for_an_encoder_it_was_not_fitted_with() -> None:
    assert load_verifier("0" * 64) is None


def test_what_ships_was_fitted_for_the_encoder_that_ships() -> None:
    shipped = load_verifier(locate_model(None).sha256)
    assert shipped is not None
    token = np.full((1, 384), 384**-0.5, dtype=np.float32)
    assert np.isfinite(shipped(token, [Window(token, np.array([0]))])).all()


def test_a_window_is_a_sentence_and_its_neighbours_cut_to_what_is_read(indexed_home: Path) -> None:
    generation = open_generation(current_generation(indexed_home))
    passages = generation.catalog.passages(range(4))
    hits = [Hit(passage, row, 1.0, None, None) for row, passage in passages.items()]
    regions = read_regions(generation, hits)
    sentences = regions[0].sentences
    count = len(sentences)
    table = Statements(
        region=np.zeros(count, dtype=np.intp),
        index=np.arange(count),
        words=np.ones(count, dtype=np.intp),
        features=np.zeros((count, len(FEATURES)), dtype=np.float32),
        support=np.zeros((count, 1), dtype=np.float32),
    )

    def of(number: int) -> np.ndarray:
        rows = generation.tokens[sentences[number].token_start : sentences[number].token_end]
        return unit_rows(rows.astype(np.float32))

    for number, window in enumerate(read_windows(generation, regions, table, range(count))):
        order = [n for n in (number, number - 1, number + 1, number - 2) if 0 <= n < count]
        whole = np.concatenate([of(n) for n in order])[:WINDOW_TOKENS]
        assert np.allclose(window.tokens, whole, atol=1e-6)
    middle = read_windows(generation, regions, table, [2])[0]
    places = [0] * len(of(2)) + [1] * len(of(1)) + [2] * len(of(3)) + [3] * len(of(0))
    assert middle.place.tolist() == places[:WINDOW_TOKENS]


def test_it_is_the_network_that_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "benchmarks"))
    training = importlib.import_module("verifier_training")
    torch.manual_seed(0)
    trained = training.TrainableVerifier(8).eval()
    with torch.no_grad():
        for weights in trained.parameters():
            weights.copy_(torch.randn_like(weights).half())
    draw = np.random.default_rng(0)

    def rows(count: int) -> np.ndarray:
        tokens = draw.normal(size=(count, 8)).astype(np.float32)
        return unit_rows(tokens.astype(np.float16).astype(np.float32))

    # Of unequal sizes, so that what is padded is under test.
    asked = [(rows(2), [4]), (rows(5), [3, 9, 1])]
    examples = []
    for tokens, sizes in asked:
        windows = [Window(unit_rows(quantise(rows(n)).astype(np.float32)), np.arange(n) % 4) for n in sizes]
        examples.append((tokens, windows))
    small = [training.Verification.of(t, w, np.zeros(len(w), dtype=bool), True) for t, w in examples]
    expected = trained(training.padded(small)).tolist()
    found = [trained.verifier()(t.astype(np.float16).astype(np.float32), w) for t, w in examples]
    for odds, row in zip(found, expected, strict=True):
        assert odds.tolist() == pytest.approx(row[: len(odds)], rel=1e-3, abs=1e-2)
