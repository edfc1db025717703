"""Status in plain words, on cases written before the parser; the held half was never read while tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import Health
from advisor.program.office import ProgramOffice
from advisor.program.plain_words import Proposal

CASES = Path(__file__).parent / "cases"
HELD_MARK = 37
"""Of 45; raise it, never lower it."""


def load(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((CASES / f"{name}.yaml").read_text())
    return loaded


def find_differences(expected: dict[str, Any], proposal: Proposal) -> list[str]:
    kpi = expected.get("kpi")
    asks = expected.get("asks", "none")
    pairs = {
        "initiative": (proposal.initiative, expected.get("initiative")),
        "stage": (proposal.stage and proposal.stage.value, expected.get("stage")),
        "health": (proposal.health and proposal.health.value, expected.get("health")),
        "as_of": (proposal.as_of and proposal.as_of.isoformat(), expected.get("as_of")),
        "owner": (proposal.people.get("accountable_owner"), expected.get("owner")),
        "it_owner": (proposal.people.get("it_owner"), expected.get("it_owner")),
        "ot_owner": (proposal.people.get("ot_owner"), expected.get("ot_owner")),
        "sponsor": (proposal.people.get("sponsor"), expected.get("sponsor")),
        "false_alarms": (proposal.false_alarms, expected.get("false_alarms")),
        "kpi": ({n: str(v) for n, v in proposal.readings.items()}, {kpi["name"]: str(kpi["value"])} if kpi else {}),
        "asks": (sorted({ask.about for ask in proposal.asks}), [] if asks == "none" else [asks]),
    }
    wrong = [f"{name}: {got!r}, not {want!r}" for name, (got, want) in pairs.items() if got != want]
    for name in ("risks", "next_step"):
        want, got = str(expected.get(name, "")).lower(), getattr(proposal, name).lower()
        if want not in got or (got and not want):
            wrong.append(f"{name}: {got!r}, not {want!r}")
    return wrong


def judge(office: ProgramOffice, case: dict[str, Any]) -> list[str]:
    proposals = office.read_message(LOCAL_CALLER, case["text"])
    expected = case.get("expect_all") or [case["expect"]]
    if expected[0].get("not_a_status"):
        return ["taken for a status"] if proposals else []
    if len(proposals) != len(expected):
        return [f"{len(proposals)} proposals, not {len(expected)}"]
    return [wrong for e, p in zip(expected, proposals, strict=True) for wrong in find_differences(e, p)]


@pytest.mark.parametrize("case", load("plain_words_tuned"), ids=lambda case: case["id"])
def test_a_message_is_understood(demo: ProgramOffice, case: dict[str, Any]) -> None:
    assert judge(demo, case) == []


def test_held_messages_are_understood_as_often_as_before(demo: ProgramOffice) -> None:
    right = sum(not judge(demo, case) for case in load("plain_words_held"))
    assert right >= HELD_MARK


def test_nothing_is_proposed_while_something_is_unclear(demo: ProgramOffice) -> None:
    for case in (*load("plain_words_tuned"), *load("plain_words_held")):
        for proposal in demo.read_message(LOCAL_CALLER, case["text"]):
            assert not (proposal.asks and proposal.changes)


def test_what_is_proposed_can_be_recorded(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    text = "CNC tool wear moved to shadow yesterday, green, no false alarms."
    (proposal,) = empty.read_message(LOCAL_CALLER, text)
    empty.record(LOCAL_CALLER, proposal.changes, door="cli")
    line = next(line for line in empty.list_status(LOCAL_CALLER) if line.initiative == "cnc-tool-wear")
    assert (line.stage.value, line.health, line.age) == ("single_shift_shadow", "on track", 1)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Line 3 is green, owner is Jonas Weber or Lena Fuchs", "owner"),
        ("Line 3 moved to full shift tomorrow", "date"),
        ("Line 3 is neither red nor green", "health"),
        ("Line 3 had -4 false alarms", "false alarms"),
        ("Furnace went live last Friday", "stage"),
        ("Yard slotting is no longer on track", "health"),
    ],
)
def test_what_is_unclear_is_asked(demo: ProgramOffice, text: str, about: str) -> None:
    (proposal,) = demo.read_message(LOCAL_CALLER, text)
    assert about in {ask.about for ask in proposal.asks}
    assert not proposal.changes


def test_what_is_said_of_two_is_proposed_for_both(demo: ProgramOffice) -> None:
    proposals = demo.read_message(LOCAL_CALLER, "Line 3 and Paint shop are both on track")
    assert [(p.initiative, p.health) for p in proposals] == [
        ("line-3-predictive-maintenance", Health.ON_TRACK), ("paint-shop-visual-inspection", Health.ON_TRACK),
    ]  # fmt: skip


def test_a_move_with_open_exit_criteria_says_so(demo: ProgramOffice) -> None:
    (proposal,) = demo.read_message(LOCAL_CALLER, "Line 3 moved to full shift today")
    assert any("The gate is not passed" in line for line in proposal.says)
