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

from advisor.domain.knowledge import Chunk, Document, DocumentHead, LibraryReport, Section, Skipped
from advisor.errors import IndexUnavailableError
from advisor.ports import Embedder, Progress, Span, Vectors
from advisor.retrieval.builder import Probe, digest_text
from advisor.retrieval.catalogue import CatalogueWriter
from advisor.retrieval.generations import Generations, Manifest
from advisor.retrieval.probe import probe_in_child
from advisor.retrieval.reuse import Pending, Shelf
from advisor.retrieval.vector import CHUNKS, QUESTIONS, VectorStore, append_vectors
from advisor.text import count_words

FORMAT = "library-2"
PENDING = "pending.sqlite"
_SHARDS = "shards.json"
_BATCH = 256
"""Chunks that are embedded together: enough to sort them by length, few enough to stay small in memory."""
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


class Piece(NamedTuple):
    """A chunk, and where in its indexed text each of its statements stands."""

    chunk: Chunk
    spans: tuple[Span, ...]


class ShardWriter:
    """Writes generations of the library. Sections and vectors of documents that did not change are taken over.

    What was embedded is kept aside until the generation serves, so that an interrupted run is not embedded twice.
    """

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

    def find_known(self) -> Mapping[str, DocumentHead]:
        """Return the documents that the serving generation holds, by id, if it can be compared with a new one."""
        directory = self._find_serving()
        if directory is None:
            return {}
        return {head.id: head for heads in read_heads(directory).values() for head in heads}

    def build(
        self, documents: Iterable[Document], skipped: Sequence[Skipped], progress: Progress | None = None
    ) -> LibraryReport:
        """Build a generation of exactly these documents, have it probed, and switch to it."""
        with self._generations.writing() as draft:
            serving = self._find_serving()
            before = self.find_known()
            labels = {head.label for head in before.values()}
            folders = {label: serving / name_shard(label) for label in labels} if serving else {}
            with contextlib.ExitStack() as stack:
                pending = Pending(draft.with_name(PENDING), self._embedder.fingerprint, self._embedder.dimension)
                stack.callback(pending.close)
                shelf = Shelf(folders, before, self._embedder.dimension)
                stack.callback(shelf.close)
                filling = _Filling(draft, shelf, pending, self._embedder)
                heads = filling.fill(documents, progress)
                for folder in filling.folders:
                    self._vectors.index(folder, (CHUNKS, QUESTIONS), self._embedder.dimension, progress)
                (draft / _SHARDS).write_bytes(_HEADS.dump_json(heads, indent=1))
                self._probe(draft, self._vectors)
                told = {head.id: head for found in heads.values() for head in found}
                manifest = Manifest(
                    id=uuid.uuid4().hex[:12],
                    model=self._embedder.fingerprint,
                    dimension=self._embedder.dimension,
                    format=FORMAT,
                    chunker="document-2",
                    documents={id_: head.digest for id_, head in told.items()},
                    sections=sum(head.sections for head in told.values()),
                    chunks=filling.chunks,
                    questions=0,
                    vectors=self._vectors.kind,
                )
                self._generations.publish(draft, manifest)
                pending.delete()
        changed = [head for id_, head in told.items() if id_ not in before or before[id_].digest != head.digest]
        return LibraryReport(
            generation=manifest.id,
            indexed=tuple(f"{head.collection}/{head.path}" for head in changed),
            unchanged=len(told) - len(changed),
            removed=len(before.keys() - told.keys()),
            skipped=tuple(skipped),
            sections=manifest.sections,
            embedded=filling.embedded,
        )

    def _find_serving(self) -> Path | None:
        try:
            directory, manifest = self._generations.get_current()
            self._generations.check_files(manifest.id)
        except IndexUnavailableError:
            return None
        same = (manifest.format, manifest.model, manifest.vectors)
        return directory if same == (FORMAT, self._embedder.fingerprint, self._vectors.kind) else None


class _Unit(NamedTuple):
    """A document on its way into a shard, with its sections and their pieces."""

    document: Document
    sections: tuple[Section, ...]
    pieces: tuple[tuple[Piece, ...], ...]


