"""The two seams for models, another encoder and a cross-encoder, with tiny ones made of random weights."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from assistant.catalog import StoredSentence
from assistant.config import Settings
from assistant.embedding import OnnxEncoder
from assistant.errors import ModelUnusable
from assistant.matching import load_matching
from assistant.onnx_export import exported_folder
from assistant.ranking import RankedSpan
from assistant.regions import Region
from assistant.reranking import CrossEncoderReranker, load_reranker, reranked
from assistant.service import LectureAssistant
from assistant.store import current_generation, open_generation, read_manifest
from corpus import Sentence

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIZE = {
    "vocab_size": 4 + 2 * len(LETTERS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 128,
}


def save_tokenizer(folder: Path) -> None:
    """WordPiece over single letters."""
    from transformers import PreTrainedTokenizerFast

    special = {name: f"[{name[:3].upper()}]" for name in ("pad_token", "unk_token", "cls_token", "sep_token")}
    pieces = [*special.values(), *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=special["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **special).save_pretrained(
        folder
    )


def save_cross_encoder(folder: Path, outputs: int = 1) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    # Weights twenty times the usual ones, so that the log-odds of two texts differ by whole numbers.
    config = BertConfig(**SIZE, num_labels=outputs, initializer_range=0.4)
    BertForSequenceClassification(config).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    plain = tmp_path_factory.mktemp("bert")
    BertModel(BertConfig(**SIZE)).save_pretrained(plain)
    save_tokenizer(plain)
    folder = tmp_path_factory.mktemp("encoder")
    SentenceTransformer(str(plain)).save(str(folder))
    return folder


def span(text: str, probability: float) -> RankedSpan:
    stored = StoredSentence(0, Sentence(0, len(text), False), 0, 1)
    return RankedSpan(Region("a", (stored,), (text,), 0, (), 1), 0, 1, 1, probability, 0, 0)


class LengthReranker:
    """Log-odds of ln 2 for each letter of a text: a reranker without a model."""

    def log_odds(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.log(2.0) * np.array([len(text) for text in texts], dtype=np.float64)


def test_what_both_find_likely_comes_first() -> None:
    # .5 · 2^1, .3 · 2^3 and .1 · 2^2 are 1, 2.4 and .4; of .9 in all they are .9 / 3.8 times that.
    spans = [span("a", 0.5), span("bbb", 0.3), span("cc", 0.1)]
    again = reranked(LengthReranker(), "?", spans)
    assert [s.region.texts[0] for s in again] == ["bbb", "a", "cc"]
    assert [s.probability for s in again] == pytest.approx([2.4 * 0.9 / 3.8, 0.9 / 3.8, 0.4 * 0.9 / 3.8])


def test_nothing_to_rerank_is_nothing() -> None:
    assert reranked(LengthReranker(), "?", []) == []


def test_none_named_none_loaded() -> None:
    assert load_reranker(None) is None


def test_a_cross_encoder_gives_its_raw_outputs(cross_encoder: Path) -> None:
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    texts = ["a pod", "the smallest unit"]
    theirs = CrossEncoder(str(cross_encoder), activation_fn=Identity()).predict([("what", t) for t in texts])
    ours = CrossEncoderReranker(str(cross_encoder)).log_odds("what", texts)
    assert ours.tolist() == pytest.approx(theirs.tolist())
    assert abs(ours[0] - ours[1]) > 1e-3


def test_answers_are_cited_in_its_order(indexed_home: Path, cross_encoder: Path) -> None:
    plain = LectureAssistant(Settings(home=indexed_home))
    settings = Settings.from_environment({"ASSISTANT_CROSS_ENCODER": str(cross_encoder)}, indexed_home)
    reranking, judge = LectureAssistant(settings), CrossEncoderReranker(str(cross_encoder))
    moved = 0
    for question in ("What is Docker?", "How do containers run?", "Where are images kept?", "What is ECS?"):
        before, after = plain.ask(question, limit=20), reranking.ask(question, limit=20)
        ours = {c.quote: c.score for c in before.citations}
        worth = dict(
            zip(ours, np.log(list(ours.values())) + judge.log_odds(question, list(ours)), strict=True)
        )
        # Which of the least likely are cited at all may differ.
        order = [c.quote for c in after.citations if c.quote in ours]
        assert order == sorted(order, key=lambda quote: -worth[quote])
        assert after.citations[0].quote in ours
        assert [c.number for c in after.citations] == list(range(1, len(after.citations) + 1))
        assert after.confidence == before.confidence
        moved += order != [quote for quote in ours if quote in order]
    assert moved


def test_a_cross_encoder_that_cannot_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="has 3 outputs; one that has a single score is needed"):
        CrossEncoderReranker(str(save_cross_encoder(tmp_path / "three", outputs=3)))
    with pytest.raises(ModelUnusable, match="nowhere' cannot be loaded"):
        CrossEncoderReranker(str(tmp_path / "nowhere"))


@pytest.fixture(scope="module")
def tiny_home(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index made by ``assistant index`` with ASSISTANT_MODEL set."""
    home = tmp_path_factory.mktemp("home")
    run("index", home=home, model=tiny_encoder)
    return home


def run(*arguments: str, home: Path, model: Path | None = None) -> subprocess.CompletedProcess[str]:
    named = {"ASSISTANT_MODEL": str(model)} if model else {}
    return subprocess.run(
        [sys.executable, "-m", "assistant", "--home", str(home), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **named},
    )


def test_another_encoder_indexes_asks_and_searches(tiny_home: Path, tiny_encoder: Path) -> None:
    manifest = read_manifest(current_generation(tiny_home))
    assert (manifest.model_name, manifest.dimension) == (str(tiny_encoder), 16)
    # The index knows its encoder: looking up needs no setting.
    asked = run("ask", "What is Amazon ECR?", "--json", home=tiny_home)
    assert asked.stderr == ""
    answer = json.loads(asked.stdout)
    transcript = LectureAssistant(Settings(home=tiny_home)).lecture("docker-on-aws").transcript
    for citation in [*answer["citations"], *answer["nearest"]]:
        assert citation["quote"] == transcript[citation["char_start"] : citation["char_end"]]
    assert 0.0 <= answer["confidence"] <= 1.0
    found = json.loads(run("search", "Amazon ECR", "--json", home=tiny_home).stdout)
    assert any("ECR" in result["quote"] for result in found["results"])


def test_what_was_learned_for_the_default_encoder_is_not_used_for_another(tiny_home: Path) -> None:
    generation = open_generation(current_generation(tiny_home))
    encoder = OnnxEncoder(exported_folder(tiny_home, generation.manifest.model_sha256))
    tokens = encoder.encode_question("what is docker").tokens
    matching = load_matching(generation.manifest.model_sha256, generation.manifest.dimension)
    assert np.array_equal(matching.look_for(tokens), tokens)
    assert matching.weights(tokens).tolist() == pytest.approx([1 / len(tokens)] * len(tokens))
    # The ranking weighs numbers that any encoder gives, so there is something to show all the same.
    assistant = LectureAssistant(Settings(home=tiny_home))
    answer = assistant.ask("Where do you store Docker images?", limit=5)
    assert len(answer.citations or answer.nearest) == 5
    generation.catalog.close()
