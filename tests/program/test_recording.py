from __future__ import annotations

from typing import Any

import pytest

from advisor.domain.identity import LOCAL_CALLER, Caller, Permission
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.errors import AdvisorError, ConflictError, ForbiddenError
from advisor.program.office import ProgramOffice
from tests.conftest import TODAY

READING = {"initiative": "Line 3", "card": "Unplanned downtime"}
BAD: list[tuple[RecordKind, str, dict[str, Any], str]] = [
    (RecordKind.STATUS_UPDATE, "", {"initiative": "Line 9", "health": "on_track"}, 'no initiative "Line 9"'),
    (RecordKind.STATUS_UPDATE, "", {"initiative": "Line 3", "health": "fine"}, "health"),
    (RecordKind.STATUS_UPDATE, "", {"initiative": "Line 3"}, "needs health"),
    (RecordKind.INITIATIVE, "cnc-tool-wear", {"stage": "multi_line_shadow"}, "skips a stage"),
    (RecordKind.INITIATIVE, "cnc-tool-wear", {"stage": "limited_autonomy"}, "no stage of the factory track"),
    (RecordKind.INITIATIVE, "no-such", {"stage": "shadow"}, 'no initiative "no-such"'),
    (RecordKind.INITIATIVE, "", {"name": "CNC tool wear"}, "in the register already"),
    (RecordKind.KPI_READING, "", {**READING, "value": "-3"}, "cannot be -3"),
    (RecordKind.KPI_READING, "", {**READING, "value": "NaN"}, "value"),
    (RecordKind.KPI_READING, "", {**READING, "card": "Beauty", "value": "3"}, "no KPI card"),
    (RecordKind.SHADOW_PERIOD, "", {"initiative": "Line 3", "started_on": "2027-01-01"}, "in the future"),
    (RecordKind.EVIDENCE, "", {"criterion": "no-such", "verdict": "met"}, "no criterion"),
    (RecordKind.GATE_REVIEW, "", {"initiative": "Line 3", "from_stage": "single_shift_shadow",
                                  "to_stage": "full_shift_override", "outcome": "override"}, "reason and an approver"),
    (RecordKind.LESSON, "", {"initiative": "Line 3", "what_happened": "a\x00b"}, "not text"),
    (RecordKind.LESSON, "", {"initiative": "Line 3", "what_happened": "x", "mood": "good"}, 'no field "mood"'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subject", "fields", "said"), BAD, ids=[said for *_, said in BAD])
def test_bad_input_is_told_and_nothing_is_written(
    demo: ProgramOffice, kind: RecordKind, subject: str, fields: dict[str, Any], said: str
) -> None:
    head = demo.read_register(LOCAL_CALLER).head
    with pytest.raises(AdvisorError, match=said) as caught:
        demo.record(LOCAL_CALLER, [RecordChange(kind=kind, subject=subject, fields=fields)], door="cli")
    assert caught.value.remedy
    assert demo.read_register(LOCAL_CALLER).head == head


def test_a_fact_of_tomorrow_is_refused(demo: ProgramOffice) -> None:
    change = RecordChange(
        kind=RecordKind.STATUS_UPDATE,
        fields={"initiative": "Line 3", "health": "on_track"},
        on=TODAY.replace(month=12),
    )
    with pytest.raises(AdvisorError, match="in the future"):
        demo.record(LOCAL_CALLER, [change], door="cli")


@pytest.mark.parametrize("name", ["🚀🚀", "קו ייצור שלוש", "第三生产线", "Línea Ñandú"])
def test_names_of_any_script_are_kept(empty: ProgramOffice, name: str) -> None:
    changes = [
        RecordChange(kind=RecordKind.SITE, fields={"name": "Werk", "type": "factory"}),
        RecordChange(
            kind=RecordKind.INITIATIVE,
            fields={"name": name, "site": "Werk", "track": "factory", "stage": "single_line_pilot"},
        ),
    ]
    empty.record(LOCAL_CALLER, changes, door="cli")
    assert empty.list_status(LOCAL_CALLER)[0].name == name
    assert empty.find_initiative(LOCAL_CALLER, name)


def test_the_same_key_again_returns_what_was_logged(empty: ProgramOffice) -> None:
    change = RecordChange(kind=RecordKind.SITE, fields={"name": "Werk", "type": "factory"})
    first = empty.record(LOCAL_CALLER, [change], key="k", door="cli")
    assert empty.record(LOCAL_CALLER, [change], key="k", door="cli") == first


def test_a_key_used_for_another_change_is_refused(empty: ProgramOffice) -> None:
    change = RecordChange(kind=RecordKind.SITE, fields={"name": "Werk", "type": "factory"})
    empty.record(LOCAL_CALLER, [change], key="k", door="cli")
    other = change.model_copy(update={"fields": {"name": "Lager", "type": "logistics"}})
    with pytest.raises(ConflictError, match="used for another"):
        empty.record(LOCAL_CALLER, [other], key="k", door="cli")


def test_an_override_lets_a_stage_be_skipped_and_is_kept(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    review = {"initiative": "cnc-tool-wear", "from_stage": "single_line_pilot", "to_stage": "full_shift_override",
              "outcome": "override", "reason": "Shadow ran at the supplier", "approver": "Marta Lindqvist"}  # fmt: skip
    move = RecordChange(kind=RecordKind.INITIATIVE, subject="cnc-tool-wear", fields={"stage": "full_shift_override"})
    changes = [RecordChange(kind=RecordKind.GATE_REVIEW, fields=review), move]
    contributor = Caller(id="ben", permission=Permission.CONTRIBUTOR)
    with pytest.raises(ForbiddenError):
        empty.record(contributor, changes, door="cli")
    assert len(empty.record(LOCAL_CALLER, changes, door="cli")) == 2


def test_a_reader_may_not_write(demo: ProgramOffice) -> None:
    with pytest.raises(ForbiddenError):
        demo.record(Caller(id="ben"), [], door="cli")


def test_a_change_on_an_old_version_is_refused(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    old = empty.get_record(LOCAL_CALLER, RecordKind.INITIATIVE, "cnc-tool-wear").version
    change = RecordChange(
        kind=RecordKind.INITIATIVE, subject="cnc-tool-wear", fields={"sponsor": "Tom Berger"}, version=old
    )
    empty.record(LOCAL_CALLER, [change], door="cli")
    with pytest.raises(ConflictError):
        empty.record(LOCAL_CALLER, [change.model_copy(update={"fields": {"sponsor": "Anna"}})], door="cli")


def test_a_gate_with_open_criteria_is_not_passed(demo: ProgramOffice) -> None:
    review = {"initiative": "Line 3", "from_stage": "single_shift_shadow", "to_stage": "full_shift_override"}
    for fields, said in (
        ({**review, "outcome": "pass"}, "cannot pass the gate"),
        ({**review, "outcome": "pass", "from_stage": "pilot"}, "no stage of that initiative"),
        ({**review, "outcome": "pass", "to_stage": "steady_state"}, "leads to the stage after it"),
    ):
        with pytest.raises(AdvisorError, match=said):
            demo.record(LOCAL_CALLER, [RecordChange(kind=RecordKind.GATE_REVIEW, fields=fields)], door="cli")
