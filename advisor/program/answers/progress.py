"""Gates, stalled initiatives, what changed and what is overdue."""

from __future__ import annotations

from datetime import date

from advisor.domain.dialogue import Block, ListBlock, Paragraph, Sentence
from advisor.domain.gaps import GateReadiness, State
from advisor.domain.records import RecordKind
from advisor.program.answers.parts import YOURS, Parts
from advisor.program.conditions import word_date
from advisor.program.names import join_names
from advisor.program.signs import GATES_AHEAD
from advisor.program.summaries import find_changes, find_overdue
from advisor.text import decapitalise


def answer_gate(parts: Parts) -> list[Block]:
    """Say which initiatives are ready for their next gate, and what the others lack."""
    gates = [parts.gates[i.subject] for i in parts.chosen() if parts.gates[i.subject].next_stage]
    if len(gates) == 1:
        return _gate_of_one(parts, gates[0])
    if GATES_AHEAD.search(parts.question) and (planned := [gate for gate in gates if gate.gate_on]):
        return _gates_ahead(parts, planned)
    ready = [gate for gate in gates if gate.ready]
    first = f"{len(ready)} of {len(gates)} initiatives{parts.place()} are ready for their next gate"
    first += f": {join_names(gate.name for gate in ready)}." if ready else "."
    if parts.asked.initiatives:
        said = f"only {join_names(gate.name for gate in ready)}" if ready else "none"
        first = (
            f"Of {join_names(gate.name for gate in gates)}, {said if len(ready) < len(gates) else 'all'} can move on."
        )
    items = tuple(parts.gate_sentence(gate) for gate in sorted(gates, key=lambda g: g.ready) if not gate.ready)
    return [parts.lead(first, [parts.initiative(g) for g in ready][:3]), ListBlock(items=items)]


def _gates_ahead(parts: Parts, gates: list[GateReadiness]) -> list[Block]:
    """Say when gates are planned, the next one first, and whether they can be passed."""
    gates.sort(key=lambda gate: (gate.gate_on or date.max, gate.name))
    items = []
    for gate in gates:
        assert gate.gate_on is not None  # noqa: S101  chosen by the caller
        standing = parts.gate_sentence(gate)
        text = f"{word_date(gate.gate_on)}: {standing.text}"
        items.append(Sentence(text=text, citations=standing.citations))
    first = gates[0]
    lead = f"The next gate is planned for {word_date(first.gate_on or date.max)}, that of {first.name}."
    return [parts.lead(lead, [parts.initiative(first)]), ListBlock(items=tuple(items))]


def _gate_of_one(parts: Parts, gate: GateReadiness) -> list[Block]:
    missing = gate.open_items
    assert gate.next_stage is not None  # noqa: S101  chosen by the caller
    if gate.ready:
        first = f"{gate.name} meets all exit criteria of {gate.stage.words} and is ready for {gate.next_stage.words}."
    else:
        first = (
            f"{gate.name} is not ready to move from {gate.stage.words} to {gate.next_stage.words}: "
            f"{len(missing)} of {len(gate.items)} exit criteria are open."
        )
    when = f"The gate is planned for {word_date(gate.gate_on)}." if gate.gate_on else "No date is set for the gate."
    initiative = parts.initiative(gate)
    cited = (parts.book.cite(initiative),)
    sentences = (Sentence(text=first, citations=cited, strong=True), Sentence(text=when, citations=cited))
    blocks: list[Block] = [Paragraph(title=YOURS, sentences=sentences)]
    items = [
        Sentence(text=f"{item.title}: {item.reason}", citations=parts.cite_item(item.evidence, item.reason))
        for item in missing
    ]
    if gate.set_aside:
        items.append(Sentence(text=f"Set aside by an override: {gate.override}.", citations=cited))
    if items:
        blocks.append(ListBlock(items=tuple(items)))
    return [*blocks, *parts.playbook_side(gate)]


