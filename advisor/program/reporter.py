"""Answers from the register: what your program is, cited entry by entry, kept apart from what the playbook says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from advisor.domain.dialogue import (
    Block,
    Draft,
    ListBlock,
    Outcome,
    Paragraph,
    Role,
    Sentence,
)
from advisor.domain.gaps import EntryRef, Finding, GateReadiness, PlaybookRef, State, StatusLine
from advisor.domain.records import ActionItem, Health, Initiative, KpiCard, KpiReading, RecordKind
from advisor.domain.register import Record, Register
from advisor.program.citing import RegisterCitations
from advisor.program.conditions import word_date, word_field, word_value
from advisor.program.engine import Engine
from advisor.program.gates import assess_gates, cite_playbook, describe_status
from advisor.program.names import fold, join_names
from advisor.program.ranking import Levels, rank_gaps
from advisor.program.summaries import find_changes, find_overdue
from advisor.program.understanding import PEOPLE_FIELDS, Asked, Topic, find_health_filter

YOURS, THEIRS = "Your program", "The playbook says"
_MOST = {Role.EXECUTIVE: 5, Role.PLANT_MANAGER: 6, Role.CHANGE_LEAD: 8, Role.ENGINEER: 20}
_OPEN = (State.UNMET, State.STALE, State.UNKNOWN)
_NOBODY = "nobody"
_CRITERION_OF = {
    "have no accountable owner": "accountable-owner-named",
    "have no OT owner": "it-and-ot-owner",
    "have no IT owner": "it-and-ot-owner",
    "have no sponsor": "sponsor-named",
}


class Reporter:
    """Composes the answer to one question about the program from what the caller may see of it."""

    def __init__(self, engine: Engine, earlier: Engine, asked: Asked, question: str, role: Role) -> None:
        self._engine = engine
        self._register: Register = engine.register
        self._earlier = earlier
        self._asked = asked
        self._question = question
        self._most = _MOST[role]
        self._book = RegisterCitations()
        self._gates = {gate.initiative: gate for gate in assess_gates(engine)}

    def draft(self) -> Draft:
        """Return the answer; it asks back when a name is not in the register."""
        if self._asked.unknown:
            return self._ask_back()
        compose = {
            Topic.STATUS: self._status,
            Topic.OWNER: self._owner,
            Topic.PLATE: self._plate,
            Topic.GATE: self._gate,
            Topic.WEAKEST: self._weakest,
            Topic.OVERDUE: self._overdue,
            Topic.CHANGED: self._changed,
            Topic.STAGE: self._stage,
            Topic.AGE: self._age,
            Topic.STALLED: self._stalled,
            Topic.KPI: self._kpi,
            Topic.LIST: self._list,
        }[self._asked.topic]
        blocks = compose()
        return Draft(outcome=Outcome.ANSWERED, blocks=tuple(blocks), citations=self._book.all)

    def _ask_back(self) -> Draft:
        names = join_names(initiative.fields.name for initiative in self._engine.active)
        said = f"The register knows no “{self._asked.unknown}”. It holds: {names}."
        return Draft(outcome=Outcome.CLARIFY, blocks=(Paragraph(title=YOURS, sentences=(Sentence(text=said),)),))

    # Which initiatives

    def _chosen(self) -> list[Record[Initiative]]:
        """Return the active initiatives that the question is about, by name, by site, or all."""
        sites = {site.subject for site in self._asked.sites}
        named = {initiative.subject for initiative in self._asked.initiatives}
        return [
            i
            for i in self._engine.active
            if (not named or i.subject in named) and (not sites or i.fields.site in sites)
        ]

    def _place(self) -> str:
        """Return where, as words for the end of a phrase: ` at Győr plant`."""
        return f" at {join_names(site.fields.name for site in self._asked.sites)}" if self._asked.sites else ""

    def _line(self, initiative: Record[Initiative]) -> StatusLine:
        return describe_status(self._register, initiative)

    # Topics

    def _status(self) -> list[Block]:
        chosen = self._chosen()
        if len(chosen) == 1 and self._asked.initiatives:
            return self._status_of_one(chosen[0])
        return self._overview(chosen)

    def _status_of_one(self, initiative: Record[Initiative]) -> list[Block]:
        line, fields = self._line(initiative), initiative.fields
        gate = self._gates[initiative.subject]
        status = self._register.latest_status(initiative.subject)
        held = [self._book.cite(initiative)]
        if status is None:
            first = f"{fields.name} is in {fields.stage.words}; no status was ever reported."
        else:
            first = (
                f"{fields.name} is {line.health}, and has been in {fields.stage.words} for {gate.days_in_stage} days."
            )
            held.append(self._book.cite(status))
        owner = (
            f"{fields.accountable_owner} is accountable."
            if fields.accountable_owner
            else "Nobody is named as accountable."
        )
        blocks: list[Block] = [
            Paragraph(
                title=YOURS,
                sentences=(
                    Sentence(text=first, citations=tuple(held), strong=True),
                    Sentence(text=owner, citations=(self._book.cite(initiative),)),
                ),
            )
        ]
        items = self._status_items(line, initiative)
        if items:
            blocks.append(ListBlock(items=tuple(items)))
        return [*blocks, *self._playbook_side(gate)]

    def _status_items(self, line: StatusLine, initiative: Record[Initiative]) -> list[Sentence]:
        items: list[Sentence] = []
        status = self._register.latest_status(initiative.subject)
        if status is not None:
            cited = (self._book.cite(status),)
            items.append(Sentence(text=self._age_words(line), citations=cited))
            for label, said in (
                ("Reported", status.fields.summary),
                ("Risk", status.fields.risks),
                ("Next step", status.fields.next_step),
            ):
                if said:
                    items.append(Sentence(text=f"{label}: {said.rstrip('.')}.", citations=cited))
        items += self._readings(initiative)[:2]
        gate = self._gates[initiative.subject]
        if gate.next_stage:
            items.append(self._gate_sentence(gate))
        if gate.stalled:
            items.append(
                Sentence(
                    text=f"It counts as stalled: {self._sign_words(gate)}.", citations=(self._book.cite(initiative),)
                )
            )
        return items

    def _age_words(self, line: StatusLine) -> str:
        if line.as_of is None or line.age is None:
            return "No status was ever reported."
        missed = f"; {line.missed} check-in{'s' if line.missed != 1 else ''} missed since" if line.missed else ""
        return f"The last status is of {word_date(line.as_of)}, {line.age} days old{missed}."

    def _overview(self, chosen: Sequence[Record[Initiative]]) -> list[Block]:
        if not chosen:
            return self._nothing(f"No active initiative{self._place()} is in the register.")
        lines = [self._line(initiative) for initiative in chosen]
        counts = Counter(line.health for line in lines)
        healths = join_names(f"{counts[h.words]} {h.words}" for h in Health if counts[h.words])
        first = f"{len(chosen)} initiative{'s' if len(chosen) != 1 else ''}{self._place()}: {healths}."
        items = tuple(self._overview_item(i, line) for i, line in zip(chosen, lines, strict=True))
        return [self._lead(first, chosen), ListBlock(items=items)]

    def _overview_item(self, initiative: Record[Initiative], line: StatusLine) -> Sentence:
        owner = f"owner {line.owner}" if line.owner else "no owner"
        age = "no status yet" if line.age is None else f"status {line.age} days old"
        text = f"{line.name}: {line.health}, {line.stage.words}, {owner}, {age}."
        refs = [self._book.cite(initiative)] + ([self._book.cite(line.ref)] if line.ref else [])
        return Sentence(text=text, citations=tuple(refs))

    def _owner(self) -> list[Block]:
        blocks: list[Block] = []
        for initiative in self._chosen()[: self._most]:
            fields = initiative.fields
            cited = (self._book.cite(initiative),)
            if "sponsor" in self._question.lower() and "own" not in self._question.lower():
                first = (
                    f"{fields.sponsor} sponsors {fields.name}." if fields.sponsor else f"Nobody sponsors {fields.name}."
                )
            elif fields.accountable_owner:
                first = f"{fields.accountable_owner} is accountable for {fields.name}."
            else:
                first = f"Nobody is named as accountable for {fields.name}."
            others = [
                f"{word_field(name)} {getattr(fields, name) or _NOBODY}"
                for name in ("business_owner", "it_owner", "ot_owner", "sponsor")
            ]
            more = Sentence(text=_capital(f"{', '.join(others)}."), citations=cited)
            blocks.append(Paragraph(title=YOURS, sentences=(Sentence(text=first, citations=cited, strong=True), more)))
            if not fields.accountable_owner:
                blocks += self._finding_side(self._findings(initiative.subject, "accountable-owner-named"))
        return blocks or self._overview(self._chosen())

    def _plate(self) -> list[Block]:
        people = self._asked.people
        if not people:
            return self._owner() if self._asked.initiatives else self._overview(self._chosen())
        blocks: list[Block] = []
        for person in people:
            roles = [
                (initiative, [word_field(name) for name in PEOPLE_FIELDS if getattr(initiative.fields, name) == person])
                for initiative in self._chosen()
            ]
            held = [(initiative, names) for initiative, names in roles if names]
            accountable = sum("accountable owner" in names for _, names in held)
            actions = [
                record
                for record in self._register.all(ActionItem)
                if fold(record.fields.owner) == fold(person) and record.fields.status not in {"done", "cancelled"}
            ]
            first = (
                f"{person} is accountable for {accountable} initiative{'s' if accountable != 1 else ''}, "
                f"has a part in {len(held)}, and has {len(actions)} open action{'s' if len(actions) != 1 else ''}."
            )
            blocks.append(self._lead(first, [initiative for initiative, _ in held][:3]))
            items = [
                Sentence(text=f"{i.fields.name}: {', '.join(names)}.", citations=(self._book.cite(i),))
                for i, names in held
            ]
            items += [self._action_sentence(record) for record in actions]
            if items:
                blocks.append(ListBlock(items=tuple(items[: self._most * 2])))
        return blocks

    def _action_sentence(self, record: Record[ActionItem]) -> Sentence:
        item = record.fields
        due = ""
        if item.due_on:
            late = (self._register.as_of - item.due_on).days
            due = f", due {word_date(item.due_on)}" + (f", {late} days overdue" if late > 0 else "")
        owner = f" ({item.owner or _NOBODY}{due})"
        return Sentence(text=f"{item.title.rstrip('.')}{owner}.", citations=(self._book.cite(record),))

    def _gate(self) -> list[Block]:
        gates = [self._gates[i.subject] for i in self._chosen() if self._gates[i.subject].next_stage]
        if len(gates) == 1:
            return self._gate_of_one(gates[0])
        ready = [gate for gate in gates if gate.ready]
        first = f"{len(ready)} of {len(gates)} initiatives{self._place()} are ready for their next gate"
        first += f": {join_names(gate.name for gate in ready)}." if ready else "."
        items = tuple(self._gate_sentence(gate) for gate in sorted(gates, key=lambda g: g.ready) if not gate.ready)
        return [self._lead(first, [self._initiative(g) for g in ready][:3]), ListBlock(items=items)]

    def _gate_of_one(self, gate: GateReadiness) -> list[Block]:
        missing = gate.in_state(*_OPEN)
        assert gate.next_stage is not None  # noqa: S101  chosen by the caller
        if gate.ready:
            first = (
                f"{gate.name} meets all exit criteria of {gate.stage.words} and is ready for {gate.next_stage.words}."
            )
        else:
            first = (
                f"{gate.name} is not ready to move from {gate.stage.words} to {gate.next_stage.words}: "
                f"{len(missing)} of {len(gate.items)} exit criteria are open."
            )
        when = f"The gate is planned for {word_date(gate.gate_on)}." if gate.gate_on else "No date is set for the gate."
        initiative = self._initiative(gate)
        cited = (self._book.cite(initiative),)
        sentences = (Sentence(text=first, citations=cited, strong=True), Sentence(text=when, citations=cited))
        blocks: list[Block] = [Paragraph(title=YOURS, sentences=sentences)]
        items = [
            Sentence(text=f"{item.title}: {item.reason}", citations=self._cite_item(item.evidence, item.reason))
            for item in missing
        ]
        if gate.set_aside:
            items.append(Sentence(text=f"Set aside by an override: {gate.override}.", citations=cited))
        if items:
            blocks.append(ListBlock(items=tuple(items)))
        return [*blocks, *self._playbook_side(gate)]

    def _gate_sentence(self, gate: GateReadiness) -> Sentence:
        missing = gate.in_state(*_OPEN)
        initiative = self._initiative(gate)
        to = gate.next_stage.words if gate.next_stage else ""
        if gate.ready:
            text = f"{gate.name} is ready for {to}."
        else:
            text = f"{gate.name} is not ready for {to}: {'; '.join(_lower(item.title) for item in missing)}."
        refs = [ref for item in missing for ref in item.evidence][:3]
        return Sentence(
            text=text, citations=tuple(dict.fromkeys([self._book.cite(initiative), *map(self._book.cite, refs)]))
        )

    def _weakest(self) -> list[Block]:
        chosen = {initiative.subject for initiative in self._chosen()}
        levels = Levels(self._engine)
        gaps = [
            gap
            for gap in rank_gaps(self._engine, levels, list(self._gates.values()))
            if gap.state is not State.UNKNOWN and (set(gap.subjects) & chosen or not gap.subjects[0])
        ]
        if not gaps:
            return self._nothing("Nothing that is known falls short of its target.")
        burden: dict[str, float] = defaultdict(float)
        for gap in gaps:
            for subject in gap.subjects:
                if subject in chosen:
                    burden[subject] += gap.priority / len(gap.subjects)
        blocks: list[Block] = []
        if burden:
            subject, _ = max(sorted(burden.items()), key=lambda pair: pair[1])
            initiative = next(i for i in self._engine.active if i.subject == subject)
            count = sum(subject in gap.subjects for gap in gaps)
            first = f"{initiative.fields.name} carries the most pressing gaps: {count} are open."
            if len(chosen) == 1:
                first = f"{initiative.fields.name} has {count} open gaps."
            sentences = [Sentence(text=first, citations=(self._book.cite(initiative),), strong=True)]
            known = [d for d in levels.of_program(self._register, {}) if d.average is not None]
            if known and len(chosen) > 1 and not self._asked.sites:
                low = sorted(known, key=lambda d: ((d.average or 0) - d.target, d.dimension))[:3]
                said = join_names(f"{d.title} ({d.average:g} of {d.target})" for d in low)
                sentences.append(
                    Sentence(
                        text=f"The dimensions furthest below their targets are {said}.",
                        citations=(self._book.cite(initiative),),
                    )
                )
            blocks.append(Paragraph(title=YOURS, sentences=tuple(sentences)))
        items, passages = [], []
        for gap in gaps[: self._most]:
            cited = self._cite_item(gap.evidence, gap.reason)
            items.append(
                Sentence(
                    text=f"{gap.title} ({', '.join(gap.where[:3])}): {gap.reason} Next: {gap.action}", citations=cited
                )
            )
            passages.append(gap.playbook)
        blocks.append(ListBlock(title="The most pressing gaps", items=tuple(items)))
        return [*blocks, *self._quote(passages[:3])]

    def _overdue(self) -> list[Block]:
        chosen = {initiative.fields.name for initiative in self._chosen()}
        narrowed = bool(self._asked.sites or self._asked.initiatives)
        found = [
            item
            for item in find_overdue(self._register)
            if (item.where in chosen or not narrowed) and (not self._asked.people or item.owner in self._asked.people)
        ]
        if not found:
            return self._nothing(f"No action{self._place()} is overdue.")
        noun = "action is" if len(found) == 1 else "actions are"
        items = []
        for item in found:
            record = self._register.find(RecordKind.ACTION_ITEM, item.subject)
            if record is not None:
                text = f"{item.title} ({item.where}): {item.owner}, due {word_date(item.due)}, {item.days} days ago."
                items.append(Sentence(text=text, citations=(self._book.cite(record),)))
        first = Sentence(text=f"{len(found)} {noun} overdue{self._place()}.", citations=items[0].citations, strong=True)
        return [Paragraph(title=YOURS, sentences=(first,)), ListBlock(items=tuple(items[: self._most * 2]))]

    def _changed(self) -> list[Block]:
        since = self._earlier.register.as_of
        chosen = self._chosen()
        names = {initiative.fields.name for initiative in chosen}
        items: list[Sentence] = []
        for initiative in chosen:
            for stage, day in initiative.stages:
                if day > since:
                    text = f"{initiative.fields.name} entered {stage.words} on {word_date(day)}."
                    items.append(Sentence(text=text, citations=(self._book.cite(initiative),)))
            status = self._register.latest_status(initiative.subject)
            before = self._earlier.register.latest_status(initiative.subject)
            if (
                status
                and status.as_of > since
                and (before is None or before.fields.health is not status.fields.health or self._asked.initiatives)
            ):
                was = (
                    f", {before.fields.health.words} before"
                    if before and before.fields.health is not status.fields.health
                    else ""
                )
                text = f"{initiative.fields.name} is {status.fields.health.words}{was}: {status.fields.summary}"
                items.append(Sentence(text=text, citations=(self._book.cite(status),)))
        changes = [
            c
            for c in find_changes(self._earlier, self._engine)
            if c.where in names or not (self._asked.initiatives or self._asked.sites)
        ]
        improved = [c for c in changes if c.improved]
        worse = [c for c in changes if c.before is State.MET]
        for label, told in (("Now met", improved), ("No longer met", worse)):
            items += [self._change_sentence(label, c.where, c.says, c.why, c.criterion) for c in told]
        first = (
            f"Since {word_date(since)}, {len(improved)} criteria{self._place()} came to be met "
            f"and {len(worse)} are no longer met."
        )
        return [self._lead(first, chosen[:1]), *([ListBlock(items=tuple(items[: self._most * 2]))] if items else [])]

    def _change_sentence(self, label: str, where: str, says: str, why: str, criterion: str) -> Sentence:
        finding = next(
            (f for f in self._engine.findings if f.criterion.id == criterion and f.reason == why and f.records), None
        )
        cited = (self._book.cite(finding.records[0]),) if finding else (self._book.cite_absence(why),)
        return Sentence(text=f"{label}, {where}: {_lower(says.rstrip('.'))}.", citations=cited)

    def _stage(self) -> list[Block]:
        blocks: list[Block] = []
        for initiative in self._chosen()[: self._most]:
            gate = self._gates[initiative.subject]
            first = f"{gate.name} is in {gate.stage.words}, since {word_date(gate.since)} ({gate.days_in_stage} days)."
            cited = (self._book.cite(initiative),)
            sentences = [Sentence(text=first, citations=cited, strong=True)]
            if gate.day_limit and gate.days_in_stage > gate.day_limit:
                sentences.append(
                    Sentence(text=f"More than {gate.day_limit} days in this stage count as stalled.", citations=cited)
                )
            blocks.append(Paragraph(title=YOURS, sentences=tuple(sentences)))
            if "shadow" in self._question.lower():
                blocks += self._finding_side(self._findings(initiative.subject, "shadow-four-weeks"))
            else:
                blocks += self._playbook_side(gate)
        return blocks

    def _age(self) -> list[Block]:
        lines = [(i, self._line(i)) for i in self._chosen()]
        lines.sort(key=lambda pair: -(pair[1].age if pair[1].age is not None else 10_000))
        items = [
            Sentence(
                text=f"{line.name}: {_lower(self._age_words(line))}",
                citations=(
                    self._book.cite(line.ref)
                    if line.ref
                    else self._book.cite_absence(f"No status update for {line.name}"),
                ),
            )
            for i, line in lines[: self._most]
        ]
        first = items[0].model_copy(update={"strong": True})
        rest = tuple(items[1:])
        return [Paragraph(title=YOURS, sentences=(first,)), *([ListBlock(items=rest)] if rest else [])]

    def _stalled(self) -> list[Block]:
        gates = [self._gates[i.subject] for i in self._chosen()]
        stalled = [gate for gate in gates if gate.stalled]
        if not stalled:
            said = f"None of {len(gates)} initiatives{self._place()} counts as stalled."
            if len(gates) == 1:
                gate = gates[0]
                said = f"{gate.name} does not count as stalled: {gate.days_in_stage} days in {gate.stage.words}."
            return self._nothing(said)
        verb = "counts" if len(stalled) == 1 else "count"
        first = f"{join_names(gate.name for gate in stalled)} {verb} as stalled."
        items = tuple(
            Sentence(
                text=f"{gate.name}: {self._sign_words(gate)}.", citations=(self._book.cite(self._initiative(gate)),)
            )
            for gate in stalled
        )
        blocks: list[Block] = [self._lead(first, [self._initiative(gate) for gate in stalled]), ListBlock(items=items)]
        return [*blocks, *self._playbook_side(stalled[0])]

    def _sign_words(self, gate: GateReadiness) -> str:
        line = self._line(self._initiative(gate))
        words = {
            "time": f"{gate.days_in_stage} days in {gate.stage.words}, more than {gate.day_limit}",
            "silence": f"{line.missed} check-ins missed",
            "no_owner": "nobody is accountable",
        }
        return ", ".join(words[sign.value] for sign in gate.signs)

    def _kpi(self) -> list[Block]:
        cards = set(self._asked.cards)
        without = [
            i
            for i in self._chosen()
            if not any(c.fields.role == "lagging" for c in self._register.of(KpiCard, i.subject))
        ]
        if "lagging" in self._question.lower() and not cards:
            with_one = len(self._chosen()) - len(without)
            first = f"{with_one} of {len(self._chosen())} initiatives have a lagging KPI"
            first += (
                f"; {join_names(i.fields.name for i in without)} {'have' if len(without) > 1 else 'has'} none."
                if without
                else "."
            )
            blocks: list[Block] = [self._lead(first, without[:3] or self._chosen()[:1])]
            return [
                *blocks,
                *self._finding_side(
                    [f for f in self._engine.findings if f.criterion.id == "lagging-kpi-window" and f.open]
                ),
            ]
        told = {i.fields.name: self._readings(i, cards) for i in self._chosen()}
        items = [sentence for sentences in told.values() for sentence in sentences]
        if not items:
            return self._nothing(f"No KPI card{self._place()} fits that question.")
        where = join_names(sorted(name for name, sentences in told.items() if sentences))
        lead = Sentence(
            text=f"{len(items)} KPI{'s are' if len(items) != 1 else ' is'} recorded, for {where}.",
            citations=items[0].citations,
            strong=True,
        )
        return [Paragraph(title=YOURS, sentences=(lead,)), ListBlock(items=tuple(items[: self._most * 2]))]

    def _readings(self, initiative: Record[Initiative], cards: Iterable[str] = ()) -> list[Sentence]:
        wanted = set(cards)
        sentences = []
        for card in self._register.of(KpiCard, initiative.subject):
            fields = card.fields
            if wanted and fields.name not in wanted:
                continue
            readings = [r for r in self._register.of(KpiReading, initiative.subject) if r.fields.card == card.subject]
            newest = max(readings, key=lambda r: (r.as_of, r.version), default=None)
            target = f", target {word_value(fields.target)}" if fields.target is not None else ""
            role = fields.role.replace("_", " ")
            prefix = f"{initiative.fields.name}: " if not self._asked.initiatives else ""
            if newest is None:
                text = f"{prefix}{fields.name} ({role}): no reading yet{target}."
                sentences.append(Sentence(text=text, citations=(self._book.cite(card),)))
            else:
                value = f"{word_value(newest.fields.value)} {fields.unit}".strip()
                text = f"{prefix}{fields.name} ({role}): {value} on {word_date(newest.as_of)}{target}."
                sentences.append(Sentence(text=text, citations=(self._book.cite(newest), self._book.cite(card))))
        return sentences

    def _list(self) -> list[Block]:
        chosen = self._chosen()
        health = find_health_filter(self._question)
        words = self._asked.filter_words or "are active"
        found = [i for i in chosen if self._asked.keep is None or self._asked.keep(i)]
        if health:
            words = f"are {health.words}"
            found = [i for i in chosen if self._line(i).health == health.words]
        if not found:
            return self._nothing(f"None of the {len(chosen)} initiatives{self._place()} {words}.")
        names = join_names(i.fields.name for i in found)
        first = f"{len(found)} of {len(chosen)} initiatives{self._place()} {words}: {names}."
        if len(found) == 1:
            verb = words.replace("are ", "is ", 1).replace("have ", "has ", 1)
            first = f"1 of {len(chosen)} initiatives{self._place()} {verb}: {found[0].fields.name}."
        items = tuple(self._overview_item(i, self._line(i)) for i in found)
        blocks: list[Block] = [self._lead(first, found[:3]), ListBlock(items=items)]
        criterion = _CRITERION_OF.get(words)
        if criterion:
            blocks += self._finding_side([f for i in found for f in self._findings(i.subject, criterion)])
        return blocks

    # Parts

    def _lead(self, text: str, cited: Sequence[Record[Initiative]]) -> Paragraph:
        numbers = tuple(dict.fromkeys(self._book.cite(record) for record in cited))
        numbers = numbers or (self._book.cite_absence(f"Entries up to #{self._register.head}"),)
        return Paragraph(title=YOURS, sentences=(Sentence(text=text, citations=numbers, strong=True),))

    def _nothing(self, text: str) -> list[Block]:
        cited = (self._book.cite_absence(f"Entries up to #{self._register.head}, {word_date(self._register.as_of)}"),)
        return [Paragraph(title=YOURS, sentences=(Sentence(text=text, citations=cited, strong=True),))]

    def _initiative(self, gate: GateReadiness) -> Record[Initiative]:
        return next(i for i in self._engine.active if i.subject == gate.initiative)

    def _findings(self, subject: str, criterion: str) -> list[Finding]:
        return [f for f in self._engine.findings if f.subject == subject and f.criterion.id == criterion]

    def _cite_item(self, evidence: Sequence[EntryRef], reason: str) -> tuple[int, ...]:
        return tuple(map(self._book.cite, evidence)) or (self._book.cite_absence(reason),)

    def _playbook_side(self, gate: GateReadiness) -> list[Block]:
        return self._quote([item.playbook for item in gate.in_state(*_OPEN)][:3])

    def _finding_side(self, findings: Sequence[Finding]) -> list[Block]:
        """Return what the register shows on a criterion, and the passage that asks for it."""
        if not findings:
            return []
        shown = [
            Sentence(
                text=f.reason,
                citations=tuple(self._book.cite(r) for r in f.records[:2]) or (self._book.cite_absence(f.reason),),
            )
            for f in findings[:3]
        ]
        return [Paragraph(sentences=tuple(shown)), *self._quote([cite_playbook(findings[0].criterion)])]

    def _quote(self, passages: Sequence[PlaybookRef]) -> list[Block]:
        unique = list({(p.section_id, p.quote): p for p in passages}.values())
        if not unique:
            return []
        items = tuple(Sentence(text=p.quote, citations=(self._book.cite_playbook(p),)) for p in unique)
        if len(items) == 1:
            return [Paragraph(title=THEIRS, sentences=items)]
        return [ListBlock(title=THEIRS, items=items)]


def comment_on(findings: Sequence[Finding], sections: Sequence[str], names: dict[str, str]) -> Draft | None:
    """Return one sentence on how the program stands to the criteria of the sections that an answer cites, or None.

    The open criterion of the section cited first speaks; `names` are the names of initiatives by id.
    """
    for section in sections:
        here = [f for f in findings if f.criterion.section_id == section]
        open_here = [f for f in here if f.state in {State.UNMET, State.STALE}]
        if not open_here:
            continue
        criterion = max(open_here, key=lambda f: (f.criterion.weight, f.criterion.id)).criterion
        asked = [f for f in here if f.criterion.id == criterion.id]
        failing = [f for f in asked if f.state in {State.UNMET, State.STALE}]
        book = RegisterCitations()
        where = [names[f.subject] for f in failing if f.subject in names]
        cited = [book.cite(r) for f in failing[:3] for r in f.records[:1]]
        cited = cited or [book.cite_absence(failing[0].reason)]
        count = (
            f"{len(failing)} of {len(asked)} initiatives fall"
            if len(failing) > 1
            else f"{len(failing)} of {len(asked)} initiatives falls"
        )
        if where:
            more = f" and {len(where) - 3} more" if len(where) > 3 else ""
            text = f"{count} short of this ({_lower(criterion.gap)}): {', '.join(where[:3])}{more}."
        else:
            text = f"{criterion.gap}."
        sentence = Sentence(text=text, citations=tuple(dict.fromkeys(cited)))
        return Draft(
            outcome=Outcome.ANSWERED, blocks=(Paragraph(title=YOURS, sentences=(sentence,)),), citations=book.all
        )
    return None


def find_earlier_day(asked: Asked, today: date) -> date:
    """Return the day that "what changed" compares with: the one that the question names, else 30 days back."""
    return asked.since or today - timedelta(days=30)


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
