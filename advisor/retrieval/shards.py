"""The index of a company's documents: a generation with one shard for each access label.

A shard holds everything about the documents of one label: sections, sentence vectors, keyword index, Chroma collection.
What a caller may not see is never opened for them, so that it shapes neither their results nor their ranking.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import TypeAdapter

from advisor.domain.knowledge import Chunk, Document, DocumentHead, LibraryReport, Section, Skipped, StatementKind
from advisor.errors import IndexUnavailableError
from advisor.ports import Embedder, Progress, Vectors
from advisor.retrieval.builder import digest_text
from advisor.retrieval.catalogue import Catalogue, CatalogueWriter
from advisor.retrieval.generations import Generations, Manifest
from advisor.retrieval.vector import CHUNKS, QUESTIONS, VectorSearch, write_collections
from advisor.text import count_words

FORMAT = "library-1"
_SHARDS = "shards.json"
_BATCH = 512
"""Texts that are embedded together: enough to sort them by length, few enough to stay small in memory."""
_MOST_CHUNK_WORDS = 170
_HEADS = TypeAdapter(dict[str, list[DocumentHead]])


def name_shard(label: str) -> str:
    """Return the folder of a label's shard: no label, however written, can name a path."""
    return f"shard-{hashlib.sha256(label.encode()).hexdigest()[:12]}"


def read_heads(directory: Path) -> dict[str, list[DocumentHead]]:
    """Return the documents of a generation by label."""
    try:
        return _HEADS.validate_json((directory / _SHARDS).read_bytes())
    except (OSError, ValueError) as error:
        raise IndexUnavailableError("The index of the documents is incomplete.", "Run `advisor ingest`.") from error


class ShardWriter:
    """Writes generations of the library. Sections and vectors of documents that did not change are taken over."""

    def __init__(self, *, generations: Generations, embedder: Embedder) -> None:
        self._generations = generations
        self._embedder = embedder

    def find_known(self) -> Mapping[str, DocumentHead]:
        """Return the documents that the serving generation holds, by id, if it can be compared with a new one."""
        directory = self._find_serving()
        if directory is None:
            return {}
        return {head.id: head for heads in read_heads(directory).values() for head in heads}

    def build(
        self, documents: Iterable[Document], skipped: Sequence[Skipped], progress: Progress | None = None
    ) -> LibraryReport:
        """Build a generation of exactly these documents, check it, and switch to it."""
        with self._generations.writing() as draft:
            serving = self._find_serving()
            before = self.find_known()
            shelf = _Shelf(serving, before)
            try:
                heads = self._fill(draft, documents, shelf, progress)
            finally:
                shelf.close()
            (draft / _SHARDS).write_bytes(_HEADS.dump_json(heads, indent=1))
            told = {head.id: head for found in heads.values() for head in found}
            manifest = Manifest(
                id=uuid.uuid4().hex[:12],
                model=self._embedder.fingerprint,
                dimension=self._embedder.dimension,
                format=FORMAT,
                chunker="document-1",
                documents={id_: head.digest for id_, head in told.items()},
                sections=sum(head.sections for head in told.values()),
                chunks=shelf.chunks,
                questions=0,
            )
            self._generations.publish(draft, manifest)
        changed = [head for id_, head in told.items() if id_ not in before or before[id_].digest != head.digest]
        return LibraryReport(
            generation=manifest.id,
            indexed=tuple(f"{head.collection}/{head.path}" for head in changed),
            unchanged=len(told) - len(changed),
            removed=len(before.keys() - told.keys()),
            skipped=tuple(skipped),
            sections=manifest.sections,
            embedded=shelf.embedded,
        )

    def _find_serving(self) -> Path | None:
        try:
            directory, manifest = self._generations.get_current()
            self._generations.check_files(manifest.id)
        except IndexUnavailableError:
            return None
        same = manifest.format == FORMAT and manifest.model == self._embedder.fingerprint
        return directory if same else None

    def _fill(
        self, draft: Path, documents: Iterable[Document], shelf: _Shelf, progress: Progress | None
    ) -> dict[str, list[DocumentHead]]:
        """Write each document into the shard of its label as it comes, and the vectors of chunks at the end."""
        shards: dict[str, _Draft] = {}
        with contextlib.ExitStack() as stack:
            for batch in _batches(documents, shelf):
                texts = [text for _, _, chunks, own in batch for text in (*own, *(c.indexed_text for c in chunks))]
                vectors = self._embed(texts, shelf)
                start = 0
                for document, sections, chunks, own in batch:
                    if document.label not in shards:
                        folder = draft / name_shard(document.label)
                        folder.mkdir()
                        shards[document.label] = _Draft(folder, stack.enter_context(CatalogueWriter(folder)))
                    end = start + len(own) + len(chunks)
                    shards[document.label].add(document, sections, chunks, vectors[start:end])
                    start = end
                if progress:
                    progress("Embedding", shelf.embedded, shelf.embedded)
        for shard in shards.values():
            stacked = np.concatenate(shard.vectors)
            empty = np.zeros((0, self._embedder.dimension), dtype=np.float32)
            write_collections(shard.folder, {CHUNKS: stacked, QUESTIONS: empty})
            shelf.chunks += len(stacked)
            _check(shard.folder, stacked)
        return {label: shard.heads for label, shard in shards.items()}

    def _embed(self, texts: Sequence[str], shelf: _Shelf) -> Vectors:
        known = shelf.find_vectors([digest_text(text) for text in texts])
        missing = list(dict.fromkeys(text for text in texts if digest_text(text) not in known))
        fresh = self._embedder.embed(missing)
        shelf.embedded += len(missing)
        new = {digest_text(text): vector for text, vector in zip(missing, fresh, strict=True)}
        return np.array([known.get(digest_text(text), new.get(digest_text(text))) for text in texts], dtype=np.float32)


