"""The catalogue of a generation: one SQLite file with sections, vectors by text, and the keyword index.

Keyword search is BM25 (Robertson and Zaragoza 2009) as SQLite FTS5 computes it, over Snowball stems, with the
heading and the section's questions weighted above its body.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from advisor.domain.knowledge import Chunk, IndexedQuestion, Section, Synonym, Term
from advisor.errors import IndexUnavailableError
from advisor.ports import Vectors
from advisor.text import content_stems, stems

FILE_NAME = "catalogue.sqlite"
_STORED = np.float16
"""Of statements' vectors: half the size, and cosines stay right to a thousandth."""
_KEPT_OPEN = 2_000
_MOST_POSTINGS = 20_000
"""Chunks that a keyword search scores: the rarest words of a query first, so that a large index stays quick."""
_COLUMN_WEIGHTS = "2.0, 1.0, 1.5"  # heading, body, questions
_SCHEMA = """
CREATE TABLE section (id TEXT PRIMARY KEY, json TEXT NOT NULL, stems TEXT NOT NULL, vectors BLOB NOT NULL);
CREATE TABLE chunk (number INTEGER PRIMARY KEY, id TEXT NOT NULL, section_id TEXT NOT NULL);
CREATE INDEX chunk_by_id ON chunk(id);
CREATE TABLE question (number INTEGER PRIMARY KEY, text TEXT NOT NULL, section_id TEXT NOT NULL, correction TEXT);
CREATE TABLE vector (digest TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE synonym (stems TEXT PRIMARY KEY, term TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE keyword USING fts5(heading, body, questions, content='');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(keyword, 'row');
"""


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))


class StoredQuestion(NamedTuple):
    """An indexed question as it comes back: an unvalidated row, as a query reads a hundred of them."""

    text: str
    section_id: str
    correction: str


class Candidate(NamedTuple):
    """What ranking needs of a section: its statements' vectors, and the stems of its title, heading and text."""

    vectors: Vectors
    stems: list[str]


class StoredChunk(NamedTuple):
    """Where a chunk stands: its row among the vectors, and its section."""

    number: int
    section_id: str


class CatalogueWriter:
    """Writes the catalogue of a new generation; use as a context manager, which commits."""

    def __init__(self, directory: Path) -> None:
        self._connection = sqlite3.connect(directory / FILE_NAME)
        self._connection.executescript(_SCHEMA)

    def __enter__(self) -> CatalogueWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._connection.commit()
            self._connection.execute("PRAGMA optimize")
        self._connection.close()

    def add_section(self, section: Section, statement_vectors: Vectors) -> None:
        """Store a section with one vector per statement, in order."""
        words = " ".join(content_stems(f"{section.playbook_title} {section.heading} {section.text}"))
        vectors = statement_vectors.astype(_STORED).tobytes()
        row = (section.id, section.model_dump_json(), words, vectors)
        self._connection.execute("INSERT INTO section VALUES (?, ?, ?, ?)", row)

    def add_chunk(self, number: int, chunk: Chunk, questions: Iterable[str]) -> None:
        """Store a chunk, and index its words and those of its section's questions."""
        self._connection.execute("INSERT INTO chunk VALUES (?, ?, ?)", (number, chunk.id, chunk.section_id))
        fields = (" ".join(chunk.heading_path), chunk.text, " ".join(questions))
        self._connection.execute(
            "INSERT INTO keyword(rowid, heading, body, questions) VALUES (?, ?, ?, ?)",
            (number, *(" ".join(stems(text)) for text in fields)),
        )

    def add_question(self, number: int, question: IndexedQuestion) -> None:
        """Store a question; its number is its id in the vector index."""
        row = (number, question.text, question.section_id, question.correction)
        self._connection.execute("INSERT INTO question VALUES (?, ?, ?, ?)", row)

    def add_synonym(self, synonym: Synonym) -> None:
        """Store a term under the stems of each of its words."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO synonym VALUES (?, ?)",
            ((" ".join(stems(word)), synonym.term) for word in synonym.words),
        )

    def add_vectors(self, vectors: Iterable[tuple[str, Vectors]]) -> None:
        """Keep vectors by the digest of their text, for the next ingest to reuse."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO vector VALUES (?, ?)", ((digest, vector.tobytes()) for digest, vector in vectors)
        )


