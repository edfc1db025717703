"""Slack's own charts and sortable tables, and what stands in for them where Slack does not take them yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from advisor.domain.gaps import GapSummary
from integrations.slack.blocks import MOST_COLUMNS, MOST_ROWS, Kit, clip, context, table

MOST_POINTS = 6
"""Of a chart; Slack's limits differ from page to page, and this is the smallest."""
_MOST_TITLE, _MOST_LABEL, _MOST_PAGE = 50, 20, 15
_NATIVE = frozenset({"data_table", "data_visualization"})


def data_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> Kit:
    """Return a table that readers can sort, filter and page; with no rows a plain one, as it needs one at least."""
    lines = [list(row)[:MOST_COLUMNS] for row in rows][: MOST_ROWS - 1]
    if not lines:
        return table(columns, [])
    head = [_cell(column) for column in columns[:MOST_COLUMNS]]
    return {
        "type": "data_table",
        "caption": clip(caption, 150),
        "page_size": min(_MOST_PAGE, len(lines)),
        "rows": [head, *([_cell(value) for value in line] for line in lines)],
    }


def bar_chart(title: str, series: Mapping[str, Sequence[tuple[str, float]]], *, x: str, y: str) -> Kit:
    """Return a bar chart; the labels are those of the first series, and all series have the same."""
    cut = {name: [(clip(label, _MOST_LABEL), value) for label, value in points[:MOST_POINTS]]
           for name, points in series.items()}  # fmt: skip
    return {
        "type": "data_visualization",
        "title": clip(title, _MOST_TITLE),
        "chart": {
            "type": "bar",
            "series": [
                {"name": name, "data": [{"label": label, "value": value} for label, value in points]}
                for name, points in cut.items()
            ],
            "axis_config": {
                "categories": [label for label, _ in next(iter(cut.values()), [])],
                "x_label": x,
                "y_label": y,
            },
        },
    }


def chart_summary(summary: GapSummary) -> list[Kit]:
    """Return the charts of a gap summary: initiatives by phase, and the dimensions furthest below their targets."""
    if summary.empty:
        return []
    charts = [
        bar_chart("Initiatives by phase", {"Initiatives": list(summary.by_phase)}, x="Phase", y="Initiatives"),
    ]
    known = [level for level in summary.levels if level.average is not None]
    furthest = sorted(known, key=lambda level: (level.average or 0) - level.target)[:MOST_POINTS]
    if furthest:
        series = {
            "Average": [(level.short, level.average or 0.0) for level in furthest],
            "Target": [(level.short, float(level.target)) for level in furthest],
        }
        charts.append(bar_chart("Furthest below target, levels 0 to 5", series, x="Dimension", y="Level"))
    return charts


def has_native(blocks: Iterable[Kit]) -> bool:
    """Whether blocks hold what Slack may not take everywhere yet."""
    return any(block["type"] in _NATIVE for block in blocks)


def simplify(blocks: Iterable[Kit]) -> list[Kit]:
    """Return blocks with plain tables, and charts in words; of several tables one, as a message takes no more."""
    simple: list[Kit] = []
    for block in blocks:
        match block["type"]:
            case "data_table" if not any(other["type"] == "table" for other in simple):
                simple.append({"type": "table", "rows": block["rows"]})
            case "data_table":
                simple.append(context(f"{block['caption']}: {'; '.join(map(_word_row, block['rows'][1:]))}"))
            case "data_visualization":
                simple.append(context(_word_chart(block)))
            case _:
                simple.append(block)
    return simple


def _cell(value: str | float | None) -> Kit:
    if isinstance(value, int | float):
        return {"type": "raw_number", "value": value, "text": f"{value:g}"}
    return {"type": "raw_text", "text": clip(value or " ", 500)}


def _word_row(row: Sequence[Kit]) -> str:
    return ", ".join(cell["text"] for cell in row)


def _word_chart(block: Kit) -> str:
    told = []
    for series in block["chart"]["series"]:
        points = ", ".join(f"{point['label']} {point['value']:g}" for point in series["data"])
        told.append(f"{series['name']}: {points}")
    return f"{block['title']}. {'; '.join(told)}"
