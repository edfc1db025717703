"""The register's log in SQL, appended by one writer at a time: numbers are handed out in the order of commits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from advisor.domain.audit import NewLine
from advisor.domain.identity import Caller
from advisor.domain.register import Entry, NewEntry
from advisor.errors import ConflictError, StorageError
from advisor.storage.audit import ERASE, append_line
from advisor.storage.database import as_utc
from advisor.storage.schema import AuditRow, EntryRow

_LOCK = 7_203_115
"""Any number that no other advisory lock of the database uses."""
_BATCH = 5_000
_SAME = ("kind", "subject", "patch", "effective_on", "supersedes")


class SqlRegisterLog:
    """Entries in a SQL database, written once and never changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(
        self, caller: Caller, entries: Sequence[NewEntry], expected: Mapping[str, int] | None = None
    ) -> tuple[Entry, ...]:
        """Log all entries or none; an entry whose key is known already is returned as it was logged.

        Raises ConflictError when a key was used for another fact, or when the newest entry on a subject of `expected`
        has another number than the one given there.
        """
        now = datetime.now(UTC)
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                known = self._find_known(connection, [entry.key for entry in entries])
                fresh = [entry for entry in entries if entry.key not in known]
                if fresh:
                    _check_versions(connection, expected or {})
                    _insert(connection, caller, fresh, now)
                stored = known | self._find_known(connection, [entry.key for entry in fresh])
                if fresh:
                    append_line(connection, caller, _describe([stored[entry.key] for entry in fresh]))
        except SQLAlchemyError as error:
            raise StorageError(
                "The register could not be written; nothing was changed.",
                "Check the database and the free space of the disk, then send the same again.",
            ) from error
        for entry in entries:
            if any(getattr(entry, name) != getattr(stored[entry.key], name) for name in _SAME):
                raise ConflictError(
                    f'The key "{entry.key}" was used for another entry.', "Use a new key for a new fact."
                )
        return tuple(stored[entry.key] for entry in entries)

    def read(self, after: int = 0) -> tuple[Entry, ...]:
        """Return the entries with numbers above `after`, in order."""
        found: list[Entry] = []
        statement = select(EntryRow.__table__).order_by(EntryRow.number).limit(_BATCH)
        try:
            with self._engine.connect() as connection:
                while True:
                    rows = connection.execute(statement.where(EntryRow.number > after)).all()
                    found += [_to_entry(row) for row in rows]
                    if len(rows) < _BATCH:
                        return tuple(found)
                    after = found[-1].number
        except SQLAlchemyError as error:
            raise StorageError("The register could not be read.", "Check the database.") from error

    def find_epoch(self) -> int:
        """Return the number of the audit line of the newest erasure, which rewrites entries."""
        newest = select(func.max(AuditRow.number)).where(AuditRow.action == ERASE)
        try:
            with self._engine.connect() as connection:
                return connection.scalar(newest) or 0
        except SQLAlchemyError as error:
            raise StorageError("The register could not be read.", "Check the database.") from error

    @staticmethod
    def _find_known(connection: Connection, keys: Sequence[str]) -> dict[str, Entry]:
        known: dict[str, Entry] = {}
        for start in range(0, len(keys), 500):
            statement = select(EntryRow.__table__).where(EntryRow.key.in_(keys[start : start + 500]))
            known |= {row.key: _to_entry(row) for row in connection.execute(statement)}
        return known


def _describe(entries: Sequence[Entry]) -> NewLine:
    """Return the audit line of what was logged together."""
    subjects = list(dict.fromkeys(entry.subject for entry in entries))
    more = f" and {len(subjects) - 3} more" if len(subjects) > 3 else ""
    span = f"entries {entries[0].number} to {entries[-1].number}" if entries[1:] else f"entry {entries[0].number}"
    return NewLine(action="record", subject=", ".join(subjects[:3]) + more, detail=f"{span} through {entries[0].door}")


def _check_versions(connection: Connection, expected: Mapping[str, int]) -> None:
    for subject, version in expected.items():
        newest = connection.scalar(select(func.max(EntryRow.number)).where(EntryRow.subject == subject)) or 0
        if newest != version:
            raise ConflictError(
                f'"{subject}" was changed by someone else (version {newest}, not {version}).',
                "Read it again, and repeat the change on what it says now.",
            )


def _insert(connection: Connection, caller: Caller, entries: Sequence[NewEntry], now: datetime) -> None:
    connection.execute(
        insert(EntryRow),
        [
            {
                "key": entry.key,
                "kind": entry.kind.value,
                "subject": entry.subject,
                "patch": json.dumps(entry.patch, ensure_ascii=False, sort_keys=True),
                "effective_on": entry.effective_on,
                "door": entry.door,
                "supersedes": entry.supersedes,
                "recorded_at": now,
                "recorded_by": caller.id,
            }
            for entry in entries
        ],
    )


def _to_entry(row: object) -> Entry:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    values["patch"] = json.loads(values["patch"])
    values["recorded_at"] = as_utc(values["recorded_at"])
    return Entry.model_validate(values)
