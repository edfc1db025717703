"""Shows runs: a table in the terminal; one page of HTML that opens offline, Markdown and JSON on disk."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Console
from rich.table import Table

from advisor.domain.base import Value
from evals.aggregates import Abstention, Mean, find_abstention, find_latency, find_mean, find_means, find_shares
from evals.cases import Half
from evals.compare import Comparison, Difference
from evals.judge import find_agreement
from evals.runs import CaseResult, Run
from evals.scorers import SCORERS

_FOLDER = Path(__file__).parent
OPEN = (Half.TUNED,)
"""The half whose failures may be seen: to tune on the held one would spoil it."""
_NAMED = 12
_WIDTH, _HEIGHT, _MARGIN = 520, 220, 36
_GROUPS = {
    "kind": lambda result: result.kind.value.replace("_", " "),
    "topic": lambda result: result.topic.replace("-", " "),
    "role": lambda result: result.role.value.replace("_", " "),
    "way of asking": lambda result: result.way.value,
}


def render_table(run: Run) -> Table:
    """Return one table with a column per half."""
    halves = {half: run.of(half) for half in Half if run.of(half)}
    means = {half: find_means(results) for half, results in halves.items()}
    table = Table(title="Answers, judged by code: mean over cases, 95 % interval")
    table.add_column("Judge")
    table.add_column("Goal", justify="right")
    for half, results in halves.items():
        table.add_column(f"{half.value}, {len(results)} cases", justify="right")
    for name, scorer in SCORERS.items():
        if any(name in found for found in means.values()):
            goal = "" if scorer.goal is None else f"{scorer.goal:.0%}"
            table.add_row(scorer.label, goal, *(_cell(found.get(name), scorer.goal) for found in means.values()))
    told = {half: find_abstention(results) for half, results in halves.items()}
    table.add_row("AUROC of the probability", "", *(f"{found.auroc:.3f}" if found else "" for found in told.values()))
    times = {half: find_latency(results) for half, results in halves.items()}
    table.add_row(
        "milliseconds, p50 / p95", "", *(f"{t.median:.0f} / {t.p95:.0f}" if t else "" for t in times.values())
    )
    return table


def _cell(mean: Mean | None, goal: float | None) -> str:
    if mean is None:
        return ""
    colour = "[yellow]" if goal is not None and mean.value < goal else ""
    return f"{colour}{mean.value:.1%} ({mean.low:.0%} to {mean.high:.0%}; {mean.cases})"


def print_failures(console: Console, run: Run, shown: Collection[Half] = OPEN) -> None:
    """Print what each failed case missed, of the halves that may be seen."""
    for result in run.results:
        if result.half in shown and not result.passed:
            console.print(f"[bold]{result.id}[/] {result.question}", highlight=False, soft_wrap=True)
            console.print(f"   {result.missed}", highlight=False, markup=False, soft_wrap=True)


def print_comparison(
    console: Console, found: Comparison, halves: Mapping[str, Half], before: str, shown: Collection[Half] = OPEN
) -> None:
    """Print the judges whose mean changed, and which cases did; of those that may not be seen only how many."""
    changed = [difference for difference in found.differences if difference.worse or difference.better]
    if not changed and not found.missing and not found.excused:
        console.print(f"No difference from {before}.")
    for difference in changed:
        console.print(_tell(difference), highlight=False)
        for word, ids in (("worse", difference.worse), ("better", difference.better)):
            if ids:
                console.print(f"   {word}: {name_cases(ids, halves, shown)}", highlight=False, soft_wrap=True)
    if found.missing:
        console.print(f"[red]{len(found.missing)} scores are missing:[/] {', '.join(found.missing[:_NAMED])}")
    if found.excused:
        console.print(f"{len(found.excused)} scores are excused: those answers have nothing of what is judged.")
    for silence in found.silences:
        if silence.regressed:
            label = SCORERS[silence.scorer].label
            console.print(
                f"[red]worse[/] {label}: nothing to judge any more in {silence.lost} answers", highlight=False
            )
    if found.added:
        console.print(f"{len(found.added)} new cases have nothing to be compared with.")
    if found.passed:
        console.print(f"Nothing regressed from {before}.")
    else:
        console.print(f"[red]Worse than {before}.[/] If that is meant: `python -m evals baseline`, with a reason.")


def name_cases(ids: tuple[str, ...], halves: Mapping[str, Half], shown: Collection[Half] = OPEN) -> str:
    """Return the cases that may be seen by name, and the held ones by number."""
    named = [id_ for id_ in ids if halves.get(id_) is not Half.HELD or Half.HELD in shown]
    held = len(ids) - len(named)
    more = [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
    return ", ".join([*named[:_NAMED], *more, *([f"{held} held"] if held else [])])


def _tell(difference: Difference) -> str:
    mark = "[red]worse[/] " if difference.regressed else "[green]better[/] " if difference.improved else ""
    return (
        f"{mark}{SCORERS[difference.scorer].label}: {difference.before:.1%} → {difference.after:.1%} "
        f"({difference.low:+.1%} to {difference.high:+.1%}, p = {difference.p:.3f}, {difference.cases} cases"
        f"{_tell_halves(difference)})"
    )


def _tell_halves(difference: Difference) -> str:
    return "".join(f"; {half.value} {change:+.1%}" for half, change in difference.by_half.items())


def write_reports(folder: Path, run: Run, comparison: Comparison | None, shown: Collection[Half] = OPEN) -> Path:
    """Write report.html, report.md and report.json; return the first. Failures are listed of the halves shown."""
    folder.mkdir(parents=True, exist_ok=True)
    view = make_view(run, comparison, shown)
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=jinja2.select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"percent": lambda value: f"{value:.1%}", "mean": _show}
    for name in ("report.html", "report.md"):
        (folder / name).write_text(templates.get_template(f"{name}.jinja").render(view))
    (folder / "report.json").write_text(json.dumps(_tabulate(view), indent=1))
    return folder / "report.html"


def _tabulate(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return what programs read: the aggregates, the comparison and the run."""
    run: Run = view["run"]
    comparison: Comparison | None = view["comparison"]
    return {
        "run": run.id,
        "seconds": run.seconds,
        "fingerprints": dict(run.fingerprints),
        "passed": _dump(view["passed"]),
        "judges": {half.value: _dump(find_means(run.of(half))) for half in Half if run.of(half)},
        "groups": {title: {half: _dump(shares) for half, shares in by.items()} for title, by in view["groups"].items()},
        "abstention": _dump(view["curves"]),
        "latency": _dump(view["latency"]),
        "judge": view["agreement"].model_dump() if view["agreement"] else None,
        "comparison": comparison.model_dump(mode="json") | {"passed": comparison.passed} if comparison else None,
        "results": [result.model_dump(mode="json") for result in run.results],
    }