class Catalogue:
    """Reads the catalogue of one generation. Safe to share between threads: it never writes."""

    def __init__(self, directory: Path) -> None:
        uri = f"{(directory / FILE_NAME).resolve().as_uri()}?mode=ro&immutable=1"
        try:
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            chunks = self._connection.execute("SELECT section_id, id FROM chunk ORDER BY number DESC").fetchall()
        except sqlite3.Error as error:
            raise IndexUnavailableError("The index cannot be read.", "Run `advisor ingest --rebuild`.") from error
        self._chunk_count = len(chunks)
        self._synonyms = {str(key): str(term) for key, term in self._rows("SELECT stems, term FROM synonym")}
        self._longest_synonym = max((key.count(" ") + 1 for key in self._synonyms), default=0)
        self._first_chunks: dict[str, str] = dict(chunks)
        self.get_section = lru_cache(_KEPT_OPEN)(self._load_section)
        self.get_candidate = lru_cache(_KEPT_OPEN)(self._load_candidate)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def _load_section(self, section_id: str) -> tuple[Section, Vectors]:
        """Return a section and its statements' vectors, shape (statements, dimension)."""
        row = self._one("SELECT json, vectors FROM section WHERE id = ?", section_id)
        section = Section.model_validate_json(row[0])
        return section, _read_vectors(row[1], len(section.statements))

    def _load_candidate(self, section_id: str) -> Candidate:
        """Return what ranking needs of a section, without reading it whole."""
        words, statements, vectors = self._one(
            "SELECT stems, json_array_length(json, '$.statements'), vectors FROM section WHERE id = ?", section_id
        )
        return Candidate(_read_vectors(vectors, statements), words.split())

    def find_chunks(self, ids: Collection[str]) -> dict[str, StoredChunk]:
        """Return where chunks stand, by id, of those that are here."""
        found: dict[str, StoredChunk] = {}
        wanted = list(ids)
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            rows = self._rows(
                f"SELECT id, number, section_id FROM chunk WHERE id IN ({_marks(part)})",  # noqa: S608
                *part,
            )
            found |= {id_: StoredChunk(*rest) for id_, *rest in rows}
        return found

    def list_sections(self) -> tuple[Section, ...]:
        """Return every section, in the order in which they were indexed."""
        return tuple(
            Section.model_validate_json(row[0]) for row in self._rows("SELECT json FROM section ORDER BY rowid")
        )

    def list_texts(self) -> tuple[str, ...]:
        """Return all that playbooks and those who ask say: sections, their questions, and words for terms."""
        sections = [f"{s.playbook_title} {s.heading} {s.text} {' '.join(s.questions)}" for s in self.list_sections()]
        return (*sections, *(str(term) for term in self._synonyms.values()))

    def get_sections_of(self, document_id: str) -> tuple[Section, ...]:
        """Return the sections of a document, in order."""
        rows = self._rows(
            "SELECT json FROM section WHERE id >= ? AND id < ? ORDER BY rowid", f"{document_id}/", f"{document_id}0"
        )
        return tuple(Section.model_validate_json(row[0]) for row in rows)

    def has_section(self, section_id: str) -> bool:
        """Whether the generation holds a section of that id."""
        return section_id in self._first_chunks

    def get_chunks(self, numbers: Collection[int]) -> dict[int, tuple[str, str]]:
        """Return (chunk id, section id) by chunk number."""
        rows = self._rows(f"SELECT number, id, section_id FROM chunk WHERE number IN ({_marks(numbers)})", *numbers)  # noqa: S608
        return {int(number): (str(id_), str(section_id)) for number, id_, section_id in rows}

    def get_chunk_of(self, section_id: str) -> str:
        """Return the id of a section's first chunk."""
        return self._first_chunks[section_id]

    def get_questions(self, numbers: Collection[int]) -> dict[int, StoredQuestion]:
        """Return indexed questions by number."""
        rows = self._rows(
            f"SELECT number, text, section_id, correction FROM question WHERE number IN ({_marks(numbers)})",  # noqa: S608
            *numbers,
        )
        return {int(number): StoredQuestion(*rest) for number, *rest in rows}

    def find_synonyms(self, text: str) -> tuple[str, ...]:
        """Return the playbooks' terms for the words of `text`, in order; longer phrases win over shorter ones."""
        tokens = stems(text)
        found: dict[str, None] = {}
        position = 0
        while position < len(tokens):
            for length in range(min(self._longest_synonym, len(tokens) - position), 0, -1):
                term = self._synonyms.get(" ".join(tokens[position : position + length]))
                if term:
                    found[term] = None
                    position += length - 1
                    break
            position += 1
        return tuple(found)

    def find_keyword(self, text: str, limit: int) -> dict[int, float]:
        """Return BM25 scores by chunk number for the best `limit` chunks that share a content word with `text`."""
        terms = sorted(set(content_stems(text)))
        if not terms:
            return {}
        match = " OR ".join(f'"{term}"' for term in self._pick_rare(terms))
        rows = self._rows(
            f"SELECT rowid, -bm25(keyword, {_COLUMN_WEIGHTS}) FROM keyword"  # noqa: S608  weights are a constant
            " WHERE keyword MATCH ? ORDER BY 2 DESC LIMIT ?",
            match,
            limit,
        )
        return {int(number): float(score) for number, score in rows}

    def _pick_rare(self, terms: Collection[str]) -> list[str]:
        """Return the rarest terms, as many as stand in no more chunks than one search should score."""
        counts = self.count_chunks_with(terms)
        picked: list[str] = []
        total = 0
        for term in sorted(counts, key=lambda term: (counts[term], term)):
            total += counts[term]
            if picked and total > _MOST_POSTINGS:
                break
            picked.append(term)
        return picked or list(terms)

    def find_terms(self, text: str) -> tuple[Term, ...]:
        """Return the distinct content words of `text` with their inverse document frequency."""
        terms = list(dict.fromkeys(content_stems(text)))
        counts = self.count_chunks_with(terms)
        return tuple(Term(stem=term, weight=self._weigh(counts.get(term, 0)), known=term in counts) for term in terms)

    def count_chunks_with(self, terms: Collection[str]) -> dict[str, int]:
        """Return in how many chunks each of some stems stands, of those that stand anywhere."""
        return {
            str(term): int(count)
            for term, count in self._rows(
                f"SELECT term, doc FROM vocabulary WHERE term IN ({_marks(terms)})",  # noqa: S608
                *terms,
            )
        }

    @property
    def chunk_count(self) -> int:
        """How many chunks there are."""
        return self._chunk_count

    @cached_property
    def word_count(self) -> int:
        """How many indexed words all chunks have together."""
        return int(self._rows("SELECT COALESCE(SUM(cnt), 0) FROM vocabulary")[0][0])

    def _weigh(self, count: int) -> float:
        """Return the inverse document frequency of a term that stands in `count` chunks, as BM25 has it."""
        return math.log(1 + (self._chunk_count - count + 0.5) / (count + 0.5))

    def load_vectors(self) -> dict[str, Vectors]:
        """Return all kept vectors by the digest of their text."""
        return {
            str(digest): np.frombuffer(blob, dtype=np.float32)
            for digest, blob in self._rows("SELECT digest, vector FROM vector")
        }

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise IndexUnavailableError("The index cannot be read.", "Run `advisor ingest --rebuild`.") from error

    def _one(self, statement: str, *values: Any) -> tuple[Any, ...]:
        rows = self._rows(statement, *values)
        if not rows:
            raise IndexUnavailableError(
                "The index points to something it does not hold.", "Run `advisor ingest --rebuild`."
            )
        return rows[0]


def _read_vectors(blob: bytes, rows: int) -> Vectors:
    return np.frombuffer(blob, dtype=_STORED).astype(np.float32).reshape(rows, -1)
