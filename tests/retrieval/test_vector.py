"""Vectors in real Chroma: probed before they serve, searched within a deadline, embedded or on a real server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import chromadb
import numpy as np
import pytest

from advisor.domain.dialogue import Query
from advisor.errors import IndexUnavailableError, StorageError
from advisor.knowledge.ingest import Ingest
from advisor.ports import Vectors
from advisor.retrieval.builder import GenerationBuilder
from advisor.retrieval.catalogue import FILE_NAME, CatalogueWriter
from advisor.retrieval.generations import Generations
from advisor.retrieval.hybrid import HybridRetriever
from advisor.retrieval.probe import probe, probe_in_child
from advisor.retrieval.vector import CHUNKS, FOLDER, QUESTIONS, VectorStore, append_vectors
from tests.conftest import ROOT, SMALL
from tests.fakes import HashEmbedder
from tests.integrations.conftest import free_port


def make_vectors(count: int, seed: int = 5) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def write_index(folder: Path, stored: Vectors, told: Vectors, store: VectorStore | None = None) -> VectorStore:
    """Write an index whose Chroma holds `stored` while its matrix and catalogue tell of `told`."""
    store = store or VectorStore()
    with CatalogueWriter(folder) as catalogue:
        catalogue._connection.executemany(
            "INSERT INTO chunk VALUES (?, ?, 's')", ((row, str(row)) for row in range(len(told)))
        )
    for name, rows in ((CHUNKS, stored), (QUESTIONS, stored[:0])):
        append_vectors(folder, name, rows)
    store.index(folder, (CHUNKS, QUESTIONS), 64)
    (folder / f"{CHUNKS}.f32").write_bytes(told.tobytes())
    return store


def test_the_exact_search_finds_what_chroma_finds(tmp_path: Path) -> None:
    vectors = make_vectors(500)
    store = write_index(tmp_path, vectors, vectors)
    sound, broken = store.open(tmp_path), store.open(tmp_path, damaged=True)
    for row in range(0, 500, 25):
        ours, exact = (search.find_nearest(CHUNKS, vectors[row], 5) for search in (sound, broken))
        assert (ours.degraded, exact.degraded) == (False, True)
        assert next(iter(ours.cosines)) == next(iter(exact.cosines)) == row
        assert ours.cosines[row] == pytest.approx(exact.cosines[row], abs=1e-5)


def test_a_sound_index_passes_the_probe_in_a_child(tmp_path: Path) -> None:
    vectors = make_vectors(300)
    probe_in_child(tmp_path, write_index(tmp_path, vectors, vectors))


@pytest.mark.fault("R4")
def test_silently_lost_vectors_fail_the_probe(tmp_path: Path) -> None:
    vectors = make_vectors(300)
    lossy = vectors.copy()
    lossy[::20] = make_vectors(15, seed=6)  # 5 % of the vectors are not what was put in; the count is right
    store = write_index(tmp_path, lossy, vectors)
    with pytest.raises(IndexUnavailableError, match="do not find themselves"):
        probe(tmp_path, store)


@pytest.mark.fault("R4")
def test_a_wrong_count_fails_the_probe(tmp_path: Path) -> None:
    vectors = make_vectors(300)
    store = write_index(tmp_path, vectors[:-1], vectors)
    with pytest.raises(IndexUnavailableError, match="299 of 300"):
        probe(tmp_path, store)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["header.bin", "data_level0.bin", "link_lists.bin", "length.bin", "chroma.sqlite3"])
@pytest.mark.parametrize("how", ["cut", "garbage", "gone"])
@pytest.mark.fault("R3")
def test_a_broken_index_harms_the_child_alone(tmp_path: Path, name: str, how: str) -> None:
    vectors = make_vectors(1500)
    store = write_index(tmp_path, vectors, vectors)
    file = next((tmp_path / FOLDER).rglob(name))
    content = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 3] if how == "cut" else b"\xff\x7f" * (len(content) // 2))
    try:
        probe_in_child(tmp_path, store, seconds=20)
    except IndexUnavailableError as error:
        assert "does not hold" in str(error)  # noqa: PT017  some files Chroma does without, and finds all the same


@pytest.mark.fault("R3")
def test_an_unsound_draft_never_serves(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "base")
    generations = Generations(tmp_path / "generations")

    def ingest(probe_with: object) -> None:
        builder = GenerationBuilder(generations=generations, embedder=HashEmbedder(), probe=probe_with)  # type: ignore[arg-type]
        Ingest(knowledge_base_dir=tmp_path / "base", writer=builder).run(rebuild=True)

    ingest(probe)
    serving = generations.find_current()

    def lose(draft: Path, store: VectorStore) -> None:
        (draft / FILE_NAME).write_bytes(b"")
        probe_in_child(draft, store)

    with pytest.raises(IndexUnavailableError, match="the old one still serves"):
        ingest(lose)
    assert generations.find_current() == serving


class FrozenServer:
    """Takes connections and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._held: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self._held.append(self._socket.accept()[0])
            except OSError:
                return

    @property
    def connections(self) -> int:
        return len(self._held)

    def close(self) -> None:
        for held in (self._socket, *self._held):
            held.close()


