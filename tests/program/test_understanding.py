"""Lists of initiatives by what the register holds of them."""

from __future__ import annotations

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from advisor.program.understanding import Topic, understand
from tests.conftest import TODAY

QUESTIONS = [
    ("Which pilots are off track?", {"packing-line-quality"}),
    ("Which initiatives have missed a check-in?", {"packing-line-quality"}),
    ("Which projects have no data contract?", {"cnc-tool-wear", "packing-line-quality"}),
    ("Which initiatives without integration debt do we run?", {"packing-line-quality"}),
    ("Which initiatives in production are at risk?", {"inbound-demand-forecast", "press-line-energy-optimisation"}),
    ("Which initiatives have no sponsor?", set()),
]  # fmt: skip


@pytest.mark.parametrize(("question", "wanted"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_list_keeps_what_the_register_shows(demo: ProgramOffice, question: str, wanted: set[str]) -> None:
    register = demo.read_register(LOCAL_CALLER)
    asked = understand(question, register, TODAY)
    assert asked is not None
    assert asked.topic is Topic.LIST
    assert asked.keep is not None
    assert {i.subject for i in register.initiatives if asked.keep(i)} == wanted
