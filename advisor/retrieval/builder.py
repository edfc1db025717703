"""Builds a generation: embeds what is new, writes the indexes, has them probed in a child process, and publishes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from advisor.domain.knowledge import BuildReport, Chunk, IndexedQuestion, KnowledgeBase, Section
from advisor.errors import IndexUnavailableError
from advisor.ports import Embedder, Progress, Vectors
from advisor.retrieval.catalogue import Catalogue, CatalogueWriter
from advisor.retrieval.generations import CALIBRATION, FORMAT, Generations, Manifest
from advisor.retrieval.probe import probe_in_child
from advisor.retrieval.vector import CHUNKS, QUESTIONS, VectorStore, append_vectors

Probe = Callable[[Path, VectorStore], None]
"""Raises IndexUnavailableError for a draft that does not hold."""


def digest_text(text: str) -> str:
    """Return what a text's vector is kept under."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def index_questions(sections: Iterable[Section]) -> tuple[IndexedQuestion, ...]:
    """Return the questions and false beliefs of all sections, in order."""
    found: list[IndexedQuestion] = []
    for section in sections:
        found += [IndexedQuestion(text=text, section_id=section.id) for text in section.questions]
        found += [
            IndexedQuestion(text=belief, section_id=section.id, correction=misconception.correction)
            for misconception in section.misconceptions
            for belief in misconception.beliefs
        ]
    return tuple(found)


class GenerationBuilder:
    """Writes generations. Vectors of texts that the serving generation holds are reused by digest."""

    def __init__(
        self,
        *,
        generations: Generations,
        embedder: Embedder,
        vectors: VectorStore | None = None,
        probe: Probe = probe_in_child,
    ) -> None:
        self._generations = generations
        self._embedder = embedder
        self._vectors = vectors or VectorStore()
        self._probe = probe

    def build(
        self,
        knowledge: KnowledgeBase,
        chunks: Sequence[Chunk],
        *,
        chunker: str,
        rebuild: bool,
        progress: Progress | None = None,
    ) -> BuildReport:
        """Build and publish a generation, unless nothing changed; with `rebuild`, embed everything anew.

        Raise BusyError when something changed and another process is at it.
        """
        documents = knowledge.digests
        questions = index_questions(knowledge.sections)
        manifest = Manifest(
            id=uuid.uuid4().hex[:12],
            model=self._embedder.fingerprint,
            dimension=self._embedder.dimension,
            format=FORMAT,
            chunker=chunker,
            documents=documents,
            sections=len(knowledge.sections),
            chunks=len(chunks),
            questions=len(questions),
            vectors=self._vectors.kind,
        )
        serving = None if rebuild else self._find_serving(manifest)
        if serving and serving.documents == documents:  # replicas that start together need no lock to see that
            return self._report(serving, knowledge, embedded=0, reused=0, unchanged=True)
        with self._generations.writing() as draft:
            serving = None if rebuild else self._find_serving(manifest)
            if serving and serving.documents == documents:
                return self._report(serving, knowledge, embedded=0, reused=0, unchanged=True)
            known = self._load_known(serving)
            texts = _texts_to_embed(knowledge.sections, chunks, questions)
            vectors = self._embed(texts, known, progress)
            _write(draft, knowledge, chunks, questions, vectors)
            self._vectors.index(draft, (CHUNKS, QUESTIONS), self._embedder.dimension, progress)
            self._probe(draft, self._vectors)
            self._generations.publish(draft, manifest)
            reused = sum(1 for digest in vectors if digest in known)
            return self._report(manifest, knowledge, embedded=len(vectors) - reused, reused=reused)

    def _find_serving(self, wanted: Manifest) -> Manifest | None:
        """Return the serving manifest if it is sound and its vectors can be compared with the wanted ones."""
        try:
            _, serving = self._generations.get_current()
            self._generations.check_files(serving.id)
        except IndexUnavailableError:
            return None
        kept = ("format", "model", "dimension", "chunker", "vectors")
        return serving if all(getattr(serving, name) == getattr(wanted, name) for name in kept) else None

    def _load_known(self, serving: Manifest | None) -> dict[str, Vectors]:
        if serving is None:
            return {}
        directory, _ = self._generations.get_current()
        catalogue = Catalogue(directory)
        try:
            return catalogue.load_vectors()
        finally:
            catalogue.close()

    def _embed(self, texts: Iterable[str], known: dict[str, Vectors], progress: Progress | None) -> dict[str, Vectors]:
        by_digest = {digest_text(text): text for text in texts}
        missing = [digest for digest in by_digest if digest not in known]
        fresh = self._embedder.embed([by_digest[digest] for digest in missing], progress)
        new = dict(zip(missing, fresh, strict=True))
        return {digest: new[digest] if digest in new else known[digest] for digest in by_digest}

    @staticmethod
    def _report(
        manifest: Manifest, knowledge: KnowledgeBase, *, embedded: int, reused: int, unchanged: bool = False
    ) -> BuildReport:
        return BuildReport(
            generation=manifest.id,
            playbooks=len(knowledge.playbooks),
            sections=manifest.sections,
            chunks=manifest.chunks,
            questions=manifest.questions,
            embedded=embedded,
            reused=reused,
            unchanged=unchanged,
        )


def _texts_to_embed(
    sections: Sequence[Section], chunks: Sequence[Chunk], questions: Sequence[IndexedQuestion]
) -> list[str]:
    return [
        *(chunk.indexed_text for chunk in chunks),
        *(question.text for question in questions),
        *(statement.labelled for section in sections for statement in section.statements),
    ]


def _stack(vectors: dict[str, Vectors], texts: Iterable[str]) -> Vectors:
    return np.array([vectors[digest_text(text)] for text in texts], dtype=np.float32)


def _write(
    draft: Path,
    knowledge: KnowledgeBase,
    chunks: Sequence[Chunk],
    questions: Sequence[IndexedQuestion],
    vectors: dict[str, Vectors],
) -> None:
    by_id = {section.id: section for section in knowledge.sections}
    (draft / CALIBRATION).write_text(knowledge.calibration.model_dump_json(indent=1))
    with CatalogueWriter(draft) as catalogue:
        for section in knowledge.sections:
            catalogue.add_section(section, _stack(vectors, (s.labelled for s in section.statements)))
        for number, chunk in enumerate(chunks):
            catalogue.add_chunk(number, chunk, by_id[chunk.section_id].questions)
        for number, question in enumerate(questions):
            catalogue.add_question(number, question)
        for synonym in knowledge.vocabulary:
            catalogue.add_synonym(synonym)
        catalogue.add_vectors(vectors.items())
    append_vectors(draft, CHUNKS, _stack(vectors, (chunk.indexed_text for chunk in chunks)))
    append_vectors(draft, QUESTIONS, _stack(vectors, (question.text for question in questions)))
