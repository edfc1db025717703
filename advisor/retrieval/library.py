"""Retrieval over a company's documents: the shards that a caller may see, ranked as if they were one index.

Three signals (chunk vector, best sentence vector, BM25) are min-max normalised and added. BM25 (Robertson and Zaragoza
2009) is computed over the statistics of the visible shards together: a label that the caller lacks changes no score.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from advisor.domain.dialogue import Query
from advisor.domain.identity import Caller
from advisor.domain.knowledge import DocumentHead, Passage, Retrieval, Section, Term, Tier
from advisor.errors import IndexUnavailableError, NotFoundError
from advisor.ports import Embedder, Vectors
from advisor.retrieval.catalogue import Catalogue
from advisor.retrieval.embeddings import mix
from advisor.retrieval.generations import Generations
from advisor.retrieval.shards import FORMAT, SHARDS, name_shard, read_heads
from advisor.retrieval.vector import CHUNKS, VectorSearch, VectorStore
from advisor.text import content_stems

TOP_K = 10
_POOL = 100
_K1, _B = 0.9, 0.4
_CONTEXT_WEIGHT = 0.3
"""Of the question before, in the vector of a follow-up; chosen on MTRAG's human turns."""
_EMPTY = Retrieval(generation="", passages=())


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each normalised signal counts; chosen on the training split of SciFact."""

    chunk: float = 1.0
    sentence: float = 1.0
    keyword: float = 1.2


@dataclass(slots=True)
class _Shard:
    directory: Path
    catalogue: Catalogue
    vectors: VectorSearch
    heads: Mapping[str, DocumentHead]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A section that one signal found, and the signals of its best chunk."""

    shard: _Shard
    section_id: str
    chunk: float
    sentences: Vectors
    stems: Sequence[str]

    @property
    def document(self) -> DocumentHead:
        """The document that the section is of."""
        return self.shard.heads[self.section_id.partition("/")[0]]


