"""Shows eval reports: a table in the terminal, JSON on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from evals.cases import Half
from evals.metrics import Metric
from evals.runner import EvalReport


def render_table(reports: list[EvalReport]) -> Table:
    """Return one table with a column per half."""
    table = Table(title="Answers, judged by code")
    table.add_column("Metric")
    table.add_column("Goal", justify="right")
    for report in reports:
        table.add_column(f"{report.half.value}, {len(report.results)} cases", justify="right")
    for row in zip(*(report.metrics for report in reports), strict=True):
        goal = "" if row[0].goal is None else f"{'≤' if row[0].at_most else '≥'} {row[0].goal:.0%}"
        table.add_row(row[0].name, goal, *(_cell(metric) for metric in row))
    table.add_row("median words", "", *(f"{report.median_words:.0f}" for report in reports))
    table.add_row("most words in prose", "≤ 180", *(str(report.most_words) for report in reports))
    return table


def _cell(metric: Metric) -> str:
    low, high = metric.interval
    colour = "[red]" if not metric.passed else "[yellow]" if not metric.reached else ""
    return f"{colour}{metric.value:.1%} ({metric.hits}/{metric.total}; {low:.0%} to {high:.0%})"


def print_failures(console: Console, report: EvalReport) -> None:
    """Print what each failed case missed. For the tuned half only: the held half stays unseen."""
    if report.half is Half.HELD:
        return
    for result in report.results:
        if not result.passed:
            missed = {name: score.missed for name, score in result.scores.items() if score.missed}
            console.print(f"[bold]{result.case.id}[/] {result.case.question}", highlight=False)
            console.print(f"   {missed}", highlight=False, markup=False)


def write_json(path: Path, reports: list[EvalReport]) -> None:
    """Write metrics and every judged answer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_plain(report) for report in reports], indent=1, ensure_ascii=False))


def _plain(report: EvalReport) -> dict[str, Any]:
    return {
        "half": report.half.value,
        "passed": report.passed,
        "metrics": [
            {
                **metric.model_dump(),
                "value": metric.value,
                "interval": metric.interval,
                "reached": metric.reached,
                "passed": metric.passed,
            }
            for metric in report.metrics
        ],
        "median_words": report.median_words,
        "results": [
            {
                "id": result.case.id,
                "passed": result.passed,
                "question": result.case.question,
                "outcome": result.answer.outcome.value,
                "text": result.answer.text,
                "citations": [f"{c.number} {c.section_id}: {c.quote}" for c in result.answer.citations],
                "missed": {name: score.missed for name, score in result.scores.items() if score.missed},
            }
            for result in report.results
        ],
    }
