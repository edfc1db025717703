"""Vectors that need not be computed again: those of the serving generation, and those of a run that was interrupted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from advisor.domain.knowledge import DocumentHead, Section
from advisor.ports import Vectors
from advisor.retrieval.catalogue import Catalogue
from advisor.retrieval.vector import CHUNKS, map_matrix


class Shelf:
    """What the serving generation holds, to be taken over."""

    def __init__(self, folders: Mapping[str, Path], known: Mapping[str, DocumentHead], dimension: int) -> None:
        """Open the shards of a generation, by label; `known` are its documents, by id."""
        self._known = known
        self._catalogues = {label: Catalogue(folder) for label, folder in folders.items()}
        self._matrices = {label: map_matrix(folder, CHUNKS, dimension) for label, folder in folders.items()}

    def get_sections(self, document_id: str) -> tuple[Section, ...]:
        """Return the sections of a document that is known."""
        return self._catalogues[self._known[document_id].label].get_sections_of(document_id)

    def find_vectors(self, chunk_ids: Collection[str]) -> dict[str, Vectors]:
        """Return the vectors of chunks that are known: first the chunk's, then those of its statements."""
        found: dict[str, Vectors] = {}
        for label, catalogue in self._catalogues.items():
            for id_, chunk in catalogue.find_chunks(chunk_ids).items():
                statements = catalogue.get_candidate(chunk.section_id).vectors
                found[id_] = np.concatenate([self._matrices[label][chunk.number][np.newaxis], statements])
        return found

    def close(self) -> None:
        """Release the files."""
        for catalogue in self._catalogues.values():
            catalogue.close()


class Pending:
    """Vectors on disk, by chunk id, from when they are computed until the generation that holds them serves."""

    def __init__(self, file: Path, model: str, dimension: int) -> None:
        self._file = file
        self._dimension = dimension
        try:
            self._connection = self._open(model)
        except sqlite3.DatabaseError:
            self.delete()
            self._connection = self._open(model)

    def _open(self, model: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file)
        connection.execute("CREATE TABLE IF NOT EXISTS model (name TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE IF NOT EXISTS piece (id TEXT PRIMARY KEY, vectors BLOB NOT NULL)")
        if connection.execute("SELECT name FROM model").fetchall() != [(model,)]:
            connection.execute("DELETE FROM piece")
            connection.execute("DELETE FROM model")
            connection.execute("INSERT INTO model VALUES (?)", (model,))
        connection.commit()
        return connection

    def find_vectors(self, chunk_ids: Collection[str]) -> dict[str, Vectors]:
        """Return the vectors of chunks that were computed before."""
        found: dict[str, Vectors] = {}
        for id_ in chunk_ids:
            row = self._connection.execute("SELECT vectors FROM piece WHERE id = ?", (id_,)).fetchone()
            if row:
                found[id_] = np.frombuffer(row[0], dtype=np.float32).reshape(-1, self._dimension)
        return found

    def keep(self, vectors: Mapping[str, Vectors]) -> None:
        """Write vectors to disk at once."""
        rows = ((id_, rows.astype(np.float32).tobytes()) for id_, rows in vectors.items())
        self._connection.executemany("INSERT OR REPLACE INTO piece VALUES (?, ?)", rows)
        self._connection.commit()

    def delete(self) -> None:
        """Delete the file: what it held serves now."""
        with contextlib.suppress(AttributeError):
            self._connection.close()
        for file in (self._file, self._file.with_name(f"{self._file.name}-journal")):
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()
