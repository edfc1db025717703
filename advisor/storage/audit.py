"""The audit log in SQL: one chain for all processes, appended under a lock, in the transaction of what it tells."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, insert, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from advisor.domain.audit import ORIGIN, AuditLine, AuditVerdict, NewLine, digest_line
from advisor.domain.identity import Caller
from advisor.errors import NotFoundError, StorageError
from advisor.storage.database import as_utc, empty_write_ahead_log
from advisor.storage.schema import AuditRow, EntryRow, FeedbackRow, PseudonymRow, TurnRow

ERASE = "erase"
"""The action of an erasure."""
_LOCK = 7_203_116
"""Any number that no other advisory lock of the database uses."""
_BATCH = 2_000


class SqlAuditLog:
    """Lines in a SQL database, written once and never changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, caller: Caller, line: NewLine) -> None:
        """Append a line; raise StorageError when it cannot be kept."""
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                append_line(connection, caller, line)
        except SQLAlchemyError as error:
            raise StorageError(
                "The audit log could not be written.", "Check the database and the free space of the disk."
            ) from error

    def read(self, after: int = 0, limit: int = _BATCH) -> tuple[AuditLine, ...]:
        """Return up to `limit` lines with numbers above `after`, in order."""
        statement = select(AuditRow.__table__).where(AuditRow.number > after)
        return self._select(statement.order_by(AuditRow.number).limit(limit))

    def _select(self, statement: Select[Any]) -> tuple[AuditLine, ...]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(statement).all()
        except SQLAlchemyError as error:
            raise StorageError("The audit log could not be read.", "Check the database.") from error
        return tuple(AuditLine.model_validate(dict(row._mapping) | {"at": as_utc(row.at)}) for row in rows)

    def find_newest(self, limit: int, who: str = "") -> tuple[AuditLine, ...]:
        """Return the newest lines, of one pseudonym if given, oldest first."""
        statement = select(AuditRow.__table__).order_by(AuditRow.number.desc()).limit(limit)
        found = self._select(statement.where(AuditRow.who == who) if who else statement)
        return tuple(reversed(found))

    def verify(self, head: str = "") -> AuditVerdict:
        """Walk the chain. A cut at its end shows only where `head`, a digest noted elsewhere, is no longer in it."""
        before, count, seen = ORIGIN, 0, head in {"", ORIGIN}
        for line in self._walk():
            expected = digest_line(before, count + 1, line.at, line.who, line)
            if line.number != count + 1 or line.digest != expected:
                said = f"line {count + 1} is missing" if line.number != count + 1 else f"line {line.number} was changed"
                return AuditVerdict(lines=count, head=before, problem=said)
            before, count, seen = line.digest, line.number, seen or line.digest == head
        problem = "" if seen else "the noted head is gone, so lines at the end were cut off"
        return AuditVerdict(lines=count, head=before, problem=problem)

    def _walk(self) -> Iterator[AuditLine]:
        after = 0
        while found := self.read(after):
            yield from found
            after = found[-1].number

    def find_pseudonym(self, caller_id: str) -> str:
        """Return the pseudonym of a caller; raise NotFoundError for one who was never logged or is erased."""
        with self._engine.connect() as connection:
            found = connection.scalar(select(PseudonymRow.pseudonym).where(PseudonymRow.caller_id == caller_id))
        if found is None:
            raise NotFoundError("The audit log knows nobody of that id.", "Give the e-mail address or key id in full.")
        return str(found)

    def erase(self, by: Caller, caller_id: str) -> int:
        """Erase a person: their conversations, opinions, and the link from pseudonym to them; return the turns dropped.

        What they recorded stays, under the pseudonym. Names that others wrote into records are not touched. Raises
        NotFoundError for someone of whom nothing is kept.
        """
        try:
            with self._engine.connect().execution_options(immediate=True) as connection, connection.begin():
                if not _knows(connection, caller_id):
                    raise NotFoundError(f'Nothing is kept of "{caller_id[:80]}".', "Give the e-mail address in full.")
                pseudonym = _find_or_make_pseudonym(connection, caller_id)
                dropped = connection.execute(delete(TurnRow).where(TurnRow.caller_id == caller_id)).rowcount
                connection.execute(delete(FeedbackRow).where(FeedbackRow.caller_id == caller_id))
                _rewrite_entries(connection, caller_id, pseudonym)
                append_line(connection, by, NewLine(action=ERASE, subject=pseudonym))
                connection.execute(delete(PseudonymRow).where(PseudonymRow.caller_id == caller_id))
            empty_write_ahead_log(self._engine)
        except SQLAlchemyError as error:
            raise StorageError("Nobody was erased.", "Check the database, then try again.") from error
        return int(dropped)


def _knows(connection: Connection, caller_id: str) -> bool:
    kept = (PseudonymRow.caller_id, TurnRow.caller_id, FeedbackRow.caller_id, EntryRow.recorded_by)
    return any(connection.scalar(select(column).where(column == caller_id).limit(1)) for column in kept)


def _rewrite_entries(connection: Connection, caller_id: str, pseudonym: str) -> None:
    """Put the pseudonym where entries name the person as the one who recorded or attested them."""
    named = or_(
        EntryRow.recorded_by == caller_id,
        EntryRow.patch.contains(json.dumps(caller_id, ensure_ascii=False), autoescape=True),
    )
    columns = (EntryRow.number, EntryRow.key, EntryRow.patch, EntryRow.recorded_by)
    for row in connection.execute(select(*columns).where(named)).all():
        patch = json.loads(row.patch)
        changed = {name: pseudonym if value == caller_id else value for name, value in patch.items()}
        connection.execute(
            update(EntryRow)
            .where(EntryRow.number == row.number)
            .values(
                recorded_by=pseudonym if row.recorded_by == caller_id else row.recorded_by,
                key=row.key.replace(caller_id, pseudonym),
                patch=json.dumps(changed, ensure_ascii=False, sort_keys=True),
            )
        )


def append_line(connection: Connection, caller: Caller, line: NewLine) -> None:
    """Append a line within a transaction that reads before it writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    newest = connection.execute(
        select(AuditRow.number, AuditRow.digest).order_by(AuditRow.number.desc()).limit(1)
    ).first()
    number, before = (newest.number + 1, newest.digest) if newest else (1, ORIGIN)
    at, who = datetime.now(UTC), _find_or_make_pseudonym(connection, caller.id)
    connection.execute(
        insert(AuditRow).values(
            number=number,
            at=at,
            who=who,
            action=line.action,
            subject=line.subject,
            detail=line.detail,
            digest=digest_line(before, number, at, who, line),
        )
    )


def _find_or_make_pseudonym(connection: Connection, caller_id: str) -> str:
    found = connection.scalar(select(PseudonymRow.pseudonym).where(PseudonymRow.caller_id == caller_id))
    if found is not None:
        return str(found)
    made = f"p-{secrets.token_hex(8)}"
    connection.execute(insert(PseudonymRow).values(caller_id=caller_id, pseudonym=made))
    return made
