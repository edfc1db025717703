"""Charts of the gap summary as SVG: labelled in text, readable without colour, drawn without a library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from advisor.domain.criteria import MAX_LEVEL
from advisor.domain.gaps import DimensionLevel
from advisor.program.reports.wording import word_average

SHADES = ("#f7fbff", "#deebf7", "#b5d3ea", "#7fb2d9", "#3f7fb8", "#1f5590")
INK_ON = ("#16324f", "#16324f", "#16324f", "#0d2238", "#ffffff", "#ffffff")
_UNKNOWN = "url(#unknown)"
_INK = "#22303c"
_LINE = "#8a99a8"
_ACCENT = "#b35806"


def _text(
    x: float, y: float, said: str, *, anchor: str = "start", size: int = 12, fill: str = _INK, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{fill}"{weight}>{escape(said)}</text>'


def _frame(width: float, height: float, title: str, said: str, body: Sequence[str], id_: str) -> str:
    """Return an image with a name and a description for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{id_}-t {id_}-d" font-family="inherit">'
        f'<title id="{id_}-t">{escape(title)}</title><desc id="{id_}-d">{escape(said)}</desc>'
        '<defs><pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="#ffffff"/>'
        '<line x1="0" y1="0" x2="0" y2="6" stroke="#c9d2da" stroke-width="2"/>'
        f"</pattern></defs>{''.join(body)}</svg>"
    )


def draw_heat_map(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[int | None]]]) -> str:
    """Return a map of initiatives (rows) by dimensions (columns); each cell carries its level as a figure."""
    left, top, cell_w, cell_h = 210, 84, 44, 26
    body = [
        f'<text transform="translate({left + i * cell_w + 27:g},{top - 8}) rotate(-45)" font-size="12" fill="{_INK}">'
        f"{escape(name)}</text>"
        for i, name in enumerate(columns)
    ]
    for r, (name, levels) in enumerate(rows):
        y = top + r * cell_h
        body.append(_text(left - 10, y + 17, shorten(name), anchor="end"))
        for c, level in enumerate(levels):
            x = left + c * cell_w
            fill = _UNKNOWN if level is None else SHADES[level]
            ink = _INK if level is None else INK_ON[level]
            body.append(
                f'<rect x="{x}" y="{y}" width="{cell_w - 2}" height="{cell_h - 2}" rx="3" '
                f'fill="{fill}" stroke="#d5dde4"/>'
            )
            body.append(
                _text(x + (cell_w - 2) / 2, y + 17, "?" if level is None else str(level), anchor="middle", fill=ink)
            )
    said = "; ".join(
        f"{name}: {', '.join('unknown' if v is None else str(v) for v in levels)}" for name, levels in rows
    )
    width, height = left + len(columns) * cell_w + 40, top + len(rows) * cell_h + 4
    return _frame(
        width,
        height,
        "Level of each initiative in each dimension",
        f"Columns: {', '.join(columns)}. {said}.",
        body,
        "heat",
    )


def draw_levels(levels: Sequence[DimensionLevel]) -> str:
    """Return a bar for the average of each dimension, a dot for its floor and a mark for its target."""
    left, top, step, row = 150, 26, 74, 24
    body = [_text(left + n * step, 14, str(n), anchor="middle", fill="#5b6b79") for n in range(MAX_LEVEL + 1)]
    bottom = top + len(levels) * row
    body += [
        f'<line x1="{left + n * step}" y1="{top - 6}" x2="{left + n * step}" y2="{bottom}" stroke="#e3e9ee"/>'
        for n in range(MAX_LEVEL + 1)
    ]
    told = []
    for i, level in enumerate(levels):
        y = top + i * row
        body.append(_text(left - 12, y + 14, level.short, anchor="end"))
        if level.average is None:
            body.append(f'<rect x="{left}" y="{y + 3}" width="{step}" height="14" fill="{_UNKNOWN}" stroke="#d5dde4"/>')
            body.append(_text(left + step + 8, y + 14, "unknown", fill="#5b6b79"))
        else:
            width = max(2.0, level.average * step)
            body.append(f'<rect x="{left}" y="{y + 3}" width="{width:g}" height="14" rx="2" fill="#7fb2d9"/>')
            body.append(_text(left + width + 8, y + 14, word_average(level)))
        if level.floor is not None:
            body.append(
                f'<circle cx="{left + level.floor * step}" cy="{y + 10}" r="4.5" fill="#1f5590" stroke="#fff"/>'
            )
        x = left + level.target * step
        body.append(f'<line x1="{x}" y1="{y}" x2="{x}" y2="{y + 20}" stroke="{_ACCENT}" stroke-width="3"/>')
        floor = "unknown" if level.floor is None else str(level.floor)
        average = "unknown" if level.average is None else f"{level.average:g}"
        told.append(f"{level.title}: average {average}, floor {floor}, target {level.target}")
    y = bottom + 18
    body += [
        f'<rect x="{left}" y="{y - 9}" width="18" height="10" fill="#7fb2d9"/>',
        _text(left + 24, y, "average"),
        f'<circle cx="{left + 100}" cy="{y - 4}" r="4.5" fill="#1f5590"/>',
        _text(left + 110, y, "floor"),
        f'<line x1="{left + 165}" y1="{y - 10}" x2="{left + 165}" y2="{y + 2}" stroke="{_ACCENT}" stroke-width="3"/>',
        _text(left + 174, y, "target"),
    ]
    return _frame(left + MAX_LEVEL * step + 60, y + 10, "Levels against target", ". ".join(told), body, "levels")


def draw_trend(names: Sequence[str], points: Sequence[tuple[date, tuple[float | None, ...]]]) -> str:
    """Return the average of each dimension over the last months, a small line each, with its first and last figure."""
    left, top, width, row = 110, 24, 240, 22
    step = width / max(1, len(points) - 1)
    body = [
        _text(left + i * step, top - 8, f"{day:%b}", anchor="middle", size=11, fill="#5b6b79")
        for i, (day, _) in enumerate(points)
    ]
    said = []
    for place, name in enumerate(names):
        y = top + place * row
        values = [levels[place] for _, levels in points]
        spots = [
            (left + i * step, y + 18 - 16 * value / MAX_LEVEL) for i, value in enumerate(values) if value is not None
        ]
        body.append(_text(left - 12, y + 14, name, anchor="end"))
        body.append(f'<line x1="{left}" y1="{y + 18}" x2="{left + width}" y2="{y + 18}" stroke="#e3e9ee"/>')
        path = " ".join(f"{'M' if i == 0 else 'L'}{x:.1f},{at:.1f}" for i, (x, at) in enumerate(spots))
        body.append(f'<path d="{path}" fill="none" stroke="#1f5590" stroke-width="2"/>' if spots else "")
        body += [f'<circle cx="{x:.1f}" cy="{at:.1f}" r="2.5" fill="#1f5590"/>' for x, at in spots]
        first, last = ("unknown" if v is None else f"{v:g}" for v in (values[0], values[-1]))
        body.append(_text(left + width + 10, y + 16, f"{first} → {last}", size=11))
        said.append(f"{name}: {', '.join('unknown' if v is None else f'{v:g}' for v in values)}")
    bottom = top + len(names) * row + 6
    return _frame(left + width + 110, bottom, "Averages over the last months", ". ".join(said), body, "trend")


def shorten(name: str, most: int = 30) -> str:
    """Return a name of at most `most` characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
