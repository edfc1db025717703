"""Backups: every row of a database as text in one archive, readable into SQLite and PostgreSQL alike.

The archive is a zip: `manifest.json` with digests, `tables/NAME.jsonl` with a row a line, and the files that were
handed in. The index is not in it: it is built from the playbooks and documents again.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from advisor import __version__
from advisor.errors import ConflictError, InvalidInputError, StorageError
from advisor.storage.database import HEAD, as_utc, find_version, migrate

_FORMAT = 1
_MANIFEST = "manifest.json"
_BATCH = 1_000
_FILES = "files/"
_DAMAGED = "Take another backup: nothing was restored."


class BackupManifest(BaseModel):
    """What an archive holds: the revision of the tables, rows by table, and the SHA-256 of every part."""

    model_config = ConfigDict(frozen=True)

    format: int
    version: str
    revision: str
    made_at: datetime
    rows: dict[str, int]
    digests: dict[str, str]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that were handed in."""
        return tuple(name.removeprefix(_FILES) for name in self.digests if name.startswith(_FILES))


def write_backup(engine: Engine, archive: Path, files: Mapping[str, Path]) -> BackupManifest:
    """Write all tables, as they are at one moment, and `files` by name; readers and writers go on meanwhile.

    The archive appears whole or not at all, for the eyes of its owner alone. Raises StorageError.
    """
    part = archive.with_name(f".{archive.name}.{os.getpid()}.part")
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600), "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
                with _reading(engine) as connection:
                    revision = find_version(connection) or HEAD
                    for table in _reflect(connection):
                        rows[table.name] = _write_table(bundle, connection, table, digests)
                for name, file in files.items():
                    _write_part(bundle, _FILES + name, iter([file.read_bytes()]), digests)
                manifest = BackupManifest(
                    format=_FORMAT, version=__version__, revision=revision, made_at=datetime.now(UTC),
                    rows=rows, digests=digests,
                )  # fmt: skip
                bundle.writestr(_MANIFEST, manifest.model_dump_json(indent=1))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(archive)
    except SQLAlchemyError as error:
        raise StorageError("The database could not be read.", "Check it with `advisor doctor`.") from error
    except OSError as error:
        raise StorageError(
            f"The backup could not be written ({error.strerror}).", "Choose another folder, or free some space."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def check_backup(archive: Path) -> BackupManifest:
    """Return the manifest of an archive whose every part is as it was written; raise InvalidInputError."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            manifest = BackupManifest.model_validate_json(bundle.read(_MANIFEST))
            if manifest.format != _FORMAT or manifest.revision > HEAD:
                raise InvalidInputError(
                    f"The backup was made by a newer version ({manifest.version}).", "Restore it with that version."
                )
            for name, digest in manifest.digests.items():
                if _digest(bundle, name) != digest:
                    raise InvalidInputError(f"The backup is damaged ({name}).", _DAMAGED)
    except FileNotFoundError:
        raise InvalidInputError(f"There is no file {archive}.", "Give the archive that was backed up.") from None
    except (OSError, EOFError, KeyError, ValidationError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInputError(f"{archive} is no backup, or is damaged.", _DAMAGED) from error
    return manifest


def read_backup(archive: Path, engine: Engine) -> BackupManifest:
    """Fill an empty database from an archive and bring it up to date; all or nothing.

    Raises InvalidInputError for an archive that does not hold, ConflictError for a database with rows in it, and
    StorageError.
    """
    manifest = check_backup(archive)
    try:
        with engine.connect() as connection:
            for table in _reflect(connection):
                if connection.scalar(select(func.count()).select_from(table)):
                    raise ConflictError(
                        f"The database is not empty (table {table.name}).",
                        "Point ADVISOR_DATABASE_URL, or ADVISOR_DATA_DIR, at a new one; this one stays as it is.",
                    )
        migrate(engine, manifest.revision)
        with zipfile.ZipFile(archive) as bundle, engine.begin() as connection:
            for table in _reflect(connection):
                _read_table(bundle, connection, table)
        migrate(engine, HEAD)
    except SQLAlchemyError as error:
        raise StorageError("The backup could not be restored; the database is as empty as before.", "") from error
    return manifest


def read_file(archive: Path, name: str) -> bytes:
    """Return a file that was handed in."""
    with zipfile.ZipFile(archive) as bundle:
        return bundle.read(_FILES + name)


def _reading(engine: Engine) -> Connection:
    """Return a connection whose first statement fixes the moment that all others see."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def _reflect(connection: Connection) -> list[Table]:
    """Return the tables as they are in the database, whatever version made them."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def _write_table(bundle: zipfile.ZipFile, connection: Connection, table: Table, digests: dict[str, str]) -> int:
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        result = connection.execution_options(yield_per=_BATCH).execute(select(table).order_by(*table.primary_key))
        for row in result:
            count += 1
            yield json.dumps(dict(row._mapping), default=_write_value, ensure_ascii=False).encode() + b"\n"

    _write_part(bundle, f"tables/{table.name}.jsonl", lines(), digests)
    return count


def _write_part(bundle: zipfile.ZipFile, name: str, pieces: Iterator[bytes], digests: dict[str, str]) -> None:
    digest = hashlib.sha256()
    with bundle.open(name, "w", force_zip64=True) as stream:
        for piece in pieces:
            digest.update(piece)
            stream.write(piece)
    digests[name] = digest.hexdigest()


def _digest(bundle: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with bundle.open(name) as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _write_value(value: Any) -> str:
    if isinstance(value, datetime):
        return as_utc(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _read_table(bundle: zipfile.ZipFile, connection: Connection, table: Table) -> None:
    types = {column.name: column.type.python_type for column in table.columns}

    def read(line: bytes) -> dict[str, Any]:
        row = json.loads(line)
        for name, value in row.items():
            if value is not None and types[name] in {datetime, date}:
                row[name] = types[name].fromisoformat(value)
        return dict(row)

    with bundle.open(f"tables/{table.name}.jsonl") as stream:
        batch: list[dict[str, Any]] = []
        for line in stream:
            batch.append(read(line))
            if len(batch) == _BATCH:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)
    if connection.dialect.name == "postgresql":
        _advance_numbers(connection, table)


def _advance_numbers(connection: Connection, table: Table) -> None:
    """Let PostgreSQL go on counting after the rows that came with their numbers."""
    for column in table.primary_key:
        sequence = text("SELECT pg_get_serial_sequence(:table, :column)")
        name = connection.scalar(sequence, {"table": f'"{table.name}"', "column": column.name})
        highest = connection.scalar(select(func.max(column)))
        if name and highest:
            connection.execute(text("SELECT setval(:name, :value)"), {"name": name, "value": highest})
