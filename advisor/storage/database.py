"""Opens the database and brings its tables up to date, though several processes, and versions, open it at once."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from advisor.errors import InvalidInputError, StorageError

HEAD = "0005"
"""The newest migration, so that an up-to-date database opens without Alembic; a test keeps it right.

Its first digit is the era. Within one the tables only grow, so that a program works on those that a newer one has
made while both run; a migration that takes something away begins the next era ("1006"), and older programs refuse.
"""

_CONNECT_SECONDS = 5
_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x0AD_5150
"""PostgreSQL's lock of those who migrate; any number does, as long as it stays."""
_migrating = threading.Lock()  # Alembic keeps what it works on in a global


def open_database(url: str) -> Engine:
    """Return an engine on an up-to-date database, creating tables as needed.

    Of several that open an old one at once, one migrates and the others wait. Raise StorageError for a database that a
    newer program has changed beyond what this one can work on; nothing is ever taken back here.
    """
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
        server = parsed.get_backend_name() == "postgresql"
        more = {"connect_args": {"connect_timeout": _CONNECT_SECONDS}} if server else {}
        engine = create_engine(parsed, pool_pre_ping=server, **more)
        if _is_sqlite(engine):
            event.listen(engine, "connect", _set_pragmas)
            event.listen(engine, "begin", _begin)
        with engine.connect() as connection:
            version = find_version(connection)
        if _is_behind(version):
            _catch_up(engine)
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"The database driver {error.name} is not installed.",
            'Install it, for example: pip install "psycopg[binary]".',
        ) from error
    except SQLAlchemyError as error:
        raise StorageError(
            f"The database cannot be opened: {_find_cause(str(error))}.",
            "Check ADVISOR_DATABASE_URL, or the permissions of the data directory.",
        ) from error
    return engine


_CAUSES = (
    (r"password|authentication|role .* does not exist", "it refuses the user or the password"),
    (r"translate host name|name or service not known|no address", "its host is not known"),
    (r"database .* does not exist", "there is no database of that name"),
    (r"refused|timed? ?out|no route|unreachable|no such file or directory", "nothing answers at its address"),
    (r"unable to open database file", "its file or folder is missing, or is closed to this user"),
    (r"read-?only", "it can be read and not written"),
    (r"no such (?:table|column)|(?:relation|column) .* does not exist", "its tables could not be brought up to date"),
    (r"not a database|malformed", "the file is no SQLite database, or is damaged"),
)


def _find_cause(told: str) -> str:
    """Return why a driver could not open a database, in our words: its own may name what is nobody's business."""
    known = (cause for pattern, cause in _CAUSES if re.search(pattern, told, re.I))
    return next(known, "its driver gives no reason that is known here")


def check_database(engine: Engine) -> None:
    """Raise StorageError where SQLite's file is damaged; PostgreSQL looks after its own."""
    try:
        with engine.connect() as connection:
            told = connection.exec_driver_sql("PRAGMA quick_check").scalar() if _is_sqlite(engine) else "ok"
    except SQLAlchemyError as error:
        raise StorageError("The database cannot be read.", "Restore a backup into a new one.") from error
    if told != "ok":
        raise StorageError("The database is damaged.", "Stop the advisor, and restore a backup into a new database.")


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


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


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
    with _alone(engine) as connection:
        down = revision == "base" or revision < (find_version(connection) or "")
        _step(connection, revision, down=down)


def _catch_up(engine: Engine) -> None:
    """Bring the tables to HEAD, unless another process has done so while this one waited."""
    with _alone(engine) as connection:
        if _is_behind(find_version(connection)):
            _step(connection, HEAD, down=False)


def _is_behind(version: str | None) -> bool:
    """Whether tables are older than this program; raise StorageError when they are too new for it."""
    if version is None or version <= HEAD:
        return version != HEAD
    if version[0] == HEAD[0]:
        return False
    raise StorageError(
        f"The database belongs to a newer version of the advisor (its tables are at {version}, this one knows {HEAD}).",
        "Install the newer version here too, or restore the backup from before the upgrade.",
    )


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Yield a transaction that no other process migrates beside; it waits for one that does."""
    immediate = engine.execution_options(immediate=True)
    with _migrating, immediate.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        yield connection


def _step(connection: Connection, revision: str, *, down: bool) -> None:
    from alembic import command  # noqa: PLC0415  a tenth of a second, needed only when tables change
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)


def find_version(connection: Connection) -> str | None:
    """Return the revision of the tables, or None in a database without any."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(version) if version else None
