"""The page that an executive reads: the decision wanted, levels, gaps with evidence on both sides, what changed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from advisor.domain.criteria import CriteriaBook
from advisor.domain.gaps import (
    Change,
    Finding,
    Gap,
    GapSummary,
    GateReadiness,
    OverdueItem,
    State,
    UnknownTopic,
)
from advisor.domain.records import PHASES, ActionItem
from advisor.domain.register import Register
from advisor.program.conditions import word_date
from advisor.program.engine import Engine
from advisor.program.gates import assess_gates, describe_status
from advisor.program.names import join_names
from advisor.program.ranking import Levels, place_name, propose_owner, rank_gaps

MONTHS_OF_TREND = 6
DAYS_BACK = 30
_SHOWN_NAMES = 3
_CLOSED = frozenset({"done", "cancelled"})
EngineAt = Callable[[date], Engine]
"""The engine on as much of the register as is asked for, as of a day."""


class Summariser:
    """Builds summaries, and remembers the levels of past days as long as nothing is recorded for them."""

    def __init__(self, book: CriteriaBook) -> None:
        self._book = book
        self._averages: dict[tuple[str, date, int], Mapping[str, float | None]] = {}

    def summarise(self, at: EngineAt, *, as_of: date, since: date, scope: str, view: str = "") -> GapSummary:
        """Return the summary of what `at` shows. `view` tells apart callers and scopes that see different registers."""
        before = self._read_averages(at, since, view)
        engine = at(as_of)
        trend = self._trend(at, as_of, view) if engine.active else ()
        register = engine.register
        levels = Levels(engine)
        gates = assess_gates(engine)
        gaps = rank_gaps(engine, levels, gates)
        ranked = tuple(gap for gap in gaps if gap.state is not State.UNKNOWN)
        changes = find_changes(at(since), engine)
        lines = [describe_status(register, initiative) for initiative in engine.active]
        phases = Counter(initiative.fields.stage.phase for initiative in engine.active)
        blocked = [gate for gate in gates if gate.next_stage and not gate.ready]
        stalled = tuple(gate.name for gate in gates if gate.stalled)
        dimensions = levels.of_program(register, before)
        headline, decision = _word_headline(engine, gates, blocked, stalled, ranked)
        return GapSummary(
            headline=headline,
            decision=decision,
            scope=scope,
            as_of=as_of,
            since=since,
            empty=not engine.active,
            initiatives=len(engine.active),
            by_phase=tuple((phase, phases[phase]) for phase in PHASES),
            fresh=sum(line.as_of is not None and line.missed == 0 for line in lines),
            blocked=len(blocked),
            levels=dimensions,
            heat=tuple(
                (i.fields.name, tuple(levels.by_initiative[i.subject][d.id] for d in self._book.dimensions))
                for i in engine.active
            ),
            trend=trend,
            gaps=ranked,
            open_gaps=len(ranked),
            improved=tuple(c for c in changes if c.improved),
            worsened=tuple(c for c in changes if c.before is State.MET),
            arisen=tuple(c for c in changes if c.before is State.NOT_APPLICABLE),
            overdue=find_overdue(register),
            stalled=stalled,
            unknown=_find_unknown(engine),
            caveats=_word_caveats(ranked),
            entries=register.head,
            digest=_digest(self._book, engine),
        )

    def _read_averages(self, at: EngineAt, day: date, view: str) -> Mapping[str, float | None]:
        engine = at(day)
        key = (view, day, engine.register.head)
        if key not in self._averages:
            if len(self._averages) > 500:
                self._averages.clear()
            self._averages[key] = Levels(engine).averages()
        return self._averages[key]

    def _trend(self, at: EngineAt, as_of: date, view: str) -> tuple[tuple[date, tuple[float | None, ...]], ...]:
        """Return the average of every dimension at the ends of the last months."""
        days = [as_of]
        for _ in range(MONTHS_OF_TREND - 1):
            days.append(days[-1].replace(day=1) - timedelta(days=1))
        averages = [(day, self._read_averages(at, day, view)) for day in reversed(days)]
        return tuple((day, tuple(found[d.id] for d in self._book.dimensions)) for day, found in averages)


def find_changes(earlier: Engine, now: Engine) -> tuple[Change, ...]:
    """Return what went from open to met or back, and what is asked and open now that was not asked before."""
    before = {(f.criterion.id, f.subject): f for f in earlier.findings}
    known = {initiative.subject for initiative in earlier.active}
    changes = []
    for finding in now.findings:
        old = before.get((finding.criterion.id, finding.subject))
        if old is None and finding.open and finding.subject in known:
            was = State.NOT_APPLICABLE
        elif old is not None and (old.state is State.MET) != (finding.state is State.MET):
            was = old.state
        else:
            continue
        changes.append(
            Change(
                criterion=finding.criterion.id,
                dimension=now.book.dimension_by_id[finding.criterion.dimension].title,
                says=finding.criterion.says,
                where=place_name(now.register, finding),
                before=was,
                after=finding.state,
                why=finding.reason,
            )
        )
    weight = {c.id: c.weight * now.book.dimension_by_id[c.dimension].weight for c in now.book.criteria}
    return tuple(sorted(changes, key=lambda c: (-weight[c.criterion], c.criterion, c.where)))


def find_overdue(register: Register) -> tuple[OverdueItem, ...]:
    """Return the open actions whose day has passed, longest overdue first."""
    found = []
    for record in register.all(ActionItem):
        item = record.fields
        if item.due_on is None or item.status in _CLOSED or item.due_on >= register.as_of:
            continue
        initiative = register.find_initiative(item.initiative)
        found.append(
            OverdueItem(
                subject=record.subject,
                title=item.title,
                owner=item.owner or "nobody named",
                due=item.due_on,
                days=(register.as_of - item.due_on).days,
                where=initiative.fields.name if initiative else "program",
            )
        )
    return tuple(sorted(found, key=lambda item: (item.due, item.subject)))


def _find_unknown(engine: Engine) -> tuple[UnknownTopic, ...]:
    by_dimension: dict[str, list[Finding]] = defaultdict(list)
    for finding in engine.findings:
        if finding.state is State.UNKNOWN:
            by_dimension[finding.criterion.dimension].append(finding)
    topics = []
    for id_, findings in by_dimension.items():
        first = min(findings, key=lambda f: (f.criterion.level, -f.criterion.weight, f.criterion.id))
        same = [f for f in findings if f.criterion.id == first.criterion.id]
        topics.append(
            UnknownTopic(
                dimension=id_,
                title=engine.book.dimension_by_id[id_].title,
                open=len(findings),
                ask=first.criterion.ask,
                who=propose_owner(engine.register, first.criterion, same),
            )
        )
    weight = {dimension.id: dimension.weight for dimension in engine.book.dimensions}
    return tuple(sorted(topics, key=lambda t: (-weight[t.dimension] * t.open, t.dimension)))


def _word_headline(
    engine: Engine,
    gates: Sequence[GateReadiness],
    blocked: Sequence[GateReadiness],
    stalled: Sequence[str],
    gaps: Sequence[Gap],
) -> tuple[str, str]:
    """Return the first sentence of the page, and the one decision wanted."""
    if not engine.active:
        said = [f for f in engine.findings if f.attested]
        if said and all(f.state is State.UNKNOWN for f in said):
            return (
                f"Nobody could say yet how {len(said)} criteria stand, so nothing can be judged.",
                "Name who can answer each of them, and record each AI initiative.",
            )
        if said:
            known = sum(f.state is not State.UNKNOWN for f in said)
            return (
                f"The register holds no initiatives; {known} criteria rest on the assessment alone.",
                "Record each AI initiative with its stage and its owner.",
            )
        return (
            "The register holds no records, so nothing can be judged yet.",
            "Start with the structural assessment (advisor assess), and record each AI initiative.",
        )
    climbing = sum(gate.next_stage is not None for gate in gates)
    if climbing == 1:
        only = next(gate.name for gate in gates if gate.next_stage is not None)
        parts = [f"{only} {'cannot pass its next gate yet' if blocked else 'meets the exit criteria of its stage'}"]
    elif blocked:
        parts = [f"{len(blocked)} of {climbing} initiatives cannot pass their next gate yet"]
    else:
        parts = [f"All {climbing} initiatives meet the exit criteria of their stage"]
    if stalled:
        named = join_names(stalled[:_SHOWN_NAMES])
        parts.append(f"{len(stalled)} {'has' if len(stalled) == 1 else 'have'} stalled ({named})")
    headline = " and ".join(parts) + "."
    if not gaps:
        return headline, "No decision is wanted: nothing that is known falls short of its target."
    top = gaps[0]
    where = word_places(top.where)
    due = f"by {word_date(top.due)}" if top.due >= engine.register.as_of else f"overdue since {word_date(top.due)}"
    return headline, f"{top.action.rstrip('.')} ({where}): {top.owner}, {due}."


def word_places(names: Sequence[str]) -> str:
    """Return up to three names, and how many more there are."""
    shown = ", ".join(names[:_SHOWN_NAMES])
    return f"{shown} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else shown


def _word_caveats(gaps: Sequence[Gap]) -> tuple[str, ...]:
    ours = dict.fromkeys(
        note.rpartition(" (")[0]
        for gap in gaps[:5]
        for note in gap.threshold_notes
        if note.endswith(("default)", "you)"))
    )
    caveats = [f"Figure of ours, not of a source: {note}." for note in ours]
    notes = dict.fromkeys(source.note for gap in gaps[:5] for source in gap.playbook.sources if source.note)
    if unsourced := [note for note in notes if "no origin" in note]:
        caveats.append(f"On a cited passage: {unsourced[0]}.")
    caveats.append("Weights, levels and logistics stages are ours.")
    return tuple(caveats)


def _digest(book: CriteriaBook, engine: Engine) -> str:
    lines = [f"{t.name}={t.value}" for t in book.thresholds]
    lines += [f"{f.criterion.id}|{f.scope}|{f.subject}|{f.state}|{f.reason}" for f in engine.findings]
    return hashlib.sha256("\n".join([str(engine.register.as_of), *lines]).encode()).hexdigest()[:12]
