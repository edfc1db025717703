from __future__ import annotations

from pathlib import Path

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from tests.conftest import OfficeMaker


@pytest.fixture
def empty(make_office: OfficeMaker, tmp_path: Path) -> ProgramOffice:
    return make_office(f"sqlite:///{tmp_path}/register.sqlite")


@pytest.fixture(scope="session")
def demo(make_office: OfficeMaker, tmp_path_factory: pytest.TempPathFactory) -> ProgramOffice:
    """The demo company, for reading only."""
    office = make_office(f"sqlite:///{tmp_path_factory.mktemp('demo')}/register.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    return office
