"""A real cross-encoder, small and untrained, made here: what it scores higher moves up."""

from __future__ import annotations

from pathlib import Path

import pytest
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from advisor.bootstrap import build_advisor
from advisor.domain.dialogue import Query
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import ModelError
from advisor.retrieval.reranking import CrossEncoderReranker, RerankedRetriever
from advisor.settings import Settings
from tests.fakes import HashEmbedder
from tests.retrieval.test_generations import Generations, HybridRetriever, base, ingest, store  # noqa: F401

pytestmark = pytest.mark.slow
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] how long should coffee tea brew steep water hot minutes".split()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a cross-encoder of one layer."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(WORDS), num_labels=1, **shape)
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def test_passages_are_ordered_by_both_scores(store: Generations, base: Path, model: str) -> None:  # noqa: F811
    ingest(store, base)
    inner = HybridRetriever(generations=store, embedder=HashEmbedder())
    question = Query(text="How long should coffee brew?")
    found = inner.retrieve(question)
    again = RerankedRetriever(inner, CrossEncoderReranker(model)).retrieve(question)
    pairs = [(question.text, f"{p.section.label}\n{p.section.text}") for p in found.passages]
    scores = [float(score) for score in CrossEncoder(model, device="cpu").predict(pairs)]

    def stretch(values: list[float]) -> list[float]:
        low, high = min(values), max(values)
        return [(value - low) / (high - low) for value in values]

    both = [a + b for a, b in zip(stretch([p.score for p in found.passages]), stretch(scores), strict=True)]
    expected = [found.passages[i].section.id for i in sorted(range(len(both)), key=lambda i: -both[i])]
    assert [p.section.id for p in again.passages] == expected
    assert [p.rank for p in again.passages] == list(range(1, len(expected) + 1))


def test_the_setting_puts_it_in_front_of_every_answer(library: Settings, model: str, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/a.sqlite"
    advisor = build_advisor(library.model_copy(update={"database_url": database, "reranker": model}))
    answer = advisor.ask(LOCAL_CALLER, "Who answers a gearbox alarm, and how fast?")
    assert answer.citations
    assert advisor.list_documents(LOCAL_CALLER)


def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(ModelError, match="ADVISOR_RERANKER"):
        CrossEncoderReranker("/nowhere/at/all")
