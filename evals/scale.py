"""Retrieval in a large index beside a small one: real sections, then copies of them with perturbed vectors."""

from __future__ import annotations

import resource
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from advisor.domain.dialogue import Query
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import Chunk, DocumentHead, Section, Tier
from advisor.knowledge.documents import name_document, split_document
from advisor.knowledge.readers.formats import FORMATS
from advisor.knowledge.readers.pool import ReaderPool
from advisor.ports import Embedder, Vectors
from advisor.retrieval.catalogue import CatalogueWriter
from advisor.retrieval.generations import Generations, Manifest
from advisor.retrieval.library import LibraryRetriever
from advisor.retrieval.probe import probe_in_child
from advisor.retrieval.shards import FORMAT, embed_sections, name_shard, write_heads
from advisor.retrieval.vector import CHUNKS, QUESTIONS, VectorStore, append_vectors
from evals.cases import Half, Kind, load_suite

SMALL = 2_000
REAL = 5_000
_NOISE = 0.02
"""Standard deviation added to each of 384 coordinates of a copy: a cosine of about .93 to the original."""


def compare(documents: Path, embedder: Embedder, console: Console, chunks: int) -> None:
    """Print warm retrieval, size on disk and memory of both, and their ratios."""
    questions = [case.question for case in load_suite().load_cases(Half.TUNED) if case.kind is Kind.DIRECT]
    with TemporaryDirectory() as folder:
        console.print(f"Reading and embedding {documents.name}")
        sections = _read_sections(documents)
        arrays = embed_sections(sections, embedder)
        measured = []
        for count in (SMALL, chunks):
            root = Path(folder) / str(count)
            started = time.perf_counter()
            _write(root, sections, arrays, count, embedder)
            built = time.perf_counter() - started
            waits = _ask(root, embedder, questions)
            size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) / 1e6
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            measured.append((*np.percentile(waits, (50, 95)) * 1000, built, size, memory))
    table = Table("", f"{SMALL:,} chunks", f"{chunks:,} chunks", "ratio", title=f"{len(sections):,} of them embedded")
    names = ("warm retrieval, p50, ms", "warm retrieval, p95, ms", "indexing, s", "on disk, MB", "peak memory, MB")
    for name, one, other in zip(names, *measured, strict=True):
        table.add_row(name, f"{one:.1f}", f"{other:.1f}", f"{other / one:.1f}")
    console.print(table)


def _read_sections(documents: Path) -> list[Section]:
    sections: list[Section] = []
    files = sorted(file for file in documents.rglob("*") if file.suffix in FORMATS)
    for reading in ReaderPool().read_all(files):
        if reading.extract:
            id_ = name_document(documents.name, str(reading.path))
            sections += split_document(id_, reading.path.stem, reading.extract)
        if len(sections) >= REAL:
            break
    return sections[:REAL]


def _write(root: Path, sections: Sequence[Section], arrays: Sequence[Vectors], count: int, embedder: Embedder) -> None:
    """Publish a generation of `count` chunks: the sections, then perturbed copies of them."""
    dice = np.random.default_rng(3)
    generations = Generations(root)
    heads: dict[str, DocumentHead] = {}
    with generations.writing() as draft:
        folder = draft / name_shard("")
        folder.mkdir()
        with CatalogueWriter(folder) as catalogue:
            for number in range(count):
                copy, place = divmod(number, len(sections))
                rows = arrays[place]
                if copy:
                    moved = rows + dice.normal(scale=_NOISE, size=rows.shape).astype(np.float32)
                    rows = moved / np.linalg.norm(moved, axis=1, keepdims=True)
                document = f"{sections[place].playbook}{copy:04d}"
                id_ = f"{document}/{sections[place].id.partition('/')[2]}"
                section = sections[place].model_copy(update={"id": id_, "playbook": document})
                path = (section.playbook_title, section.heading)
                chunk = Chunk(id=f"{number:016d}", section_id=id_, heading_path=path, text=section.text)
                catalogue.add_section(section, rows[1:])
                catalogue.add_chunk(number, chunk, ())
                append_vectors(folder, CHUNKS, rows[:1])
                heads[document] = DocumentHead(
                    id=document, collection="documents", label="", tier=Tier.COMPANY, path=document,
                    title=section.playbook_title, digest=document, sections=1,
                )  # fmt: skip
        append_vectors(folder, QUESTIONS, np.zeros((0, embedder.dimension), dtype=np.float32))
        VectorStore().index(folder, (CHUNKS, QUESTIONS), embedder.dimension)
        write_heads(draft, {"": list(heads.values())})
        probe_in_child(draft, VectorStore())
        manifest = Manifest(
            id=uuid.uuid4().hex[:12], model=embedder.fingerprint, dimension=embedder.dimension, format=FORMAT,
            chunker="scale", documents={}, sections=count, chunks=count, questions=0,
        )  # fmt: skip
        generations.publish(draft, manifest)


def _ask(root: Path, embedder: Embedder, questions: Sequence[str]) -> list[float]:
    """Return the seconds of each retrieval, after a first round over all questions."""
    library = LibraryRetriever(generations=Generations(root), embedder=embedder)
    seconds: list[float] = []
    for turn in range(3):
        for question in questions:
            started = time.perf_counter()
            library.retrieve(Query(text=question), LOCAL_CALLER)
            if turn:
                seconds.append(time.perf_counter() - started)
    return seconds
