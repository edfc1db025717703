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

FORMAT = "library-5"
PENDING = "pending.sqlite"
SHARDS = "shards.json"
_BATCH = 128
"""Sections that are embedded together: enough to sort them by length, few enough to stay small in memory."""
_WINDOW_WORDS = 55
_HEADING_WEIGHT = 0.5
"""Both chosen on the training split of SciFact; whole chunks with their heading rank no better, and cost as much."""
_HEADS = TypeAdapter(dict[str, list[DocumentHead]])


def name_shard(label: str) -> str:
    """Return the folder of a label's shard: no label, however written, can name a path."""
    return f"shard-{hashlib.sha256(label.encode()).hexdigest()[:12]}"


def read_heads(directory: Path) -> dict[str, list[DocumentHead]]:
    """Return the documents of a generation by label."""
    try:
        return _HEADS.validate_json((directory / SHARDS).read_bytes())
    except (OSError, ValueError) as error:
        raise IndexUnavailableError("The index of the documents is incomplete.", "Run `advisor ingest`.") from error


def write_heads(directory: Path, heads: dict[str, list[DocumentHead]]) -> None:
    """Write the documents of a generation by label."""
    (directory / SHARDS).write_bytes(_HEADS.dump_json(heads, indent=1))


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
        return _read_known(self._find_serving())

    def build(
        self, documents: Iterable[Document], skipped: Sequence[Skipped], progress: Progress | None = None
    ) -> LibraryReport:
        """Build a generation of exactly these documents, have it probed, and switch to it."""
        with self._generations.writing() as draft:
            serving = self._find_serving()
            before, held = _read_known(serving), self._read_held()
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
                write_heads(draft, heads)
                self._probe(draft, self._vectors)
                told = {head.id: head for found in heads.values() for head in found}
                manifest = Manifest(
                    id=uuid.uuid4().hex[:12],
                    model=self._embedder.fingerprint,
                    dimension=self._embedder.dimension,
                    format=FORMAT,
                    chunker="document-3",
                    documents={id_: head.digest for id_, head in told.items()},
                    sections=sum(head.sections for head in told.values()),
                    chunks=filling.chunks,
                    questions=0,
                    vectors=self._vectors.kind,
                )
                # What was removed, or closed to some, must not stay on disk in the generation before.
                left = held is None or any(
                    id_ not in told or told[id_].label != head.label for id_, head in held.items()
                )
                self._generations.publish(draft, manifest, keep_previous=not left)
                pending.delete()
        changed = [head for id_, head in told.items() if id_ not in before or before[id_].digest != head.digest]
        return LibraryReport(
            generation=manifest.id,
            indexed=tuple(f"{head.collection}/{head.path}" for head in changed),
            unchanged=len(told) - len(changed),
            removed=len((held or {}).keys() - told.keys()),
            skipped=tuple(skipped),
            sections=manifest.sections,
            embedded=filling.embedded,
        )

    def _read_held(self) -> dict[str, DocumentHead] | None:
        """Return what the serving generation lists, taken over or not; None where it cannot be read."""
        try:
            return _read_known(self._generations.get_current()[0])
        except IndexUnavailableError:
            return None

    def _find_serving(self) -> Path | None:
        try:
            directory, manifest = self._generations.get_current()
            self._generations.check_readable(manifest.id)  # nothing is taken over from Chroma's files
        except IndexUnavailableError:
            return None
        same = (manifest.format, manifest.model, manifest.vectors)
        return directory if same == (FORMAT, self._embedder.fingerprint, self._vectors.kind) else None


