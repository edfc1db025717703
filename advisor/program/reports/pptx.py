"""The meeting pack as slides: native tables and charts that can be edited, on the company's template if there is one.

A template is any .pptx. A slide takes its layout "Advisor <name>" (status, levels, heat map, gaps, trend, gates,
decisions, sources), else "Title Only", else the first layout with a title. What a slide shows stands where the layout
has a placeholder of that name (Text, Chart, Table), else under the title. Slides of the template are left out.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
from pptx.enum.text import PP_ALIGN
from pptx.exc import PackageNotFoundError
from pptx.util import Emu, Inches, Pt

from advisor.domain.criteria import MAX_LEVEL
from advisor.domain.gaps import DimensionLevel
from advisor.errors import InvalidInputError
from advisor.program.checklists import neutralise
from advisor.program.reports.pack import MeetingPack, clean, word_gate, word_missing
from advisor.program.reports.svg import INK_ON, SHADES
from advisor.program.reports.wording import LENGTHS, clip, word_day, word_level, word_summary

MOST_INITIATIVES = 12
"""Of the heat map and of the gates, on one slide."""
_MOST_LINES = 4
"""Of the trend: the dimensions furthest below their targets."""
_INK, _ACCENT, _RULE, _MARK = "22303C", "1F5590", "D9E1E8", "B35806"
_LINES = (_ACCENT, _MARK, "2E7D5B", "7A4FA3")


class _Box(NamedTuple):
    """A place on a slide, in EMU."""

    left: int
    top: int
    width: int
    height: int


def render_pack(pack: MeetingPack, template: Path | None = None) -> bytes:
    """Return the slides; raise InvalidInputError for a template that cannot be opened."""
    deck = _Deck(template, pack.footer)
    summary = pack.summary
    text = word_summary(summary, LENGTHS[1])
    notes = [f"{gap.what}: {gap.register} / {gap.playbook}" for gap in text.gaps]
    _add_status(deck, pack, text.title, text.facts)
    if any(level.average is not None for level in summary.levels):
        _add_levels(deck, summary.levels)
    if summary.heat:
        _add_heat(deck, pack)
    if text.gaps:
        rows = [
            (f"{gap.what}\n{gap.where}", gap.register, gap.playbook, f"{gap.action}\n{gap.who}") for gap in text.gaps
        ]
        slide = deck.add("gaps", f"The {len(rows)} most pressing of {summary.open_gaps} gaps")
        columns = ("Gap, and where", "Your program", "The playbook", "Next: who, when")
        deck.table(slide, columns, rows, widths=(26, 30, 18, 26), about="The most pressing gaps", size=12)
        deck.note(slide, notes)
    if any(value is not None for _, values in summary.trend for value in values):
        _add_trend(deck, pack)
    if pack.gates:
        _add_gates(deck, pack)
    slide = deck.add("decisions", "Decisions wanted")
    changes = [*text.changes[:3], *(f"Overdue: {line}" for line in text.overdue)]
    deck.text(slide, [*(f"{n}. {line}" for n, line in enumerate(pack.decisions, 1)), "", *changes])
    if pack.sources:
        slide = deck.add("sources", "What this rests on")
        found = [
            (f"{s.playbook}, {s.section}", clip("; ".join(s.articles), 40), str(s.gaps)) for s in pack.sources[:10]
        ]
        deck.table(
            slide, ("Playbook", "Articles", "Gaps"), found, widths=(45, 45, 10), about="Playbook sections", size=11
        )
        deck.note(slide, [*(f"{s.playbook}, {s.section}: {'; '.join(s.articles)}" for s in pack.sources),
                          *(f"#{entry.number} ({entry.as_of}) {entry.text}" for entry in pack.entries)])  # fmt: skip
    return deck.save()


def _add_status(deck: _Deck, pack: MeetingPack, title: str, facts: str) -> None:
    summary = pack.summary
    slide = deck.add("status", title)
    left, right = deck.halves()
    deck.text(
        slide,
        [summary.headline, "", f"Decision wanted: {summary.decision}", "", facts],
        box=left if summary.initiatives else None,
        sizes=(24, 12, 18, 12, 14),
    )
    if summary.initiatives:
        data = CategoryChartData()
        data.categories = [phase for phase, _ in summary.by_phase]
        data.add_series("Initiatives", [count for _, count in summary.by_phase])
        told = ", ".join(f"{count} in {phase}" for phase, count in summary.by_phase)
        chart = deck.chart(slide, XL_CHART_TYPE.COLUMN_CLUSTERED, data, f"Initiatives: {told}.", box=right)
        chart.has_legend = False
        chart.has_title = True
        chart.chart_title.text_frame.text = "Initiatives by phase"
        chart.value_axis.visible = False
        chart.value_axis.has_major_gridlines = False
        plot = chart.plots[0]
        plot.gap_width = 80
        plot.has_data_labels = True
        plot.series[0].format.fill.solid()
        plot.series[0].format.fill.fore_color.rgb = RGBColor.from_string(_ACCENT)
    deck.note(slide, [pack.footer])


def _add_levels(deck: _Deck, levels: Sequence[DimensionLevel]) -> None:
    reached = sum(level.average is not None and level.average >= level.target for level in levels)
    slide = deck.add("levels", f"{reached} of {len(levels)} dimensions reach their target (levels 0 to 5)")
    data = CategoryChartData()
    data.categories = [neutralise(clean(level.short)) for level in levels]
    data.add_series("Average", [level.average for level in levels])
    data.add_series("Target", [level.target for level in levels])
    told = "; ".join(
        f"{v.title}: average {word_level(v.average)}, floor {word_level(v.floor)}, target {v.target}" for v in levels
    )
    chart = deck.chart(slide, XL_CHART_TYPE.BAR_CLUSTERED, data, f"Levels. {told}.")
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.BOTTOM
    chart.legend.include_in_layout = False
    chart.category_axis.reverse_order = True
    chart.category_axis.tick_labels.font.size = Pt(12)
    chart.value_axis.maximum_scale, chart.value_axis.minimum_scale = MAX_LEVEL, 0
    chart.value_axis.major_unit = 1
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 60, 0
    chart.value_axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(_RULE)
    plot.has_data_labels = True
    plot.data_labels.font.size = Pt(10)
    for series, colour in zip(plot.series, (_ACCENT, _MARK), strict=True):
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = RGBColor.from_string(colour)


def _add_heat(deck: _Deck, pack: MeetingPack) -> None:
    summary = pack.summary
    shown = summary.heat[:MOST_INITIATIVES]
    more = f" ({len(shown)} of {len(summary.heat)})" if len(shown) < len(summary.heat) else ""
    slide = deck.add("heat map", f"Where each initiative stands, 0 to 5{more}")
    rows = [(name, *(word_level(value) for value in values)) for name, values in shown]
    share = 72 / max(1, len(summary.levels))
    columns = ("Initiative", *(level.short for level in summary.levels))
    about = "Level of each initiative in each dimension; a question mark is unknown"
    table = deck.table(slide, columns, rows, widths=(28, *[share] * len(summary.levels)), about=about, size=11)
    for row, (_, values) in enumerate(shown, 1):
        for column, value in enumerate(values, 1):
            cell = table.cell(row, column)
            cell.fill.solid()
            cell.fill.fore_color.rgb = RGBColor.from_string("FFFFFF" if value is None else SHADES[value][1:].upper())
            ink = _INK if value is None else INK_ON[value][1:].upper()
            cell.text_frame.paragraphs[0].font.color.rgb = RGBColor.from_string(ink)


def _add_trend(deck: _Deck, pack: MeetingPack) -> None:
    summary = pack.summary
    places = [n for n, level in enumerate(summary.levels) if level.average is not None]
    places.sort(key=lambda n: (summary.levels[n].average or 0) - summary.levels[n].target)
    slide = deck.add("trend", f"How the {len(places[:_MOST_LINES])} furthest below target have moved")
    data = CategoryChartData()
    data.categories = [f"{day:%b %Y}" for day, _ in summary.trend]
    told = []
    for place in places[:_MOST_LINES]:
        values = [levels[place] for _, levels in summary.trend]
        data.add_series(clean(summary.levels[place].short), values)
        told.append(f"{summary.levels[place].title}: {', '.join(map(word_level, values))}")
    chart = deck.chart(slide, XL_CHART_TYPE.LINE_MARKERS, data, f"Averages by month. {'; '.join(told)}.")
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.BOTTOM
    chart.legend.include_in_layout = False
    chart.value_axis.maximum_scale, chart.value_axis.minimum_scale = MAX_LEVEL, 0
    chart.value_axis.major_unit = 1
    chart.value_axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(_RULE)
    for series, colour in zip(chart.plots[0].series, _LINES, strict=False):
        series.smooth = False
        series.format.line.color.rgb = RGBColor.from_string(colour)
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = RGBColor.from_string(colour)


def _add_gates(deck: _Deck, pack: MeetingPack) -> None:
    climbing = [gate for gate in pack.gates if gate.next_stage]
    ready = sum(gate.ready for gate in climbing)
    slide = deck.add("gates", f"{ready} of {len(climbing)} are ready for their next gate")
    rows = [
        (
            gate.name + (" (stalled)" if gate.stalled else ""),
            f"{gate.stage.words} → {gate.next_stage.words}" if gate.next_stage else gate.stage.words,
            word_gate(gate),
            clip(word_missing(gate), 22),
            word_day(gate.gate_on) if gate.gate_on else "",
        )
        for gate in climbing[:MOST_INITIATIVES]
    ]
    columns = ("Initiative", "Stage → next", "Readiness", "What is open", "Planned")
    deck.table(slide, columns, rows, widths=(24, 28, 11, 28, 9), about="Gate readiness", size=11)
    deck.note(slide, [f"{gate.name}: {item.title}: {item.reason}" for gate in climbing for item in gate.open_items])


class _Deck:
    """Slides with a title, a foot, and what is put on them, in the places that the template gives."""

    def __init__(self, template: Path | None, footer: str) -> None:
        try:
            self._deck: Any = Presentation(str(template) if template else None)
        except (PackageNotFoundError, KeyError, ValueError, OSError) as error:
            raise InvalidInputError(f"{template} is no template that can be opened.", "Give a .pptx file.") from error
        self._own = template is None
        if self._own:
            self._deck.slide_width, self._deck.slide_height = Inches(13.333), Inches(7.5)
        for slide_id in list(self._deck.slides._sldIdLst):
            self._deck.part.drop_rel(slide_id.rId)
            self._deck.slides._sldIdLst.remove(slide_id)
        self._footer = footer

    def add(self, name: str, title: str) -> Any:
        """Return a new slide."""
        slide = self._deck.slides.add_slide(self._find_layout(name))
        wide, high = self._deck.slide_width, self._deck.slide_height
        head = slide.shapes.title
        if self._own:
            head.left, head.top, head.width, head.height = (int(wide * 0.05), int(high * 0.05), int(wide * 0.9),
                                                            int(high * 0.12))  # fmt: skip
        head.text_frame.text = clean(title)
        if self._own:
            line = head.text_frame.paragraphs[0]
            line.font.size, line.font.bold, line.alignment = Pt(28), True, PP_ALIGN.LEFT
            line.font.color.rgb = RGBColor.from_string(_ACCENT)
        foot = slide.shapes.add_textbox(int(wide * 0.05), int(high * 0.94), int(wide * 0.9), int(high * 0.05))
        foot.name = "Foot"
        foot.text_frame.text = clean(self._footer)
        foot.text_frame.paragraphs[0].font.size = Pt(9)
        return slide

    def halves(self) -> tuple[_Box, _Box]:
        """Return the left and the right part under a title."""
        whole = self._body()
        left = int(whole.width * 0.6)
        return whole._replace(width=left), whole._replace(
            left=whole.left + left + 200_000, width=whole.width - left - 200_000
        )

    def text(self, slide: Any, lines: Sequence[str], *, box: _Box | None = None, sizes: Sequence[int] = ()) -> None:
        """Put paragraphs on a slide."""
        there = self._take(slide, "text", keep=True)
        shape = there if there is not None else slide.shapes.add_textbox(*(box or self._body()))
        frame = shape.text_frame
        frame.word_wrap = True
        for place, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
            paragraph.text = clean(line)
            paragraph.font.size = Pt(sizes[place] if place < len(sizes) else 18)
            paragraph.font.bold = bool(sizes) and place == 0

    def table(
        self,
        slide: Any,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        widths: Sequence[float],
        about: str,
        size: int,
    ) -> Any:
        """Put a table on a slide."""
        box = self._find_box(slide, "table")
        height = int(min(box.height, Emu(Inches(0.4)) * (len(rows) + 1)))
        frame = slide.shapes.add_table(len(rows) + 1, len(columns), box.left, box.top, box.width, height)
        frame.name = "Table"
        _describe(frame, about)
        for column, width in enumerate(widths):
            frame.table.columns[column].width = int(box.width * width / sum(widths))
        for row, cells in enumerate([columns, *rows]):
            for column, said in enumerate(cells):
                cell = frame.table.cell(row, column)
                cell.text_frame.text = clean(said)
                cell.margin_left = cell.margin_right = Inches(0.06)
                cell.margin_top = cell.margin_bottom = Inches(0.03)
                for paragraph in cell.text_frame.paragraphs:
                    paragraph.font.size = Pt(size if row or len(columns) < 10 else size - 3)
        return frame.table

    def chart(self, slide: Any, kind: Any, data: CategoryChartData, about: str, *, box: _Box | None = None) -> Any:
        """Put a chart on a slide."""
        place = self._find_box(slide, "chart", box)
        frame = slide.shapes.add_chart(kind, *place, data)
        frame.name = "Chart"
        _describe(frame, about)
        frame.chart.font.size = Pt(12)
        return frame.chart

    def note(self, slide: Any, lines: Sequence[str]) -> None:
        """Put lines under a slide, for whoever presents it."""
        slide.notes_slide.notes_text_frame.text = clean("\n".join(lines))

    def save(self) -> bytes:
        """Return the file; placeholders that nothing was put in go."""
        for slide in self._deck.slides:
            for shape in list(slide.placeholders):
                if shape.has_text_frame and not shape.text_frame.text:
                    shape._element.getparent().remove(shape._element)
        target = io.BytesIO()
        self._deck.save(target)
        return target.getvalue()

    def _find_layout(self, name: str) -> Any:
        by_name = {layout.name.casefold(): layout for layout in self._deck.slide_layouts}
        titled = (layout for layout in self._deck.slide_layouts if _has_title(layout))
        found = by_name.get(f"advisor {name}") or by_name.get("title only") or next(titled, None)
        if found is None:
            raise InvalidInputError("The template has no layout with a title.", "Add one called Title Only.")
        return found

    def _body(self) -> _Box:
        wide, high = self._deck.slide_width, self._deck.slide_height
        return _Box(int(wide * 0.05), int(high * 0.2), int(wide * 0.9), int(high * 0.72))

    def _find_box(self, slide: Any, name: str, otherwise: _Box | None = None) -> _Box:
        """Return where a placeholder of that name stands, which gives way; else the place under the title."""
        shape = self._take(slide, name, keep=False)
        return shape if shape is not None else otherwise or self._body()

    def _take(self, slide: Any, name: str, *, keep: bool) -> Any:
        named = {
            shape.placeholder_format.idx
            for shape in slide.slide_layout.placeholders
            if shape.name.casefold().split(" ")[0] == name
        }
        for shape in slide.placeholders:
            if shape.placeholder_format.idx in named:
                if keep:
                    return shape
                box = _Box(shape.left, shape.top, shape.width, shape.height)
                shape._element.getparent().remove(shape._element)
                return box
        return None


def _has_title(layout: Any) -> bool:
    return any(shape.placeholder_format.type in {1, 3} for shape in layout.placeholders)


def _describe(frame: Any, about: str) -> None:
    """Give a chart or table the text that a screen reader says."""
    frame._element.nvGraphicFramePr.cNvPr.set("descr", clean(about))