class _Filling:
    """Writes each document into the shard of its label as it comes: no more than a batch of them is in memory."""

    def __init__(self, draft: Path, shelf: Shelf, pending: Pending, embedder: Embedder) -> None:
        self._draft = draft
        self._shelf = shelf
        self._pending = pending
        self._embedder = embedder
        self._shards: dict[str, _Shard] = {}
        self.embedded = 0

    @property
    def folders(self) -> list[Path]:
        """The folders of the shards."""
        return [shard.folder for shard in self._shards.values()]

    @property
    def chunks(self) -> int:
        """How many chunks there are in all shards."""
        return sum(shard.chunks for shard in self._shards.values())

    def fill(self, documents: Iterable[Document], progress: Progress | None) -> dict[str, list[DocumentHead]]:
        """Write all documents; return their heads by label."""
        with contextlib.ExitStack() as stack:
            for batch in self._batches(documents):
                vectors = self._embed([piece for unit in batch for own in unit.pieces for piece in own])
                for unit in batch:
                    label = unit.document.label
                    if label not in self._shards:
                        folder = self._draft / name_shard(label)
                        folder.mkdir()
                        self._shards[label] = _Shard(folder, stack.enter_context(CatalogueWriter(folder)))
                    self._shards[label].add(unit, vectors)
                if progress:
                    progress("Embedding", self.embedded, self.embedded)
        for folder in self.folders:
            append_vectors(folder, QUESTIONS, np.zeros((0, self._embedder.dimension), dtype=np.float32))
        return {label: shard.heads for label, shard in self._shards.items()}

    def _batches(self, documents: Iterable[Document]) -> Iterator[list[_Unit]]:
        """Yield documents together, until their texts are enough for the model."""
        batch: list[_Unit] = []
        size = 0
        for document in documents:
            known = document.sections is None
            sections = self._shelf.get_sections(document.id) if document.sections is None else document.sections
            unit = _Unit(document, sections, tuple(split_section(section) for section in sections))
            batch.append(unit)
            size += 1 if known else sum(len(own) for own in unit.pieces)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _embed(self, pieces: Sequence[Piece]) -> dict[str, Vectors]:
        """Return the vectors of pieces by chunk id: first the chunk's, then those of its statements."""
        wanted = {piece.chunk.id: piece for piece in pieces}
        found = self._shelf.find_vectors(wanted)
        found |= self._pending.find_vectors(wanted.keys() - found.keys())
        missing = [piece for id_, piece in wanted.items() if id_ not in found]
        if missing:
            texts, spans = [piece.chunk.indexed_text for piece in missing], [piece.spans for piece in missing]
            chunks, statements = self._embedder.embed_spans(texts, spans)
            fresh = {
                piece.chunk.id: np.concatenate([chunk[np.newaxis], own])
                for piece, chunk, own in zip(missing, chunks, statements, strict=True)
            }
            self._pending.keep(fresh)
            self.embedded += len(fresh)
            found |= fresh
        return found


class _Shard:
    """A shard that is being written."""

    def __init__(self, folder: Path, writer: CatalogueWriter) -> None:
        self.folder = folder
        self.heads: list[DocumentHead] = []
        self.chunks = 0
        self._writer = writer

    def add(self, unit: _Unit, vectors: Mapping[str, Vectors]) -> None:
        """Add a document."""
        for section, pieces in zip(unit.sections, unit.pieces, strict=True):
            own = [vectors[piece.chunk.id] for piece in pieces]
            self._writer.add_section(section, np.concatenate([rows[1:] for rows in own]))
            append_vectors(self.folder, CHUNKS, np.stack([rows[0] for rows in own]))
            first = 0
            for piece in pieces:
                count = len(piece.spans)
                self._writer.add_chunk(self.chunks, piece.chunk, (), first_statement=first, statements=count)
                self.chunks += 1
                first += count
        self.heads.append(DocumentHead(**unit.document.model_dump(exclude={"sections"}), sections=len(unit.sections)))


def split_section(section: Section) -> tuple[Piece, ...]:
    """Return the pieces of a document's section: each of about as many words as the model reads."""
    groups: list[list[str]] = []
    words = 0
    for statement in section.statements:
        count = count_words(statement.labelled)
        if not groups or words + count > _MOST_CHUNK_WORDS:
            groups.append([])
            words = 0
        groups[-1].append(statement.labelled)
        words += count
    return tuple(_make_piece(section, group) for group in groups)


def _make_piece(section: Section, statements: Sequence[str]) -> Piece:
    path = (section.playbook_title, section.heading)
    text = " ".join(statements)
    id_ = digest_text("\x1f".join((*path, *statements)))[:16]
    chunk = Chunk(id=id_, section_id=section.id, heading_path=path, text=text)
    start = len(chunk.indexed_text) - len(text)
    spans: list[Span] = []
    for statement in statements:
        spans.append((start, start + len(statement)))
        start += len(statement) + 1
    return Piece(chunk, tuple(spans))
