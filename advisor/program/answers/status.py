"""How initiatives stand, who answers for them, where they are and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from advisor.domain.dialogue import Block, ListBlock, Paragraph, Sentence
from advisor.domain.gaps import StatusLine
from advisor.domain.records import ActionItem, Health, Initiative
from advisor.domain.register import Record
from advisor.program.answers.parts import YOURS, Parts
from advisor.program.asked import PEOPLE_FIELDS
from advisor.program.conditions import word_date, word_field
from advisor.program.names import fold, join_names
from advisor.text import capitalise, decapitalise

_NOBODY = "nobody"


def answer_status(parts: Parts) -> list[Block]:
    """Say how one initiative does in detail, or several in a list."""
    chosen = parts.chosen()
    if len(chosen) == 1 and parts.asked.initiatives:
        return _status_of_one(parts, chosen[0])
    return answer_overview(parts, chosen)


def _status_of_one(parts: Parts, initiative: Record[Initiative]) -> list[Block]:
    line, fields = parts.line(initiative), initiative.fields
    gate = parts.gates[initiative.subject]
    status = parts.register.latest_status(initiative.subject)
    held = [parts.book.cite(initiative)]
    if status is None:
        first = f"{fields.name} is in {fields.stage.words}; no status was ever reported."
    else:
        first = f"{fields.name} is {line.health}, and has been in {fields.stage.words} for {gate.days_in_stage} days."
        held.append(parts.book.cite(status))
    owner = (
        f"{fields.accountable_owner} is accountable." if fields.accountable_owner else "Nobody is named as accountable."
    )
    blocks: list[Block] = [
        Paragraph(
            title=YOURS,
            sentences=(
                Sentence(text=first, citations=tuple(held), strong=True),
                Sentence(text=owner, citations=(parts.book.cite(initiative),)),
            ),
        )
    ]
    items = _status_items(parts, line, initiative)
    if items:
        blocks.append(ListBlock(items=tuple(items)))
    return [*blocks, *parts.playbook_side(gate)]


def _status_items(parts: Parts, line: StatusLine, initiative: Record[Initiative]) -> list[Sentence]:
    items: list[Sentence] = []
    status = parts.register.latest_status(initiative.subject)
    if status is not None:
        cited = (parts.book.cite(status),)
        items.append(Sentence(text=parts.age_words(line), citations=cited))
        for label, said in (
            ("Reported", status.fields.summary),
            ("Risk", status.fields.risks),
            ("Next step", status.fields.next_step),
        ):
            if said:
                items.append(Sentence(text=f"{label}: {said.rstrip('.')}.", citations=cited))
    items += parts.readings(initiative)[:2]
    gate = parts.gates[initiative.subject]
    if gate.next_stage:
        items.append(parts.gate_sentence(gate))
    for finding in parts.engine.findings:
        if finding.conflict and finding.subject == initiative.subject:
            text = f"{finding.criterion.gap}: {finding.conflict} {finding.reason}"
            items.append(Sentence(text=text, citations=tuple(map(parts.book.cite, finding.records[:2]))))
    if gate.stalled:
        items.append(
            Sentence(text=f"It counts as stalled: {parts.sign_words(gate)}.", citations=(parts.book.cite(initiative),))
        )
    return items


def answer_overview(parts: Parts, chosen: Sequence[Record[Initiative]]) -> list[Block]:
    """Say how initiatives stand: counts, then a line each."""
    if not chosen:
        return parts.nothing(f"No active initiative{parts.place()} is in the register.")
    lines = [parts.line(initiative) for initiative in chosen]
    counts = Counter(line.health for line in lines)
    healths = join_names(f"{counts[h.words]} {h.words}" for h in Health if counts[h.words])
    whole = f"{len(chosen)} initiative{'s' if len(chosen) != 1 else ''}{parts.place()}"
    named = join_names(initiative.fields.name for initiative in chosen)
    first = f"{named if parts.asked.initiatives else whole}: {healths}."
    items = tuple(parts.overview_item(i, line) for i, line in zip(chosen, lines, strict=True))
    return [parts.lead(first, chosen), ListBlock(items=items)]


def answer_age(parts: Parts) -> list[Block]:
    """Say how old the newest status of each initiative is."""
    lines = [(i, parts.line(i)) for i in parts.chosen()]
    lines.sort(key=lambda pair: -(pair[1].age if pair[1].age is not None else 10_000))
    items = [
        Sentence(
            text=f"{line.name}: {decapitalise(parts.age_words(line))}",
            citations=(
                parts.book.cite(line.ref) if line.ref else parts.book.cite_absence(f"No status update for {line.name}"),
            ),
        )
        for i, line in lines[: parts.most]
    ]
    first = items[0].model_copy(update={"strong": True})
    rest = tuple(items[1:])
    return [Paragraph(title=YOURS, sentences=(first,)), *([ListBlock(items=rest)] if rest else [])]


def answer_owner(parts: Parts) -> list[Block]:
    """Say who answers for an initiative."""
    blocks: list[Block] = []
    for initiative in parts.chosen()[: parts.most]:
        fields = initiative.fields
        cited = (parts.book.cite(initiative),)
        if "sponsor" in parts.question.lower() and "own" not in parts.question.lower():
            first = f"{fields.sponsor} sponsors {fields.name}." if fields.sponsor else f"Nobody sponsors {fields.name}."
        elif fields.accountable_owner:
            first = f"{fields.accountable_owner} is accountable for {fields.name}."
        else:
            first = f"Nobody is named as accountable for {fields.name}."
        others = [
            f"{word_field(name)} {getattr(fields, name) or _NOBODY}"
            for name in ("business_owner", "it_owner", "ot_owner", "sponsor")
        ]
        more = Sentence(text=capitalise(f"{', '.join(others)}."), citations=cited)
        blocks.append(Paragraph(title=YOURS, sentences=(Sentence(text=first, citations=cited, strong=True), more)))
        if not fields.accountable_owner:
            blocks += parts.finding_side(parts.findings(initiative.subject, "accountable-owner-named"))
    return blocks or answer_overview(parts, parts.chosen())


def answer_plate(parts: Parts) -> list[Block]:
    """Say what a person answers for."""
    people = parts.asked.people
    if not people:
        return answer_owner(parts) if parts.asked.initiatives else answer_overview(parts, parts.chosen())
    blocks: list[Block] = []
    for person in people:
        roles = [
            (initiative, [word_field(name) for name in PEOPLE_FIELDS if getattr(initiative.fields, name) == person])
            for initiative in parts.engine.active
        ]
        held = [(initiative, names) for initiative, names in roles if names]
        accountable = sum("accountable owner" in names for _, names in held)
        actions = [
            record
            for record in parts.register.all(ActionItem)
            if fold(record.fields.owner) == fold(person) and record.fields.status not in {"done", "cancelled"}
        ]
        first = (
            f"{person} is accountable for {accountable} initiative{'s' if accountable != 1 else ''}, "
            f"has a part in {len(held)}, and has {len(actions)} open action{'s' if len(actions) != 1 else ''}."
        )
        blocks.append(parts.lead(first, [initiative for initiative, _ in held][:3]))
        items = [
            Sentence(text=f"{i.fields.name}: {', '.join(names)}.", citations=(parts.book.cite(i),)) for i, names in held
        ]
        items += [_action_sentence(parts, record) for record in actions]
        if items:
            blocks.append(ListBlock(items=tuple(items[: parts.most * 2])))
    return blocks


def _action_sentence(parts: Parts, record: Record[ActionItem]) -> Sentence:
    item = record.fields
    due = ""
    if item.due_on:
        late = (parts.register.as_of - item.due_on).days
        due = f", due {word_date(item.due_on)}" + (f", {late} days overdue" if late > 0 else "")
    owner = f" ({item.owner or _NOBODY}{due})"
    return Sentence(text=f"{item.title.rstrip('.')}{owner}.", citations=(parts.book.cite(record),))


def answer_stage(parts: Parts) -> list[Block]:
    """Say which stage an initiative is in, and since when."""
    blocks: list[Block] = []
    for initiative in parts.chosen()[: parts.most]:
        gate = parts.gates[initiative.subject]
        first = f"{gate.name} is in {gate.stage.words}, since {word_date(gate.since)} ({gate.days_in_stage} days)."
        cited = (parts.book.cite(initiative),)
        sentences = [Sentence(text=first, citations=cited, strong=True)]
        if gate.day_limit and gate.days_in_stage > gate.day_limit:
            sentences.append(
                Sentence(text=f"More than {gate.day_limit} days in this stage count as stalled.", citations=cited)
            )
        blocks.append(Paragraph(title=YOURS, sentences=tuple(sentences)))
        if "shadow" in parts.question.lower():
            blocks += parts.finding_side(parts.findings(initiative.subject, "shadow-four-weeks"))
        else:
            blocks += parts.playbook_side(gate)
    return blocks