def _read_known(serving: Path | None) -> dict[str, DocumentHead]:
    heads = read_heads(serving) if serving else {}
    return {head.id: head for found in heads.values() for head in found}


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
                vectors = self._embed([section for _, sections in batch for section in sections])
                for document, sections in batch:
                    if document.label not in self._shards:
                        folder = self._draft / name_shard(document.label)
                        folder.mkdir()
                        self._shards[document.label] = _Shard(folder, stack.enter_context(CatalogueWriter(folder)))
                    self._shards[document.label].add(document, sections, vectors)
                if progress:
                    progress("Embedding", self.embedded, self.embedded)
        for folder in self.folders:
            append_vectors(folder, QUESTIONS, np.zeros((0, self._embedder.dimension), dtype=np.float32))
        return {label: shard.heads for label, shard in self._shards.items()}

    def _batches(self, documents: Iterable[Document]) -> Iterator[list[tuple[Document, tuple[Section, ...]]]]:
        """Yield documents together, until their sections are enough for the model."""
        batch: list[tuple[Document, tuple[Section, ...]]] = []
        size = 0
        for document in documents:
            known = document.sections is None
            sections = self._shelf.get_sections(document.id) if document.sections is None else document.sections
            batch.append((document, sections))
            size += 1 if known else len(sections)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _embed(self, sections: Sequence[Section]) -> dict[str, Vectors]:
        """Return the vectors of sections by the id of their chunk: first the section's, then its statements'."""
        wanted = {name_chunk(section): section for section in sections}
        found = self._shelf.find_vectors(wanted)
        found |= self._pending.find_vectors(wanted.keys() - found.keys())
        missing = {id_: section for id_, section in wanted.items() if id_ not in found}
        if missing:
            fresh = dict(zip(missing, embed_sections(list(missing.values()), self._embedder), strict=True))
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

    def add(self, document: Document, sections: Sequence[Section], vectors: Mapping[str, Vectors]) -> None:
        """Add a document; one chunk a section."""
        for section in sections:
            id_ = name_chunk(section)
            chunk = Chunk(id=id_, section_id=section.id, heading_path=_path(section), text=section.text)
            self._writer.add_section(section, vectors[id_][1:])
            self._writer.add_chunk(self.chunks, chunk, ())
            append_vectors(self.folder, CHUNKS, vectors[id_][:1])
            self.chunks += 1
        self.heads.append(DocumentHead(**document.model_dump(exclude={"sections"}), sections=len(sections)))


def name_chunk(section: Section) -> str:
    """Return the id of a section's chunk, which stays while heading and statements do."""
    return digest_text("\x1f".join((*_path(section), *(statement.labelled for statement in section.statements))))[:16]


def _path(section: Section) -> tuple[str, str]:
    return section.playbook_title, section.heading


def embed_sections(sections: Sequence[Section], embedder: Embedder) -> list[Vectors]:
    """Return for each section an array of shape (1 + statements, dimension): its own vector, then its statements'.

    A section is embedded in windows of a few sentences, without its heading. Its vector is the mean of theirs and half
    of its heading's; a statement's is pooled from the window that holds it.
    """
    windows = [split_windows(section) for section in sections]
    texts = [" ".join(window) for own in windows for window in own]
    spans = [_place(window) for own in windows for window in own]
    headings = list(dict.fromkeys(" > ".join(_path(section)) for section in sections))
    by_heading = dict(zip(headings, embedder.embed(headings), strict=True))
    found, parts = embedder.embed_spans(texts, spans)
    arrays: list[Vectors] = []
    start = 0
    for section, own in zip(sections, windows, strict=True):
        end = start + len(own)
        mean = _unit(found[start:end].sum(axis=0)) + _HEADING_WEIGHT * by_heading[" > ".join(_path(section))]
        arrays.append(np.concatenate([_unit(mean)[np.newaxis], *parts[start:end]]))
        start = end
    return arrays


def split_windows(section: Section) -> list[list[str]]:
    """Return the statements of a section in runs of about as many words, each some `_WINDOW_WORDS`."""
    texts = [statement.labelled for statement in section.statements]
    counts = [count_words(text) for text in texts]
    target = sum(counts) / max(1, round(sum(counts) / _WINDOW_WORDS))
    windows: list[list[str]] = [[]]
    words = 0
    for text, count in zip(texts, counts, strict=True):
        if windows[-1] and words >= target:
            windows.append([])
            words = 0
        windows[-1].append(text)
        words += count
    return windows


def _place(statements: Sequence[str]) -> list[Span]:
    """Return where statements stand when they are joined by spaces."""
    spans: list[Span] = []
    start = 0
    for statement in statements:
        spans.append((start, start + len(statement)))
        start += len(statement) + 1
    return spans


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)
