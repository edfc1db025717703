import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from advisor.domain.dialogue import Query
from advisor.errors import BusyError, IndexUnavailableError, StorageError
from advisor.knowledge.ingest import Ingest
from advisor.retrieval import generations as module
from advisor.retrieval.builder import GenerationBuilder
from advisor.retrieval.generations import Generations
from advisor.retrieval.hybrid import HybridRetriever
from advisor.retrieval.probe import probe
from tests.conftest import SMALL
from tests.fakes import HashEmbedder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    shutil.copytree(SMALL, tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def store(tmp_path: Path) -> Generations:
    return Generations(tmp_path / "generations")


def ingest(store: Generations, base: Path, embedder: HashEmbedder | None = None, *, rebuild: bool = False):
    builder = GenerationBuilder(generations=store, embedder=embedder or HashEmbedder(), probe=probe)
    return Ingest(knowledge_base_dir=base, writer=builder).run(rebuild=rebuild)


def find(store: Generations, text: str) -> list[str]:
    retriever = HybridRetriever(generations=store, embedder=HashEmbedder())
    return [passage.section.id for passage in retriever.retrieve(Query(text=text)).passages]


def test_what_is_ingested_is_found(store: Generations, base: Path) -> None:
    report = ingest(store, base)
    assert (report.playbooks, report.sections, report.unchanged) == (2, 5, False)
    assert find(store, "How long should coffee brew?")[0] == "coffee/brewing-time"


def test_unchanged_files_embed_nothing(store: Generations, base: Path) -> None:
    first = ingest(store, base)
    embedder = HashEmbedder()
    second = ingest(store, base, embedder)
    assert second.unchanged
    assert second.generation == first.generation
    assert embedder.embedded == []


def test_only_changed_texts_are_embedded(store: Generations, base: Path) -> None:
    ingest(store, base)
    file = base / "tea.md"
    file.write_text(file.read_text().replace("loses its sweetness", "loses its aroma"))
    embedder = HashEmbedder()
    report = ingest(store, base, embedder)
    assert report.embedded == len(embedder.embedded) == 2  # the sentence and its chunk
    assert report.reused > 30


def test_rebuild_embeds_everything(store: Generations, base: Path) -> None:
    total = ingest(store, base).embedded
    assert ingest(store, base, rebuild=True).embedded == total


def test_a_deleted_playbook_is_gone_and_old_generations_go_too(store: Generations, base: Path, tmp_path: Path) -> None:
    ingest(store, base)
    (base / "tea.md").unlink()
    (base / "tea.yaml").unlink()
    for _ in range(3):
        ingest(store, base, rebuild=True)
    assert not any(id_.startswith("tea/") for id_ in find(store, "How long should green tea steep?"))
    assert len([path for path in (tmp_path / "generations").iterdir() if path.is_dir()]) == 2


@pytest.mark.fault("R6")
def test_an_open_reader_follows_the_pointer(store: Generations, base: Path) -> None:
    ingest(store, base)
    retriever = HybridRetriever(generations=store, embedder=HashEmbedder())
    first = retriever.retrieve(Query(text="tea")).generation
    ingest(store, base, rebuild=True)
    assert retriever.retrieve(Query(text="tea")).generation != first


def test_reading_changes_no_sealed_file(store: Generations, base: Path) -> None:
    ingest(store, base)
    find(store, "coffee")
    store.check_files(str(store.find_current()))


def test_a_malformed_playbook_leaves_the_old_index_serving(store: Generations, base: Path) -> None:
    generation = ingest(store, base).generation
    (base / "tea.md").write_text("no front matter")
    with pytest.raises(Exception, match="front matter"):
        ingest(store, base)
    assert store.find_current() == generation


@pytest.mark.fault("R5")
def test_a_second_ingest_is_refused_while_one_runs(store: Generations, base: Path) -> None:
    with store.writing(), pytest.raises(BusyError, match="Another ingest"):
        ingest(Generations(store._root), base)


@pytest.mark.fault("R7")
def test_a_full_disk_is_told_before_anything_is_written(
    store: Generations, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = ingest(store, base).generation
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))
    with pytest.raises(StorageError, match="5 MB are free"):
        ingest(store, base, rebuild=True)
    assert store.find_current() == generation


