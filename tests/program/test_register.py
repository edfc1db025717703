from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.domain.identity import LOCAL_CALLER, Caller, Permission
from advisor.domain.records import Initiative, RecordKind, Stage, StatusUpdate
from advisor.domain.register import Entry, Projection, RecordChange
from advisor.errors import InvalidInputError
from advisor.program.office import ProgramOffice
from tests.conftest import TODAY

START = date(2026, 1, 1)


def _entry(number: int, subject: int, day: int, health: str, corrects: int | None) -> Entry:
    return Entry(
        number=number,
        key=str(number),
        kind=RecordKind.STATUS_UPDATE,
        subject=f"s{subject}",
        patch={"initiative": "i", "health": health, "summary": f"n{number}"},
        effective_on=START + timedelta(days=day),
        supersedes=corrects,
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
        recorded_by="anna",
    )


_FACTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 60), st.sampled_from(["on_track", "at_risk"]), st.booleans()),
    max_size=25,
)


@given(facts=_FACTS, cuts=st.lists(st.integers(0, 25), max_size=4), day=st.integers(0, 70))
def test_replaying_the_log_in_any_pieces_gives_the_same_present(
    facts: list[tuple[int, int, str, bool]], cuts: list[int], day: int
) -> None:
    entries: list[Entry] = []
    for number, (subject, on, health, corrects) in enumerate(facts, 1):
        earlier = next((e.number for e in reversed(entries) if e.subject == f"s{subject}"), None)
        entries.append(_entry(number, subject, on, health, earlier if corrects else None))
    whole, pieces = Projection(), Projection()
    whole.apply(entries)
    edges = [0, *sorted(min(cut, len(entries)) for cut in cuts), len(entries)]
    for start, stop in pairwise(edges):
        pieces.apply(entries[start:stop])
        pieces.as_of(START + timedelta(days=day))
    pieces.apply(entries)
    for at in (START + timedelta(days=day), START + timedelta(days=100)):
        one, other = whole.as_of(at), pieces.as_of(at)
        assert one.head == other.head
        assert [one.find(RecordKind.STATUS_UPDATE, f"s{n}") for n in range(5)] == [
            other.find(RecordKind.STATUS_UPDATE, f"s{n}") for n in range(5)
        ]


def test_a_correction_takes_the_place_of_what_it_corrects(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    status = empty.read_register(LOCAL_CALLER).latest_status("yard-slotting")
    assert status is not None
    change = RecordChange(
        kind=RecordKind.STATUS_UPDATE,
        subject=status.subject,
        fields={"initiative": "yard-slotting", "health": "off_track", "summary": "Corrected."},
        corrects=status.version,
    )
    empty.record(LOCAL_CALLER, [change], door="cli")
    corrected = empty.read_register(LOCAL_CALLER).latest_status("yard-slotting")
    assert corrected is not None
    assert (corrected.as_of, corrected.fields.summary, corrected.fields.risks) == (status.as_of, "Corrected.", "")


def _initiative(**fields: object) -> RecordChange:
    return RecordChange(kind=RecordKind.INITIATIVE, fields=fields)


def test_no_correction_leaves_half_a_record(empty: ProgramOffice) -> None:
    site = RecordChange(kind=RecordKind.SITE, fields={"name": "Werk", "type": "factory"})
    line = _initiative(name="Line 1", site="werk", track="factory", stage="single_line_pilot")
    owned = RecordChange(kind=RecordKind.INITIATIVE, subject="line-1", fields={"sponsor": "COO"})
    _, first, second = empty.record(LOCAL_CALLER, [site, line, owned], door="cli")
    undo = RecordChange(kind=RecordKind.INITIATIVE, subject="line-1", corrects=first.number, withdraw=True)
    with pytest.raises(InvalidInputError, match="not complete"):
        empty.record(LOCAL_CALLER, [undo], door="cli")
    status = RecordChange(kind=RecordKind.STATUS_UPDATE, fields={"initiative": "line-1", "health": "on_track"})
    (logged,) = empty.record(LOCAL_CALLER, [status], door="cli")
    withdrawals = [
        RecordChange(kind=entry.kind, subject=entry.subject, corrects=entry.number, withdraw=True)
        for entry in (second, logged, first)
    ]
    empty.record(LOCAL_CALLER, withdrawals[:1], door="cli")
    with pytest.raises(InvalidInputError, match="belong to"):
        empty.record(LOCAL_CALLER, withdrawals[2:], door="cli")
    for withdrawal in withdrawals[1:]:
        empty.record(LOCAL_CALLER, [withdrawal], door="cli")
    register = empty.read_register(LOCAL_CALLER)
    assert not register.initiatives
    assert not register.all(StatusUpdate)


def test_a_change_before_the_record_begins_is_refused(demo: ProgramOffice) -> None:
    change = RecordChange(kind=RecordKind.INITIATIVE, subject="yard-slotting", fields={"sponsor": "COO"},
                          on=TODAY - timedelta(days=4000))  # fmt: skip
    with pytest.raises(InvalidInputError, match="in the register from"):
        demo.record(LOCAL_CALLER, [change], door="cli")


def test_the_past_stays_readable(demo: ProgramOffice) -> None:
    then = demo.read_register(LOCAL_CALLER, TODAY - timedelta(days=100)).find_initiative("furnace-temperature-control")
    assert then is not None
    assert then.fields.stage is Stage.MULTI_LINE_SHADOW


def test_a_label_hides_an_initiative_and_all_that_belongs_to_it(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    change = RecordChange(kind=RecordKind.INITIATIVE, subject="yard-slotting", fields={"label": "board"})
    empty.record(LOCAL_CALLER, [change], door="cli")
    stranger = Caller(id="ben", permission=Permission.READER)
    insider = Caller(id="eva", permission=Permission.READER, groups=("board",))
    assert empty.read_register(stranger).find_initiative("yard-slotting") is None
    assert len(empty.read_register(insider).all(Initiative)) == 8
    impostor = Caller(id="max", permission=Permission.READER, groups=("all", "admin"))
    assert len(empty.list_status(LOCAL_CALLER)) == 8
    assert len(empty.list_status(impostor)) == 7
    assert empty.summarise(stranger, initiative="yard-slotting").scope == "the whole program"
    everything = empty.summarise(stranger).model_dump_json() + str(empty.assess_gates(stranger))
    assert "Yard" not in everything
    assert "yard" not in everything
