from __future__ import annotations

import re

from advisor.domain.criteria import CriteriaBook
from advisor.domain.gaps import State
from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from advisor.program.reports import html, markdown
from advisor.program.reports.wording import count_page_words, word_level
from tests.program.conftest import OfficeMaker


def test_the_page_stays_within_its_limit_and_names_the_decision(demo: ProgramOffice) -> None:
    page = markdown.render_summary(demo.summarise(LOCAL_CALLER))
    assert count_page_words(page) <= markdown.MOST_WORDS
    assert "**Decision wanted:**" in page


def test_the_same_register_gives_the_same_bytes(make_office: OfficeMaker, tmp_path: object) -> None:
    pages = []
    for name in ("one", "two"):
        office = make_office(f"sqlite:///{tmp_path}/{name}.sqlite")
        office.load_demo(LOCAL_CALLER, door="demo")
        summary = office.summarise(LOCAL_CALLER)
        pages.append((summary.model_dump_json(), markdown.render_summary(summary), html.render_summary(summary)))
    assert pages[0] == pages[1]


def test_every_level_of_every_rendering_is_the_summary_s(demo: ProgramOffice) -> None:
    summary = demo.summarise(LOCAL_CALLER)
    rows = re.findall(r"^\| ([^|]+) \| ([\d?]+) \| ([\d.?]+)[^|]* \| (\d) \|", markdown.render_summary(summary), re.M)
    told = [(d.short, word_level(d.floor), word_level(d.average), str(d.target)) for d in summary.levels]
    assert rows == told
    page = html.render_summary(summary)
    for name, levels in summary.heat:
        assert f"{name}: {', '.join('unknown' if v is None else str(v) for v in levels)}" in page


def test_numbers_of_the_page_are_those_of_the_register(demo: ProgramOffice) -> None:
    summary = demo.summarise(LOCAL_CALLER)
    gates = demo.assess_gates(LOCAL_CALLER)
    assert summary.initiatives == len(demo.list_status(LOCAL_CALLER)) == sum(n for _, n in summary.by_phase)
    assert summary.blocked == sum(gate.next_stage is not None and not gate.ready for gate in gates)
    assert summary.stalled == tuple(gate.name for gate in gates if gate.stalled) == ("Packing line quality",)
    assert summary.entries == demo.read_register(LOCAL_CALLER).head


def test_each_gap_is_cited_on_both_sides(demo: ProgramOffice, book: CriteriaBook) -> None:
    register = demo.read_register(LOCAL_CALLER)
    for gap in demo.rank_gaps(LOCAL_CALLER):
        assert gap.playbook.quote == book.by_id[gap.criterion].quote
        assert gap.evidence or gap.reason.startswith(("No ", "Nobody "))
        for ref in gap.evidence:
            record = register.find(ref.kind, ref.subject)
            assert record is not None
            assert record.version == ref.number


def test_an_empty_register_has_no_levels_and_points_to_the_assessment(empty: ProgramOffice) -> None:
    summary = empty.summarise(LOCAL_CALLER)
    assert summary.empty
    assert all(level.floor is None and level.average is None for level in summary.levels)
    assert "advisor assess" in summary.decision


def test_unknown_is_never_zero(empty: ProgramOffice) -> None:
    empty.answer_question(LOCAL_CALLER, "sponsor-named", "unknown", door="cli")
    assert all(level.floor is None for level in empty.summarise(LOCAL_CALLER).levels)
    empty.answer_question(LOCAL_CALLER, "sponsor-named", "no", door="cli")
    levels = {level.dimension: level.floor for level in empty.summarise(LOCAL_CALLER).levels}
    assert levels["governance"] == 0


def test_the_assessment_resumes_and_ends_a_dimension_at_the_first_no(empty: ProgramOffice) -> None:
    first = empty.find_next_question(LOCAL_CALLER, dimension="governance")
    assert first is not None
    assert first.level == 1
    empty.answer_question(LOCAL_CALLER, first.criterion, "yes", door="cli")
    second = empty.find_next_question(LOCAL_CALLER, dimension="governance")
    assert second is not None
    assert (second.level, second.answered) == (2, 1)
    empty.answer_question(LOCAL_CALLER, second.criterion, "no", door="cli")
    assert empty.find_next_question(LOCAL_CALLER, dimension="governance") is None


def test_a_checklist_from_a_gate_keeps_its_citations_and_merges(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    drafts = empty.draft_from_gate(LOCAL_CALLER, "line-3-predictive-maintenance")
    entries, merged = empty.add_items(LOCAL_CALLER, drafts, door="cli")
    assert len(entries) == len(drafts) == 3
    assert merged == 0
    assert empty.add_items(LOCAL_CALLER, drafts, door="cli") == ((), 3)
    items = {
        item.criterion: item for item in empty.list_items(LOCAL_CALLER, initiative="line-3-predictive-maintenance")
    }
    assert items["override-signed"].source.startswith("Governance > ")


def test_a_recurring_item_comes_back_when_ticked(empty: ProgramOffice) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    item = next(i for i in empty.list_items(LOCAL_CALLER) if i.recurs_days)
    empty.tick_item(LOCAL_CALLER, item.id, "Minutes of the review", door="cli")
    again = next(i for i in empty.list_items(LOCAL_CALLER) if i.recurs_days)
    assert (again.title, again.id != item.id) == (item.title, True)
    assert again.due_on is not None
    assert item.due_on is not None
    assert (again.due_on - item.due_on).days == item.recurs_days


def test_the_states_of_the_demo_are_all_in_use(demo: ProgramOffice) -> None:
    states = {finding.state for finding in demo.find_findings(LOCAL_CALLER)}
    assert {State.MET, State.UNMET, State.STALE, State.UNKNOWN} <= states
