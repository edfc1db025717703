"""Checklists: drafted from a section, an answer, a gate or a gap; merged, owned, ticked and exported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from advisor.domain.checklist import ChecklistDraft, ChecklistItem
from advisor.domain.dialogue import Answer, Checklist
from advisor.domain.gaps import Gap, GateReadiness
from advisor.domain.knowledge import Section, StatementKind
from advisor.domain.records import ActionItem, RecordKind
from advisor.domain.register import Record, RecordChange, Register
from advisor.errors import InvalidInputError
from advisor.program.conditions import word_date
from advisor.program.names import fold

_LAST_YEAR = 2200
_CLOSED = frozenset({"done", "cancelled"})
COLUMNS = ("id", "title", "for", "owner", "due", "status", "source", "quote", "evidence")


def draft_from_section(section: Section) -> tuple[ChecklistDraft, ...]:
    """Return the tasks of a playbook section."""
    return tuple(
        ChecklistDraft(title=task.text, section_id=section.id, quote=task.text)
        for task in section.of_kind(StatementKind.TASK)
    )


def draft_from_answer(answer: Answer) -> tuple[ChecklistDraft, ...]:
    """Return the tasks of an answer, each with the passage that it cites."""
    cited = {citation.number: citation for citation in answer.citations}
    drafts = []
    for block in answer.blocks:
        if isinstance(block, Checklist):
            for item in block.items:
                source = next((cited[n] for n in item.citations if n in cited), None)
                drafts.append(
                    ChecklistDraft(
                        title=item.text,
                        section_id=source.section_id if source else "",
                        quote=source.quote if source else "",
                    )
                )
    return tuple(drafts)


def draft_from_gate(gate: GateReadiness) -> tuple[ChecklistDraft, ...]:
    """Return what an initiative has to do before it may leave its stage."""
    missing = gate.open_items
    return tuple(
        ChecklistDraft(
            title=item.action,
            section_id=item.playbook.section_id,
            quote=item.playbook.quote,
            criterion=item.criterion,
            initiative=gate.initiative,
            due_on=gate.gate_on,
        )
        for item in missing
    )


def draft_from_gap(gap: Gap, register: Register) -> tuple[ChecklistDraft, ...]:
    """Return the action that closes a gap, once for each initiative or site where it is open."""
    named = {initiative.subject for initiative in register.initiatives}
    return tuple(
        ChecklistDraft(
            title=gap.action,
            section_id=gap.playbook.section_id,
            quote=gap.playbook.quote,
            criterion=gap.criterion,
            initiative=subject if subject in named else "",
            site=subject if subject and subject not in named else "",
            due_on=gap.due,
        )
        for subject in gap.subjects
    )


def merge_drafts(drafts: Iterable[ChecklistDraft], register: Register) -> tuple[list[RecordChange], int]:
    """Return the changes that put drafts on the list, and how many were there already.

    A task is there already when an open one has the same words, or closes the same criterion, for the same place; it
    then only gains an owner or a date that it lacks.
    """
    open_items = [r for r in register.all(ActionItem) if r.fields.status not in _CLOSED]
    known: dict[tuple[str, str], Record[ActionItem] | None] = {}
    for record in open_items:
        for key in _keys(record.fields):
            known[key] = record
    changes: list[RecordChange] = []
    merged = 0
    for draft in drafts:
        keys = _keys(draft)
        if any(key in known for key in keys):
            merged += 1
            found = next((r for key in keys if (r := known.get(key)) is not None), None)
            if found and (gained := _gain(found.fields, draft)):
                changes.append(RecordChange(kind=RecordKind.ACTION_ITEM, subject=found.subject, fields=gained))
            continue
        known |= dict.fromkeys(keys)
        fields = {name: value for name, value in draft.model_dump(mode="json").items() if value not in {None, ""}}
        changes.append(RecordChange(kind=RecordKind.ACTION_ITEM, fields=fields))
    return changes, merged


def _keys(item: ActionItem | ChecklistDraft) -> list[tuple[str, str]]:
    place = item.initiative or item.site
    by_title = (fold(item.title), place)
    return [by_title, (f"criterion:{item.criterion}", place)] if item.criterion else [by_title]


def _gain(item: ActionItem, draft: ChecklistDraft) -> dict[str, str]:
    gained = {}
    if draft.owner and not item.owner:
        gained["owner"] = draft.owner
    if draft.due_on and not item.due_on:
        gained["due_on"] = draft.due_on.isoformat()
    return gained


def tick(record: Record[ActionItem], evidence: str, register: Register) -> list[RecordChange]:
    """Return the changes that tick an item off; one that recurs leaves the next one behind."""
    if not evidence.strip():
        raise InvalidInputError("Nothing says what shows that it is done.", "Name a document, a date or a record.")
    item = record.fields
    today = register.as_of
    done = {"status": "done", "done_on": today.isoformat(), "evidence": evidence}
    changes = [RecordChange(kind=RecordKind.ACTION_ITEM, subject=record.subject, fields=done, version=record.version)]
    if item.recurs_days and (item.due_on or today).year < _LAST_YEAR:
        due = (item.due_on or today) + timedelta(days=item.recurs_days)
        while due <= today:  # what was missed is not asked for again
            due += timedelta(days=item.recurs_days)
        following = item.model_dump(mode="json", exclude_unset=True) | {
            "due_on": due.isoformat(),
            "status": "open",
        }
        for name in ("done_on", "evidence"):
            following.pop(name, None)
        changes.append(RecordChange(kind=RecordKind.ACTION_ITEM, fields=following))
    return changes


def list_items(
    register: Register, sections: Mapping[str, Section], *, initiative: str = "", owner: str = "", closed: bool = False
) -> tuple[ChecklistItem, ...]:
    """Return the items, those due first first, undated ones last."""
    found = []
    for record in register.all(ActionItem):
        item = record.fields
        if (item.status in _CLOSED and not closed) or (initiative and item.initiative != initiative):
            continue
        if owner and fold(owner) != fold(item.owner):
            continue
        found.append(_show(record, register, sections))
    return tuple(sorted(found, key=lambda i: (i.due_on is None, i.due_on or register.as_of, i.id)))


def _show(record: Record[ActionItem], register: Register, sections: Mapping[str, Section]) -> ChecklistItem:
    item = record.fields
    initiative = register.find_initiative(item.initiative)
    site = register.find(RecordKind.SITE, item.site)
    section = sections.get(item.section_id)
    return ChecklistItem(
        id=record.subject,
        version=record.version,
        title=item.title,
        initiative=item.initiative,
        where=initiative.fields.name if initiative else site.fields.name if site else "program",
        owner=item.owner,
        due_on=item.due_on,
        status=item.status,
        overdue=item.due_on is not None and item.status not in _CLOSED and item.due_on < register.as_of,
        section_id=item.section_id,
        source=section.label if section else "",
        quote=item.quote,
        criterion=item.criterion,
        recurs_days=item.recurs_days,
        done_on=item.done_on,
        evidence=item.evidence,
    )


def render_markdown(items: Sequence[ChecklistItem]) -> str:
    """Return a checklist as Markdown task lines with owner, date and source."""
    lines = []
    for item in items:
        parts = [item.owner or "no owner", f"due {word_date(item.due_on)}" if item.due_on else "no date"]
        parts += ["overdue"] if item.overdue else []
        parts += [item.source] if item.source else []
        box = "x" if item.status == "done" else " "
        lines.append(f"- [{box}] **{item.where}**: {item.title} ({'; '.join(parts)})")
    return "\n".join(lines) + "\n" if lines else "Nothing is on the list.\n"


def render_csv(items: Sequence[ChecklistItem]) -> str:
    """Return a checklist as CSV; cells that a spreadsheet would run as formulas are quoted."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for item in items:
        due = item.due_on.isoformat() if item.due_on else ""
        row = (item.id, item.title, item.where, item.owner, due, item.status, item.source, item.quote, item.evidence)
        writer.writerow([neutralise(cell) for cell in row])
    return out.getvalue()


def neutralise(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
