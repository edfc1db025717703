"""Retrieval over a company's documents: the shards that a caller may see, ranked as if they were one index.

Three signals (chunk vector, best sentence vector, BM25) are min-max normalised and added. BM25 (Robertson and Zaragoza
2009) is computed over the statistics of the visible shards together: a label that the caller lacks changes no score.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from advisor.domain.dialogue import Query
from advisor.domain.identity import Caller
from advisor.domain.knowledge import DocumentHead, Passage, Retrieval, Section, Term
from advisor.errors import IndexUnavailableError, NotFoundError
from advisor.ports import Embedder, Vectors
from advisor.retrieval.catalogue import Catalogue
from advisor.retrieval.generations import Generations
from advisor.retrieval.shards import FORMAT, name_shard, read_heads
from advisor.retrieval.vector import CHUNKS, VectorSearch
from advisor.text import content_stems

TOP_K = 10
_POOL = 100
_K1, _B = 1.2, 0.75
_EMPTY = Retrieval(generation="", passages=())


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each normalised signal counts."""

    chunk: float = 1.0
    sentence: float = 1.0
    keyword: float = 1.0


@dataclass(slots=True)
class _Shard:
    catalogue: Catalogue
    vectors: VectorSearch
    heads: Mapping[str, DocumentHead]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A section that one signal found, and the signals of its best chunk."""

    shard: _Shard
    section: Section
    chunk: float
    sentences: Vectors
    stems: Sequence[str]


class LibraryRetriever:
    """Follows the pointer to the serving generation of documents; knows none while nothing was indexed."""

    def __init__(
        self,
        *,
        generations: Generations,
        embedder: Embedder,
        weights: Weights | None = None,
        top_k: int = TOP_K,
    ) -> None:
        self._generations = generations
        self._embedder = embedder
        self._weights = weights or Weights()
        self._top_k = top_k
        self._serving = ""
        self._shards: dict[str, _Shard] = {}
        self._lock = threading.Lock()

    def list_documents(self, caller: Caller) -> tuple[DocumentHead, ...]:
        """Return the documents that the caller may see, by collection and path."""
        _, shards = self._open_visible(caller)
        return tuple(
            sorted((head for shard in shards for head in shard.heads.values()), key=lambda h: (h.collection, h.path))
        )

    def get_document(self, caller: Caller, document_id: str) -> tuple[DocumentHead, tuple[Section, ...]]:
        """Return a document that the caller may see, with its sections; raise NotFoundError."""
        _, shards = self._open_visible(caller)
        for shard in shards:
            if head := shard.heads.get(document_id):
                return head, shard.catalogue.get_sections_of(document_id)
        raise NotFoundError(f'There is no document "{document_id[:80]}".', "List them at /api/v1/documents.")

    def retrieve(self, query: Query, caller: Caller) -> Retrieval:
        """Return the best sections that the caller may see, one passage each, best first."""
        serving, shards = self._open_visible(caller)
        if not shards:
            return _EMPTY
        text = f"{query.text} {query.context}".strip()
        vector = self._embedder.embed([text])[0]
        candidates = [candidate for shard in shards for candidate in _collect(shard, text, vector)]
        statistics = _Statistics(shards, content_stems(text))
        keyword = [statistics.score(candidate.stems) for candidate in candidates]
        best_sentences = [float(candidate.sentences.max(initial=0.0)) for candidate in candidates]
        w = self._weights
        fused = (
            w.chunk * _normalise([candidate.chunk for candidate in candidates])
            + w.sentence * _normalise(best_sentences)
            + w.keyword * _normalise(keyword)
        ) / (w.chunk + w.sentence + w.keyword)
        order = sorted(range(len(candidates)), key=lambda i: (-fused[i], candidates[i].section.id))
        passages = tuple(
            Passage(
                chunk_id=candidates[i].section.id,
                section=candidates[i].section,
                rank=rank,
                score=float(fused[i]),
                dense=candidates[i].chunk,
                keyword=keyword[i],
                question=0.0,
                statement_scores=tuple(candidates[i].sentences.tolist()),
                document=candidates[i].shard.heads.get(candidates[i].section.playbook),
            )
            for rank, i in enumerate(order[: self._top_k], 1)
        )
        return Retrieval(generation=serving, passages=passages, terms=statistics.terms)

    def _open_visible(self, caller: Caller) -> tuple[str, tuple[_Shard, ...]]:
        """Return the serving generation and the shards of the labels that the caller holds; no other is touched."""
        with self._lock:
            id_ = self._generations.find_current()
            if id_ is None:
                return "", ()
            if id_ != self._serving:
                directory, manifest = self._generations.get_current()
                if manifest.format != FORMAT or manifest.model != self._embedder.fingerprint:
                    raise IndexUnavailableError(
                        "The documents were indexed by another version, or with another model.", "Run `advisor ingest`."
                    )
                self._generations.check_files(id_)
                self._shards = {
                    label: _open(directory / name_shard(label), heads) for label, heads in read_heads(directory).items()
                }
                self._serving = id_
            return id_, tuple(shard for label, shard in sorted(self._shards.items()) if caller.may_see(label))


def _open(directory: Path, heads: Sequence[DocumentHead]) -> _Shard:
    return _Shard(Catalogue(directory), VectorSearch(directory), {head.id: head for head in heads})


def _collect(shard: _Shard, text: str, vector: Vectors) -> list[_Candidate]:
    """Return the sections of a shard that the vector or the words find."""
    dense = shard.vectors.find_nearest(CHUNKS, vector, _POOL)
    numbers = dense.keys() | shard.catalogue.find_keyword(text, _POOL).keys()
    best: dict[str, float] = {}
    for number, (_, section_id) in shard.catalogue.get_chunks(numbers).items():
        cosine = dense.get(number)
        if cosine is None:
            best.setdefault(section_id, float("nan"))
        elif not best.get(section_id, -1.0) >= cosine:
            best[section_id] = cosine
    found = []
    for section_id, cosine in best.items():
        section, statements = shard.catalogue.get_section(section_id)
        sentences = statements @ vector if len(statements) else np.zeros(0, dtype=np.float32)
        if math.isnan(cosine):  # only its words found it: its best sentence stands in for the chunk
            cosine = float(sentences.max(initial=0.0))  # noqa: PLW2901
        stems = content_stems(f"{section.playbook_title} {section.heading} {section.text}")
        found.append(_Candidate(shard, section, cosine, sentences, stems))
    return found


class _Statistics:
    """BM25 over the visible shards together."""

    def __init__(self, shards: Sequence[_Shard], words: Sequence[str]) -> None:
        self._count = sum(shard.catalogue.chunk_count for shard in shards)
        length = sum(shard.catalogue.word_count for shard in shards)
        self._average = length / max(1, self._count)
        holding: Counter[str] = Counter()
        for shard in shards:
            holding.update(shard.catalogue.count_chunks_with(words))
        self._weights = {
            word: math.log(1 + (self._count - holding[word] + 0.5) / (holding[word] + 0.5)) for word in set(words)
        }
        self.terms = tuple(
            Term(stem=word, weight=self._weights[word], known=holding[word] > 0) for word in dict.fromkeys(words)
        )

    def score(self, stems: Sequence[str]) -> float:
        """Return the BM25 score of a text of these stems."""
        counts: Mapping[str, int] = Counter(stem for stem in stems if stem in self._weights)
        norm = _K1 * (1 - _B + _B * len(stems) / max(1.0, self._average))
        return sum(self._weights[word] * n * (_K1 + 1) / (n + norm) for word, n in counts.items())


def _normalise(values: Sequence[float]) -> Vectors:
    """Return values stretched to 0 to 1."""
    found = np.asarray(values, dtype=np.float32)
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 0.0)
    return np.asarray((found - low) / (high - low) if high > low else np.zeros_like(found), dtype=np.float32)
