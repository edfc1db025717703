"""Dense search in Chroma, cosine space: embedded in a generation's folder, or on a Chroma server. Ids are row numbers.

The vectors also stand beside Chroma's files as plain matrices. With these a generation is probed, unchanged vectors are
taken over, and search goes on, exact and in one process, while Chroma is damaged, frozen or away.
"""

from __future__ import annotations

import contextlib
import json
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.collection_configuration import CreateHNSWConfiguration
from chromadb.config import Settings
from chromadb.errors import ChromaError, NotFoundError

from advisor.errors import InvalidInputError, StorageError
from advisor.ports import Progress, Vectors

FOLDER = "chroma"
CHUNKS = "chunks"
QUESTIONS = "questions"
DEADLINE_SECONDS = 3.0
_LEAST_SEEN, _MOST_SEEN = 120, 2_000
"""Candidates that a search keeps. Up to this many vectors it sees all: Chroma's graph comes out otherwise each time."""
MOST_EXACT = 200_000
"""Vectors that are searched one by one without Chroma: some 50 ms. Beyond, keywords alone answer."""
_MOST_IN_MEMORY = 64_000_000
"""Bytes of a matrix up to which it is read whole: a file that shrinks under a mapping ends the process."""
LOOK_SECONDS = 3600.0
"""How often a sample of the vectors looks for itself while they serve; on a server also when they are opened."""
_SAMPLE = 200
_MOST_LOST = 0.01
_PAUSE_SECONDS = 30.0
_GRAPH_HEADER, _LENGTH_BYTES = struct.Struct("<iQQQQ"), 4
"""How hnswlib begins a graph (version, offset, room, elements held, bytes of each), and the length of a list."""
_BATCH = 1000
NAMES = "collections.json"
_PREFIX = "advisor-"
FAILURES = (ChromaError, httpx.HTTPError, ValueError, RuntimeError, OSError, TimeoutError)


class Nearest(NamedTuple):
    """Cosines by row number, best first; `degraded` when Chroma did not give them."""

    cosines: dict[int, float]
    degraded: bool = False


class Rest:
    """When Chroma may be called again. All that call one server share one: a frozen one is waited for once."""

    def __init__(self) -> None:
        self.until = 0.0


class VectorStore:
    """Where vectors live: Chroma files inside each generation, or one Chroma server by URL."""

    def __init__(self, url: str = "", *, token: str = "", deadline: float = DEADLINE_SECONDS) -> None:
        self.url = url
        self.token = token
        self.deadline = deadline
        self.rest = Rest()
        self._reported: dict[Path, bool] = {}

    @property
    def kind(self) -> str:
        """What a manifest says of its vectors: they cannot be read through the other kind."""
        return "server" if self.url else "embedded"

    def index(self, directory: Path, names: Sequence[str], dimension: int, progress: Progress | None = None) -> None:
        """Write one Chroma collection for each matrix of a folder; StorageError when a server does not take it."""
        stored = {name: f"{_PREFIX}{uuid.uuid4().hex}-{name}" if self.url else name for name in names}
        # The names go to disk first: whatever a killed process leaves on a server, the next sweep finds by them.
        (directory / NAMES).write_text(json.dumps({"dimension": dimension, "names": stored}))
        try:
            if self.url:
                within_deadline(lambda: self.connect(directory).heartbeat(), self.deadline)
            client = self.connect(directory)
            try:
                for name in names:
                    with _typed_errors():
                        _fill(client, stored[name], map_matrix(directory, name, dimension), progress)
            finally:
                _close(client)
            if not self.url:
                _blank_spare_room(directory / FOLDER)
        except FAILURES as error:
            if not self.url:
                raise
            raise StorageError(
                f"The Chroma server did not take the vectors ({type(error).__name__}).",
                "Check ADVISOR_CHROMA_URL; the old index still serves.",
            ) from error

    def open(self, directory: Path, *, damaged: bool = False) -> VectorSearch:
        """Open the vectors of a folder; with `damaged`, without touching Chroma's files.

        What a server holds no digest vouches for: a sample of it looks for itself first.
        """
        search = VectorSearch(directory, self, damaged=damaged)
        if damaged:
            self.report(directory)
        elif self.url:
            search.look()
        return search

    def report(self, directory: Path, *, lost: bool = False) -> None:
        """Remember that a folder must be built anew; with `lost`, although all its files are as they were sealed."""
        self._reported[directory] = lost or self._reported.get(directory, False)

    def take_reports(self) -> dict[Path, bool]:
        """Return the folders that were reported since the last call, and whether their vectors were lost."""
        reported, self._reported = self._reported, {}
        return reported

    def forget(self, directory: Path) -> bool:
        """Delete from the server what a folder has there; return whether nothing is left of it.

        All files but those with the names go at once; a server that is away is asked again by the next sweep.
        """
        for file in [file for file in directory.rglob("*") if file.is_file() and file.name != NAMES]:
            file.unlink(missing_ok=True)
        return all(self._forget_names(file) for file in directory.rglob(NAMES))

    def _forget_names(self, file: Path) -> bool:
        try:
            names = [name for name in json.loads(file.read_text())["names"].values() if name.startswith(_PREFIX)]
        except (OSError, ValueError, KeyError):
            return True  # its writer was killed before it named anything
        try:
            if names and self.url:
                within_deadline(lambda: self._delete(file.parent, names), self.deadline)
        except FAILURES:
            return False
        return not names or bool(self.url)

    def _delete(self, directory: Path, names: Sequence[str]) -> None:
        client = self.connect(directory)
        for name in names:
            with contextlib.suppress(NotFoundError):
                client.delete_collection(name)

    def connect(self, directory: Path) -> ClientAPI:
        """Return a client; it is the caller's to close."""
        settings = Settings(anonymized_telemetry=False, allow_reset=False)
        if not self.url:
            return chromadb.PersistentClient(path=str(directory / FOLDER), settings=settings)
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInputError("ADVISOR_CHROMA_URL is not an address.", "Write it as http://HOST:PORT.")
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return chromadb.HttpClient(parts.hostname, port, ssl=secure, headers=headers, settings=settings)


