"""The judge that counts anew what an answer says of the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.domain.identity import LOCAL_CALLER
from evals.recount import Known, recount
from tests.conftest import OfficeMaker


@pytest.fixture(scope="module")
def known(make_office: OfficeMaker, tmp_path_factory: pytest.TempPathFactory) -> Known:
    office = make_office(f"sqlite:///{Path(tmp_path_factory.mktemp('recount'))}/demo.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    return Known(
        summary=office.summarise(LOCAL_CALLER),
        gates=office.assess_gates(LOCAL_CALLER),
        items=office.list_items(LOCAL_CALLER),
        gaps=office.rank_gaps(LOCAL_CALLER),
        register=office.read_register(LOCAL_CALLER),
        sizes=frozenset({8, 3}),
    )


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("2 of 8 initiatives have no OT owner: Packing line quality and Press line energy optimisation.", [True]),
        ("3 of 8 initiatives have no OT owner: Packing line quality and Press line energy optimisation.", [False]),
        ("2 of 9 initiatives are in shadow.", [False]),
        ("8 initiatives: 4 on track, 3 at risk and 1 off track.", [True]),
        ("8 initiatives: 4 on track, 3 at risk and 2 off track.", [False]),
        ("2 actions are overdue.", [True]),
        ("3 actions are overdue.", [False]),
        ("1 action is overdue at Aalen plant.", []),
        ("Yard slotting is not ready: 1 of 4 exit criteria are open.", [True]),
        ("Yard slotting is not ready: 2 of 4 exit criteria are open.", [False]),
        ("CNC tool wear has 9 open gaps.", [False]),
        ("Shadow periods take 6 weeks.", []),
    ],
)
def test_figures_are_counted_anew(known: Known, sentence: str, right: list[bool]) -> None:
    assert [held for _, held in recount(sentence, known)] == right