class _Unit(NamedTuple):
    """A document on its way into a shard: its sections, its chunks, and the texts of its statements."""

    document: Document
    sections: tuple[Section, ...]
    chunks: tuple[Chunk, ...]
    statements: tuple[str, ...]


def _batches(documents: Iterable[Document], shelf: _Shelf) -> Iterator[list[_Unit]]:
    """Yield documents together, until their texts are enough for the model."""
    batch: list[_Unit] = []
    size = 0
    for document in documents:
        sections = document.sections if document.sections is not None else shelf.get_sections(document.id)
        chunks = tuple(chunk for section in sections for chunk in split_section(section))
        statements = tuple(statement.labelled for section in sections for statement in section.statements)
        batch.append(_Unit(document, sections, chunks, statements))
        size += len(chunks) + len(statements)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Draft:
    """A shard that is being written."""

    def __init__(self, folder: Path, writer: CatalogueWriter) -> None:
        self.folder = folder
        self.heads: list[DocumentHead] = []
        self.vectors: list[Vectors] = []
        self._writer = writer
        self._chunks = 0

    def add(self, document: Document, sections: Sequence[Section], chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add a document; `vectors` are those of all statements, then those of its chunks, in order."""
        texts: list[str] = []
        for section in sections:
            count = len(section.statements)
            self._writer.add_section(section, vectors[len(texts) : len(texts) + count])
            texts += [statement.labelled for statement in section.statements]
        self.vectors.append(vectors[len(texts) :])
        for chunk in chunks:
            self._writer.add_chunk(self._chunks, chunk, ())
            self._chunks += 1
            texts.append(chunk.indexed_text)
        self._writer.add_vectors((digest_text(text), vector) for text, vector in zip(texts, vectors, strict=True))
        self.heads.append(DocumentHead(**document.model_dump(exclude={"sections"}), sections=len(sections)))


class _Shelf:
    """What the serving generation holds, to be taken over, and what was counted on the way."""

    def __init__(self, serving: Path | None, known: Mapping[str, DocumentHead]) -> None:
        labels = {head.label for head in known.values()}
        self._catalogues = {label: Catalogue(serving / name_shard(label)) for label in labels} if serving else {}
        self._known = known
        self.embedded = 0
        self.chunks = 0

    def get_sections(self, document_id: str) -> tuple[Section, ...]:
        return self._catalogues[self._known[document_id].label].get_sections_of(document_id)

    def find_vectors(self, digests: Sequence[str]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        for catalogue in self._catalogues.values():
            found |= catalogue.find_vectors(digests)
        return found

    def close(self) -> None:
        for catalogue in self._catalogues.values():
            catalogue.close()


def split_section(section: Section) -> tuple[Chunk, ...]:
    """Return the chunks of a document's section: pieces of about as many words as the model reads."""
    pieces: list[str] = []
    for statement in section.statements:
        if statement.kind is StatementKind.TASK:
            continue
        text = statement.labelled
        if pieces and count_words(pieces[-1]) + count_words(text) <= _MOST_CHUNK_WORDS:
            pieces[-1] = f"{pieces[-1]} {text}"
        else:
            pieces.append(text)
    path = (section.playbook_title, section.heading)
    return tuple(
        Chunk(id=digest_text("\x1f".join((*path, piece)))[:16], section_id=section.id, heading_path=path, text=piece)
        for piece in pieces
    )


def _check(shard: Path, vectors: Vectors) -> None:
    """Raise IndexUnavailableError unless a shard finds what was put into it."""
    search = VectorSearch(shard)
    try:
        sound = search.count(CHUNKS) == len(vectors)
        for number in range(0, len(vectors), max(1, len(vectors) // 20)):
            nearest = search.find_nearest(CHUNKS, vectors[number], 3)
            sound = sound and bool(nearest) and max(nearest.values()) > 0.999
    finally:
        search.close()
    if not sound:
        raise IndexUnavailableError(
            "The new index does not find what was put into it; the old one still serves.", "Run `advisor ingest` again."
        )
