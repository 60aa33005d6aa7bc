from pathlib import Path

import numpy as np
import pytest

from assistant.errors import IndexDamaged
from assistant.vectors import VectorIndex

# Unit vectors out of the 3-4-5 triangle, so every cosine is a short decimal:
# with the question (0.6, 0.8): 0.6, 0.8, 0.6·0.6 + 0.8·0.8 = 1, 0.6·0.8 + 0.8·0.6 = 0.96, -1.
ROWS = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.8, 0.6], [-0.6, -0.8]], dtype=np.float32)
QUESTION = np.array([0.6, 0.8], dtype=np.float32)


def assert_hits(found: list[tuple[int, float]], expected: list[tuple[int, float]]) -> None:
    assert [row for row, _ in found] == [row for row, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-6)


def test_scores_are_cosines_best_first() -> None:
    found = VectorIndex.build(ROWS).search(QUESTION, 5)
    assert_hits(found, [(2, 1.0), (3, 0.96), (1, 0.8), (0, 0.6), (4, -1.0)])


def test_limit_cuts_after_the_best() -> None:
    assert_hits(VectorIndex.build(ROWS).search(QUESTION, 2), [(2, 1.0), (3, 0.96)])


def test_only_the_given_rows_are_searched() -> None:
    assert_hits(VectorIndex.build(ROWS).search(QUESTION, 5, [4, 0, 1]), [(1, 0.8), (0, 0.6), (4, -1.0)])


def test_no_rows_to_search_finds_nothing() -> None:
    assert VectorIndex.build(ROWS).search(QUESTION, 5, []) == []


def test_a_limit_above_the_number_of_rows_gives_every_row_once() -> None:
    assert sorted(row for row, _ in VectorIndex.build(ROWS).search(QUESTION, 50)) == [0, 1, 2, 3, 4]


def test_saved_and_read_again_it_is_the_same_index(tmp_path: Path) -> None:
    VectorIndex.build(ROWS).write(tmp_path / "passages.faiss")
    index = VectorIndex.read(tmp_path / "passages.faiss", 2)
    assert (index.rows, index.dimension) == (5, 2)
    np.testing.assert_array_equal(index.vectors(1, 4), ROWS[1:4])
    assert_hits(index.search(QUESTION, 1), [(2, 1.0)])


@pytest.mark.parametrize("content", [b"", b"IxFI", b"this is no index" * 8], ids=["empty", "cut", "foreign"])
def test_an_unreadable_file_is_named_with_the_fix(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "passages.faiss"
    path.write_bytes(content)
    with pytest.raises(IndexDamaged, match=r"passages\.faiss: not a readable vector index.*assistant repair"):
        VectorIndex.read(path, 2)


def test_a_missing_file_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match=r"passages\.faiss: .*assistant repair"):
        VectorIndex.read(tmp_path / "passages.faiss", 2)


def test_an_altered_count_that_asks_for_all_memory_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "passages.faiss"
    VectorIndex.build(ROWS).write(path)
    content = bytearray(path.read_bytes())
    # The 40 bytes of the rows come last and the number of floats, 10 in 8 bytes, stands before them.
    count = slice(len(content) - 48, len(content) - 40)
    assert int.from_bytes(content[count], "little") == 10
    content[count] = (2**39).to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(IndexDamaged, match=r"passages\.faiss"):
        VectorIndex.read(path, 2)