def answer_stalled(parts: Parts) -> list[Block]:
    """Say which initiatives have stalled, and by which sign."""
    gates = [parts.gates[i.subject] for i in parts.chosen()]
    stalled = [gate for gate in gates if gate.stalled]
    if not stalled:
        said = f"None of {len(gates)} initiatives{parts.place()} counts as stalled."
        if len(gates) == 1:
            gate = gates[0]
            said = f"{gate.name} does not count as stalled: {gate.days_in_stage} days in {gate.stage.words}."
            return [parts.lead(said, [parts.initiative(gate)])]
        return parts.nothing(said)
    verb = "counts" if len(stalled) == 1 else "count"
    first = f"{join_names(gate.name for gate in stalled)} {verb} as stalled."
    items = tuple(
        Sentence(text=f"{gate.name}: {parts.sign_words(gate)}.", citations=(parts.book.cite(parts.initiative(gate)),))
        for gate in stalled
    )
    blocks: list[Block] = [parts.lead(first, [parts.initiative(gate) for gate in stalled]), ListBlock(items=items)]
    return [*blocks, *parts.playbook_side(stalled[0])]


def answer_changed(parts: Parts) -> list[Block]:
    """Say what changed since an earlier day."""
    since = parts.earlier.register.as_of
    chosen = parts.chosen()
    names = {initiative.fields.name for initiative in chosen}
    items: list[Sentence] = []
    for initiative in chosen:
        for stage, day in initiative.stages:
            if day > since:
                text = f"{initiative.fields.name} entered {stage.words} on {word_date(day)}."
                items.append(Sentence(text=text, citations=(parts.book.cite(initiative),)))
        status = parts.register.latest_status(initiative.subject)
        before = parts.earlier.register.latest_status(initiative.subject)
        if (
            status
            and status.as_of > since
            and (before is None or before.fields.health is not status.fields.health or parts.asked.initiatives)
        ):
            was = (
                f", {before.fields.health.words} before"
                if before and before.fields.health is not status.fields.health
                else ""
            )
            text = f"{initiative.fields.name} is {status.fields.health.words}{was}: {status.fields.summary}"
            items.append(Sentence(text=text, citations=(parts.book.cite(status),)))
    changes = [
        c
        for c in find_changes(parts.earlier, parts.engine)
        if c.where in names or not (parts.asked.initiatives or parts.asked.sites)
    ]
    improved = [c for c in changes if c.improved]
    worse = [c for c in changes if c.before is State.MET]
    for label, told in (("Now met", improved), ("No longer met", worse)):
        items += [_change_sentence(parts, label, c.where, c.says, c.why, c.criterion) for c in told]
    first = (
        f"Since {word_date(since)}, {len(improved)} criteria{parts.place()} came to be met "
        f"and {len(worse)} are no longer met."
    )
    return [parts.lead(first, chosen[:1]), *([ListBlock(items=tuple(items[: parts.most * 2]))] if items else [])]


def _change_sentence(parts: Parts, label: str, where: str, says: str, why: str, criterion: str) -> Sentence:
    finding = next(
        (f for f in parts.engine.findings if f.criterion.id == criterion and f.reason == why and f.records), None
    )
    cited = (parts.book.cite(finding.records[0]),) if finding else (parts.book.cite_absence(why),)
    return Sentence(text=f"{label}, {where}: {decapitalise(says.rstrip('.'))}.", citations=cited)


def answer_overdue(parts: Parts) -> list[Block]:
    """List the overdue actions."""
    chosen = {initiative.fields.name for initiative in parts.chosen()}
    narrowed = bool(parts.asked.sites or parts.asked.initiatives)
    found = [
        item
        for item in find_overdue(parts.register)
        if (item.where in chosen or not narrowed) and (not parts.asked.people or item.owner in parts.asked.people)
    ]
    place = parts.place()
    if parts.asked.initiatives:
        place = f" for {join_names(initiative.fields.name for initiative in parts.asked.initiatives)}"
    if not found:
        return parts.nothing(f"No action{place} is overdue.")
    noun = "action is" if len(found) == 1 else "actions are"
    items = []
    for item in found:
        record = parts.register.find(RecordKind.ACTION_ITEM, item.subject)
        if record is not None:
            text = f"{item.title} ({item.where}): {item.owner}, due {word_date(item.due)}, {item.days} days ago."
            items.append(Sentence(text=text, citations=(parts.book.cite(record),)))
    first = Sentence(text=f"{len(found)} {noun} overdue{place}.", citations=items[0].citations, strong=True)
    return [Paragraph(title=YOURS, sentences=(first,)), ListBlock(items=tuple(items[: parts.most * 2]))]
