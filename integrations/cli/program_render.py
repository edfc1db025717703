"""The program as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from advisor.domain.checklist import ChecklistItem, InterviewQuestion
from advisor.domain.criteria import CriteriaBook
from advisor.domain.gaps import DimensionLevel, Gap, GapSummary, GateReadiness, State, StatusLine
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.register import Entry
from advisor.program.conditions import word_date
from advisor.program.plain_words import Proposal
from advisor.program.reports.markdown import fit_text
from advisor.program.reports.wording import word_average, word_level, word_state, word_trend

if TYPE_CHECKING:
    from advisor.program.office import ProgramOffice
    from advisor.program.tables import RowProblem

_HEALTH = {"on track": "green", "at risk": "yellow", "off track": "red"}
_STATE = {State.MET: "green", State.UNMET: "red", State.STALE: "yellow", State.UNKNOWN: "cyan"}
_MOST_PROBLEMS = 50


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(Text(column))
    return table


def _age(line: StatusLine) -> str:
    if line.age is None:
        return "never"
    return "today" if line.age == 0 else f"{line.age} day{'s' if line.age != 1 else ''} ago"


def _no_initiatives() -> Text:
    return Text("No initiatives yet. `advisor record initiative ...`, `advisor import` or `advisor demo` adds some.")


def render_initiatives(lines: Sequence[StatusLine]) -> RenderableType:
    """Return the initiatives as a table."""
    if not lines:
        return _no_initiatives()
    table = _table("Initiative", "Site", "Stage", "Health", "Owner", "Status")
    for line in lines:
        missed = f", {line.missed} missed" if line.missed else ""
        table.add_row(
            Text(line.name),
            Text(line.site),
            Text(line.stage.words),
            Text(line.health, style=_HEALTH.get(line.health, "dim")),
            Text(line.owner or "nobody", style="" if line.owner else "red"),
            Text(_age(line) + missed, style="yellow" if line.missed else ""),
        )
    return table


def render_status(lines: Sequence[StatusLine]) -> RenderableType:
    """Return what the owners last said, and who is late."""
    if not lines:
        return _no_initiatives()
    table = _table("Initiative", "Health", "Last status", "Age")
    for line in lines:
        table.add_row(
            Text(line.name),
            Text(line.health, style=_HEALTH.get(line.health, "dim")),
            Text(line.summary or "none"),
            Text(_age(line), style="yellow" if line.missed else ""),
        )
    late = [
        f"{line.name} ({line.missed} check-in{'s' if line.missed != 1 else ''} missed)" for line in lines if line.missed
    ]
    return Group(table, Text(f"Late: {', '.join(late)}.", style="yellow")) if late else table


def render_detail(lines: Sequence[StatusLine], office: ProgramOffice, subject: str) -> RenderableType:
    """Return one initiative: status, gate, gaps."""
    gates = [gate for gate in office.assess_gates(LOCAL_CALLER) if gate.initiative == subject]
    return Group(render_initiatives(lines), render_status(lines), render_gates(gates, detailed=True))


def render_proposal(proposal: Proposal) -> RenderableType:
    """Return what a message would record."""
    title = Text(proposal.name or "Which initiative?", style="bold")
    return Group(title, *(Padding(Text(line), (0, 0, 0, 2)) for line in proposal.says))


def number_words(entries: Sequence[Entry]) -> str:
    """Return the numbers of entries: `entry 12` or `entries 12 to 14`."""
    if len(entries) == 1:
        return f"entry {entries[0].number}"
    return f"entries {entries[0].number} to {entries[-1].number}"


def render_gates(gates: Sequence[GateReadiness], *, detailed: bool) -> RenderableType:
    """Return the readiness of initiatives; `detailed` lists every exit criterion with its evidence."""
    if not gates:
        return _no_initiatives()
    parts: list[RenderableType] = []
    table = _table("Initiative", "Stage", "Since", "Next gate", "Ready", "Open exit criteria")
    for gate in gates:
        missing = gate.open_items
        ready = "top stage" if gate.next_stage is None else "yes" if gate.ready else "no"
        signs = f" STALLED ({', '.join(sign.value.replace('_', ' ') for sign in gate.signs)})" if gate.stalled else ""
        table.add_row(
            Text(gate.name),
            Text(gate.stage.words),
            Text(f"{gate.days_in_stage} days" + (f" of {gate.day_limit}" if gate.day_limit else "")),
            Text(word_date(gate.gate_on) if gate.gate_on else "no date"),
            Text(ready + signs, style="green" if gate.ready else "red"),
            Text("; ".join(item.title for item in missing) or "none"),
        )
    parts.append(table)
    if detailed:
        for gate in gates:
            parts += [_render_items(gate)]
    return Group(*parts)


def _render_items(gate: GateReadiness) -> RenderableType:
    table = _table("Exit criterion", "State", "Register", "Playbook")
    for item in gate.items:
        aside = item.criterion in gate.set_aside
        numbers = ", ".join(f"#{ref.number}" for ref in item.evidence) or "no entry"
        table.add_row(
            Text(f"{item.says} ({item.criterion})"),
            Text("set aside" if aside else word_state(item.state), style=_STATE.get(item.state, "")),
            Text(f"{item.reason} [{numbers}]"),
            Text(f"{item.playbook.playbook} > {item.playbook.section}"),
        )
    override = Text(f"Override: {gate.override}") if gate.override else Text()
    return Group(table, override)


def render_levels(levels: Sequence[DimensionLevel]) -> RenderableType:
    """Return the levels as a table with bars."""
    table = _table("Dimension", "Level", "", "Floor", "Target", "Known")
    for level in levels:
        filled = 0 if level.average is None else round(level.average * 2)
        table.add_row(
            Text(level.title),
            Text("·" * 10 if level.average is None else "█" * filled + "·" * (10 - filled), style="cyan"),
            Text(f"{word_average(level)} {word_trend(level)}"),
            Text(word_level(level.floor)),
            Text(str(level.target)),
            Text(f"{level.known} of {level.asked}"),
        )
    return table


def render_summary(summary: GapSummary) -> RenderableType:
    """Return the one page."""
    text = fit_text(summary)
    parts: list[RenderableType] = [
        Text(text.title, style="dim"),
        Text(text.headline, style="bold"),
        Text.assemble(("Decision wanted: ", "bold yellow"), text.decision),
        Text(text.facts, style="dim"),
    ]
    if any(level.average is not None for level in summary.levels):
        parts.append(render_levels(summary.levels))
    if text.gaps:
        parts.append(Text(f"Top {len(text.gaps)} of {summary.open_gaps} gaps", style="bold"))
    for number, gap in enumerate(text.gaps, 1):
        parts += [
            Text.assemble((f"{number}. {gap.what}", "bold"), f" ({gap.where}). {gap.why}"),
            Padding(Text(f"Register: {gap.register}"), (0, 0, 0, 3)),
            Padding(Text(f"Playbook: {gap.playbook}"), (0, 0, 0, 3)),
            Padding(Text.assemble(f"Next: {gap.action} ", (gap.who, "bold")), (0, 0, 1, 3)),
        ]
    for title, told in (
        ("Changed", text.changes),
        ("Overdue", text.overdue),
        ("Unknown", text.unknown),
        ("Caveats", text.caveats),
    ):
        if told:
            parts += [Text(title, style="bold"), *(Padding(Text(f"- {line}"), (0, 0, 0, 2)) for line in told)]
    parts.append(Text(text.footer, style="dim"))
    return Group(*parts)


def render_gaps(gaps: Sequence[Gap], book: CriteriaBook) -> RenderableType:
    """Return every gap with its id, and the figures that criteria use."""
    parts: list[RenderableType] = []
    for gap in gaps:
        numbers = ", ".join(f"#{ref.number}" for ref in gap.evidence) or "no entry"
        state = (f" {word_state(gap.state)}", _STATE.get(gap.state, ""))
        lines = (
            f"Where: {', '.join(gap.where)}",
            f"Register: {gap.reason} [{numbers}]",
            f"Playbook: {gap.playbook.playbook} > {gap.playbook.section}",
            f"Next: {gap.action} {gap.owner}, {word_date(gap.due)}",
        )
        parts.append(
            Text.assemble((gap.title, "bold"), state, (f"  {gap.criterion}, priority {gap.priority:g}", "dim"))
        )
        parts += [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
    figures = _table("Threshold", "Value", "Whose", "Meaning")
    for threshold in book.thresholds:
        whose = "yours" if threshold.overridden else "our default" if threshold.ours else threshold.origin
        figures.add_row(
            Text(threshold.name), Text(f"{threshold.value:g} {threshold.unit}"), Text(whose), Text(threshold.says)
        )
    return Group(*(parts or [Text("No gaps.")]), figures)


def render_question(question: InterviewQuestion) -> RenderableType:
    """Return a question of the assessment."""
    place = f"{question.dimension}, level {question.level} · {question.answered} answered, at most {question.left} left"
    return Group(
        Text(),
        Text(place, style="dim"),
        Text(question.ask, style="bold"),
        Text(f"{question.playbook} > {question.section}: “{question.quote}”", style="dim"),
    )


def render_checklist(items: Sequence[ChecklistItem]) -> RenderableType:
    """Return the checklist as a table."""
    if not items:
        return Text("Nothing is on the list. `advisor checklist add --help` says how to put something there.")
    table = _table("", "Task", "For", "Owner", "Due", "Source", "Id")
    for item in items:
        due = word_date(item.due_on) if item.due_on else "no date"
        table.add_row(
            Text("[x]" if item.status == "done" else "[ ]"),
            Text(item.title),
            Text(item.where),
            Text(item.owner or "nobody", style="" if item.owner else "red"),
            Text(f"{due}{' overdue' if item.overdue else ''}", style="red" if item.overdue else ""),
            Text(item.source),
            Text(item.short_id, style="dim", no_wrap=True),
        )
    return table


def render_history(entries: Sequence[Entry]) -> RenderableType:
    """Return the entries on a record."""
    table = _table("#", "Holds from", "Sets", "By", "Door", "Recorded")
    for entry in entries:
        said = ", ".join(f"{name}={value}" for name, value in entry.patch.items()) or "withdrawn"
        note = f" (corrects #{entry.supersedes})" if entry.supersedes else ""
        table.add_row(
            Text(str(entry.number)),
            Text(entry.effective_on.isoformat()),
            Text(said + note),
            Text(entry.recorded_by),
            Text(entry.door),
            Text(f"{entry.recorded_at:%Y-%m-%d %H:%M}"),
        )
    return table


def render_problems(problems: Sequence[RowProblem]) -> RenderableType:
    """Return why rows cannot be imported, one line a row."""
    lines = [Text(f"{problem.place}: {problem.problem}", style="red") for problem in problems[:_MOST_PROBLEMS]]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(Text(f"... and {len(problems) - _MOST_PROBLEMS} more bad rows", style="red"))
    return Group(*lines)
