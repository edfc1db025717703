"""The judges that hold what an answer says of the program to the raw log, and count it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.domain.dialogue import Citation, CitationKind, Role
from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from evals.counts import recount_facts
from evals.denials import check_denials
from evals.facts import Facts, Line, read_facts
from evals.program import check_sentence
from evals.recount import Known, recount
from tests.conftest import ROOT, TODAY, OfficeMaker


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program") / "demo.sqlite"


@pytest.fixture(scope="module")
def office(make_office: OfficeMaker, place: Path) -> ProgramOffice:
    office = make_office(f"sqlite:///{place}")
    office.load_demo(LOCAL_CALLER, door="demo")
    return office


@pytest.fixture(scope="module")
def facts(office: ProgramOffice, place: Path) -> Facts:
    assert not office.read_register(LOCAL_CALLER).empty
    return read_facts(place, TODAY, ROOT / "knowledge_base", {})


@pytest.fixture(scope="module")
def known(office: ProgramOffice) -> Known:
    return Known(
        summary=office.summarise(LOCAL_CALLER),
        gates=office.assess_gates(LOCAL_CALLER),
        gaps=office.rank_gaps(LOCAL_CALLER),
    )


def test_the_raw_log_comes_to_what_stands_in_the_demo_company(facts: Facts) -> None:
    """Counted by hand in demo.yaml: seven actions, one done; two due before 20 November; one pilot left to itself."""
    assert len(facts.initiatives) == 8
    assert len(facts.open_actions) == 6
    assert [action.fields["due_on"] for action in facts.overdue] == ["2026-10-21", "2026-11-08"]
    assert [fact.subject for fact in facts.stalled] == ["packing-line-quality"]
    line_3 = facts.by_place["initiative", "line-3-predictive-maintenance"]
    assert (facts.count_days(line_3), facts.count_missed(line_3)) == (19, 0)
    packing = facts.by_place["initiative", "packing-line-quality"]
    assert (facts.count_days(packing), facts.count_missed(packing)) == (330, 3)


def test_a_correction_and_a_withdrawal_count_as_they_are_meant() -> None:
    day = TODAY
    lines = [
        Line(1, "site", "a", {"name": "Plant"}, day),
        Line(2, "site", "a", {"name": "Works"}, day, 1),
        Line(3, "site", "b", {"name": "Hub"}, day),
        Line(4, "site", "b", {}, day, 3),
    ]
    found = Facts(lines, day, {})
    assert {subject: fact.fields["name"] for (_, subject), fact in found.by_place.items()} == {"a": "Works"}


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("2 of 8 initiatives have no OT owner: Packing line quality and Press line energy optimisation.", [True]),
        ("3 of 8 initiatives have no OT owner: Packing line quality and Press line energy optimisation.", [False]),
        ("1 of 8 initiatives have no OT owner: Packing line quality.", [False]),
        ("2 of 9 initiatives are in shadow.", [False]),
        ("3 of 8 initiatives are in shadow.", [True]),
        ("8 initiatives: 4 on track, 3 at risk and 1 off track.", [True]),
        ("8 initiatives: 5 on track, 2 at risk and 1 off track.", [False]),
        ("3 initiatives at Aalen plant: 1 on track and 2 at risk.", [True]),
        ("2 actions are overdue.", [True]),
        ("1 action is overdue.", [False]),
        ("1 action is overdue at Aalen plant.", [True]),
        ("No action is overdue.", [False]),
        ("No action at Venlo hub is overdue.", [True]),
        ("Jonas Weber is accountable for 1 initiative, has a part in 1, and has 1 open action.", [True]),
        ("Jonas Weber is accountable for 1 initiative, has a part in 1, and has 2 open actions.", [False]),
        ("CNC tool wear and Yard slotting: 2 on track.", [True]),
        ("CNC tool wear and Yard slotting: 1 on track and 1 at risk.", [False]),
        ("CNC tool wear does not count as stalled: 40 days in single-line pilot.", [True]),
        ("Packing line quality does not count as stalled: 330 days.", [False]),
        ("CNC tool wear is not without a sponsor.", [True]),
        ("1 action is overdue for Packing line quality.", [True]),
        ("70 interventions are recorded at Aalen plant. Acted 42, dismissed 7.", [True, True, True]),
        ("70 interventions are recorded at Aalen plant. Acted 41, dismissed 7.", [False, True, True]),
        ("Packing line quality counts as stalled.", [True]),
        ("CNC tool wear counts as stalled.", [False]),
        ("None of 8 initiatives counts as stalled.", [False]),
        ("2 KPIs are recorded, for Line 3 predictive maintenance.", [True]),
        ("7 KPIs are recorded, for Line 3 predictive maintenance.", [False]),
        ("Shadow periods take 6 weeks.", []),
    ],
)
def test_what_follows_from_the_log_is_counted_anew(facts: Facts, sentence: str, right: list[bool]) -> None:
    assert [held for _, held in recount_facts(sentence, facts)] == right


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("Yard slotting is not ready to move on: 1 of 4 exit criteria are open.", [True, True]),
        ("Yard slotting is not ready to move on: 2 of 4 exit criteria are open.", [False, True]),
        ("Yard slotting is ready for live with a defer threshold.", [False]),
        ("2 of 8 initiatives are ready for their next gate: CNC tool wear and Paint shop visual inspection.", [True]),
        ("1 of 8 initiatives are ready for their next gate: CNC tool wear.", [False]),
        ("CNC tool wear has 2 open gaps.", [True]),
        ("CNC tool wear has 9 open gaps.", [False]),
    ],
)
def test_criteria_are_counted_as_the_office_holds_them(known: Known, sentence: str, right: list[bool]) -> None:
    assert [held for _, held in recount(sentence, known)] == right


def cite(facts: Facts, *places: str) -> list[Citation]:
    """Return citations of an initiative, its newest status, its first KPI with its newest reading, or its action."""
    found = []
    for number, place in enumerate(places, 1):
        kind, _, initiative = place.partition("/")
        own = [facts.by_place[kind, initiative]] if kind == "initiative" else facts.of(kind, initiative)
        newest = max(own, key=lambda fact: fact.as_of)
        id_ = f"register/{kind}/{newest.subject}"
        found.append(
            Citation(number=number, kind=CitationKind.REGISTER, title="Register", section="", section_id=id_, quote="")
        )
    return found


LINE_3, PACKING, CNC = "line-3-predictive-maintenance", "packing-line-quality", "cnc-tool-wear"
PRESS = "press-line-energy-optimisation"
KPI_PLACES = [f"kpi_reading/{PRESS}", f"kpi_card/{PRESS}"]
CNC_PLACES = [f"initiative/{CNC}", f"status_update/{CNC}"]


@pytest.mark.parametrize(
    ("sentence", "places", "right"),
    [
        ("The last status is of 16 Nov 2026, 4 days old.", [f"status_update/{LINE_3}"], True),
        ("The last status is of 16 Dec 2026, 4 days old.", [f"status_update/{LINE_3}"], False),
        ("The last status is of 16 Nov 2026, 34 days old.", [f"status_update/{LINE_3}"], False),
        ("CNC tool wear: on track, single-line pilot, owner Sofia Varga, status 7 days old.", CNC_PLACES, True),
        ("CNC tool wear: at risk, single-line pilot, owner Sofia Varga, status 7 days old.", CNC_PLACES, False),
        ("CNC tool wear: on track, phased deployment, owner Sofia Varga, status 7 days old.", CNC_PLACES, False),
        ("CNC tool wear: on track, single-line pilot, owner Eszter Nagy, status 7 days old.", CNC_PLACES, False),
        ("CNC tool wear: on track, single-line pilot, no owner, status 7 days old.", CNC_PLACES, False),
        ("Yard slotting: on track, single-line pilot, owner Sofia Varga, status 7 days old.", CNC_PLACES, False),
        ("Jonas Weber is accountable.", [f"initiative/{LINE_3}"], True),
        ("Hans Muster is accountable.", [f"initiative/{LINE_3}"], False),
        ("Nobody is named as accountable.", [f"initiative/{PACKING}"], True),
        ("Nobody is named as accountable.", [f"initiative/{LINE_3}"], False),
        ("The gate is planned for 14 Dec 2026.", [f"initiative/{LINE_3}"], True),
        ("CNC tool wear is ready for single-shift shadow.", CNC_PLACES, True),
        ("CNC tool wear is ready for phased deployment.", CNC_PLACES, False),
        ("The gate is planned for 14 Jan 2027.", [f"initiative/{LINE_3}"], False),
        ("Name an OT owner: Marta Lindqvist, due 8 Nov 2026, 12 days ago.", [f"action_item/{PRESS}"], True),
        ("Name an OT owner: Marta Lindqvist, due 8 Dec 2026, 12 days ago.", [f"action_item/{PRESS}"], False),
        ("Name an OT owner: Lena Fuchs, due 8 Nov 2026, 12 days ago.", [f"action_item/{PRESS}"], False),
        (
            "Energy per stroke (leading): 1.68 kWh on 2 Nov 2026, target 1.6.",
            KPI_PLACES,
            True,
        ),
        (
            "Energy per stroke (leading): 1.58 kWh on 2 Nov 2026, target 1.6.",
            KPI_PLACES,
            False,
        ),
        (
            "Energy per stroke (leading): 1.68 kWh on 2 Nov 2026, target 1.7.",
            KPI_PLACES,
            False,
        ),
        (
            "Energy per stroke (leading): 1.68 MWh on 2 Nov 2026, target 1.6.",
            KPI_PLACES,
            False,
        ),
        ("330 days in single-line pilot, more than 180, 3 check-ins missed.", [f"initiative/{PACKING}"], True),
        ("331 days in single-line pilot, more than 180, 3 check-ins missed.", [f"initiative/{PACKING}"], False),
        ("330 days in single-line pilot, more than 190, 3 check-ins missed.", [f"initiative/{PACKING}"], False),
    ],
)  # fmt: skip
def test_each_date_figure_and_name_is_held_to_the_record(
    facts: Facts, sentence: str, places: list[str], right: bool
) -> None:
    found = dict(check_sentence(sentence, cite(facts, *places), facts))
    assert found
    assert all(found.values()) == right, found


ASKED = (
    "What are our gaps in security", "What is missing in training", "Where do we fall short on data", "What is overdue",
    "Which data contracts are not signed", "Which integration debt is open", "How many interventions were dismissed",
    "Which initiatives are without a sponsor", "How many initiatives are in shadow", "What is the weakest point",
    "Are there false alarms", "Who may override the AI",
)  # fmt: skip


def _deny(text: str, cited: list[Citation], facts: Facts) -> list[tuple[str, bool]]:
    near = facts.find_near(facts.find_cited(citation.section_id for citation in cited))
    return list(check_denials(text, near, facts))


@pytest.mark.parametrize(
    ("sound", "turned", "places"),
    [
        ("Jonas Weber is accountable.", "Jonas Weber is not accountable.", [f"initiative/{LINE_3}"]),
        ("Nobody is accountable.", "Somebody is not accountable.", [f"initiative/{PACKING}"]),
        ("CNC tool wear is on track.", "CNC tool wear is not on track.", CNC_PLACES),
        ("Risk: Nobody answers for the pilot.", "Risk: Somebody answers for the pilot.", [f"status_update/{PACKING}"]),
        ("Packing line quality: no OT owner.", "Packing line quality: OT owner.", [f"initiative/{PACKING}"]),
        ("CNC tool wear: OT owner.", "CNC tool wear: no OT owner.", [f"initiative/{CNC}"]),
        (
            "Decision right Stop line 3 on a gearbox warning: status draft, not signed.",
            "Decision right Stop line 3 on a gearbox warning: status draft, signed.",
            [f"decision_right/{LINE_3}"],
        ),
        (
            "AI track record not published: Shadow period from 1 Nov 2026: track record published: no, no precision.",
            "AI track record published: Shadow period from 1 Nov 2026: track record published: no, no precision.",
            [f"shadow_period/{LINE_3}"],
        ),
        (
            "Shadow period from 1 Nov 2026: running for 19 days, not at least 28 days.",
            "Shadow period from 1 Nov 2026: running for 19 days, at least 28 days.",
            [f"shadow_period/{LINE_3}"],
        ),
        (
            "No defer threshold is recorded for Yard slotting.",
            "No defer threshold is recorded for Inbound demand forecast.",
            [],
        ),
        (
            "KPI card Scrap rate: no baseline, no target.",
            "KPI card Scrap rate: baseline, target.",
            [f"kpi_card/{PACKING}"],
        ),
    ],
)  # fmt: skip
def test_what_a_sentence_denies_is_held_to_the_record(facts: Facts, sound: str, turned: str, places: list[str]) -> None:
    assert all(right for _, right in _deny(sound, cite(facts, *places), facts))
    told = [*_deny(turned, cite(facts, *places), facts), *recount_facts(turned, facts)]
    assert not all(right for _, right in told)


@pytest.mark.parametrize(
    "question",
    [
        "Which data contracts are not signed?",
        "How many interventions were dismissed on the press line?",
        "When did the paint shop last retrain its model?",
        "Which integration debt is still open at Győr?",
        "What lessons have we recorded?",
        "Who can override the AI on Line 3?",
        "How do our pilots stand right now?",
        "Which KPIs do we follow?",
        "Are we ready for the next gate?",
        "Where are we weakest?",
        "What changed since last month?",
        "Which initiatives have no data contract?",
        "What is on Tom Berger's plate?",
        "Which stage is each initiative in right now?",
        "Which gaps do most of our initiatives share?",
        "Which gates are coming up this year?",
        "How do CNC tool wear and Yard slotting compare?",
        "Are Paint shop visual inspection and Yard slotting ready for their gates?",
        *(f"{asked} at {place}?" for asked in ASKED for place in ("Line 3", "Packing line quality", "Győr", "Venlo")),
    ],
)
def test_a_sound_answer_is_held_against_nobody(office: ProgramOffice, facts: Facts, question: str) -> None:
    report = office.report(LOCAL_CALLER, question, None, Role.ENGINEER)
    assert report is not None
    cited = {c.number: c for c in report.draft.citations if c.kind is CitationKind.REGISTER}
    wrong = []
    for block in report.draft.blocks:
        for said in getattr(block, "sentences", ()) or getattr(block, "items", ()):
            own = [cited[number] for number in said.citations if number in cited]
            wrong += [(what, said.text) for what, right in check_sentence(said.text, own, facts) if own and not right]
            wrong += [(what, said.text) for what, right in recount_facts(said.text, facts) if not right]
            wrong += [(what, said.text) for what, right in _deny(said.text, own, facts) if own and not right]
    assert wrong == []
