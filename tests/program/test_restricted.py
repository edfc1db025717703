"""Who read what carries an access label is told to the audit log, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.domain.audit import NewLine
from advisor.domain.criteria import CriteriaBook
from advisor.domain.dialogue import Query, Role
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.knowledge import KnowledgeBase
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.program.office import ProgramOffice
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog
from tests.conftest import TODAY

BOARD, STAFF = Caller(id="eva", groups=("board",)), Caller(id="ben")


class MemoryAudit:
    def __init__(self) -> None:
        self.lines: list[tuple[str, NewLine]] = []

    def note(self, caller: Caller, line: NewLine) -> None:
        self.lines.append((caller.id, line))


@pytest.fixture
def audit() -> MemoryAudit:
    return MemoryAudit()


@pytest.fixture
def office(audit: MemoryAudit, book: CriteriaBook, knowledge: KnowledgeBase, tmp_path: Path) -> ProgramOffice:
    made = ProgramOffice(
        log=SqlRegisterLog(open_database(f"sqlite:///{tmp_path}/t.sqlite")),
        book=book,
        sections={section.id: section for section in knowledge.sections},
        audit=audit,
        today=lambda: TODAY,
    )
    made.load_demo(LOCAL_CALLER, door="demo")
    change = RecordChange(kind=RecordKind.INITIATIVE, subject="yard-slotting", fields={"label": "board"})
    made.record(LOCAL_CALLER, [change], door="test")
    audit.lines.clear()
    return made


READS: dict[str, Callable[[ProgramOffice, Caller], object]] = {
    "register": lambda office, caller: office.read_register(caller),
    "status": lambda office, caller: office.list_status(caller),
    "gates": lambda office, caller: office.assess_gates(caller),
    "gaps": lambda office, caller: office.rank_gaps(caller),
    "summary": lambda office, caller: office.summarise(caller),
    "checklist": lambda office, caller: office.list_items(caller),
    "answer": lambda office, caller: office.report(
        caller, "How is yard slotting doing?", Query(text="How is yard slotting doing?"), Role.EXECUTIVE
    ),
}


@pytest.mark.parametrize("name", READS)
def test_a_restricted_read_is_noted_once(office: ProgramOffice, audit: MemoryAudit, name: str) -> None:
    for _ in range(3):
        READS[name](office, BOARD)
    assert [(who, line.subject) for who, line in audit.lines] == [("eva", "yard-slotting")]


@pytest.mark.parametrize("name", READS)
def test_who_sees_nothing_restricted_leaves_no_line(office: ProgramOffice, audit: MemoryAudit, name: str) -> None:
    READS[name](office, STAFF)
    assert audit.lines == []


def test_an_answer_about_something_else_is_no_restricted_read(office: ProgramOffice, audit: MemoryAudit) -> None:
    question = "How is Line 3 doing?"
    office.report(BOARD, question, Query(text=question), Role.EXECUTIVE)
    office.get_record(BOARD, RecordKind.INITIATIVE, "cnc-tool-wear")
    assert audit.lines == []
    office.get_record(BOARD, RecordKind.INITIATIVE, "yard-slotting")
    assert len(audit.lines) == 1
