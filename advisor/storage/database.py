"""Opens the database and brings its tables up to date."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from advisor.errors import InvalidInputError, StorageError

HEAD = "0005"
"""The newest migration, so that an up-to-date database opens without Alembic; a test keeps it right."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """Return an engine on an up-to-date database, creating tables as needed."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInputError(
            "ADVISOR_DATABASE_URL is not a database URL.",
            "Use a form like postgresql+psycopg://user@host/name.",
        ) from None
    try:
        if parsed.get_backend_name() == "sqlite":
            _prepare_folder(parsed.database)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_pragmas)
            event.listen(engine, "begin", _begin)
        if _find_version(engine) != HEAD:
            migrate(engine, HEAD)
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"The database driver {error.name} is not installed.",
            'Install it, for example: pip install "psycopg[binary]".',
        ) from error
    except SQLAlchemyError as error:
        raise StorageError(
            "The database cannot be opened.",
            "Check ADVISOR_DATABASE_URL, or the permissions of the data directory.",
        ) from error
    return engine


def as_utc(moment: datetime) -> datetime:
    """Return a moment as stored in UTC; SQLite forgets the zone, PostgreSQL turns it into the session's."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def empty_write_ahead_log(engine: Engine) -> None:
    """See to it that what was deleted or overwritten does not outlive that in SQLite's write-ahead log."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            )


def _prepare_folder(database: str | None) -> None:
    if not database or database == ":memory:":
        return
    try:
        file = Path(database)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():  # for nobody's eyes but ours
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(
            f"The data directory cannot be created ({error.strerror}).",
            "Set ADVISOR_DATA_DIR to a folder you may write.",
        ) from error


def _set_pragmas(connection: Any, _: Any) -> None:
    """Write-ahead log, so that readers never wait; every commit on the disk; wait for other writers, do not fail."""
    connection.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take SQLite's write lock at once where a transaction reads before it writes, so that none works on old facts."""
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def migrate(engine: Engine, revision: str) -> None:
    """Bring the tables to a revision, up or down; going down drops what the revision does not know."""
    from alembic import command  # noqa: PLC0415  a tenth of a second, needed only when tables change
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    step = command.downgrade if revision < (_find_version(engine) or "") or revision == "base" else command.upgrade
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, revision)


def _find_version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(version) if version else None
