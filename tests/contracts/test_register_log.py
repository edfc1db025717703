"""What every register log promises."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from advisor.domain.identity import Caller
from advisor.domain.records import RecordKind
from advisor.domain.register import NewEntry
from advisor.errors import ConflictError
from advisor.ports import RegisterLog
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog

ANNA = Caller(id="anna")


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> RegisterLog:
    url = f"sqlite:///{tmp_path}/t.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return SqlRegisterLog(open_database(url))


def entry(subject: str, key: str = "", **patch: object) -> NewEntry:
    return NewEntry(
        key=key or uuid.uuid4().hex,
        kind=RecordKind.LESSON,
        subject=subject,
        patch={"initiative": "x", "what_happened": "naïve “quotes” ✓ שלום", **patch},
        effective_on=date(2026, 1, 2),
    )


def test_entries_come_back_whole_and_in_order(log: RegisterLog) -> None:
    head = max((e.number for e in log.read()), default=0)
    first, second = log.append(ANNA, [entry("a"), entry("b")])
    assert log.read(after=head) == (first, second)
    assert first.number < second.number
    assert first.recorded_by == "anna"
    assert first.recorded_at.tzinfo is not None


def test_a_key_counts_once(log: RegisterLog) -> None:
    new = entry("once")
    assert log.append(ANNA, [new]) == log.append(ANNA, [new])
    assert sum(e.key == new.key for e in log.read()) == 1


def test_a_key_for_another_fact_is_refused(log: RegisterLog) -> None:
    new = entry("one")
    log.append(ANNA, [new])
    with pytest.raises(ConflictError, match="used for another"):
        log.append(ANNA, [new.model_copy(update={"subject": "two"})])


def test_a_change_on_an_old_version_is_refused_and_nothing_is_written(log: RegisterLog) -> None:
    subject = uuid.uuid4().hex
    (first,) = log.append(ANNA, [entry(subject)])
    log.append(ANNA, [entry(subject)], {subject: first.number})
    late = entry(subject)
    with pytest.raises(ConflictError, match="changed by someone else"):
        log.append(ANNA, [late, entry("other")], {subject: first.number})
    assert all(e.key != late.key for e in log.read())


def test_of_two_writers_on_one_version_one_wins(log: RegisterLog) -> None:
    subject = uuid.uuid4().hex
    (first,) = log.append(ANNA, [entry(subject)])

    def write(_: int) -> bool:
        try:
            log.append(ANNA, [entry(subject)], {subject: first.number})
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 1
