"""Dense search in embedded Chroma, cosine space. Two collections: chunks and questions, ids are numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.collection_configuration import CreateHNSWConfiguration
from chromadb.config import Settings
from chromadb.errors import ChromaError

from advisor.errors import IndexUnavailableError
from advisor.ports import Vectors

FOLDER = "chroma"
CHUNKS = "chunks"
QUESTIONS = "questions"
_BATCH = 1000


def _open(directory: Path) -> ClientAPI:
    return chromadb.PersistentClient(
        path=str(directory / FOLDER), settings=Settings(anonymized_telemetry=False, allow_reset=False)
    )


def _close(client: ClientAPI) -> None:
    client.close()  # type: ignore[attr-defined]


def write_collections(directory: Path, collections: dict[str, Vectors]) -> None:
    """Write one collection per entry; the id of each vector is its row number."""
    client = _open(directory)
    try:
        for name, vectors in collections.items():
            # Chroma writes its graph to disk each time the threshold is reached: once, when all vectors are in.
            # Otherwise the first reader would, and change files that the manifest has sealed.
            size = max(2, len(vectors))
            hnsw: CreateHNSWConfiguration = {
                "space": "cosine",
                "ef_search": 120,
                "sync_threshold": size,
                "batch_size": min(size, _BATCH),
            }
            collection = client.create_collection(name, configuration={"hnsw": hnsw}, embedding_function=None)
            for start in range(0, len(vectors), _BATCH):
                batch = vectors[start : start + _BATCH]
                collection.add(ids=[str(start + row) for row in range(len(batch))], embeddings=batch)
    finally:
        _close(client)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (ChromaError, ValueError, RuntimeError, OSError) as error:
        raise IndexUnavailableError("The vector index cannot be read.", "Run `advisor ingest --rebuild`.") from error


class VectorSearch:
    """Nearest neighbours in one generation."""

    def __init__(self, directory: Path) -> None:
        with _readable():
            self._client = _open(directory)
            self._collections = {
                name: self._client.get_collection(name, embedding_function=None) for name in (CHUNKS, QUESTIONS)
            }
            self._counts = {name: collection.count() for name, collection in self._collections.items()}

    def close(self) -> None:
        """Release the files."""
        _close(self._client)

    def count(self, collection: str) -> int:
        """Return how many vectors a collection holds."""
        return self._counts[collection]

    def find_nearest(self, collection: str, vector: Vectors, limit: int) -> dict[int, float]:
        """Return cosines by number of the `limit` vectors nearest to `vector`, shape (dimension,), best first."""
        limit = min(limit, self._counts[collection])
        if not limit:
            return {}
        with _readable():
            found: Any = self._collections[collection].query(
                query_embeddings=vector[np.newaxis].astype(np.float32), n_results=limit, include=["distances"]
            )
        return {
            int(id_): 1.0 - float(distance)
            for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        }