def _dump(values: Mapping[str, Value | None]) -> dict[str, Any]:
    return {name: value.model_dump(mode="json") for name, value in values.items() if value}


def _show(mean: Mean | None) -> str:
    return f"{mean.value:.1%} ({mean.low:.0%} to {mean.high:.0%})" if mean else ""


def make_view(run: Run, comparison: Comparison | None, shown: Collection[Half] = OPEN) -> dict[str, Any]:
    """Return what the pages show."""
    halves = {half: run.of(half) for half in Half if run.of(half)}
    means = {half.value: find_means(results) for half, results in halves.items()}
    differences = {d.scorer: d for d in comparison.differences} if comparison else {}
    failed = [result for result in run.results if not result.passed]
    curves = {half.value: found for half, results in halves.items() if (found := find_abstention(results))}
    return {
        "run": run,
        "sizes": {half.value: len(results) for half, results in halves.items()},
        "judges": [
            {
                "name": name,
                "scorer": scorer,
                "means": [m.get(name) for m in means.values()],
                "diff": differences.get(name),
            }
            for name, scorer in SCORERS.items()
            if any(name in m for m in means.values())
        ],
        "groups": {
            title: {half.value: find_shares(results, group) for half, results in halves.items()}
            for title, group in _GROUPS.items()
        },
        "failures": sorted((result for result in failed if result.half in shown), key=_badness),
        "hidden": sum(result.half not in shown for result in failed),
        "whose": " and ".join(half.value for half in Half if half in shown),
        "outcomes": {name: found["outcome"] for name, found in means.items() if "outcome" in found},
        "curves": curves,
        "plot": {name: draw_curve(found) for name, found in curves.items()},
        "latency": {half.value: find_latency(results) for half, results in halves.items()},
        "comparison": comparison,
        "halves": run.halves,
        "agreement": find_agreement(run.results),
        "labels": {name: scorer.label for name, scorer in SCORERS.items()},
        "tell_halves": _tell_halves,
        "name_cases": lambda ids, halves: name_cases(ids, halves, shown),
        "size": {"width": _WIDTH, "height": _HEIGHT, "margin": _MARGIN},
        "passed": {half.value: find_mean([float(r.passed) for r in results]) for half, results in halves.items()},
    }


def _badness(result: CaseResult) -> float:
    return sum(result.scores[name].value - 1 for name in result.missed)


def draw_curve(found: Abstention) -> str:
    """Return the points of the risk-coverage curve for an SVG polyline: share answered to the right, risk upwards."""
    wide, high = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    points = [(_MARGIN + share * wide, _HEIGHT - _MARGIN - min(1.0, risk / 0.5) * high) for share, risk in found.risks]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
