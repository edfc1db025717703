"""The audit log: chained, pseudonymous, complete, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, text, update

from advisor.domain.audit import NewLine
from advisor.domain.dialogue import Answer, Outcome, Paragraph, Role, Sentence
from advisor.domain.identity import Caller, NewKey, Permission
from advisor.domain.records import RecordKind
from advisor.domain.register import NewEntry
from advisor.errors import NotFoundError
from advisor.storage.audit import SqlAuditLog
from advisor.storage.conversations import SqlConversations
from advisor.storage.database import open_database
from advisor.storage.keys import SqlKeys
from advisor.storage.register import SqlRegisterLog
from advisor.storage.schema import AuditRow, EntryRow, PseudonymRow

ANNA, BEN = Caller(id="anna@example.com", permission=Permission.CONTRIBUTOR), Caller(id="ben@example.com")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "sqlite":
        return open_database(f"sqlite:///{tmp_path}/test.sqlite")
    made = open_database(request.getfixturevalue("postgres_url"))
    with made.begin() as connection:
        for table in ("audit", "pseudonym", "api_key", "turn", "entry"):
            connection.execute(text(f"DELETE FROM {table}"))
    return made


def entry(key: str) -> NewEntry:
    patch = {"name": key}
    return NewEntry(key=key, kind=RecordKind.SITE, subject=f"site-{key}", patch=patch, effective_on=date.today())


def test_every_write_leaves_a_line_in_the_same_transaction(engine: Engine) -> None:
    log, audit = SqlRegisterLog(engine), SqlAuditLog(engine)
    log.append(ANNA, [entry("a"), entry("b")])
    log.append(ANNA, [entry("a"), entry("b")])  # the same again writes nothing
    keys = SqlKeys(engine)
    key, _ = keys.create(BEN, NewKey(name="x", expires_at=datetime.now(UTC) + timedelta(days=1)))
    keys.revoke(BEN, key.id)
    keys.revoke(BEN, key.id)
    lines = audit.read()
    assert [line.action for line in lines] == ["record", "create key", "revoke key"]
    assert lines[0].subject == "site-a, site-b"
    assert len({line.who for line in lines}) == 2
    assert "example.com" not in "".join(line.who + line.subject + line.detail for line in lines)
    assert audit.verify().problem == ""


@pytest.mark.owasp("ASVS V16")
@pytest.mark.parametrize("harm", ["edit", "delete", "swap", "cut"])
def test_no_line_is_changed_unseen(engine: Engine, harm: str) -> None:
    audit = SqlAuditLog(engine)
    for number in range(5):
        audit.note(ANNA, NewLine(action="read restricted", subject=str(number)))
    good = audit.verify()
    assert (good.lines, good.problem) == (5, "")
    with engine.begin() as connection:
        if harm == "edit":
            connection.execute(update(AuditRow).where(AuditRow.number == 3).values(subject="other"))
        if harm == "delete":
            connection.execute(delete(AuditRow).where(AuditRow.number == 3))
        if harm == "swap":
            for old, new in ((2, 99), (3, 2), (99, 3)):
                connection.execute(update(AuditRow).where(AuditRow.number == old).values(number=new))
        if harm == "cut":
            connection.execute(delete(AuditRow).where(AuditRow.number == 5))
    assert audit.verify(good.head).problem
    assert audit.verify().problem or harm == "cut"


def test_writers_side_by_side_keep_one_chain(engine: Engine) -> None:
    audit = SqlAuditLog(engine)
    callers = [Caller(id=f"{number}@example.com") for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: audit.note(callers[n % 4], NewLine(action="x", subject=str(n))), range(60)))
    verdict = audit.verify()
    assert (verdict.lines, verdict.problem) == (60, "")
    assert {line.subject for line in audit.read()} == {str(number) for number in range(60)}


@pytest.mark.owasp("LLM02", "ASVS V14")
def test_a_person_is_erased_and_the_chain_still_holds(engine: Engine) -> None:
    audit, log, conversations = SqlAuditLog(engine), SqlRegisterLog(engine), SqlConversations(engine)
    log.append(ANNA, [entry("a")])
    conversations.record(
        ANNA,
        Answer(
            id="1", conversation_id="c", question="secret", query="", role=Role.EXECUTIVE, outcome=Outcome.ANSWERED,
            blocks=(Paragraph(sentences=(Sentence(text="x"),)),),
        ),
    )  # fmt: skip
    pseudonym = audit.find_pseudonym(ANNA.id)
    assert audit.erase(BEN, ANNA.id) == 1
    with pytest.raises(NotFoundError):
        conversations.get_history(ANNA, "c")
    with pytest.raises(NotFoundError):
        audit.find_pseudonym(ANNA.id)
    with engine.connect() as connection:
        assert connection.scalar(select(EntryRow.recorded_by)) == pseudonym
        assert connection.scalars(select(PseudonymRow.caller_id)).all() == [BEN.id]
    assert [line.action for line in audit.read()] == ["record", "erase"]
    assert audit.verify().problem == ""
    log.append(ANNA, [entry("b")])
    assert audit.find_pseudonym(ANNA.id) != pseudonym
