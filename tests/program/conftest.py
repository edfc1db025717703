from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from advisor.domain.criteria import CriteriaBook
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import KnowledgeBase
from advisor.knowledge.criteria import load_criteria
from advisor.program.office import ProgramOffice
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog
from tests.conftest import ROOT

TODAY = date(2026, 11, 20)
OfficeMaker = Callable[[str], ProgramOffice]


@pytest.fixture(scope="session")
def book(knowledge: KnowledgeBase) -> CriteriaBook:
    return load_criteria(ROOT / "knowledge_base", knowledge, {})


@pytest.fixture(scope="session")
def make_office(book: CriteriaBook, knowledge: KnowledgeBase) -> OfficeMaker:
    sections = {section.id: section for section in knowledge.sections}

    def make(url: str) -> ProgramOffice:
        log = SqlRegisterLog(open_database(url))
        return ProgramOffice(log=log, book=book, sections=sections, today=lambda: TODAY)

    return make


@pytest.fixture
def empty(make_office: OfficeMaker, tmp_path: Path) -> ProgramOffice:
    return make_office(f"sqlite:///{tmp_path}/register.sqlite")


@pytest.fixture(scope="session")
def demo(make_office: OfficeMaker, tmp_path_factory: pytest.TempPathFactory) -> ProgramOffice:
    """The demo company, for reading only."""
    office = make_office(f"sqlite:///{tmp_path_factory.mktemp('demo')}/register.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    return office
