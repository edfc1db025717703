"""The meeting pack as a workbook: a sheet a subject, native charts, and no cell that could act as a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

from advisor.domain.criteria import MAX_LEVEL
from advisor.domain.gaps import PROGRAM
from advisor.program.checklists import neutralise
from advisor.program.reports.pack import MeetingPack, clean, word_gate, word_missing
from advisor.program.reports.svg import INK_ON, SHADES
from advisor.program.reports.wording import LENGTHS, word_state, word_summary

Cell = str | int | float | date | None
_WIDEST, _WIDEST_PRINTED = 70, 38
_FRONT_WIDTH, _BIG_LINE, _LINE_HEIGHT = 90, 20, 15
_A4 = 9
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}


def render_pack(pack: MeetingPack) -> bytes:
    """Return the workbook."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, _SAFE) as book:
        book.set_properties({"title": f"Gap summary {pack.summary.as_of}", "comments": clean(pack.footer)})
        book.set_calc_mode("auto")
        _Sheets(book).write(pack)
    return target.getvalue()


class _Sheets:
    """Writes the sheets of one workbook."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._head = book.add_format({"bold": True, "bg_color": "#1f5590", "font_color": "#ffffff", "text_wrap": True})
        self._text = book.add_format({"text_wrap": True, "valign": "top"})
        self._number = book.add_format({"valign": "top", "align": "left"})
        self._day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"})
        self._big = book.add_format({"bold": True, "font_size": 14, "text_wrap": True, "valign": "top"})
        self._levels = [
            book.add_format({"bg_color": shade, "font_color": ink, "align": "center"})
            for shade, ink in zip(SHADES, INK_ON, strict=True)
        ]
        self._unknown = book.add_format(
            {"pattern": 14, "fg_color": "#c9d2da", "bg_color": "#ffffff", "align": "center"}
        )

    def write(self, pack: MeetingPack) -> None:
        summary = pack.summary
        text = word_summary(summary, LENGTHS[0])
        self._write_front(pack, text.headline, text.facts)
        self._write_levels(pack)
        self._write_heat(pack)
        self._table(
            "Initiatives",
            ("Initiative", "Site", "Stage", "Health", "Owner", "Last status", "Days old", "Check-ins missed",
             "In words"),
            ((v.name, v.site, v.stage.words, v.health, v.owner or "nobody", v.as_of, v.age, v.missed, v.summary)
             for v in pack.standing),
        )  # fmt: skip
        self._table(
            "Gaps",
            ("Gap", "Where", "What the register shows", "What the playbook says", "Next step", "Owner", "Due",
             "Of", "State", "Criterion", "Dimension", "Entries", "Playbook", "Section", "Proposed", "Overdue",
             "Priority"),
            (
                (g.title, "the program" if g.where == (PROGRAM,) else ", ".join(g.where), g.reason, g.playbook.quote,
                 g.action, g.owner, g.due, g.asked, word_state(g.state), g.criterion, g.dimension,
                 ", ".join(f"#{ref.number}" for ref in g.evidence), g.playbook.playbook, g.playbook.section,
                 "yes" if g.proposed else "", "yes" if g.overdue else "", g.priority)
                for g in summary.gaps
            ),
            printed=7,
        )  # fmt: skip
        self._table(
            "Gates",
            ("Initiative", "Stage", "Next stage", "Readiness", "Open", "Criteria", "What is open", "Days in stage",
             "Planned for", "Stalled"),
            (
                (g.name, g.stage.words, g.next_stage.words if g.next_stage else "", word_gate(g), len(g.open_items),
                 len(g.items), word_missing(g), g.days_in_stage, g.gate_on, "yes" if g.stalled else "")
                for g in pack.gates
            ),
        )  # fmt: skip
        changes = [("Better", c) for c in summary.improved] + [("Worse", c) for c in summary.worsened]
        changes += [("Newly asked", c) for c in summary.arisen]
        self._table(
            "Changes",
            ("Change", "Where", "Dimension", "What is asked", "Before", "Now", "Why"),
            ((w, c.where, c.dimension, c.says, word_state(c.before), word_state(c.after), c.why) for w, c in changes),
        )
        self._table(
            "Overdue",
            ("Action", "Owner", "Due", "Days", "Where"),
            ((o.title, o.owner, o.due, o.days, o.where) for o in summary.overdue),
        )
        self._table(
            "Unknown",
            ("Dimension", "Without evidence", "Ask"),
            ((topic.title, topic.open, topic.who) for topic in summary.unknown),
        )
        self._table(
            "Sources",
            ("Playbook", "Section", "Articles", "Gaps", "Reviewed"),
            ((s.playbook, s.section, "; ".join(s.articles), s.gaps, s.reviewed_on) for s in pack.sources),
        )
        self._table("Register", ("Entry", "Holds from", "Says"), ((e.number, e.as_of, e.text) for e in pack.entries))

    def _write_front(self, pack: MeetingPack, headline: str, facts: str) -> None:
        summary = pack.summary
        sheet = self._book.add_worksheet("Summary")
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, _FRONT_WIDTH)
        sheet.set_row(0, _BIG_LINE * (1 + len(headline) // (_FRONT_WIDTH * 3 // 4)))
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.write_string(0, 1, _safe(headline), self._big)
        rows: list[tuple[str, Cell]] = [("Decision wanted", decision) for decision in pack.decisions[:1]]
        rows += [("Also to decide", decision) for decision in pack.decisions[1:]]
        rows += [("Scope", summary.scope), ("As of", summary.as_of), ("Compared with", summary.since)]
        rows += [("Initiatives", summary.initiatives), *((f"In {phase}", n) for phase, n in summary.by_phase)]
        rows += [("Reporting on time", summary.fresh), ("Lacking an exit criterion", summary.blocked)]
        rows += [("Open gaps", summary.open_gaps), ("Overdue actions", len(summary.overdue))]
        rows += [("Stalled", ", ".join(summary.stalled) or "none"), ("In words", facts), ("Made", pack.footer)]
        for number, (label, value) in enumerate(rows, 2):
            sheet.write_string(number, 0, label, self._text)
            self._cell(sheet, number, 1, value)

    def _write_levels(self, pack: MeetingPack) -> None:
        levels = pack.summary.levels
        sheet = self._table(
            "Levels",
            ("Dimension", "Average", "Floor", "Target", "Average before", "Known", "Asked"),
            ((v.title, v.average, v.floor, v.target, v.before, v.known, v.asked) for v in levels),
        )
        if not levels:
            return
        chart = self._book.add_chart({"type": "bar"})
        for column, colour in enumerate(("#7fb2d9", "#1f5590", "#b35806"), 1):  # average, floor, target
            chart.add_series(
                {
                    "name": ["Levels", 0, column],
                    "categories": ["Levels", 1, 0, len(levels), 0],
                    "values": ["Levels", 1, column, len(levels), column],
                    "fill": {"color": colour},
                }
            )
        chart.set_title({"name": "Levels against target, 0 to 5"})
        chart.set_x_axis({"min": 0, "max": MAX_LEVEL, "major_unit": 1})
        chart.set_y_axis({"reverse": True})
        chart.set_size({"width": 760, "height": 120 + 32 * len(levels)})
        sheet.fit_to_pages(1, 1)
        told = "; ".join(
            f"{v.title}: average {'unknown' if v.average is None else v.average}, target {v.target}" for v in levels
        )
        options = {"description": f"Bar chart. {told}.", "object_position": 1}
        sheet.insert_chart(len(levels) + 3, 0, chart, options)

    def _write_heat(self, pack: MeetingPack) -> None:
        sheet = self._book.add_worksheet("Heat map")
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, len(pack.summary.levels), 3 + max((len(v.short) for v in pack.summary.levels), default=0))
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, "Level, 0 to 5 (? is unknown)", self._head)
        for column, level in enumerate(pack.summary.levels, 1):
            sheet.write_string(0, column, _safe(level.short), self._head)
        for row, (name, values) in enumerate(pack.summary.heat, 1):
            sheet.write_string(row, 0, _safe(name), self._text)
            for column, value in enumerate(values, 1):
                if value is None:
                    sheet.write_string(row, column, "?", self._unknown)
                else:
                    sheet.write_number(row, column, value, self._levels[value])

    def _table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, printed: int = 0) -> Any:
        """Add a sheet with a head that stays in view and can be filtered; only its first columns may be `printed`."""
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        widths = [len(column) for column in columns]
        widest = _WIDEST_PRINTED if printed else _WIDEST
        last = 0
        for last, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                self._cell(sheet, last, column, value)
                widths[column] = max(widths[column], min(widest, len(str(value or ""))))
            sheet.set_row(last, _LINE_HEIGHT * max(1 + len(str(value or "")) // widest for value in row))
        for column, title in enumerate(columns):
            sheet.write_string(0, column, title, self._head)
            sheet.set_column(column, column, widths[column] + 2)
        if last:
            sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        if printed:
            sheet.print_area(0, 0, last, printed - 1)
        return sheet

    def _cell(self, sheet: Any, row: int, column: int, value: Cell) -> None:
        match value:
            case None:
                sheet.write_blank(row, column, None)
            case bool() | str():
                sheet.write_string(row, column, _safe(str(value)), self._text)
            case date():
                sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), self._day)
            case _:
                sheet.write_number(row, column, value, self._number)


def _safe(text: str) -> str:
    return neutralise(clean(text))[:32_000]