def append_vectors(directory: Path, name: str, vectors: Vectors) -> None:
    """Add rows to a matrix of a folder that is being written."""
    with (directory / f"{name}.f32").open("ab") as stream:
        stream.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())


class VectorSearch:
    """Nearest neighbours in one folder of vectors. Every call of Chroma has a deadline; a failure rests it a while."""

    def __init__(self, directory: Path, store: VectorStore, *, damaged: bool = False) -> None:
        self._directory = directory
        self._store = store
        kept = json.loads((directory / NAMES).read_text())
        self._names: dict[str, str] = kept["names"]
        self._matrices = {name: map_matrix(directory, name, kept["dimension"]) for name in self._names}
        self._rest = store.rest if store.url else Rest()
        if damaged:
            self._rest = Rest()
            self._rest.until = float("inf")
        self._lossy = False
        self._look_at = time.monotonic() + LOOK_SECONDS
        self._forget_client()

    def _forget_client(self) -> None:
        """Start anew: a call that hangs keeps the old client, and the lock, to itself."""
        self._client: ClientAPI | None = None
        self._collections: dict[str, Any] = {}
        self._opening = threading.Lock()

    def __del__(self) -> None:
        """Release what a generation that no longer serves holds open."""
        with contextlib.suppress(Exception):
            self.close()

    def close(self) -> None:
        """Release the files."""
        if self._client is not None:
            _close(self._client)
            self._client = None

    def count(self, collection: str) -> int:
        """Return how many vectors a collection holds."""
        return len(self._matrices[collection])

    def count_stored(self, collection: str) -> int:
        """Return how many vectors Chroma itself says that it holds."""
        return int(within_deadline(lambda: self._open(collection).count(), self._store.deadline))

    def get_vectors(self, collection: str) -> Vectors:
        """Return the matrix of a collection, shape (n, dimension), mapped from disk."""
        return self._matrices[collection]

    def find_nearest(self, collection: str, vector: Vectors, limit: int) -> Nearest:
        """Return the `limit` vectors nearest to `vector`, shape (dimension,): from Chroma, or else exactly."""
        limit = min(limit, self.count(collection))
        if not limit:
            return Nearest({})
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            threading.Thread(target=self.look, daemon=True, name="look").start()
        if now >= self._rest.until and not self._lossy:
            try:
                return Nearest(within_deadline(lambda: self._query(collection, vector, limit), self._store.deadline))
            except FAILURES:
                self._pause()
        return Nearest(self._search_exactly(collection, vector, limit), degraded=True)

    def look(self) -> None:
        """Have a sample of the vectors look for itself; where some are lost, Chroma is not asked for any again."""
        if time.monotonic() < self._rest.until:
            return
        try:
            lost = any(self.find_lost(name) for name in self._names)
        except FAILURES:
            self._pause()
            return
        if lost:
            self._lossy = True
            self._store.report(self._directory, lost=True)

    def _pause(self) -> None:
        self._rest.until = time.monotonic() + _PAUSE_SECONDS
        self._forget_client()

    def find_lost(self, collection: str) -> str:
        """Return in words what of a collection Chroma does not hold or find any more; empty where all is well.

        A silent loss of vectors leaves the count right, so up to 200 of them, spread evenly, look for themselves. Two
        equal vectors stand for a text that stands twice: either is right. Raises what Chroma raises.
        """
        count, stored = self.count(collection), self.count_stored(collection)
        if stored != count:
            return f"{stored} of {count} {collection} are there"
        sample = spread(count, _SAMPLE)
        if not sample:
            return ""
        rows = np.ascontiguousarray(self._matrices[collection][sample], dtype=np.float32)

        def ask() -> Any:
            return self._open(collection).query(query_embeddings=rows, n_results=1, include=["distances"])

        found = within_deadline(ask, self._store.deadline)["distances"]
        lost = sum(not distances or distances[0] > 0.001 for distances in found)
        return f"{lost} of {len(sample)} {collection} do not find themselves" if lost > _MOST_LOST * len(sample) else ""

    def _query(self, collection: str, vector: Vectors, limit: int) -> dict[int, float]:
        found = self._open(collection).query(
            query_embeddings=vector[np.newaxis].astype(np.float32), n_results=limit, include=["distances"]
        )
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return {int(id_): 1.0 - float(distance) for id_, distance in pairs}

    def _open(self, collection: str) -> Any:
        with self._opening:
            if self._client is None:
                self._client = self._store.connect(self._directory)
            if collection not in self._collections:
                name = self._names[collection]
                self._collections[collection] = self._client.get_collection(name, embedding_function=None)
            return self._collections[collection]

    def _search_exactly(self, collection: str, vector: Vectors, limit: int) -> dict[int, float]:
        matrix = self._matrices[collection]
        if len(matrix) > MOST_EXACT:
            return {}
        cosines = matrix @ vector.astype(np.float32)
        best = np.argsort(-cosines, kind="stable")[:limit]
        return {int(number): float(cosines[number]) for number in best}


