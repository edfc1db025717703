from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from advisor.domain.criteria import CriteriaBook
from advisor.domain.gaps import GapSummary, State
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import FIELDS, RecordKind
from advisor.program.office import ProgramOffice
from advisor.program.reports import html, markdown
from advisor.program.reports.wording import count_page_words, word_level
from integrations.cli import program_render as render_program
from tests.conftest import TODAY, OfficeMaker


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
    rows = re.findall(r"^\| ([^|]+) \| ([\d?]+) \| ([\d.?]+)[^|]* \|", markdown.render_summary(summary), re.M)
    assert rows == [(d.short, word_level(d.floor), word_level(d.average)) for d in summary.levels]
    page = html.render_summary(summary)
    for name, levels in summary.heat:
        assert f"{name}: {', '.join('unknown' if v is None else str(v) for v in levels)}" in page


_FIGURE = re.compile(r"\d+(?:\.\d+)?")


def _figures(text: str) -> set[float]:
    return {float(figure) for figure in _FIGURE.findall(text)}


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.integers(0, 330), place=st.sampled_from(["", "yard-slotting", "paint-shop-visual-inspection"]))
def test_no_rendering_holds_a_figure_that_the_register_does_not(demo: ProgramOffice, days: int, place: str) -> None:
    """On any day, for any scope: the figures of the pages are the summary's, and those are counted from the store."""
    day = TODAY - timedelta(days=days)
    summary = demo.summarise(LOCAL_CALLER, as_of=day, initiative=place)
    drawn = _figures(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html.render_summary(summary), flags=re.S)))
    terminal = Console(width=200, file=StringIO())
    terminal.print(render_program.render_summary(summary))
    known = _figures(summary.model_dump_json()) | _counts(summary)
    scale = {float(level) for level in range(6)}
    assert _figures(markdown.render_summary(summary)) <= known | scale
    assert _figures(terminal.file.getvalue()) <= known | scale
    assert drawn <= known | scale
    _compare_with_store(demo, summary, place)


def _counts(summary: GapSummary) -> set[float]:
    """Return the lengths of all lists, and what is left of them after a page's first few; and days without a year."""
    lists = [summary.gaps, summary.improved, summary.worsened, summary.arisen, summary.overdue, summary.unknown]
    lists += [gap.where for gap in summary.gaps]
    numbers = {float(left) for found in lists for left in range(len(found) + 1)}
    days = [gap.due for gap in summary.gaps] + [day for day, _ in summary.trend] + [summary.as_of, summary.since]
    return (
        numbers | {float(day.day) for day in days} | {float(round(level.average or 0, 1)) for level in summary.levels}
    )


def _compare_with_store(office: ProgramOffice, summary: GapSummary, place: str) -> None:
    """Count again, from the entries alone, what the page counts."""
    log = [e for kind in RecordKind for r in office.read_register(LOCAL_CALLER).all(FIELDS[kind])
           for e in office.read_history(LOCAL_CALLER, kind, r.subject) if e.effective_on <= summary.as_of]  # fmt: skip
    started = {e.subject for e in log if e.kind is RecordKind.INITIATIVE and place in {"", e.subject}}
    state = {s: {} for s in started}  # type: dict[str, dict[str, object]]
    for entry in sorted(log, key=lambda e: (e.effective_on, e.number)):
        if entry.subject in state and entry.kind is RecordKind.INITIATIVE:
            state[entry.subject] |= entry.patch
    active = {s for s, fields in state.items() if fields.get("activity", "active") in {"active", "paused"}}
    assert summary.initiatives == len(active)
    assert summary.entries == max((e.number for e in log), default=0)
    last = {e.patch["initiative"]: e.effective_on for e in sorted(log, key=lambda e: e.effective_on)
            if e.kind is RecordKind.STATUS_UPDATE}  # fmt: skip
    age = {s: (summary.as_of - last[s]).days for s in active if s in last}
    assert summary.fresh == sum(days <= int(str(state[s].get("check_in_days", 14))) for s, days in age.items())


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
