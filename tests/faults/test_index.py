"""A live server whose index is damaged, half lost, fought over or replaced under it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import chromadb
import httpx
import numpy as np
import pytest

from advisor.bootstrap import build_ingest
from advisor.domain.dialogue import Query
from advisor.errors import BusyError
from advisor.knowledge.ingest import Ingest
from advisor.retrieval import vector
from advisor.retrieval.builder import GenerationBuilder
from advisor.retrieval.generations import Generations
from advisor.retrieval.hybrid import HybridRetriever
from advisor.retrieval.probe import probe
from advisor.retrieval.vector import CHUNKS, VectorStore
from advisor.settings import Settings
from tests.conftest import SMALL
from tests.fakes import HashEmbedder
from tests.faults.conftest import BREWING, ask, frozen, run, wait_until
from tests.integrations.conftest import free_port, serving
from tests.retrieval.test_vector import make_vectors, start_chroma, write_index

_RACES = 50
_SHAPES = {
    "graph cut": ("data_level0.bin", "cut"),
    "graph head cut": ("header.bin", "cut"),
    "graph garbled": ("data_level0.bin", "garble"),
    "graph gone": ("data_level0.bin", "delete"),
    "Chroma's database cut": ("chroma.sqlite3", "cut"),
    "Chroma's database garbled": ("chroma.sqlite3", "garble"),
    "vectors cut": ("chunks.f32", "cut"),
    "catalogue garbled": ("catalogue.sqlite", "garble"),
}


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    if how == "delete":
        file.unlink()
    elif how == "cut":
        os.truncate(file, len(content) // 3)
    else:
        with file.open("r+b") as stream:
            stream.write(os.urandom(max(4096, len(content) // 2)))


@pytest.mark.fault("R3")
def test_a_server_that_opens_a_damaged_index_answers_or_refuses_and_mends_it(own: Settings) -> None:
    generations = Generations(own.generations_dir)
    with serving(own) as server:
        before = ask(server.address).json()
        assert before["notices"] == []
        for shape, (name, how) in _SHAPES.items():
            hurt = build_ingest(own).run(rebuild=True).generation  # the server has not opened it yet
            damage(next((own.generations_dir / hurt).rglob(name)), how)
            first = ask(server.address)
            assert first.status_code in {200, 503}, shape
            if first.status_code == 200:
                assert first.json()["blocks"] == before["blocks"], shape
                assert first.json()["notices"], f"{shape}: answered from a damaged index without a word"
            whole = wait_until(lambda: find_whole(ask(server.address)))
            assert whole["blocks"] == before["blocks"], shape
            assert generations.find_current() != hurt, shape
            generations.check_files(str(generations.find_current()))
        assert server.process.poll() is None


def find_whole(response: httpx.Response) -> dict[str, Any] | None:
    """Return an answer that lacks nothing."""
    return response.json() if response.status_code == 200 and not response.json()["notices"] else None


@pytest.mark.fault("R3")
def test_damage_under_an_open_index_ends_no_server(own: Settings) -> None:
    with serving(own) as server:
        before = ask(server.address).json()
        serving_now = own.generations_dir / str(Generations(own.generations_dir).find_current())
        for name, how in _SHAPES.values():
            for file in serving_now.rglob(name):
                damage(file, how)
        for _ in range(3):
            answer = ask(server.address)
            assert answer.status_code in {200, 503}
            assert answer.status_code == 503 or answer.json()["blocks"] == before["blocks"]
        assert server.process.poll() is None
        build_ingest(own).run()
        assert wait_until(lambda: find_whole(ask(server.address)))["blocks"] == before["blocks"]


def _lose(url: str, name: str, rows: list[int]) -> None:
    """Let a server hold other vectors than were put in, as after a lost write: the count stays right."""
    port = int(url.rpartition(":")[2])
    collection = chromadb.HttpClient("127.0.0.1", port).get_collection(name, embedding_function=None)
    others = make_vectors(len(rows), seed=9)
    collection.update(ids=[str(row) for row in rows], embeddings=np.asarray(others))


@pytest.mark.fault("R4")
def test_vectors_lost_on_a_server_are_found_out_when_they_are_opened(tmp_path: Path) -> None:
    port = free_port()
    process = start_chroma(tmp_path / "chroma", port)
    try:
        (tmp_path / "index").mkdir()
        vectors = make_vectors(1000)
        store = VectorStore(f"http://127.0.0.1:{port}")
        write_index(tmp_path / "index", vectors, vectors, store)
        assert not store.open(tmp_path / "index").find_nearest(CHUNKS, vectors[1], 3).degraded
        search = store.open(tmp_path / "index")
        _lose(store.url, search._names[CHUNKS], list(range(0, 1000, 20)))  # one in twenty
        assert store.take_reports() == {}
        found = store.open(tmp_path / "index").find_nearest(CHUNKS, vectors[20], 3)
        assert (found.degraded, next(iter(found.cosines))) == (True, 20)
        assert store.take_reports() == {tmp_path / "index": True}
    finally:
        process.kill()
        process.wait()


@pytest.mark.fault("R4")
def test_vectors_lost_while_they_serve_are_found_out_within_the_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = make_vectors(1000)
    store = write_index(tmp_path, vectors, vectors)
    monkeypatch.setattr(vector, "LOOK_SECONDS", 0.0)
    search = store.open(tmp_path)
    assert not search.find_nearest(CHUNKS, vectors[1], 3).degraded
    collection = search._open(CHUNKS)
    lost = list(range(0, 1000, 20))
    collection.update(ids=[str(row) for row in lost], embeddings=make_vectors(len(lost), seed=9))
    wait_until(lambda: search.find_nearest(CHUNKS, vectors[20], 3).degraded)
    assert next(iter(search.find_nearest(CHUNKS, vectors[20], 3).cosines)) == 20
    assert store.take_reports() == {tmp_path: True}


def _race(root: Path, base: Path, start: object, built: object) -> None:
    builder = GenerationBuilder(generations=Generations(root), embedder=HashEmbedder(), probe=probe)
    ingest = Ingest(knowledge_base_dir=base, writer=builder)
    for _ in range(_RACES):
        start.wait()  # type: ignore[attr-defined]
        try:
            built.put(ingest.run(rebuild=True).generation)  # type: ignore[attr-defined]
        except BusyError:
            built.put("")  # type: ignore[attr-defined]


@pytest.mark.fault("R5")
def test_of_racing_builders_one_builds(tmp_path: Path) -> None:
    root = tmp_path / "generations"
    context = multiprocessing.get_context("forkserver")
    start, built = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_race, args=(root, SMALL, start, built)) for _ in range(2)]
    for process in processes:
        process.start()
    retriever = HybridRetriever(generations=Generations(root), embedder=HashEmbedder())
    for _ in range(_RACES):
        start.wait()
        made = [id_ for id_ in (built.get(timeout=60), built.get(timeout=60)) if id_]
        assert made, "nobody built"
        assert Generations(root).find_current() in made
        assert retriever.retrieve(Query(text="How long should coffee brew?")).passages
    for process in processes:
        process.join(60)
    assert not list(root.glob("draft-*"))
    assert len([folder for folder in root.iterdir() if folder.is_dir()]) == 2


@pytest.mark.fault("R6")
def test_a_running_server_follows_an_ingest_and_forgets_what_was_deleted(own: Settings) -> None:
    with serving(own) as server:
        tea = "How long should green tea steep?"
        assert ask(server.address, tea).json()["outcome"] == "answered"
        for ending in (".md", ".yaml"):
            (own.knowledge_base_dir / f"tea{ending}").unlink()
        build_ingest(own).run()
        after = ask(server.address, tea)
        assert "tea/" not in after.text
        assert BREWING in ask(server.address).text


@pytest.mark.fault("R8")
def test_a_frozen_chroma_server_costs_a_notice_and_comes_back(small: Settings, tmp_path: Path) -> None:
    port = free_port()
    process = start_chroma(tmp_path / "chroma", port)
    url = {"ADVISOR_CHROMA_URL": f"http://127.0.0.1:{port}"}
    try:
        assert run(small, "ingest", **url).returncode == 0
        with serving(small, **url) as server:
            assert ask(server.address).json()["notices"] == []
            with frozen(process):
                answers = [ask(server.address) for _ in range(3)]
                assert all(BREWING in answer.text for answer in answers)
                assert all("vector index does not answer" in answer.text for answer in answers)
            wait_until(lambda: ask(server.address).json()["notices"] == [])  # it is tried again after its rest
    finally:
        process.kill()
        process.wait()


@pytest.mark.fault("R3")
def test_files_that_vanish_under_a_running_server_are_built_anew(own: Settings) -> None:
    generations = Generations(own.generations_dir)
    with serving(own) as server:
        assert find_whole(ask(server.address))
        gone = str(generations.find_current())
        shutil.rmtree(own.generations_dir / gone)
        wait_until(lambda: generations.find_current() != gone)
        assert wait_until(lambda: find_whole(ask(server.address)))["generation"] != gone
        assert server.process.poll() is None


@pytest.mark.fault("R3")
def test_a_generation_that_lost_its_files_is_built_anew_at_the_start(own: Settings) -> None:
    shutil.rmtree(own.generations_dir / str(Generations(own.generations_dir).find_current()))
    with serving(own) as server:
        assert BREWING in ask(server.address).text
