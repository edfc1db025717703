"""Levels per dimension, and gaps in the order in which they matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from advisor.domain.criteria import MAX_LEVEL, CriteriaBook, Criterion, Scope
from advisor.domain.gaps import PROGRAM, DimensionLevel, Finding, Gap, GateReadiness, State
from advisor.domain.records import ActionItem, TargetLevel
from advisor.domain.register import Record, Register
from advisor.program.checks import refer_all
from advisor.program.conditions import word_field
from advisor.program.engine import Engine
from advisor.program.gates import cite_playbook

GATE_SOON_DAYS = 60
_URGENT, _SOON, _CALM = 2.0, 1.5, 1.0
_DAYS_TO_ACT = {_URGENT: 14, _SOON: 30, _CALM: 60}
_REASONS_SHOWN = 2
_OPEN_STATUS = frozenset({"open", "in_progress", "blocked"})
_ORDER = (State.UNMET, State.STALE, State.UNKNOWN)


class Levels:
    """The level of each initiative in each dimension, judged by its own criteria, its site's and the program's."""

    def __init__(self, engine: Engine) -> None:
        self._book = engine.book
        self._shared: dict[tuple[str, Scope, str], list[Finding]] = defaultdict(list)
        for finding in engine.findings:
            self._shared[finding.criterion.dimension, finding.scope, finding.subject].append(finding)
        self._initiatives = engine.active
        self.by_initiative: dict[str, dict[str, int | None]] = {
            initiative.subject: {
                dimension.id: find_level(self._of(dimension.id, initiative.subject, initiative.fields.site))
                for dimension in engine.book.dimensions
            }
            for initiative in engine.active
        }

    def _of(self, dimension: str, initiative: str, site: str) -> list[Finding]:
        places = ((Scope.INITIATIVE, initiative), (Scope.SITE, site), (Scope.PROGRAM, ""))
        return [finding for scope, subject in places for finding in self._shared.get((dimension, scope, subject), ())]

    def of_program(self, register: Register, before: Mapping[str, float | None]) -> tuple[DimensionLevel, ...]:
        """Return the level of the program in each dimension; `before` are averages of an earlier day."""
        targets = find_targets(register)
        pooled: dict[str, list[Finding]] = defaultdict(list)
        for (dimension, _, _), found in self._shared.items():
            pooled[dimension] += found
        return tuple(
            DimensionLevel(
                dimension=dimension.id,
                title=dimension.title,
                short=dimension.short,
                floor=find_level(pooled[dimension.id]),
                average=self.average(dimension.id, pooled[dimension.id]),
                target=targets.get(dimension.id, dimension.target),
                known=sum(f.state in {State.MET, State.UNMET} for f in pooled[dimension.id]),
                asked=len(pooled[dimension.id]),
                initiatives=len(self._initiatives),
                known_initiatives=sum(levels[dimension.id] is not None for levels in self.by_initiative.values()),
                before=before.get(dimension.id),
            )
            for dimension in self._book.dimensions
        )

    def average(self, dimension: str, pooled: Sequence[Finding]) -> float | None:
        """Return the mean of the initiatives' known levels to one decimal; the program's own without initiatives."""
        if not self._initiatives:
            level = find_level(pooled)
            return None if level is None else float(level)
        known = [level for levels in self.by_initiative.values() if (level := levels[dimension]) is not None]
        return round(sum(known) / len(known) + 1e-9, 1) if known else None

    def averages(self) -> dict[str, float | None]:
        """Return the average of every dimension."""
        pooled: dict[str, list[Finding]] = defaultdict(list)
        if not self._initiatives:
            for (dimension, _, _), found in self._shared.items():
                pooled[dimension] += found
        return {d.id: self.average(d.id, pooled[d.id]) for d in self._book.dimensions}


def find_level(findings: Iterable[Finding]) -> int | None:
    """Return the highest level of which all criteria that are asked, there and below, are met.

    0 means assessed and absent. None means that nothing is known: the first criteria in the way have no valid evidence.
    A level at which nothing is asked yet cannot be claimed.
    """
    by_level: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_level[finding.criterion.level].append(finding)
    reached = 0
    for level in range(1, MAX_LEVEL + 1):
        missing = [finding for finding in by_level[level] if finding.state is not State.MET]
        if missing and not reached and all(finding.state is not State.UNMET for finding in missing):
            return None
        if missing or not by_level[level]:
            return reached if missing or reached else None
        reached = level
    return reached


def find_targets(register: Register) -> dict[str, int]:
    """Return the target levels that the company has set, by dimension."""
    return {r.fields.dimension: r.fields.level for r in sorted(register.all(TargetLevel), key=lambda r: r.version)}


def rank_gaps(engine: Engine, levels: Levels, gates: Sequence[GateReadiness]) -> tuple[Gap, ...]:
    """Return every open criterion that stands between the program and its targets or its gates, most pressing first.

    The priority of a criterion at one place is dimension weight x criterion weight x levels short of the target x gate
    urgency (2 when a gate that is due or a stalled initiative waits for it, 1.5 when the gate is at most 60 days off,
    else 1), and half as much again when an action on it is overdue; a gap adds up its places.
    """
    gate_of = {gate.initiative: gate for gate in gates}
    targets = {d.id: d.target for d in engine.book.dimensions} | find_targets(engine.register)
    actions = _open_actions(engine.register)
    groups: dict[str, list[Finding]] = defaultdict(list)
    asked: dict[str, int] = defaultdict(int)
    for finding in engine.findings:
        asked[finding.criterion.id] += 1
        if finding.open:
            groups[finding.criterion.id].append(finding)
    gaps = []
    for id_, findings in groups.items():
        criterion = engine.book.by_id[id_]
        blocking = [g for f in findings if (g := gate_of.get(f.subject)) and g.stage in criterion.gate]
        if criterion.level > targets[criterion.dimension] and not blocking:
            continue
        known = [finding for finding in findings if finding.state is not State.UNKNOWN]
        gaps.append(_build(engine, levels, gate_of, targets, known or findings, asked[id_], actions))
    return tuple(sorted(gaps, key=lambda gap: (-gap.priority, gap.level, gap.criterion)))


def _open_actions(register: Register) -> dict[tuple[str, str], Record[ActionItem]]:
    """Return the open action that is due first for each criterion and what it is for."""
    found: dict[tuple[str, str], Record[ActionItem]] = {}
    for record in register.all(ActionItem):
        item = record.fields
        if item.criterion and item.status in _OPEN_STATUS and item.due_on is not None:
            key = (item.criterion, item.initiative or item.site)
            if key not in found or (item.due_on, record.subject) < (found[key].fields.due_on, found[key].subject):
                found[key] = record
    return found


def _build(
    engine: Engine,
    levels: Levels,
    gate_of: Mapping[str, GateReadiness],
    targets: Mapping[str, int],
    findings: Sequence[Finding],
    asked: int,
    actions: Mapping[tuple[str, str], Record[ActionItem]],
) -> Gap:
    criterion, register = findings[0].criterion, engine.register
    dimension = engine.book.dimension_by_id[criterion.dimension]
    priority, most_urgent, blocks = 0.0, _CALM, []
    open_actions = [a for f in findings if (a := actions.get((criterion.id, f.subject)))]
    overdue = [a for a in open_actions if a.fields.due_on is not None and a.fields.due_on < register.as_of]
    for finding in findings:
        gate = gate_of.get(finding.subject)
        urgency = _urgency(engine, gate, criterion)
        if gate and gate.stage in criterion.gate and criterion.id not in gate.set_aside:
            blocks.append(gate.name)
        level = levels.by_initiative.get(finding.subject, {}).get(dimension.id) or 0
        distance = max(1, targets[dimension.id] - level)
        late = any(a.fields.initiative == finding.subject for a in overdue)
        priority += dimension.weight * criterion.weight * distance * urgency * (1.5 if late else 1)
        most_urgent = max(most_urgent, urgency)
    action = open_actions[0] if open_actions else None
    due = register.as_of + timedelta(days=_DAYS_TO_ACT[most_urgent])
    gate_days = [g.gate_on for f in findings if (g := gate_of.get(f.subject)) and g.name in blocks and g.gate_on]
    due = min([due, *(day for day in gate_days if day > register.as_of)])
    worst = [f for state in _ORDER for f in findings if f.state is state]
    return Gap(
        criterion=criterion.id,
        title=criterion.gap,
        says=criterion.says,
        why=criterion.why,
        dimension=dimension.title,
        level=criterion.level,
        state=worst[0].state,
        where=tuple(place_name(register, finding) for finding in findings),
        subjects=tuple(finding.subject for finding in findings),
        asked=asked,
        priority=priority,
        blocks=tuple(blocks),
        reason=_word_reasons(register, worst[:_REASONS_SHOWN]),
        evidence=refer_all(worst),
        playbook=cite_playbook(criterion),
        threshold_notes=note_thresholds(engine.book, criterion),
        action=f"{action.fields.title.rstrip('.')}." if action else criterion.action,
        owner=action.fields.owner if action else propose_owner(register, criterion, findings),
        due=(action.fields.due_on if action else None) or due,
        proposed=action is None,
        overdue=bool(overdue),
        conflict=next((f.conflict for f in findings if f.conflict), ""),
    )


def _word_reasons(register: Register, findings: Sequence[Finding]) -> str:
    """Return what the register shows at each place, without the names of the places: those stand beside it."""
    reasons = []
    for finding in findings:
        name = place_name(register, finding)
        reason = finding.reason.replace(f" for {name}.", ".").removeprefix(f"{name}: ")
        reasons.append(reason[:1].upper() + reason[1:])
    return " ".join(dict.fromkeys(reasons))


def _urgency(engine: Engine, gate: GateReadiness | None, criterion: Criterion) -> float:
    if gate is None or gate.stage not in criterion.gate or criterion.id in gate.set_aside:
        return _CALM
    days = (gate.gate_on - engine.register.as_of).days if gate.gate_on else None
    if gate.stalled or (days is not None and days <= 0):
        return _URGENT
    return _SOON if days is not None and days <= GATE_SOON_DAYS else _CALM


def place_name(register: Register, finding: Finding) -> str:
    """Return the name of the initiative or site that a finding is about, or "program"."""
    if finding.scope is Scope.PROGRAM or not finding.subject:
        return PROGRAM
    if finding.scope is Scope.SITE:
        return next((s.fields.name for s in register.sites if s.subject == finding.subject), finding.subject)
    initiative = register.find_initiative(finding.subject)
    return initiative.fields.name if initiative else finding.subject


def propose_owner(register: Register, criterion: Criterion, findings: Sequence[Finding]) -> str:
    """Return who the register says should act, or which role has nobody."""
    named: list[str] = []
    for finding in findings:
        initiative = register.find_initiative(finding.subject)
        if initiative:
            fields = initiative.fields
            if person := getattr(fields, criterion.owner) or fields.accountable_owner or fields.sponsor:
                named.append(person)
    if not findings[0].subject or findings[0].scope is not Scope.INITIATIVE:
        sponsors = [i.fields.sponsor for i in register.initiatives if i.fields.sponsor]
        named = [max(sorted(set(sponsors)), key=sponsors.count)] if sponsors else []
    people = list(dict.fromkeys(named))
    if not people:
        return f"nobody named ({word_field(criterion.owner)})"
    return people[0] if len(people) == 1 else f"{people[0]} and {len(people) - 1} more"


def note_thresholds(book: CriteriaBook, criterion: Criterion) -> tuple[str, ...]:
    """Return, for each figure that a criterion uses, whose it is."""
    names = sorted(set().union(*(need.thresholds() for need in criterion.needs))) if criterion.needs else []
    notes = []
    for name in names:
        threshold = book.threshold_by_name[name]
        whose = "set by you" if threshold.overridden else "our default" if threshold.ours else threshold.origin
        value = f"{threshold.value * 100:g} %" if threshold.unit == "share" else f"{threshold.value:g} {threshold.unit}"
        notes.append(f"{value}: {threshold.says} ({whose})")
    return tuple(notes)
