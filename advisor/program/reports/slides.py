"""Slides with titles, feet, tables, charts and notes, on a template or on plain paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.text import PP_ALIGN
from pptx.exc import PackageNotFoundError
from pptx.util import Emu, Inches, Pt

from advisor.errors import InvalidInputError
from advisor.program.reports.pack import clean

ACCENT = "1F5590"


class Box(NamedTuple):
    """A place on a slide, in EMU."""

    left: int
    top: int
    width: int
    height: int


class Deck:
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
            line.font.color.rgb = RGBColor.from_string(ACCENT)
        foot = slide.shapes.add_textbox(int(wide * 0.05), int(high * 0.94), int(wide * 0.9), int(high * 0.05))
        foot.name = "Foot"
        foot.text_frame.text = clean(self._footer)
        foot.text_frame.paragraphs[0].font.size = Pt(9)
        return slide

    def halves(self) -> tuple[Box, Box]:
        """Return the left and the right part under a title."""
        whole = self._body()
        left = int(whole.width * 0.6)
        return whole._replace(width=left), whole._replace(
            left=whole.left + left + 200_000, width=whole.width - left - 200_000
        )

    def text(self, slide: Any, lines: Sequence[str], *, box: Box | None = None, sizes: Sequence[int] = ()) -> None:
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
                    paragraph.font.size = Pt(size)
        return frame.table

    def chart(self, slide: Any, kind: Any, data: CategoryChartData, about: str, *, box: Box | None = None) -> Any:
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

    def _body(self) -> Box:
        wide, high = self._deck.slide_width, self._deck.slide_height
        return Box(int(wide * 0.05), int(high * 0.2), int(wide * 0.9), int(high * 0.72))

    def _find_box(self, slide: Any, name: str, otherwise: Box | None = None) -> Box:
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
                box = Box(shape.left, shape.top, shape.width, shape.height)
                shape._element.getparent().remove(shape._element)
                return box
        return None


def _has_title(layout: Any) -> bool:
    return any(shape.placeholder_format.type in {1, 3} for shape in layout.placeholders)


def _describe(frame: Any, about: str) -> None:
    """Give a chart or table the text that a screen reader says."""
    frame._element.nvGraphicFramePr.cNvPr.set("descr", clean(about))
