"""Lists of initiatives by what the register holds of them."""

from __future__ import annotations

import pytest

from advisor.domain.dialogue import Outcome, Role, find_citation_numbers, render_markdown
from advisor.domain.identity import LOCAL_CALLER
from advisor.ports import Embedder
from advisor.program.asked import Topic
from advisor.program.office import ProgramOffice
from advisor.program.understanding import understand
from tests.conftest import TODAY, OfficeMaker

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
    ("Which data contracts are not signed?", ["3 of 6 data contracts are unsigned", "Line 3 historian"]),
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


@pytest.fixture(scope="module")
def knowing(make_office: OfficeMaker, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> ProgramOffice:
    """The demo company's office with the real model."""
    office = make_office(f"sqlite:///{tmp_path_factory.mktemp('knowing')}/demo.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    office.use_model(embedder)
    return office


def tell(office: ProgramOffice, question: str) -> str:
    report = office.report(LOCAL_CALLER, question, None, Role.EXECUTIVE)
    return render_markdown(report.draft.blocks) if report else ""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "What are our security gaps, at all sites?",
            "**Security and network: 4 gaps are open, 1 known and 3 for want",
        ),
        ("What have we not sorted out between IT and OT in Aalen?", "IT/OT partnership not signed"),
        ("packing line quality, what do its kpis lack", "No starting value or target set"),
        ("Where is the training at Venlo lagging?", "No training planned (CNC tool wear, Packing line quality, Yard"),
        ("Which gaps do most of our initiatives share?", "No rollout plan showing dependencies: open at 6 of 8"),
    ],
)
def test_gaps_of_one_side_are_told_with_what_nobody_knows(demo: ProgramOffice, question: str, said: str) -> None:
    assert said in tell(demo, question)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("How is the inbound forecast doing?", "Inbound demand forecast is at risk"),
        ("And the furnaces, how are they doing?", "Furnace temperature control is on track"),
        ("How is tool wear going?", "CNC tool wear is on track"),
        ("How many initiatives does the hub have going?", "Venlo hub"),
    ],
)
def test_half_a_name_is_enough_where_nothing_else_bears_it(demo: ProgramOffice, question: str, name: str) -> None:
    assert name in tell(demo, question)


@pytest.mark.parametrize(
    "question",
    [
        "We think of a paint shop in Poland. How many weeks of shadow should it have?",
        "What should a furnace have before it gets AI?",
        "Is predictive maintenance always worth it?",
        "If we put cameras on all lines at once, what would we miss?",
        "What is a data contract supposed to be?",
        "Of firms like us, what share has scaled AI?",
    ],
)
def test_what_might_be_any_such_thing_is_none_of_ours(knowing: ProgramOffice, question: str) -> None:
    assert tell(knowing, question) == ""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("line 3 scada w/o api: who replaces it and by when?", "owner Tom Berger, due 19 Jan 2027"),
        ("Which clock do the furnace thermocouples run on, and how often are they calibrated?", "time base NTP"),
        ("Has the early shift on line 3 been taught to read the warnings?", "planned 10 Dec 2026"),
        ("When was our operating model review done and who vouched for it?", "16 Oct 2025"),
        ("What is the next thing to do for the booths?", "phased deployment"),
        ("Did anyone look at the operating model before the data platform licence?", "operating model checked"),
    ],
)
def test_a_record_is_found_by_what_it_says_and_means(knowing: ProgramOffice, question: str, said: str) -> None:
    told = tell(knowing, question)
    assert said in told
    assert "[1]" in told


def test_gates_ahead_are_told_in_the_order_of_their_days(demo: ProgramOffice) -> None:
    told = tell(demo, "Which gates are coming up before Christmas?")
    assert "The next gate is planned for 2 Dec 2026, that of Inbound demand forecast." in told
    days = [line[2:13].strip() for line in told.splitlines() if line.startswith("- ")]
    assert len(days) > 3
    assert days[:2] == ["2 Dec 2026:", "8 Dec 2026:"]


def test_without_a_model_records_are_found_by_their_words(demo: ProgramOffice) -> None:
    assert "owner Tom Berger, due 19 Jan 2027" in tell(demo, "line 3 scada w/o api: who replaces it and by when?")
