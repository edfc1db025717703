"""The audit log: whatever is done to any line of it shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from advisor.domain.audit import NewLine
from advisor.domain.identity import Caller
from advisor.storage.audit import SqlAuditLog
from advisor.storage.database import open_database
from advisor.storage.schema import AuditRow

pytestmark = pytest.mark.owasp("ASVS V16")

LINES = 6
COLUMNS = ("at", "who", "action", "subject", "detail", "digest")


@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_any_change_to_any_line_shows(tmp_path: Path, number: int) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/t.sqlite")
    audit = SqlAuditLog(engine)
    for count in range(LINES):
        audit.note(
            Caller(id=f"{count % 2}@example.com"), NewLine(action="read restricted", subject=f"s{count}", detail="x")
        )
    good = audit.verify()
    with engine.connect() as connection:
        row = dict(connection.execute(select(AuditRow.__table__).where(AuditRow.number == number)).one()._mapping)
    for column in COLUMNS:
        other = row[column] + timedelta(seconds=1) if column == "at" else f"{row[column]}x"
        _write(engine, update(AuditRow).where(AuditRow.number == number).values(**{column: other}))
        assert audit.verify(good.head).problem, column
        _write(engine, update(AuditRow).where(AuditRow.number == number).values(**{column: row[column]}))
        assert audit.verify(good.head) == good
    _write(engine, delete(AuditRow).where(AuditRow.number == number))
    assert audit.verify(good.head).problem
    _write(engine, insert(AuditRow).values(**row))
    assert audit.verify(good.head) == good
    _write(engine, insert(AuditRow).values(**{**row, "number": LINES + 1}))
    assert audit.verify(good.head).problem


def _write(engine: object, statement: object) -> None:
    with engine.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(statement)
