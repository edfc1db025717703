"""Hybrid retrieval: dense, question, keyword and statement signals, fused by min-max normalised sums.

Min-max fusion of scores beat reciprocal rank fusion on most of the sets that were measured; see docs/how-it-answers.md.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from advisor.domain.dialogue import Query
from advisor.domain.knowledge import BeliefMatch, Calibration, Passage, Retrieval, Section, SectionKind
from advisor.errors import IndexUnavailableError
from advisor.ports import Embedder, Vectors
from advisor.retrieval.catalogue import Catalogue
from advisor.retrieval.embeddings import mix
from advisor.retrieval.generations import CALIBRATION, FORMAT, Generations
from advisor.retrieval.spelling import Speller
from advisor.retrieval.vector import CHUNKS, QUESTIONS, VectorSearch, VectorStore
from advisor.text import content_stems

TOP_K = 8
"""Passages kept of each kind: answering sections, and stated limits."""

_POOL = 60
_QUESTION_POOL = 100
_BELIEFS_KEPT = 3
_CONTEXT_WEIGHT = 0.8
"""Of the question before, in the vector of a follow-up."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each normalised signal counts in the fused score."""

    dense: float = 0.5
    statement: float = 1.0
    question: float = 1.0
    keyword: float = 0.8


@dataclass(slots=True)
class _Signals:
    chunk_id: str
    dense: float = 0.0
    keyword: float = 0.0
    question: float = 0.0
    statements: Vectors = field(default_factory=lambda: np.zeros(1, dtype=np.float32))


@dataclass(slots=True)
class _Reader:
    """An open generation."""

    id: str
    directory: Path
    catalogue: Catalogue
    vectors: VectorSearch
    calibration: Calibration
    speller: Speller


