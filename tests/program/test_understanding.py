"""Lists of initiatives by what the register holds of them."""

from __future__ import annotations

import pytest

from advisor.domain.dialogue import Outcome, Role, find_citation_numbers, render_markdown
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


RECORDS = [
    ("Which data contracts are not signed?", ["3 of 6 data contracts are not signed", "Line 3 historian"]),
    ("Who can override the AI on Line 3?", ["shift lead", "Stop line 3 on a gearbox warning"]),
    ("How many interventions were dismissed on the press line?", ["2 of 30 interventions"]),
    ("When did the paint shop last retrain its model?", ["2 Aug 2026"]),
    ("Which integration debt is still open at Győr?", ["2 of 3 items of integration debt", "Recipe database"]),
    ("What lessons have we recorded?", ["2 lessons are recorded"]),
    ("Do we have gate reviews for yard slotting?", ["Yard slotting"]),
]


@pytest.mark.parametrize(("question", "said"), RECORDS, ids=[question for question, _ in RECORDS])
def test_records_of_a_kind_are_told(demo: ProgramOffice, question: str, said: list[str]) -> None:
    report = demo.report(LOCAL_CALLER, question, None, Role.EXECUTIVE)
    assert report is not None
    text = render_markdown(report.draft.blocks)
    assert all(words in text for words in said), text
    used = {n for block in report.draft.blocks for n in find_citation_numbers(block)}
    assert used == {citation.number for citation in report.draft.citations}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What do we still owe on the inbound demand forecast?", ["has 4 open gaps", "Also open: model quality"]),
        ("What is missing on the press line?", ["has 10 open gaps", "too few operator responses recorded"]),
        ("Does the paint shop have gaps?", ["Paint shop visual inspection has no open gap of its own."]),
        ("Does furnace temperature control have gaps?", ["has 1 open gap."]),
    ],
)
def test_what_a_place_lacks_is_told_to_the_end(demo: ProgramOffice, question: str, said: list[str]) -> None:
    report = demo.report(LOCAL_CALLER, question, None, Role.EXECUTIVE)
    assert report is not None
    text = render_markdown(report.draft.blocks)
    assert all(words in text for words in said), text


@pytest.mark.parametrize("question", ["How often should a model be retrained?", "What is a data contract?"])
def test_questions_for_the_playbooks_stay_theirs(demo: ProgramOffice, question: str) -> None:
    assert demo.report(LOCAL_CALLER, question, None, Role.EXECUTIVE) is None


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Any news from the Rotterdam terminal?", "Rotterdam"),
        ("Has the extruder pilot gone live yet?", "extruder"),
        ("What did Anders Holm report?", "Anders Holm"),
        ("Is booth 12 on track?", "booth 12"),
    ],
)
def test_a_name_that_the_register_does_not_know_is_asked_back(demo: ProgramOffice, question: str, name: str) -> None:
    report = demo.report(LOCAL_CALLER, question, None, Role.EXECUTIVE)
    assert report is not None
    assert report.draft.outcome is Outcome.CLARIFY
    assert name in render_markdown(report.draft.blocks)


@pytest.mark.parametrize("question", ["Tell me about a good pilot", "Does the standard pilot go live?"])
def test_what_pilots_do_in_general_is_no_name(demo: ProgramOffice, question: str) -> None:
    assert demo.report(LOCAL_CALLER, question, None, Role.EXECUTIVE) is None


def test_does_it_have_asks_about_the_initiative(demo: ProgramOffice) -> None:
    asked = understand("Does Line 3 have enough shadow time?", demo.read_register(LOCAL_CALLER), TODAY)
    assert asked is not None
    assert asked.topic is not Topic.PLATE
