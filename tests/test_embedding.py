import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import onnx
import pytest

from assistant.embedding import EncodedText, OnnxEncoder, TransformerEncoder, encoded_text, load_tokenizer
from assistant.errors import ModelUnusable
from assistant.model_files import file_sha256, locate_model
from assistant.onnx_export import encoder_problems, export_encoder, exported_folder

QUESTIONS = (
    "What is Docker?",
    "How do ECS and EKS differ, and when would I wanna use the one rather than the other?",
    "¿Qué es un café naïve? 容器 🚀",
    "x",
    "docker " * 600,  # longer than the 256 tokens that the model reads
)
LOOK_UP = """
import sys
from pathlib import Path
from assistant.config import Settings
from assistant.service import LectureAssistant

LectureAssistant(Settings(home=Path(sys.argv[1]))).ask("What is Docker?")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def transformer() -> TransformerEncoder:
    return TransformerEncoder(locate_model(None))


@pytest.fixture(scope="module")
def exported(indexed_home: Path) -> OnnxEncoder:
    return OnnxEncoder(exported_folder(indexed_home, locate_model(None).sha256))


def assert_spans_hold_their_tokens(encoded: EncodedText, text: str, exported: OnnxEncoder) -> None:
    """Each token is its characters in lower case without accents, with ## where it goes on a word."""
    tokens = exported.tokenizer.encode(text, add_special_tokens=False).tokens
    for (start, end), token in zip(encoded.spans, tokens, strict=True):
        said = unicodedata.normalize("NFD", text[start:end].lower())
        said = "".join(c for c in said if unicodedata.category(c) != "Mn")
        assert token.removeprefix("##") in (said, "[UNK]")


def test_question_vectors_are_those_of_sentence_transformers(
    transformer: TransformerEncoder, exported: OnnxEncoder
) -> None:
    expected = transformer.model.encode(list(QUESTIONS), normalize_embeddings=True)
    found = np.stack([exported.encode_question(question).vector for question in QUESTIONS])
    assert found.shape == (5, 384)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_passages_are_encoded_as_questions_are(
    transformer: TransformerEncoder, exported: OnnxEncoder
) -> None:
    # Texts of unequal length in one batch, so that the padding of the short ones is left out again.
    for passage, text in zip(transformer.encode_passages(QUESTIONS, lambda _: None), QUESTIONS, strict=True):
        question = exported.encode_question(text)
        assert passage.spans == question.spans
        np.testing.assert_allclose(passage.vector, question.vector, rtol=0, atol=1e-5)
        np.testing.assert_allclose(passage.tokens, question.tokens, rtol=0, atol=1e-4)


def test_progress_counts_every_passage_once(transformer: TransformerEncoder) -> None:
    counts: list[int] = []
    texts = [f"passage {i}" for i in range(33)]  # batches hold 32
    encoded = list(transformer.encode_passages(texts, counts.append))
    assert len(encoded) == 33
    assert counts == [32, 1]


def test_every_row_has_unit_length(exported: OnnxEncoder) -> None:
    encoded = exported.encode_question(QUESTIONS[1])
    rows = np.vstack([encoded.vector, encoded.tokens])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=0, atol=1e-5)


def test_token_spans_point_at_the_characters_of_the_tokens(exported: OnnxEncoder) -> None:
    text = "The  Café's microservices,\tnaïvely containerized!"
    encoded = exported.encode_question(text)
    assert_spans_hold_their_tokens(encoded, text, exported)
    words = [
        "The",
        "Café",
        "'",
        "s",
        "micro",
        "ser",
        "vic",
        "es",
        ",",
        "naïve",
        "ly",
        "container",
        "ized",
        "!",
    ]
    assert [text[start:end] for start, end in encoded.spans] == words
    assert len(encoded.tokens) == len(words)


