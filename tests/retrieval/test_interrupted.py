"""Ingests of documents that are killed or interrupted: the old generation answers, and nothing is embedded twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from advisor.domain.dialogue import Query
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import Document, Tier
from advisor.knowledge.documents import split_document
from advisor.knowledge.readers.extract import Extract, Page
from advisor.ports import Progress, Span, Vectors
from advisor.retrieval.generations import Generations
from advisor.retrieval.library import LibraryRetriever
from advisor.retrieval.shards import PENDING, ShardWriter
from tests.fakes import HashEmbedder

_KILLS = 50
_WORDS = ("pump", "valve", "shift", "alarm", "press", "kiln", "mixer", "crane", "boiler", "meter", "sensor", "filter")


def make_document(number: int, edition: int) -> Document:
    """Return a document that says which edition it is, on a few pages of sentences of its own."""
    dice = random.Random(number)
    lines = [f"# Manual {number}", f"Edition {edition} of manual {number} holds."]
    for part in range(6):
        lines.append(f"## Part {part}")
        lines += [f"The {' '.join(dice.choices(_WORDS, k=12))} is checked by hand {part}.{k}." for k in range(20)]
    extract = Extract(f"Manual {number}", (Page(None, "\n\n".join(lines)),))
    id_ = f"doc-{number:012d}"
    sections = split_document(id_, f"Manual {number}", extract)
    return Document(
        id=id_,
        collection="manuals",
        label="board" if number % 2 else "",
        tier=Tier.COMPANY,
        path=f"{number}.md",
        title=f"Manual {number}",
        digest=f"{number}-{edition}",
        sections=sections,
    )


def ingest(root: Path, edition: int, count: int = 24) -> None:
    """Index manuals of one edition."""
    documents = (make_document(number, edition) for number in range(count))
    ShardWriter(generations=Generations(root), embedder=HashEmbedder()).build(documents, ())


def read_editions(root: Path) -> set[str]:
    """Return the editions that answers tell of, and check that every manual is found."""
    retriever = LibraryRetriever(generations=Generations(root), embedder=HashEmbedder(), top_k=100)
    found = retriever.retrieve(Query(text="Which edition of the manual holds?"), LOCAL_CALLER)
    assert not found.degraded
    told = [p.section.statements[0].text for p in found.passages if p.section.text.startswith("Edition")]
    assert len(told) == len(retriever.list_documents(LOCAL_CALLER)) == 24
    return {text.split()[1] for text in told}


def _ingest_forever(root: Path) -> None:
    edition = int(time.time())
    while True:
        edition += 1
        ingest(root, edition)


@pytest.mark.slow
@pytest.mark.fault("R1")
def test_killed_at_fifty_moments_the_old_generation_answers_every_time(tmp_path: Path) -> None:
    root = tmp_path / "library"
    ingest(root, 1)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    dice = random.Random(11)
    for _ in range(_KILLS):
        process = context.Process(target=_ingest_forever, args=(root,))
        process.start()
        time.sleep(dice.uniform(0.05, 2.5))
        os.kill(int(process.pid or 0), signal.SIGKILL)
        process.join()
        assert len(read_editions(root)) == 1  # whole, of one edition: nothing half-visible
    ingest(root, 2)
    assert read_editions(root) == {"2"}
    assert not list(root.glob("draft-*"))
    assert not list(root.glob("pending*"))
    assert len([path for path in root.iterdir() if path.is_dir()]) == 2
    assert _measure(root) <= 2.2 * _measure(root / str(Generations(root).find_current()))  # this one and the one before


def _measure(root: Path) -> int:
    return sum(file.stat().st_size for file in root.rglob("*") if file.is_file())


class _Tiring(HashEmbedder):
    """Gives up after some batches, as a person does who presses Ctrl-C."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.batches = batches
        self.windows = 0

    def embed_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], progress: Progress | None = None
    ) -> tuple[Vectors, list[Vectors]]:
        if not self.batches:
            raise KeyboardInterrupt
        self.batches -= 1
        self.windows += len(texts)
        return super().embed_spans(texts, spans, progress)


@pytest.mark.fault("R1")
def test_an_interrupted_ingest_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.retrieval.shards._BATCH", 20)
    documents = [make_document(number, 1) for number in range(12)]
    first, second = _Tiring(4), _Tiring(1000)
    with pytest.raises(KeyboardInterrupt):
        ShardWriter(generations=Generations(tmp_path), embedder=first).build(documents, ())
    assert (tmp_path / PENDING).exists()
    assert not list(tmp_path.glob("draft-*"))
    report = ShardWriter(generations=Generations(tmp_path), embedder=second).build(documents, ())
    assert first.windows > 0
    assert 0 < report.embedded < report.sections
    fresh = _Tiring(1000)
    ShardWriter(generations=Generations(tmp_path / "other"), embedder=fresh).build(documents, ())
    assert first.windows + second.windows == fresh.windows
    assert not (tmp_path / PENDING).exists()


def test_vectors_of_another_model_are_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.retrieval.shards._BATCH", 20)
    documents = [make_document(number, 1) for number in range(12)]
    with pytest.raises(KeyboardInterrupt):
        ShardWriter(generations=Generations(tmp_path), embedder=_Tiring(4)).build(documents, ())
    other = _Tiring(1000)
    other.fingerprint = "hash@2"
    report = ShardWriter(generations=Generations(tmp_path), embedder=other).build(documents, ())
    assert report.embedded == report.sections > 80


def test_a_damaged_file_of_pending_vectors_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / PENDING).write_bytes(b"not a database" * 100)
    report = ShardWriter(generations=Generations(tmp_path), embedder=HashEmbedder()).build([make_document(1, 1)], ())
    assert report.embedded > 0