class LibraryRetriever:
    """Follows the pointer to the serving generation of documents; knows none while nothing was indexed."""

    def __init__(
        self,
        *,
        generations: Generations,
        embedder: Embedder,
        vectors: VectorStore | None = None,
        weights: Weights | None = None,
        top_k: int = TOP_K,
        tiers: frozenset[Tier] = frozenset(Tier),
    ) -> None:
        self._generations = generations
        self._embedder = embedder
        self._vectors = vectors or VectorStore()
        self._weights = weights or Weights()
        self._top_k = top_k
        self._tiers = tiers
        self._serving = ""
        self._directory = Path()
        self._heads: dict[str, list[DocumentHead]] = {}
        self._shards: dict[str, _Shard] = {}
        self._lock = threading.Lock()

    def list_documents(self, caller: Caller) -> tuple[DocumentHead, ...]:
        """Return the documents that the caller may see, by collection and path."""
        with self._lock:
            self._follow()
            visible = [head for label, heads in self._heads.items() if caller.may_see(label) for head in heads]
        return tuple(sorted(visible, key=lambda head: (head.collection, head.path)))

    def get_document(self, caller: Caller, document_id: str) -> tuple[DocumentHead, tuple[Section, ...]]:
        """Return a document that the caller may see, with its sections; raise NotFoundError."""
        _, shards = self._open_visible(caller)
        for shard in shards:
            if head := shard.heads.get(document_id):
                return head, shard.catalogue.get_sections_of(document_id)
        raise NotFoundError(f'There is no document "{document_id[:80]}".', "List them at /api/v1/documents.")

    def read_all(self, caller: Caller) -> Iterator[Section]:
        """Yield every section of the documents that the caller may see."""
        for head in self.list_documents(caller):
            yield from self.get_document(caller, head.id)[1]

    def retrieve(self, query: Query, caller: Caller) -> Retrieval:
        """Return the best sections that the caller may see, one passage each, best first."""
        serving, shards = self._open_visible(caller)
        if not shards:
            return _EMPTY
        try:
            return self._rank(serving, shards, query)
        except IndexUnavailableError:  # sound when they were opened: whoever comes next looks again
            with self._lock:
                self._shards = {}
            for shard in shards:
                self._vectors.report(shard.directory)
            raise

    def _rank(self, serving: str, shards: Sequence[_Shard], query: Query) -> Retrieval:
        text = f"{query.text} {query.context}".strip()
        vectors = self._embedder.embed([query.text, *([query.context] if query.context else [])])
        vector = mix(vectors[0], vectors[-1], _CONTEXT_WEIGHT) if query.context else vectors[0]
        candidates: list[_Candidate] = []
        degraded = False
        for shard in shards:
            dense = shard.vectors.find_nearest(CHUNKS, vector, _POOL)
            degraded = degraded or dense.degraded
            found = _collect(shard, dense.cosines, text, vector)
            candidates += [one for one in found if one.document.tier in self._tiers]
        statistics = _Statistics(shards, content_stems(text))
        keyword = [statistics.score(candidate.stems) for candidate in candidates]
        fused = self._fuse(candidates, keyword)
        order = sorted(range(len(candidates)), key=lambda i: (-fused[i], candidates[i].section_id))
        passages = tuple(
            _make_passage(candidates[i], rank, float(fused[i]), keyword[i])
            for rank, i in enumerate(order[: self._top_k], 1)
        )
        return Retrieval(generation=serving, passages=passages, terms=statistics.terms, degraded=degraded)

    def _fuse(self, candidates: Sequence[_Candidate], keyword: Sequence[float]) -> Vectors:
        """Return the weighted mean of the min-max normalised signals, 0 to 1."""
        w = self._weights
        fused = (
            w.chunk * _normalise([candidate.chunk for candidate in candidates])
            + w.sentence * _normalise([float(candidate.sentences.max(initial=0.0)) for candidate in candidates])
            + w.keyword * _normalise(keyword)
        ) / (w.chunk + w.sentence + w.keyword)
        return np.asarray(fused, dtype=np.float32)

    def _open_visible(self, caller: Caller) -> tuple[str, tuple[_Shard, ...]]:
        """Return the serving generation and the shards of the labels that the caller holds; no other is touched."""
        with self._lock:
            self._follow()
            visible = [label for label in sorted(self._heads) if caller.may_see(label)]
            for label in visible:
                if label not in self._shards:
                    self._shards[label] = self._open(label)
            return self._serving, tuple(self._shards[label] for label in visible)

    def _follow(self) -> None:
        """Read which documents the serving generation holds, if it is another than before."""
        id_ = self._generations.find_current()
        if id_ is None or id_ == self._serving:
            return
        directory, manifest = self._generations.get_current()
        wanted = (FORMAT, self._embedder.fingerprint, self._vectors.kind)
        if (manifest.format, manifest.model, manifest.vectors) != wanted:
            raise IndexUnavailableError(
                "The documents were indexed by another version, with another model, or for another store.",
                "Run `advisor ingest`.",
            )
        self._generations.check_readable(id_, SHARDS)
        self._heads = read_heads(directory)
        self._shards = {}
        self._serving, self._directory = id_, directory

    def _open(self, label: str) -> _Shard:
        name = name_shard(label)
        directory = self._directory / name
        try:
            sound = self._generations.check_readable(self._serving, f"{name}/")
        except IndexUnavailableError as error:  # which file it is would tell the name of the label
            self._vectors.report(directory)
            raise IndexUnavailableError("The index of the documents is damaged.", "Run `advisor ingest`.") from error
        vectors = self._vectors.open(directory, damaged=not sound)
        return _Shard(directory, Catalogue(directory), vectors, {head.id: head for head in self._heads[label]})


def _collect(shard: _Shard, dense: Mapping[int, float], text: str, vector: Vectors) -> list[_Candidate]:
    """Return the sections of a shard that the vector or the words find."""
    numbers = dense.keys() | shard.catalogue.find_keyword(text, _POOL).keys()
    best: dict[str, float] = {}
    rows = shard.vectors.get_vectors(CHUNKS)
    for number, (_, section_id) in shard.catalogue.get_chunks(numbers).items():
        cosine = dense[number] if number in dense else float(rows[number] @ vector)
        best[section_id] = max(cosine, best.get(section_id, -1.0))
    found = []
    for section_id, cosine in best.items():
        statements, stems = shard.catalogue.get_candidate(section_id)
        found.append(_Candidate(shard, section_id, cosine, statements @ vector, stems))
    return found


def _make_passage(candidate: _Candidate, rank: int, score: float, keyword: float) -> Passage:
    section, _ = candidate.shard.catalogue.get_section(candidate.section_id)
    return Passage(
        chunk_id=section.id,
        section=section,
        rank=rank,
        score=score,
        dense=candidate.chunk,
        keyword=keyword,
        question=0.0,
        statement_scores=tuple(candidate.sentences.tolist()),
        document=candidate.shard.heads.get(section.playbook),
    )


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