def test_a_long_text_is_cut_at_what_the_model_reads(exported: OnnxEncoder) -> None:
    encoded = exported.encode_question("docker " * 600)
    whole = exported.encode_question("docker " * (254 // 2))
    # 256 with [CLS] and [SEP]; "docker" is the two tokens dock ##er, so 127 of them are read.
    assert len(encoded.spans) == 254
    assert encoded.spans == whole.spans
    np.testing.assert_allclose(encoded.vector, whole.vector, rtol=0, atol=1e-5)


def test_a_text_without_tokens_stands_for_its_only_token(exported: OnnxEncoder) -> None:
    encoded = exported.encode_question("\u200b")
    assert encoded.spans == ((0, 1),)
    assert encoded.tokens.tolist() == [encoded.vector.tolist()]


def test_prompt_and_special_tokens_are_left_out() -> None:
    encoding = load_tokenizer(locate_model(None).folder).encode("query: red dog")
    assert encoding.tokens == ["[CLS]", "query", ":", "red", "dog", "[SEP]"]
    rows = np.array([[9, 9], [9, 9], [9, 9], [3, 4], [0, 0.5], [9, 9]], dtype=np.float32)
    encoded = encoded_text(encoding, rows, np.array([0, -2], dtype=np.float32), len("query: "))
    assert encoded.spans == ((0, 3), (4, 7))
    # (3, 4) has length 5, (0, 0.5) a half and (0, -2) two.
    np.testing.assert_allclose(encoded.tokens, np.array([[0.6, 0.8], [0, 1]]), rtol=0, atol=1e-7)
    np.testing.assert_allclose(encoded.vector, np.array([0, -1]), rtol=0, atol=1e-7)


def test_a_look_up_imports_neither_torch_nor_what_needs_it(indexed_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK_UP, str(indexed_home)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert "onnxruntime" in imported  # the question was encoded
    assert not imported & {"torch", "transformers", "sentence_transformers"}


def test_an_export_that_was_killed_is_cleaned_up(transformer: TransformerEncoder, tmp_path: Path) -> None:
    leftover = tmp_path / "models" / ".exporting-abc"
    leftover.mkdir(parents=True)
    (leftover / "plain.onnx").write_bytes(b"half a graph")
    folder = export_encoder(transformer, locate_model(None), tmp_path)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]
    assert sorted(path.name for path in folder.iterdir()) == [
        "encoder.json",
        "encoder.onnx",
        "encoder.weights",
        "tokenizer.json",
    ]


def test_an_export_is_done_once(transformer: TransformerEncoder, indexed_home: Path, tmp_path: Path) -> None:
    files = locate_model(None)
    folder = exported_folder(tmp_path, files.sha256)
    folder.mkdir(parents=True)
    (folder / "encoder.json").write_text("done before")
    assert export_encoder(transformer, files, tmp_path) == folder
    assert [path.name for path in folder.iterdir()] == ["encoder.json"]


def test_weights_that_are_cut_while_they_are_mapped_are_told(indexed_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(exported_folder(indexed_home, locate_model(None).sha256), folder)
    encoder = OnnxEncoder(folder)
    os.truncate(folder / "encoder.weights", 1_000_000)
    with pytest.raises(ModelUnusable, match=r"encoder\.weights was altered while it was in use"):
        encoder.encode_question("What is Docker?")
    with pytest.raises(ModelUnusable, match=r"cannot be loaded.*assistant repair"):
        OnnxEncoder(folder)


def test_an_export_with_its_weights_in_the_graph_is_as_good(
    exported: OnnxEncoder, indexed_home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(exported_folder(indexed_home, locate_model(None).sha256), folder)
    graph = onnx.load(str(folder / "encoder.onnx"))
    (folder / "encoder.weights").unlink()
    onnx.save_model(graph, str(folder / "encoder.onnx"))
    description = json.loads((folder / "encoder.json").read_text())
    del description["weights_sha256"]
    description["onnx_sha256"] = file_sha256(folder / "encoder.onnx")
    (folder / "encoder.json").write_text(json.dumps(description))
    assert encoder_problems(folder) == []
    expected, found = (e.encode_question("What is Docker?").vector for e in (exported, OnnxEncoder(folder)))
    np.testing.assert_array_equal(found, expected)


def test_an_encoder_that_is_missing_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"exported encoder .* cannot be loaded.*assistant repair"):
        OnnxEncoder(tmp_path)


def test_a_tokenizer_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json cannot be read"):
        load_tokenizer(tmp_path)


def test_a_folder_that_holds_no_loadable_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(ModelUnusable, match=r"cannot be loaded|cannot be read"):
        TransformerEncoder(locate_model(str(tmp_path)))
