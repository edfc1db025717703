"""The meeting pack as slides: native tables and charts that can be edited, on the company's template if there is one.

A template is any .pptx. A slide takes its layout "Advisor <name>" (status, initiatives, levels, heat map, gaps, trend,
gates, decisions, changes, sources), else "Title Only", else the first layout with a title. What a slide shows stands
where the layout has a placeholder of that name (Text, Chart, Table), else under the title. Slides of the template are
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION
from pptx.enum.dml import MSO_PATTERN
from pptx.util import Inches, Pt

from advisor.domain.criteria import MAX_LEVEL
from advisor.domain.gaps import DimensionLevel
from advisor.program.checklists import neutralise
from advisor.program.reports.pack import MeetingPack, clean, word_age, word_gate, word_missing, word_standing
from advisor.program.reports.slides import ACCENT, Deck
from advisor.program.reports.svg import INK_ON, SHADES, shorten
from advisor.program.reports.wording import LENGTHS, clip, word_average, word_day, word_level, word_summary

MOST_INITIATIVES = 12
"""Of the heat map, on one slide."""
_TURNED_HEIGHT = 1.0
"""Inches for names of dimensions, which are read from below."""
_MOST_ROWS, _LONGEST_NAME = 8, 45
"""Of tables whose cells hold sentences; the workbook has all."""
_DECISION_WORDS, _STATUS_WORDS, _SHORT = 30, 30, 180
"""Words of a sentence on a slide, and characters up to which it is set large."""
_MOST_LINES = 4
"""Of the trend: the dimensions furthest below their targets."""
_INK, _RULE, _MARK, _HATCH = "22303C", "D9E1E8", "B35806", "C9D2DA"
_LINES = (ACCENT, _MARK, "2E7D5B", "7A4FA3")


def render_pack(pack: MeetingPack, template: Path | None = None) -> bytes:
    """Return the slides; raise InvalidInputError for a template that cannot be opened."""
    deck = Deck(template, pack.footer)
    summary = pack.summary
    text = word_summary(summary, LENGTHS[1])
    notes = [f"{gap.what}: {gap.register} / {gap.playbook}" for gap in text.gaps]
    _add_status(deck, pack, text.title, text.facts)
    if pack.standing:
        _add_standing(deck, pack)
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
    wanted = [f"{n}. {clip(line, _DECISION_WORDS)}" for n, line in enumerate(pack.decisions, 1)]
    deck.text(slide, wanted or ["None."], sizes=(20, *[16] * len(wanted)))
    changes = [*text.changes, *(f"Overdue: {line}" for line in text.overdue)]
    if changes:
        slide = deck.add("changes", f"Since {word_day(summary.since)}: {changes[0]}")
        deck.text(slide, changes[1:] or ["Nothing that is known changed."])
    if pack.sources:
        shown = pack.sources[:_MOST_ROWS]
        more = f"; {len(shown)} of {len(pack.sources)} sections, all in the notes"
        slide = deck.add("sources", "What this rests on" + (more if len(shown) < len(pack.sources) else ""))
        found = [
            (f"{s.playbook}, {s.section}", clip("; ".join(s.articles), 40), str(s.reviewed_on or "never"), str(s.gaps))
            for s in shown
        ]
        columns = ("Playbook", "Articles", "Reviewed", "Gaps")
        deck.table(slide, columns, found, widths=(42, 40, 11, 7), about="Playbook sections", size=11)
        deck.note(slide, [*(f"{s.playbook}, {s.section}: {'; '.join(s.articles)}" for s in pack.sources),
                          *(f"#{entry.number} ({entry.as_of}) {entry.text}" for entry in pack.entries)])  # fmt: skip
    return deck.save()


def _add_status(deck: Deck, pack: MeetingPack, title: str, facts: str) -> None:
    summary = pack.summary
    slide = deck.add("status", title)
    headline, decision = clip(summary.headline, _STATUS_WORDS), clip(summary.decision, _STATUS_WORDS)
    left, right = deck.halves()
    deck.text(
        slide,
        [headline, "", f"Decision wanted: {decision}", "", facts],
        box=left if summary.initiatives else None,
        sizes=(24 if len(headline) <= _SHORT else 18, 12, 18 if len(decision) <= _SHORT else 14, 12, 14),
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
        plot.series[0].format.fill.fore_color.rgb = RGBColor.from_string(ACCENT)
    deck.note(slide, [pack.footer])


def _add_standing(deck: Deck, pack: MeetingPack) -> None:
    shown = pack.standing[:MOST_INITIATIVES]
    more = f" (the worst {len(shown)} shown)" if len(shown) < len(pack.standing) else ""
    slide = deck.add("initiatives", f"How each does: {word_standing(pack)}{more}")
    rows = [
        (shorten(v.name, _LONGEST_NAME), v.stage.words, v.health, shorten(v.owner or "nobody", _LONGEST_NAME),
         word_age(v), clip(v.summary, 16))
        for v in shown
    ]  # fmt: skip
    columns = ("Initiative", "Stage", "Health", "Owner", "Last status", "In the owner's words")
    deck.table(slide, columns, rows, widths=(24, 18, 9, 14, 12, 23), about="How each initiative does", size=11)
    deck.note(slide, [f"{v.name}: {v.health}, {v.owner or 'nobody'}, {word_age(v)}" for v in pack.standing])


def _add_levels(deck: Deck, levels: Sequence[DimensionLevel]) -> None:
    reached = sum(
        level.average is not None and level.floor is not None and level.average >= level.target for level in levels
    )
    targets = {level.target for level in levels}
    target = f"the target, {min(targets)}" if len(targets) == 1 else "their targets"
    slide = deck.add("levels", f"{reached} of {len(levels)} dimensions reach {target} (levels 0 to 5)")
    data = CategoryChartData()
    data.categories = [neutralise(clean(level.short)) + _word_known(level) for level in levels]
    data.add_series("Average", [level.average for level in levels])
    data.add_series("Target", [level.target for level in levels])
    told = "; ".join(
        f"{v.title}: average {word_average(v)}, floor {word_level(v.floor)}, target {v.target}" for v in levels
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
    plot.gap_width, plot.overlap = 60, 100  # the target frames the average
    chart.value_axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(_RULE)
    average, wanted = plot.series
    average.format.fill.solid()
    average.format.fill.fore_color.rgb = RGBColor.from_string(ACCENT)
    average.data_labels.show_value = True
    average.data_labels.font.size = Pt(10)
    average.data_labels.font.color.rgb = RGBColor.from_string("FFFFFF")
    average.data_labels.position = XL_LABEL_POSITION.INSIDE_BASE
    wanted.format.fill.background()
    wanted.format.line.color.rgb = RGBColor.from_string(_MARK)
    wanted.format.line.width = Pt(1.5)


def _word_known(level: DimensionLevel) -> str:
    """Return of how many initiatives an average is known, when not of all."""
    partial = level.average is not None and level.known_initiatives < level.initiatives
    return f" ({level.known_initiatives}/{level.initiatives})" if partial else ""


def _add_heat(deck: Deck, pack: MeetingPack) -> None:
    summary = pack.summary
    weakest = sorted(summary.heat, key=lambda row: sum(level or 0 for level in row[1]))
    shown = summary.heat if len(summary.heat) <= MOST_INITIATIVES else weakest[:MOST_INITIATIVES]
    more = f" (the weakest {len(shown)} of {len(summary.heat)})" if len(shown) < len(summary.heat) else ""
    slide = deck.add("heat map", f"Where each initiative stands, 0 to 5{more}")
    rows = [(shorten(name, _LONGEST_NAME), *(word_level(value) for value in values)) for name, values in shown]
    share = 72 / max(1, len(summary.levels))
    columns = ("Initiative", *(level.short for level in summary.levels))
    about = "Level of each initiative in each dimension; a question mark is unknown"
    table = deck.table(slide, columns, rows, widths=(28, *[share] * len(summary.levels)), about=about, size=11)
    table.rows[0].height = Inches(_TURNED_HEIGHT)
    for column in range(1, len(columns)):
        table.cell(0, column)._tc.get_or_add_tcPr().set("vert", "vert270")
    for row, (_, values) in enumerate(shown, 1):
        for column, value in enumerate(values, 1):
            cell = table.cell(row, column)
            if value is None:
                cell.fill.patterned()
                cell.fill.pattern = MSO_PATTERN.LIGHT_UPWARD_DIAGONAL
                cell.fill.fore_color.rgb = RGBColor.from_string(_HATCH)
                cell.fill.back_color.rgb = RGBColor.from_string("FFFFFF")
            else:
                cell.fill.solid()
                cell.fill.fore_color.rgb = RGBColor.from_string(SHADES[value][1:].upper())
            ink = _INK if value is None else INK_ON[value][1:].upper()
            cell.text_frame.paragraphs[0].font.color.rgb = RGBColor.from_string(ink)


def _add_trend(deck: Deck, pack: MeetingPack) -> None:
    summary = pack.summary
    places = [n for n, level in enumerate(summary.levels) if level.average is not None]
    fell = [n for n in places if (summary.levels[n].average or 0) < (summary.levels[n].before or 0)]
    places.sort(key=lambda n: (n not in fell, (summary.levels[n].average or 0) - summary.levels[n].target))
    slide = deck.add("trend", "What fell, and what is furthest below target" if fell else "Furthest below target")
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


def _add_gates(deck: Deck, pack: MeetingPack) -> None:
    climbing = [gate for gate in pack.gates if gate.next_stage]
    ready = sum(gate.ready for gate in climbing)
    left = f"; {_MOST_ROWS} shown" if len(climbing) > _MOST_ROWS else ""
    slide = deck.add("gates", f"{ready} of {len(climbing)} are ready for their next gate{left}")
    rows = [
        (
            shorten(gate.name, _LONGEST_NAME) + (" (stalled)" if gate.stalled else ""),
            f"{gate.stage.words} → {gate.next_stage.words}" if gate.next_stage else gate.stage.words,
            word_gate(gate),
            clip(word_missing(gate), 22),
            word_day(gate.gate_on) if gate.gate_on else "",
        )
        for gate in climbing[:_MOST_ROWS]
    ]
    columns = ("Initiative", "Stage → next", "Readiness", "What is open", "Planned")
    deck.table(slide, columns, rows, widths=(24, 28, 11, 28, 9), about="Gate readiness", size=11)
    deck.note(slide, [f"{gate.name}: {item.title}: {item.reason}" for gate in climbing for item in gate.open_items])
