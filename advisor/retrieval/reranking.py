"""Reordering what was found with a cross-encoder, which reads query and text together. Off unless a model is set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.domain.dialogue import Query
from advisor.domain.identity import Caller
from advisor.domain.knowledge import DocumentHead, Passage, Retrieval, Section
from advisor.errors import ModelError
from advisor.ports import Library, Reranker, Retriever


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder, by name or folder."""

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import CrossEncoder  # noqa: PLC0415  seconds to import
        except ModuleNotFoundError as error:  # as in the image
            raise ModelError(
                "sentence-transformers is not installed.", "Install it, or unset ADVISOR_RERANKER."
            ) from error
        try:
            self._model = CrossEncoder(
                model, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f'The cross-encoder "{model}" cannot be loaded.',
                "Set ADVISOR_RERANKER to a folder with the model, or unset it.",
            ) from error

    def score(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers the query, higher is better."""
        return [float(score) for score in self._model.predict([(query, text) for text in texts])]


class RerankedRetriever:
    """A retriever whose passages are reordered."""

    def __init__(self, inner: Retriever, reranker: Reranker) -> None:
        self._inner = inner
        self._reranker = reranker

    def correct(self, text: str) -> str:
        """Return a question with its slips of the finger mended."""
        return self._inner.correct(text)

    def retrieve(self, query: Query) -> Retrieval:
        """Return the same passages in the new order."""
        found = self._inner.retrieve(query)
        parts = tuple(_reorder(part, query.text, self._reranker) for part in found.parts)
        return _reorder(found, query.text, self._reranker).model_copy(update={"parts": parts})

    def list_sections(self) -> tuple[Section, ...]:
        """Return every section of the serving generation."""
        return self._inner.list_sections()


class RerankedLibrary:
    """A library whose passages are reordered."""

    def __init__(self, inner: Library, reranker: Reranker) -> None:
        self._inner = inner
        self._reranker = reranker

    def retrieve(self, query: Query, caller: Caller) -> Retrieval:
        """Return the same passages in the new order; the reranker reads only what the caller may see."""
        return _reorder(self._inner.retrieve(query, caller), query.text, self._reranker)

    def list_documents(self, caller: Caller) -> tuple[DocumentHead, ...]:
        """Return the documents that the caller may see."""
        return self._inner.list_documents(caller)

    def get_document(self, caller: Caller, document_id: str) -> tuple[DocumentHead, tuple[Section, ...]]:
        """Return a document that the caller may see, with its sections; raise NotFoundError."""
        return self._inner.get_document(caller, document_id)


def _reorder(found: Retrieval, query: str, reranker: Reranker) -> Retrieval:
    """Return passages by the sum of two min-max normalised scores: how they were found, and the reranker's."""
    if len(found.passages) < 2:
        return found
    texts = [f"{passage.section.label}\n{passage.section.text}" for passage in found.passages]
    scores = _stretch([p.score for p in found.passages]) + _stretch(reranker.score(query, texts))
    order = np.argsort(-scores, kind="stable")
    return found.model_copy(update={"passages": tuple(_rank(found.passages[i], n) for n, i in enumerate(order, 1))})


def _rank(passage: Passage, rank: int) -> Passage:
    return passage.model_copy(update={"rank": rank})


def _stretch(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.asarray(values, dtype=np.float64)
    low, high = found.min(), found.max()
    return (found - low) / (high - low) if high > low else np.zeros_like(found)
