"""The meeting pack, reopened: every number in it is the register's, whatever the format."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest
from pptx import Presentation
from pptx.enum.dml import MSO_FILL
from pptx.util import Inches

from advisor.domain.gaps import State
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.errors import InvalidInputError
from advisor.program.office import ProgramOffice
from advisor.program.reports.formats import FORMATS, find_format
from advisor.program.reports.pack import MeetingPack, make_pack
from advisor.program.reports.wording import LENGTHS, word_summary
from tests.conftest import OfficeMaker, need_pango

EVIL = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture(scope="module")
def office(make_office: OfficeMaker, tmp_path_factory: pytest.TempPathFactory) -> ProgramOffice:
    office = make_office(f"sqlite:///{tmp_path_factory.mktemp('pack')}/demo.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    return office


@pytest.fixture(scope="module")
def pack(office: ProgramOffice) -> MeetingPack:
    return make_pack(office, LOCAL_CALLER)


@pytest.fixture(scope="module")
def deck(pack: MeetingPack) -> Any:
    return Presentation(io.BytesIO(find_format("pptx").make(pack, None)))


@pytest.fixture(scope="module")
def workbook(pack: MeetingPack) -> Any:
    return openpyxl.load_workbook(io.BytesIO(find_format("xlsx").make(pack, None)))


def words_of(deck: Any) -> Iterator[str]:
    for slide in deck.slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                yield shape.text_frame.text
            elif shape.has_table:
                for row in shape.table.rows:
                    yield from (cell.text_frame.text for cell in row.cells)


def figures_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)", text))


def known_figures(pack: MeetingPack) -> set[str]:
    """Return every number that the summary, the gates and their sentences hold, and how many of each there are."""
    data = json.dumps([pack.model_dump(mode="json"), pack.decisions, [s.model_dump(mode="json") for s in pack.sources]])
    told = " ".join(map(str, (word_summary(pack.summary, length) for length in LENGTHS)))
    sizes = [len(gate.items) for gate in pack.gates] + [len(gate.open_items) for gate in pack.gates]
    sizes += [sum(line.health == one.health for one in pack.standing) for line in pack.standing]
    sizes += [sum(gate.ready for gate in pack.gates), len(pack.gates), len(pack.summary.top), len(pack.summary.levels)]
    reached = sum(level.average is not None and level.average >= level.target for level in pack.summary.levels)
    return (
        figures_of(re.sub(r"(\d)\.0\b", r"\1", data).replace("-", " "))
        | figures_of(told)
        | {str(size) for size in (*sizes, reached, *range(6))}
    )


def test_every_figure_of_the_slides_is_the_registers(deck: Any, pack: MeetingPack) -> None:
    said = " ".join(words_of(deck))
    days = {str(int(day)) for day in re.findall(r"-(\d\d)\b", json.dumps(pack.model_dump(mode="json")))}
    assert figures_of(said) <= known_figures(pack) | days | {"2026"}
    assert pack.summary.headline in said
    for decision in pack.decisions:
        assert decision in said
    assert f"{pack.summary.open_gaps} gaps" in said


def test_the_charts_are_native_and_hold_the_levels(deck: Any, pack: MeetingPack) -> None:
    charts = [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]
    phases, levels, trend = charts
    assert list(phases.plots[0].series[0].values) == [count for _, count in pack.summary.by_phase]
    averages, targets = levels.plots[0].series
    assert (levels.plots[0].overlap, targets.format.fill.type) == (100, MSO_FILL.BACKGROUND)  # a frame, not a bar
    assert list(averages.values) == [level.average for level in pack.summary.levels]
    assert list(targets.values) == [level.target for level in pack.summary.levels]
    short = {level.short: place for place, level in enumerate(pack.summary.levels)}
    for series in trend.plots[0].series:
        assert list(series.values) == [values[short[series.name]] for _, values in pack.summary.trend]
    inside = openpyxl.load_workbook(io.BytesIO(levels.part.chart_workbook.xlsx_part.blob)).active
    assert inside["B2"].value == pack.summary.levels[0].average  # what opens in PowerPoint when the chart is edited


def test_charts_and_tables_are_told_in_words(deck: Any, pack: MeetingPack) -> None:
    frames = [shape for slide in deck.slides for shape in slide.shapes if shape.has_chart or shape.has_table]
    assert len(frames) >= 6
    for frame in frames:
        assert frame._element.nvGraphicFramePr.cNvPr.get("descr")
    level = pack.summary.levels[0]
    about = next(f for f in frames if f.has_chart and "Levels." in f._element.nvGraphicFramePr.cNvPr.get("descr"))
    assert f"{level.title}: average {level.average:g}" in about._element.nvGraphicFramePr.cNvPr.get("descr")
    for slide in deck.slides:
        assert slide.shapes.title.text_frame.text


def test_the_workbook_holds_what_the_summary_holds(workbook: Any, pack: MeetingPack) -> None:
    summary = pack.summary
    front = {row[0].value: row[1].value for row in workbook["Summary"].iter_rows()}
    assert (front["Initiatives"], front["Open gaps"], front["Reporting on time"]) == (
        summary.initiatives, summary.open_gaps, summary.fresh
    )  # fmt: skip
    assert front["Overdue actions"] == len(summary.overdue)
    for phase, count in summary.by_phase:
        assert front[f"In {phase}"] == count
    levels = list(workbook["Levels"].iter_rows(min_row=2, max_row=1 + len(summary.levels), values_only=True))
    assert levels == [(v.title, v.average, v.floor, v.target, v.before, v.known, v.asked) for v in summary.levels]
    heat = list(workbook["Heat map"].iter_rows(min_row=2, values_only=True))
    assert heat == [(name, *("?" if v is None else v for v in values)) for name, values in summary.heat]
    gaps = list(workbook["Gaps"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[9], row[7]) for row in gaps] == [(g.title, g.criterion, g.asked) for g in summary.gaps]
    assert len(gaps) == summary.open_gaps
    gates = list(workbook["Gates"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[4]) for row in gates] == [(g.name, len(g.open_items)) for g in pack.gates]
    assert [row[0] for row in workbook["Register"].iter_rows(min_row=2, values_only=True)] == [
        entry.number for entry in pack.entries
    ]
    assert len(workbook["Levels"]._charts) == 1


def test_the_pdf_is_tagged_and_says_the_same(pack: MeetingPack) -> None:
    need_pango()
    made = find_format("pdf").make(pack, None)
    document = pypdfium2.PdfDocument(made)
    said = " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in document)
    assert pypdfium2.raw.FPDFCatalog_IsTagged(document.raw)
    assert pack.summary.headline in said
    for decision in pack.decisions:
        assert decision in said
    for gate in pack.gates:
        assert gate.name in said
    for sentence in pack.sources:
        assert sentence.section in said
    assert f"fingerprint {pack.summary.digest}" in said


@pytest.mark.parametrize("name", ["html", "md"])
def test_the_pages_carry_gates_decisions_and_sources(pack: MeetingPack, name: str) -> None:
    said = find_format(name).make(pack, None).decode()
    for part in ("Gate readiness", "Decisions wanted", "Sources", pack.sources[0].section, pack.decisions[-1][:40]):
        assert part in said


@pytest.mark.owasp("LLM05")
def test_what_people_wrote_cannot_act(make_office: OfficeMaker, tmp_path: Path) -> None:
    office = make_office(f"sqlite:///{tmp_path}/evil.sqlite")
    changes = [
        RecordChange(kind=RecordKind.SITE, subject="a", create=True, fields={"name": "@SUM(A1)", "type": "factory"}),
        RecordChange(
            kind=RecordKind.INITIATIVE,
            subject="evil",
            create=True,
            fields={"name": EVIL, "site": "a", "track": "factory", "stage": "single_line_pilot"},
        ),
    ]
    office.record(LOCAL_CALLER, changes, door="test")
    pack = make_pack(office, LOCAL_CALLER)
    book = openpyxl.load_workbook(io.BytesIO(find_format("xlsx").make(pack, None)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(EVIL in str(cell.value) for cell in cells)
    assert not [cell for cell in cells if cell.data_type == "f" or str(cell.value or " ")[0] in "=+@"]
    deck = Presentation(io.BytesIO(find_format("pptx").make(pack, None)))
    assert any(EVIL in text for text in words_of(deck))
    assert "&#34;http://evil" in find_format("html").make(pack, None).decode()
    need_pango()
    assert find_format("pdf").make(pack, None).startswith(b"%PDF")


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_register_makes_an_honest_file(make_office: OfficeMaker, tmp_path: Path, name: str) -> None:
    if name == "pdf":
        need_pango()
    office = make_office(f"sqlite:///{tmp_path}/empty.sqlite")
    assert len(find_format(name).make(make_pack(office, Caller(id="reader")), None)) > 200


def test_a_company_template_is_kept_to(pack: MeetingPack, tmp_path: Path) -> None:
    base = Presentation()
    layout = next(layout for layout in base.slide_layouts if layout.name == "Title and Content")
    layout.name = "Advisor decisions"
    body = next(shape for shape in layout.placeholders if shape.placeholder_format.idx == 1)
    body.name = "Text"
    body.left, body.top, body.width, body.height = Inches(1), Inches(3), Inches(5), Inches(3)
    base.slides.add_slide(layout).shapes.title.text_frame.text = "a sample slide of the template"
    file = tmp_path / "company.pptx"
    base.save(str(file))
    deck = Presentation(io.BytesIO(find_format("pptx").make(pack, file)))
    assert (deck.slide_width, deck.slide_height) == (base.slide_width, base.slide_height)
    assert "a sample slide" not in " ".join(words_of(deck))
    (slide,) = [s for s in deck.slides if s.shapes.title.text_frame.text == "Decisions wanted"]
    assert slide.slide_layout.name == "Advisor decisions"
    (filled,) = [shape for shape in slide.placeholders if shape.placeholder_format.idx == 1]
    assert pack.decisions[0] in filled.text_frame.text
    assert (filled.left, filled.top) == (Inches(1), Inches(3))


def test_what_is_no_template_or_no_format_is_said(pack: MeetingPack, tmp_path: Path) -> None:
    (tmp_path / "x.pptx").write_bytes(b"no slides")
    with pytest.raises(InvalidInputError, match="no template"):
        find_format("pptx").make(pack, tmp_path / "x.pptx")
    with pytest.raises(InvalidInputError, match="no template"):
        find_format("pptx").make(pack, tmp_path / "missing.pptx")
    with pytest.raises(InvalidInputError, match="Use one of: pptx"):
        find_format("doc")


@pytest.mark.owasp("LLM05", "LLM02")
def test_nothing_is_fetched_for_a_pdf(pack: MeetingPack, monkeypatch: pytest.MonkeyPatch) -> None:
    need_pango()
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a report reached for the network"))
    changed = pack.summary.model_copy(update={"headline": '<img src="http://evil.example/x.png">'})
    made = find_format("pdf").make(pack.model_copy(update={"summary": changed}), None)
    assert made.startswith(b"%PDF")


def test_many_decisions_say_how_many_more_there_are_and_keep_those_that_move_on(pack: MeetingPack) -> None:
    gate = next(gate for gate in pack.gates if gate.next_stage and not gate.ready)
    stalled = [gate.model_copy(update={"name": f"Number {n}", "stalled": True}) for n in range(1, 18)]
    met = tuple(item.model_copy(update={"state": State.MET}) for item in gate.items)
    ready = [gate.model_copy(update={"name": f"Ready {n}", "items": met, "stalled": False}) for n in range(1, 3)]
    assert all(one.ready for one in ready)
    full = pack.model_copy(update={"gates": (*stalled, *ready)})
    told = full.decisions
    assert told[0] == pack.summary.decision
    assert [sum(word in line for line in told) for word in ("Continue, change or end", "Let Ready")] == [4, 2]
    assert told[-1].startswith("And 13 more")
    assert "Continue, change or end Number 1:" in " ".join(told)  # though Number 10 to 17 hold its name
    deck = Presentation(io.BytesIO(find_format("pptx").make(full, None)))
    slide = next(slide for slide in deck.slides if slide.shapes.title.text_frame.text == "Decisions wanted")
    lines = [p for shape in slide.shapes if shape.has_text_frame for p in shape.text_frame.paragraphs]
    assert all(len(line.text) < 260 for line in lines)


def test_an_average_of_some_is_told_as_such(deck: Any, pack: MeetingPack) -> None:
    levels = next(
        s.chart for slide in deck.slides for s in slide.shapes if s.has_chart and len(s.chart.plots[0].series) == 2
    )
    partial = [v for v in pack.summary.levels if v.average is not None and v.known_initiatives < v.initiatives]
    assert partial
    for level in partial:
        assert f"{level.short} ({level.known_initiatives}/{level.initiatives})" in list(levels.plots[0].categories)


def test_facts_of_the_register_say_since_when_they_hold(pack: MeetingPack) -> None:
    gap = next(gap for gap in pack.summary.top if gap.evidence)
    day = gap.evidence[0].as_of
    assert f"#{gap.evidence[0].number}, {day.day} {day:%b}" in find_format("md").make(pack, None).decode()


def test_a_link_that_people_wrote_is_text(pack: MeetingPack) -> None:
    hostile = pack.summary.model_copy(update={"headline": "See [here](http://evil.example)"})
    assert "](" not in find_format("md").make(pack.model_copy(update={"summary": hostile}), None).decode()


def test_each_format_says_how_each_initiative_does_and_who_answers_for_it(
    office: ProgramOffice, pack: MeetingPack, deck: Any, workbook: Any
) -> None:
    assert {line.name for line in pack.standing} == {name for name, _ in pack.summary.heat}
    assert [line.health for line in pack.standing][:4] == ["off track", "at risk", "at risk", "at risk"]
    slide = next(s for s in deck.slides if s.shapes.title.text_frame.text.startswith("How each does"))
    assert slide.shapes.title.text_frame.text == "How each does: 1 off track, 3 at risk, 4 on track"
    table = next(shape.table for shape in slide.shapes if shape.has_table)
    told = [[cell.text_frame.text for cell in row.cells] for row in table.rows][1:]
    assert told[0][0::2][:2] == ["Packing line quality", "off track"]
    assert (told[0][3], told[0][4]) == ("nobody", "96 days old, 3 check-ins missed")
    rows = list(workbook["Initiatives"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[3], row[6]) for row in rows] == [(v.name, v.health, v.age) for v in pack.standing]
    for name in ("md", "html"):
        said = find_format(name).make(pack, None).decode()
        assert "How each does: 1 off track" in said
        assert "3 check-ins missed" in said
    assert [line.name for line in make_pack(office, LOCAL_CALLER, initiative="cnc-tool-wear").standing] == [
        "CNC tool wear"
    ]
    earlier = make_pack(office, LOCAL_CALLER, as_of=date(2026, 11, 14))
    assert all(line.as_of is None or line.as_of <= date(2026, 11, 14) for line in earlier.standing)


def test_what_is_unknown_is_hatched_and_zero_is_not(deck: Any, pack: MeetingPack) -> None:
    slide = next(s for s in deck.slides if s.shapes.title.text_frame.text.startswith("Where each"))
    table = next(shape.table for shape in slide.shapes if shape.has_table)
    fills = {table.cell(r, c).text_frame.text: table.cell(r, c).fill.type for r in range(1, 9) for c in range(1, 14)}
    assert (fills["?"], fills["0"]) == (MSO_FILL.PATTERNED, MSO_FILL.SOLID)


def test_a_sheet_prints_on_paper(workbook: Any) -> None:
    gaps = workbook["Gaps"]
    assert gaps.print_area.endswith(f"$A$1:$G${gaps.max_row}")
    assert [gaps.cell(1, column).value for column in range(1, 8)][-2:] == ["Owner", "Due"]
    assert sum(gaps.column_dimensions[letter].width for letter in "ABCDEFG") < 260
    assert workbook["Heat map"].page_setup.orientation == "landscape"
    assert workbook["Summary"].row_dimensions[1].height > 20


def test_the_articles_are_named_once(pack: MeetingPack) -> None:
    said = find_format("html").make(pack, None).decode()
    for article in pack.articles:
        assert said.count(article) == 1


def test_names_that_are_too_long_are_cut_on_slides(pack: MeetingPack) -> None:
    wordy = pack.summary.model_copy(update={"headline": "Line " * 90, "decision": "W" * 2_000})
    deck = Presentation(io.BytesIO(find_format("pptx").make(pack.model_copy(update={"summary": wordy}), None)))
    status = next(iter(deck.slides))
    lines = [p for shape in status.shapes if shape.has_text_frame for p in shape.text_frame.paragraphs]
    assert max(len(line.text) for line in lines) < 950
    assert "…" in " ".join(line.text for line in lines)
