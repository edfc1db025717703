import shutil
from pathlib import Path

import numpy as np
import pytest

from advisor.errors import ModelError
from advisor.ports import Embedder
from advisor.retrieval import embeddings
from advisor.retrieval.embeddings import MiniLmEmbedder, SentenceTransformerEmbedder, packaged_model_dir
from advisor.settings import Settings

TEXTS = [
    "How should we choose KPIs?",
    "x",
    "Operators trust what has shown itself reliable. " * 40,
    "Wie führen wir KI in der Fabrik ein?",
    "67% within 12 months; 2.3x; OT/IT segmentation",
]


@pytest.mark.slow
def test_the_exported_model_gives_the_vectors_of_the_reference(embedder: Embedder) -> None:
    reference = SentenceTransformerEmbedder(str(packaged_model_dir()))
    cosines = (embedder.embed(TEXTS) * reference.embed(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.9999
    assert reference.dimension == embedder.dimension
    assert reference.fingerprint != embedder.fingerprint


def test_vectors_have_length_one_and_keep_the_order(embedder: Embedder) -> None:
    seen: list[tuple[str, int, int]] = []
    vectors = embedder.embed(TEXTS, lambda *step: seen.append(step))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert np.allclose(vectors[1], embedder.embed(["x"])[0], atol=1e-5)
    assert seen[-1] == ("Embedding", len(TEXTS), len(TEXTS))


def test_nothing_gives_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.owasp("LLM03")
def test_weights_that_differ_from_the_published_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        embeddings.check_weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(ModelError, match="differ from the published"):
        embeddings.check_weights(tmp_path)


def test_the_packaged_weights_are_the_published_ones() -> None:
    embeddings.check_weights(packaged_model_dir())


@pytest.mark.owasp("LLM03")
@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_tampered_export_is_refused(tmp_path: Path, indexed: Settings, name: str) -> None:
    shutil.copytree(indexed.model_dir, tmp_path / "model")
    with (tmp_path / "model" / name).open("r+b") as stream:
        stream.seek(100)
        stream.write(b"tampered")
    with pytest.raises(ModelError, match=name):
        MiniLmEmbedder(tmp_path / "model")


def test_a_missing_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="advisor ingest"):
        MiniLmEmbedder(tmp_path)


@pytest.mark.slow
def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ADVISOR_EMBEDDING_MODEL"):
        SentenceTransformerEmbedder(str(tmp_path / "nothing"))


def test_spans_are_pooled_from_the_pass_of_their_text(embedder: Embedder) -> None:
    text = "Alarms\nThe shift lead answers every alarm. The canteen serves soup."
    first, second = (text.index("The shift"), text.index(" The canteen")), (text.index("The canteen"), len(text))
    vectors, parts = embedder.embed_spans([text, "Nothing else."], [(first, second), ()])
    assert np.allclose(vectors[0], embedder.embed([text])[0], atol=1e-5)
    assert (parts[0].shape, parts[1].shape) == ((2, 384), (0, 384))
    assert np.allclose(np.linalg.norm(parts[0], axis=1), 1, atol=1e-5)
    asked = embedder.embed(["Who answers an alarm?", "What is for lunch?"])
    assert parts[0][0] @ asked[0] > parts[0][1] @ asked[0]
    assert parts[0][1] @ asked[1] > parts[0][0] @ asked[1]


def test_a_span_beyond_what_the_model_reads_is_embedded_by_itself(embedder: Embedder) -> None:
    last = "The crane is inspected in May."
    text = "valve " * 400 + last
    _, parts = embedder.embed_spans([text], [((0, 5), (len(text) - len(last), len(text)))])
    assert np.allclose(parts[0][1], embedder.embed([last])[0], atol=1e-5)