def spread(count: int, most: int) -> list[int]:
    """Return up to `most` places, spread evenly over `count`."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(most, count))})


def within_deadline(call: Callable[[], Any], seconds: float) -> Any:
    """Return what a call returns; raise TimeoutError when it takes too long. Its thread is left to itself then."""
    box: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            with _typed_errors():
                box.put((call(), None))
        except BaseException as error:  # noqa: BLE001  handed over to the thread that waits
            box.put((None, error))

    threading.Thread(target=run, daemon=True, name="chroma").start()
    try:
        result, error = box.get(timeout=seconds)
    except Empty:
        raise TimeoutError("Chroma did not answer in time") from None
    if error is not None:
        raise error
    return result


@contextlib.contextmanager
def _typed_errors() -> Iterator[None]:
    """Give a type to what Chroma's client raises as a bare Exception: replies that a proxy gives in its place."""
    try:
        yield
    except Exception as error:
        if type(error) is Exception:
            raise ConnectionError("the proxy in front of Chroma refused the call, or does not reach it") from error
        raise


def _fill(client: ClientAPI, name: str, vectors: Vectors, progress: Progress | None) -> None:
    # Chroma writes its graph to disk each time the threshold is reached: once, when all vectors are in.
    # Otherwise the first reader would, and change files that the manifest has sealed.
    size = max(2, len(vectors))
    hnsw: CreateHNSWConfiguration = {
        "space": "cosine",
        "ef_search": max(_LEAST_SEEN, min(size, _MOST_SEEN)),
        "sync_threshold": size,
        "batch_size": min(size, _BATCH),
    }
    collection = client.create_collection(name, configuration={"hnsw": hnsw}, embedding_function=None)
    for start in range(0, len(vectors), _BATCH):
        batch = np.ascontiguousarray(vectors[start : start + _BATCH])
        collection.add(ids=[str(start + row) for row in range(len(batch))], embeddings=batch)
        if progress:
            progress("Indexing", start + len(batch), len(vectors))
    if len(vectors) == 1:  # a threshold is two at least, and this counts as a second write
        collection.update(ids=["0"], embeddings=np.ascontiguousarray(vectors))


def _blank_spare_room(folder: Path) -> None:
    """Overwrite what Chroma's graphs have room for and do not hold: it writes whatever its memory held before.

    Raises StorageError for a graph that is not laid out as expected, since nothing vouches for what it holds then.
    """
    for header in folder.glob("*/header.bin"):
        _, _, _, held, size = _GRAPH_HEADER.unpack_from(header.read_bytes())
        for name, each in (("data_level0.bin", size), ("length.bin", _LENGTH_BYTES)):
            file = header.with_name(name)
            spare = file.stat().st_size - held * each
            if spare < 0:
                raise StorageError("Chroma wrote its graph in a way that is not known.", "Install the pinned version.")
            with file.open("r+b") as stream:
                stream.seek(held * each)
                stream.write(bytes(spare))


def map_matrix(directory: Path, name: str, dimension: int) -> Vectors:
    """Return a matrix of shape (n, dimension); a large one is mapped, not read."""
    file = directory / f"{name}.f32"
    if file.stat().st_size <= _MOST_IN_MEMORY:
        return np.fromfile(file, dtype=np.float32).reshape(-1, dimension)
    return np.memmap(file, dtype=np.float32, mode="r").reshape(-1, dimension)


def _close(client: ClientAPI) -> None:
    client.close()  # type: ignore[attr-defined]