@pytest.mark.fault("R7")
def test_a_disk_that_fills_up_on_the_way_loses_nothing(
    store: Generations, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = ingest(store, base).generation

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("advisor.retrieval.builder.CatalogueWriter", fail)
    with pytest.raises(StorageError, match="disk is full"):
        ingest(store, base, rebuild=True)
    assert store.find_current() == generation
    assert find(store, "coffee")
    assert not list(store._root.glob("draft-*"))


def spoil(store: Generations, name: str, how: str) -> None:
    """Damage a file of the serving generation."""
    file = next((store._root / str(store.find_current())).rglob(name))
    content = file.read_bytes()
    if how == "delete":
        file.unlink()
    elif how == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.write_bytes(os.urandom(len(content) // 2) + content[len(content) // 2 :])


@pytest.mark.parametrize("name", ["data_level0.bin", "header.bin", "chroma.sqlite3"])
@pytest.mark.parametrize("how", ["delete", "cut", "damage"])
@pytest.mark.fault("R3")
def test_with_chroma_damaged_the_same_is_found_and_said_so(store: Generations, base: Path, name: str, how: str) -> None:
    ingest(store, base)
    question = Query(text="How long should coffee brew?")
    sound = HybridRetriever(generations=store, embedder=HashEmbedder()).retrieve(question)
    spoil(store, name, how)
    found = HybridRetriever(generations=store, embedder=HashEmbedder()).retrieve(question)
    assert (sound.degraded, found.degraded) == (False, True)
    assert [passage.section.id for passage in found.passages] == [passage.section.id for passage in sound.passages]
    ingest(store, base)
    assert not HybridRetriever(generations=store, embedder=HashEmbedder()).retrieve(question).degraded


@pytest.mark.parametrize("name", ["catalogue.sqlite", "chunks.f32"])
@pytest.mark.parametrize("how", ["delete", "cut", "damage"])
@pytest.mark.fault("R3")
def test_a_damaged_index_is_refused_and_can_be_rebuilt(store: Generations, base: Path, name: str, how: str) -> None:
    ingest(store, base)
    spoil(store, name, how)
    with pytest.raises(IndexUnavailableError, match="--rebuild"):
        find(store, "coffee")
    ingest(store, base)
    assert find(store, "coffee")


@pytest.mark.fault("R3")
def test_a_half_written_index_is_refused(store: Generations, base: Path) -> None:
    ingest(store, base)
    (store._root / str(store.find_current()) / "manifest.json").write_text('{"id": "')
    with pytest.raises(IndexUnavailableError, match="incomplete"):
        find(store, "coffee")


def test_no_index_is_told(store: Generations) -> None:
    with pytest.raises(IndexUnavailableError, match="no index yet"):
        find(store, "coffee")


def test_another_model_is_detected(store: Generations, base: Path) -> None:
    ingest(store, base)
    other = HashEmbedder()
    other.fingerprint = "hash@2"
    retriever = HybridRetriever(generations=store, embedder=other)
    with pytest.raises(IndexUnavailableError, match="another embedding model"):
        retriever.retrieve(Query(text="coffee"))


def _rebuild_forever(root: Path, base: Path) -> None:
    while True:
        ingest(Generations(root), base, rebuild=True)


@pytest.mark.slow
@pytest.mark.fault("R1")
def test_killed_at_any_instant_the_old_index_still_serves(store: Generations, base: Path) -> None:
    ingest(store, base)
    context = multiprocessing.get_context("spawn")
    for delay in (1.2, 1.25, 1.3, 1.4, 1.5, 1.7):
        process = context.Process(target=_rebuild_forever, args=(store._root, base))
        process.start()
        time.sleep(delay)
        os.kill(int(process.pid or 0), signal.SIGKILL)
        process.join()
        assert find(store, "How long should coffee brew?")[0] == "coffee/brewing-time"
    ingest(store, base, rebuild=True)
    assert not list(store._root.glob("draft-*"))
