"""What the program page shows, drawn from the office: board, levels, gaps, gates, actions, check-in, assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from advisor.domain.criteria import MAX_LEVEL
from advisor.domain.gaps import DimensionLevel, GapSummary, GateReadiness, State, StatusLine
from advisor.domain.identity import Caller, Permission
from advisor.domain.records import LADDERS, Health, KpiCard, Stage, Track
from advisor.program.check_in import READING
from advisor.program.office import ProgramOffice
from advisor.program.reports.wording import LENGTHS, word_average, word_summary, word_trend

_MARKS = {"on track": "●", "at risk": "▲", "off track": "■"}
_STATES = {State.UNMET: "not met", State.STALE: "out of date", State.UNKNOWN: "not known", State.MET: "met"}
_SPARK_WIDTH, _SPARK_HEIGHT = 72, 20
VERDICTS = ("yes", "partly", "no", "unknown", "not applicable")


class Card(NamedTuple):
    """An initiative on the board."""

    line: StatusLine
    mark: str
    gate: GateReadiness | None


class Column(NamedTuple):
    """A stage of a ladder and the initiatives that stand there."""

    title: str
    cards: tuple[Card, ...]


class LevelRow(NamedTuple):
    """A dimension in the heat map: its levels, one cell an initiative, and a line through the last months."""

    level: DimensionLevel
    average: str
    trend: str
    spark: str
    cells: tuple[int | None, ...]


class Reading(NamedTuple):
    """A KPI that a check-in may report."""

    field: str
    label: str


def draw_page(
    office: ProgramOffice,
    caller: Caller,
    *,
    site: str = "",
    initiative: str = "",
    said: str = "",
    problem: str = "",
    back_to: str = "",
    form: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the template shows, for the program, a site or an initiative; `form` is what was typed before."""
    site = office.find_site(caller, site) if site else ""
    initiative = office.find_initiative(caller, initiative) if initiative else ""
    register = office.read_register(caller)
    chosen = register.find_initiative(initiative)
    if chosen and chosen.fields.site != site:
        site = ""  # an initiative says where it is
    summary = office.summarise(caller, site=site, initiative=initiative)
    shown = {record.subject for record in register.within(site=site, initiative=initiative).initiatives}
    gates = tuple(gate for gate in office.assess_gates(caller) if gate.initiative in shown)
    lines = tuple(line for line in office.list_status(caller) if line.initiative in shown)
    items = tuple(item for item in office.list_items(caller) if not (site or initiative) or item.initiative in shown)
    cards = register.of(KpiCard, initiative) if initiative else ()
    text = word_summary(summary, LENGTHS[0])
    return {
        "summary": summary,
        "text": text,
        "gaps": tuple(zip(summary.top, text.gaps, strict=False)),
        "boards": _draw_boards({r.subject: r.fields.track for r in register.initiatives}, lines, gates),
        "levels": _draw_levels(summary),
        "names": tuple(name for name, _ in summary.heat),
        "gates": gates,
        "states": _STATES,
        "items": items,
        "overdue": sum(item.overdue for item in items),
        "initiatives": tuple((r.subject, r.fields.name) for r in register.initiatives),
        "sites": tuple((r.subject, r.fields.name) for r in register.sites),
        "site": site,
        "initiative": initiative,
        "healths": tuple((health.value, health.value.replace("_", " ")) for health in Health),
        "readings": tuple(
            Reading(
                f"{READING}{card.subject}", f"{card.fields.name}{f', {card.fields.unit}' if card.fields.unit else ''}"
            )
            for card in cards
        ),
        "question": office.find_next_question(caller, initiative=initiative),
        "verdicts": VERDICTS,
        "today": office.today,
        "writes": caller.may(Permission.CONTRIBUTOR),
        "said": said,
        "problem": problem,
        "back_to": back_to,
        "form": form,
    }


def _draw_boards(
    tracks: Mapping[str, Track], lines: Sequence[StatusLine], gates: Sequence[GateReadiness]
) -> tuple[tuple[str, tuple[Column, ...]], ...]:
    """Return a board for each ladder that has initiatives."""
    by_initiative = {gate.initiative: gate for gate in gates}
    boards = []
    for track, ladder in LADDERS.items():
        on_it = [line for line in lines if tracks.get(line.initiative) is track]
        if on_it:
            boards.append((track.value, tuple(_draw_column(stage, on_it, by_initiative) for stage in ladder)))
    return tuple(boards)


def _draw_column(stage: Stage, lines: Sequence[StatusLine], gates: Mapping[str, GateReadiness]) -> Column:
    return Column(
        stage.words,
        tuple(
            Card(line, _MARKS.get(line.health, "?"), gates.get(line.initiative))
            for line in lines
            if line.stage is stage
        ),
    )


def _draw_levels(summary: GapSummary) -> tuple[LevelRow, ...]:
    return tuple(
        LevelRow(
            level,
            word_average(level),
            word_trend(level),
            _draw_spark([(day, averages[place]) for day, averages in summary.trend]),
            tuple(levels[place] for _, levels in summary.heat),
        )
        for place, level in enumerate(summary.levels)
    )


def _draw_spark(points: Sequence[tuple[date, float | None]]) -> str:
    """Return the points of a small line, for an SVG of 72 by 20."""
    step = _SPARK_WIDTH / max(1, len(points) - 1)
    known = ((i * step, value) for i, (_, value) in enumerate(points) if value is not None)
    return " ".join(f"{x:.1f},{_SPARK_HEIGHT - 1 - (_SPARK_HEIGHT - 2) * value / MAX_LEVEL:.1f}" for x, value in known)