class HybridRetriever:
    """Follows the pointer to the serving generation, and finds passages in it."""

    def __init__(
        self,
        *,
        generations: Generations,
        embedder: Embedder,
        vectors: VectorStore | None = None,
        weights: Weights | None = None,
        top_k: int = TOP_K,
    ) -> None:
        self._generations = generations
        self._embedder = embedder
        self._vectors = vectors or VectorStore()
        self._weights = weights or Weights()
        self._top_k = top_k
        self._reader: _Reader | None = None
        self._lock = threading.Lock()

    def retrieve(self, query: Query) -> Retrieval:
        """Return the best passages, one a section, best first."""
        reader = self._open_current()
        try:
            return self._retrieve(reader, query)
        except IndexUnavailableError:  # it was sound when it was opened: whoever comes next looks again
            with self._lock:
                self._reader = None if self._reader is reader else self._reader
            self._vectors.report(reader.directory)
            raise

    def _retrieve(self, reader: _Reader, query: Query) -> Retrieval:
        asked = (query.text, *query.parts, *([query.context] if query.context else []))
        vectors = self._embedder.embed([self._expand(reader, text) for text in asked])
        vector = mix(vectors[0], vectors[-1], _CONTEXT_WEIGHT) if query.context else vectors[0]
        words = query.text if content_stems(query.text) else f"{query.text} {query.context}".strip()
        found = self._search(reader, words, vector, query.section_ids)
        parts = tuple(self._search(reader, text, part) for text, part in zip(query.parts, vectors[1:], strict=False))
        return found.model_copy(update={"parts": parts})

    def correct(self, text: str) -> str:
        """Return a question with its slips of the finger mended; without an index, as it is."""
        try:
            return self._open_current().speller.correct(text)
        except IndexUnavailableError:
            return text

    def list_sections(self) -> tuple[Section, ...]:
        """Return every section of the serving generation; raise IndexUnavailableError."""
        return self._open_current().catalogue.list_sections()

    @staticmethod
    def _expand(reader: _Reader, text: str) -> str:
        """Add the playbooks' own terms for the words that were used."""
        terms = reader.catalogue.find_synonyms(text)
        return f"{text} ({', '.join(terms)})" if terms else text

    def _search(self, reader: _Reader, text: str, vector: Vectors, section_ids: tuple[str, ...] = ()) -> Retrieval:
        signals, beliefs, degraded = self._collect(reader, self._expand(reader, text), vector, section_ids)
        scores = self._fuse(signals)
        ranked = sorted(scores, key=lambda id_: (-scores[id_], id_))
        kinds = {id_: reader.catalogue.get_section(id_)[0].kind for id_ in ranked}
        best = [id_ for kind in SectionKind for id_ in [id_ for id_ in ranked if kinds[id_] is kind][: self._top_k]]
        best.sort(key=ranked.index)
        passages = tuple(
            Passage(
                chunk_id=signals[id_].chunk_id,
                section=reader.catalogue.get_section(id_)[0],
                rank=rank,
                score=scores[id_],
                dense=signals[id_].dense,
                keyword=signals[id_].keyword,
                question=signals[id_].question,
                statement_scores=tuple(signals[id_].statements.tolist()),
            )
            for rank, id_ in enumerate(best, 1)
        )
        terms = reader.catalogue.find_terms(text)
        return Retrieval(
            generation=reader.id,
            passages=passages,
            beliefs=beliefs,
            terms=terms,
            degraded=degraded,
            calibration=reader.calibration,
        )

    def _open_current(self) -> _Reader:
        """Return the serving generation, opened once; a reader that is still in use elsewhere stays open."""
        with self._lock:
            id_ = self._generations.find_current()
            if self._reader is None or self._reader.id != id_:
                directory, manifest = self._generations.get_current()
                if (manifest.format, manifest.vectors) != (FORMAT, self._vectors.kind):
                    raise IndexUnavailableError(
                        "The index was built by another version, or for another store.",
                        "Run `advisor ingest`.",
                    )
                if manifest.model != self._embedder.fingerprint:
                    raise IndexUnavailableError(
                        "The index was built with another embedding model.", "Run `advisor ingest`."
                    )
                try:
                    sound = self._generations.check_readable(manifest.id)
                except IndexUnavailableError:
                    self._vectors.report(directory)
                    raise
                vectors = self._vectors.open(directory, damaged=not sound)
                calibration = Calibration.model_validate_json((directory / CALIBRATION).read_bytes())
                catalogue = Catalogue(directory)
                speller = Speller(catalogue.list_texts)
                self._reader = _Reader(manifest.id, directory, catalogue, vectors, calibration, speller)
            return self._reader

    @staticmethod
    def _collect(
        reader: _Reader, text: str, vector: Vectors, section_ids: tuple[str, ...]
    ) -> tuple[dict[str, _Signals], tuple[BeliefMatch, ...], bool]:
        signals: dict[str, _Signals] = {}

        def of(chunk_id: str, section_id: str) -> _Signals:
            return signals.setdefault(section_id, _Signals(chunk_id=chunk_id))

        dense = reader.vectors.find_nearest(CHUNKS, vector, _POOL)
        keyword = reader.catalogue.find_keyword(text, _POOL)
        chunks = reader.catalogue.get_chunks(dense.cosines.keys() | keyword.keys())
        for number, cosine in dense.cosines.items():
            found = of(*chunks[number])
            found.dense = max(found.dense, cosine)
        for number, score in keyword.items():
            found = of(*chunks[number])
            found.keyword = max(found.keyword, score)
        beliefs: list[BeliefMatch] = []
        nearest = reader.vectors.find_nearest(QUESTIONS, vector, _QUESTION_POOL)
        questions = reader.catalogue.get_questions(nearest.cosines.keys())
        for number, cosine in nearest.cosines.items():
            question = questions[number]
            found = of(reader.catalogue.get_chunk_of(question.section_id), question.section_id)
            found.question = max(found.question, cosine)
            if question.correction and len(beliefs) < _BELIEFS_KEPT:
                beliefs.append(
                    BeliefMatch(
                        belief=question.text,
                        section=reader.catalogue.get_section(question.section_id)[0],
                        correction=question.correction,
                        similarity=cosine,
                    )
                )
        for section_id in section_ids:
            if reader.catalogue.has_section(section_id):
                of(reader.catalogue.get_chunk_of(section_id), section_id)
        for section_id, found in signals.items():
            found.statements = reader.catalogue.get_section(section_id)[1] @ vector
        return signals, tuple(beliefs), dense.degraded or nearest.degraded

    def _fuse(self, signals: dict[str, _Signals]) -> dict[str, float]:
        """Return the weighted mean of min-max normalised signals, 0 to 1, by section id."""
        w = self._weights
        columns = (
            (w.dense, {id_: s.dense for id_, s in signals.items()}),
            (w.statement, {id_: float(s.statements.max()) for id_, s in signals.items()}),
            (w.question, {id_: s.question for id_, s in signals.items()}),
            (w.keyword, {id_: s.keyword for id_, s in signals.items()}),
        )
        total = sum(weight for weight, _ in columns)
        fused = dict.fromkeys(signals, 0.0)
        for weight, column in columns:
            low, high = min(column.values(), default=0.0), max(column.values(), default=0.0)
            for id_, value in column.items():
                fused[id_] += weight / total * ((value - low) / (high - low) if high > low else 0.0)
        return fused