@pytest.mark.fault("R8")
def test_a_frozen_chroma_delays_one_search_and_loses_none(tmp_path: Path) -> None:
    vectors = make_vectors(200)
    write_index(tmp_path, vectors, vectors)
    server = FrozenServer()
    try:
        search = VectorStore(server.url, deadline=0.3).open(tmp_path)
        found = [search.find_nearest(CHUNKS, vectors[row], 5) for row in range(50)]  # all but the first do not wait
        assert all(nearest.degraded for nearest in found)
        assert [next(iter(nearest.cosines)) for nearest in found] == list(range(50))
    finally:
        server.close()


def start_chroma(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a real Chroma server and wait until it answers."""
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--host", "127.0.0.1"]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            chromadb.HttpClient("127.0.0.1", port).heartbeat()
            break
        except ValueError:
            time.sleep(0.1)
    return process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Chroma server."""
    port = free_port()
    process = start_chroma(tmp_path_factory.mktemp("chroma"), port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def list_collections(url: str) -> list[str]:
    port = int(url.rpartition(":")[2])
    return [collection.name for collection in chromadb.HttpClient("127.0.0.1", port).list_collections()]


@pytest.mark.slow
def test_generations_on_a_server_serve_follow_and_go(tmp_path: Path, server: str) -> None:
    shutil.copytree(SMALL, tmp_path / "base")
    store = VectorStore(server)
    generations = Generations(tmp_path / "generations", forget=store.forget)
    builder = GenerationBuilder(generations=generations, embedder=HashEmbedder(), vectors=store)
    ingest = Ingest(knowledge_base_dir=tmp_path / "base", writer=builder)
    retriever = HybridRetriever(generations=generations, embedder=HashEmbedder(), vectors=store)
    question = Query(text="How long should coffee brew?")
    for _ in range(4):
        ingest.run(rebuild=True)
        found = retriever.retrieve(question)
        assert found.passages[0].section.id == "coffee/brewing-time"
        assert (found.degraded, found.generation) == (False, generations.find_current())
    assert len(list_collections(server)) == 4  # two collections each, of the serving generation and the one before
    assert not (tmp_path / "generations" / found.generation / FOLDER).exists()


@pytest.mark.slow
def test_an_embedded_index_is_not_read_through_a_server(tmp_path: Path, server: str) -> None:
    generations = Generations(tmp_path / "generations")
    builder = GenerationBuilder(generations=generations, embedder=HashEmbedder(), probe=probe)
    Ingest(knowledge_base_dir=SMALL, writer=builder).run()
    retriever = HybridRetriever(generations=generations, embedder=HashEmbedder(), vectors=VectorStore(server))
    with pytest.raises(IndexUnavailableError, match="another store"):
        retriever.retrieve(Query(text="coffee"))


@pytest.mark.fault("R8")
def test_a_server_that_is_away_stops_the_ingest_and_nothing_else(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "generations")
    store = VectorStore(f"http://127.0.0.1:{free_port()}")
    builder = GenerationBuilder(generations=generations, embedder=HashEmbedder(), vectors=store)
    with pytest.raises(StorageError, match="ADVISOR_CHROMA_URL"):
        Ingest(knowledge_base_dir=SMALL, writer=builder).run()
    assert generations.find_current() is None
    assert not list((tmp_path / "generations").glob("draft-*"))


class RefusingProxy(BaseHTTPRequestHandler):
    """Lets a client in as Chroma does, then answers in Chroma's place: its token was changed, or Chroma is away."""

    status = 502

    def do_GET(self) -> None:
        welcome = IDENTITY if "identity" in self.path else PLACE
        self._reply(*((self.status, "<html>") if "collections" in self.path else (200, json.dumps(welcome))))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(self.status, "<html>")

    def _reply(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


IDENTITY = {"user_id": "", "tenant": "default_tenant", "databases": ["default_database"]}
PLACE = {"id": str(uuid.UUID(int=1)), "name": "default", "tenant": "default_tenant", "nanosecond heartbeat": 1}


@pytest.mark.parametrize("status", [401, 502])
def test_what_a_proxy_answers_in_the_place_of_chroma_harms_nothing(
    tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = make_vectors(200)
    write_index(tmp_path, vectors, vectors)
    monkeypatch.setattr(RefusingProxy, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), RefusingProxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        store = VectorStore(f"http://127.0.0.1:{proxy.server_port}")
        store.connect(tmp_path)  # so far it is a server like any other
        away = store.open(tmp_path).find_nearest(CHUNKS, vectors[3], 5)
        assert (away.degraded, next(iter(away.cosines))) == (True, 3)
        with pytest.raises(StorageError, match="did not take the vectors"):
            store.index(tmp_path, (CHUNKS,), 64)
        assert not store.forget(tmp_path)
        proxy.shutdown()


@pytest.mark.slow
@pytest.mark.fault("R8")
def test_a_server_that_dies_costs_one_search_its_speed_and_comes_back(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "index").mkdir()
    vectors = make_vectors(200)
    process = start_chroma(tmp_path / "chroma", port)
    try:
        store = VectorStore(f"http://127.0.0.1:{port}")
        write_index(tmp_path / "index", vectors, vectors, store)
        search = store.open(tmp_path / "index")
        assert not search.find_nearest(CHUNKS, vectors[3], 5).degraded
        process.kill()
        process.wait()
        away = search.find_nearest(CHUNKS, vectors[3], 5)
        assert (away.degraded, next(iter(away.cosines))) == (True, 3)
        assert not store.forget(tmp_path / "index")  # the names stay, to be forgotten when it is back
        process = start_chroma(tmp_path / "chroma", port)
        store.rest.until = 0.0
        assert not search.find_nearest(CHUNKS, vectors[3], 5).degraded
        assert store.forget(tmp_path / "index")
        assert not list_collections(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


@pytest.mark.fault("R8")
def test_a_frozen_server_is_waited_for_once_by_all(tmp_path: Path) -> None:
    vectors = make_vectors(200)
    server = FrozenServer()
    try:
        store = VectorStore(server.url, deadline=0.3)
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            write_index(tmp_path / name, vectors, vectors)
        searches = [store.open(tmp_path / name) for name in ("one", "two")]
        assert searches[0].find_nearest(CHUNKS, vectors[0], 5).degraded
        asked = server.connections
        assert searches[1].find_nearest(CHUNKS, vectors[0], 5).degraded
        assert server.connections == asked  # it rests
        with pytest.raises(StorageError):
            store.index(tmp_path / "one", (CHUNKS,), 64)
    finally:
        server.close()


FILLING = """
import sys
from pathlib import Path

import numpy as np

from advisor.retrieval.vector import VectorStore, append_vectors

for count in (1, 2, 60, 300):
    folder = Path(sys.argv[1]) / str(count)
    folder.mkdir()
    rows = np.random.default_rng(count).normal(size=(count, 384)).astype(np.float32)
    append_vectors(folder, "chunks", rows / np.linalg.norm(rows, axis=1, keepdims=True))
    store = VectorStore()
    store.index(folder, ["chunks"], 384)
    for _ in range(2):
        search = store.open(folder)
        assert not search.find_nearest("chunks", search.get_vectors("chunks")[0], 1).degraded
        assert search.find_lost("chunks") == ""
        search.close()
"""


@pytest.mark.owasp("LLM02", "LLM08")
def test_nothing_that_the_memory_of_a_process_held_is_written_to_disk(tmp_path: Path) -> None:
    """The C library fills memory that is handed out with a letter, which no file may show."""
    filled = {**os.environ, "MALLOC_PERTURB_": str(255 ^ ord("Z"))}
    subprocess.run([sys.executable, "-c", FILLING, str(tmp_path)], env=filled, cwd=ROOT, check=True)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len([file for file in files if file.name == "data_level0.bin"]) == 4
    assert [str(file) for file in files if b"Z" * 32 in file.read_bytes()] == []
