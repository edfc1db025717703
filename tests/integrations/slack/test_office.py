"""What people rely on in Slack once they rely on it: the Home tab, charts, files, a word on a source."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
import sqlalchemy
from pptx import Presentation

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.program.reports.markdown import fit_text
from integrations.slack.jobs import due_work
from integrations.slack.native import bar_chart, chart_summary, data_table, simplify
from integrations.slack.simulator.faults import Fault
from integrations.slack.simulator.limits import check_message
from tests.conftest import OfficeMaker, need_pango
from tests.integrations.slack.conftest import Company, wait_for

pytestmark = pytest.mark.parametrize("transport", ["socket"], indirect=True)
SECRET_NAME = "Packing line quality"


def hide(company: Company) -> None:
    change = RecordChange(kind=RecordKind.INITIATIVE, subject="packing-line-quality", fields={"label": "board"})
    company.office.record(LOCAL_CALLER, [change], door="test")


def home_of(company: Company, user: str) -> str:
    company.sim.open_home(user)
    company.settle()
    return str((company.sim.home_of(user) or {}).get("blocks"))


def test_the_home_tab_shows_what_is_mine_and_where_we_stand(company: Company) -> None:
    summary = company.office.summarise(LOCAL_CALLER)
    shown = home_of(company, "UJONAS")
    assert summary.headline in shown
    assert summary.decision in shown
    lines = company.office.list_status(LOCAL_CALLER)
    mine = [line.name for line in lines if line.owner == "Jonas Weber"]
    assert mine == ["Line 3 predictive maintenance"]
    assert f"*{mine[0]}*" in shown
    assert "State in writing that the alerts support operators" in shown
    assert f"{summary.fresh} of {summary.initiatives}" in shown
    stale = next(line for line in lines if line.missed)
    assert f"{stale.age} days old" in shown
    assert "names you as the owner of none" in home_of(company, "UEVA")


def test_the_home_tab_keeps_to_labels_and_tells_guests_why(company: Company) -> None:
    hide(company)
    assert SECRET_NAME not in home_of(company, "UJONAS")
    assert SECRET_NAME in home_of(company, "UEVA")
    refused = home_of(company, "UGUEST")
    assert SECRET_NAME not in refused
    assert "AI program" not in refused


def test_the_home_tab_opens_forms_and_is_drawn_anew(company: Company) -> None:
    sim = company.sim
    home_of(company, "UJONAS")
    sim.click_home("UJONAS", "open_check_in", "line-3-predictive-maintenance")
    wait_for(lambda: (sim.view_of("UJONAS") or {}).get("callback_id") == "check_in")
    sim.submit(
        "UJONAS", {"initiative": "line-3-predictive-maintenance", "health": "off_track", "summary": "gearbox again"}
    )
    company.settle()
    assert "off track" in str(sim.home_of("UJONAS"))
    assert "Recorded as" in str(sim.messages(sim.dm("UJONAS")))
    for button in ("show_gaps", "show_gates"):
        sim.click_home("UJONAS", button)
        company.settle()
    said = str(sim.messages(sim.dm("UJONAS")))
    assert "Decision wanted" in said
    assert "ready for their next gate" in said


def test_the_gaps_come_with_charts_and_a_table_to_sort(company: Company) -> None:
    company.sim.command("UANNA", company.sim.dm("UANNA"), "/advisor", "gaps")
    company.settle()
    blocks = [
        b for m in company.sim.ephemerals("UANNA") + company.sim.messages(company.sim.dm("UANNA")) for b in m.blocks
    ]
    summary = company.office.summarise(LOCAL_CALLER)
    (table,) = [block for block in blocks if block["type"] == "data_table"]
    assert [row[0]["text"] for row in table["rows"][1:]] == [level.title for level in summary.levels]
    assert [row[2].get("value") for row in table["rows"][1:]] == [level.average for level in summary.levels]
    phases, furthest = [block["chart"] for block in blocks if block["type"] == "data_visualization"]
    assert [point["value"] for point in phases["series"][0]["data"]] == [count for _, count in summary.by_phase]
    assert len(furthest["series"][0]["data"]) == 6
    known = {level.short: level.average for level in summary.levels}
    assert all(known[point["label"]] == point["value"] for point in furthest["series"][0]["data"])


def test_where_slack_takes_no_charts_words_stand_in(company: Company) -> None:
    sim = company.sim
    home_of(company, "UANNA")
    sim.faults.add(Fault(method="chat.postMessage", error="invalid_blocks", times=1))
    sim.click_home("UANNA", "show_gaps")
    company.settle()
    blocks = [b for m in sim.messages(sim.dm("UANNA")) for b in m.blocks]
    kinds = [block["type"] for block in blocks]
    assert "data_table" not in kinds
    assert "data_visualization" not in kinds
    assert kinds.count("table") == 1
    assert "Initiatives by phase. Initiatives: pilot 2, shadow 3, production 3" in str(blocks)
    assert fit_text(company.office.summarise(LOCAL_CALLER)).headline in str(blocks)


@pytest.mark.parametrize("name", ["pptx", "xlsx", "pdf"])
def test_a_report_comes_as_a_file_to_who_asked(company: Company, name: str) -> None:
    if name == "pdf":
        need_pango()
    sim = company.sim
    sim.command("UANNA", "C1", "/advisor", f"report {name}")
    company.settle()
    (file,) = sim.files
    assert file.name == f"gap-summary-{company.office.today}.{name}"
    assert file.channel == sim.dm("UANNA")
    assert file.content[:4] in {b"PK\x03\x04", b"%PDF"}
    assert company.office.summarise(LOCAL_CALLER).headline in sim.messages(file.channel)[-1].text


def test_a_private_report_holds_what_the_person_may_see(company: Company) -> None:
    hide(company)
    for user, sees in (("UEVA", True), ("UANNA", False)):
        company.sim.command(user, "C1", "/advisor", "report")
        company.settle()
        assert (SECRET_NAME in words(Presentation(io.BytesIO(company.sim.files[-1].content)))) is sees


def words(deck: object) -> str:
    told = []
    for slide in deck.slides:  # type: ignore[attr-defined]
        for shape in slide.shapes:
            if shape.has_text_frame:
                told.append(shape.text_frame.text)
            elif shape.has_table:
                told += [cell.text_frame.text for row in shape.table.rows for cell in row.cells]
    return " ".join(told)


def test_a_button_below_the_digest_uploads_to_its_thread_what_all_may_see(company: Company) -> None:
    hide(company)
    now = time.time()
    company.door.queue.put(due_work("mon 09:00", "T1", now, since=now - 8 * 86_400))
    company.wait_until_sent()
    ts = next(m.ts for m in company.sim.messages("C1") if "report_pptx" in str(m.blocks))
    company.sim.click("UEVA", "C1", ts, "report_pptx")
    file = wait_for(lambda: [file for file in company.sim.files if file.channel])[0]
    assert (file.channel, file.thread_ts) == ("C1", ts)
    assert SECRET_NAME not in words(Presentation(io.BytesIO(file.content)))


def test_a_source_that_does_not_fit_is_noted(company: Company, tmp_path: Path) -> None:
    sim = company.sim
    place = sim.dm("UANNA")
    root = sim.say("UANNA", place, "How should we choose KPIs?")
    company.settle()
    answer = next(m for m in sim.messages(place, root) if "source_wrong" in str(m.blocks))
    menu = next(e for b in answer.blocks for e in b.get("elements", []) if e.get("action_id") == "source_wrong")
    assert "[1] KPIs" in menu["options"][0]["text"]["text"]
    sim.click("UANNA", place, answer.ts, "source_wrong", menu["options"][1]["value"])
    company.settle()
    assert "Thank you, noted." in str(sim.messages(place))
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/slack.sqlite")
    with engine.connect() as connection:
        given = connection.execute(sqlalchemy.text("SELECT helpful, citation FROM feedback")).one()
    assert (bool(given.helpful), given.citation) == (False, 2)


def test_native_blocks_keep_to_the_limits(make_office: OfficeMaker, tmp_path: Path, transport: str) -> None:
    many = [(f"a very long name of a dimension {n}", float(n)) for n in range(30)]
    chart = bar_chart("t" * 80, {"Average": many, "Target": many}, x="x", y="y")
    table = data_table("c" * 400, ["h"] * 30, [["x" * 900, 1.5, None] + [""] * 27] * 10)
    check_message("text", [chart, table])
    office = make_office(f"sqlite:///{tmp_path}/empty.sqlite")
    assert chart_summary(office.summarise(LOCAL_CALLER)) == []
    assert data_table("none", ["a"], [])["type"] == "table"
    plain = simplify([table, table, chart])
    assert [block["type"] for block in plain] == ["table", "context", "context"]
    check_message("text", plain[:1])
