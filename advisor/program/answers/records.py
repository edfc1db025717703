"""The records of a kind: data contracts, integration debt, decision rights, interventions, training and the like."""

from __future__ import annotations

from collections import Counter

from advisor.domain.dialogue import Block, ListBlock, Paragraph, Sentence
from advisor.domain.records import Intervention, KpiCard, RecordKind, ShadowPeriod, StatusUpdate
from advisor.domain.register import AnyRecord
from advisor.program.answers.parts import YOURS, Parts
from advisor.program.conditions import word_date, word_field, word_record, word_value
from advisor.program.gates import cite_playbook
from advisor.text import capitalise

_SHOWN: dict[RecordKind, tuple[str, ...]] = {
    RecordKind.DATA_CONTRACT: ("status", "owner", "review_on"),
    RecordKind.INTEGRATION_DEBT: ("status", "severity", "action", "owner", "due_on"),
    RecordKind.DECISION_RIGHT: ("decides", "override_by", "escalate_to", "status"),
    RecordKind.INTERVENTION: ("action", "response", "outcome", "reason"),
    RecordKind.TRAINING: ("role", "completed_on", "planned_on"),
    RecordKind.RETRAINING_PLAN: ("last_retrained_on", "every_days", "next_due_on", "owner"),
    RecordKind.DEFER_THRESHOLD: ("confidence", "calibrated_with", "calibrated_on", "defer_rate"),
    RecordKind.GATE_REVIEW: ("from_stage", "to_stage", "outcome", "approver"),
    RecordKind.LESSON: ("what_happened",),
    RecordKind.PLATFORM_COMMITMENT: ("amount", "operating_model_checked"),
    RecordKind.STATUS_UPDATE: ("false_alarms",),
    RecordKind.SHADOW_PERIOD: ("false_positives", "precision"),
}
_WORDED = {
    "every_days": "retrained every {} days",
    "what_happened": "{}",
    "action": "{}",
    "status": "{}",
    "false_positives": "{} false positives",
    "false_alarms": "{} false alarms",
}
_MOST_QUOTES = 2
_UNTITLED = frozenset({RecordKind.INTERVENTION, RecordKind.LESSON, RecordKind.STATUS_UPDATE})


def answer_records(parts: Parts) -> list[Block]:
    """List the records of the kind that the question names, as far as they fit it."""
    wanted = parts.asked.records
    assert wanted is not None  # noqa: S101  chosen by the caller
    chosen = {initiative.subject: initiative.fields.name for initiative in parts.chosen()}
    known: list[AnyRecord] = [
        r for r in parts.register.all(wanted.model) if getattr(r.fields, "initiative", "") in {*chosen, ""}
    ]
    if wanted.model is StatusUpdate:
        known = _count_false_alarms(parts, chosen)
    found = [record for record in known if wanted.keep is None or wanted.keep(record)]
    noun = "reported count of false alarms" if wanted.model is StatusUpdate else wanted.model.kind.words
    where = f" for {next(iter(chosen.values()))}" if len(chosen) == 1 else parts.place()
    if not known:
        return parts.nothing(f"No {noun} is recorded{where}.")
    found.sort(key=lambda r: (r.as_of, r.version), reverse=True)
    if not found:
        there = f"{len(known)} {_plural(noun, len(known))} {'is' if len(known) == 1 else 'are'} recorded{where}"
        return parts.nothing(f"{there}; none {_singular(wanted.words)}.")
    if wanted.words:
        verb = wanted.words if len(found) != 1 else _singular(wanted.words)
        first = f"{len(found)} of {len(known)} {_plural(noun, len(known))}{where} {verb}."
    else:
        first = f"{len(found)} {_plural(noun, len(found))} {'is' if len(found) == 1 else 'are'} recorded{where}."
        if wanted.model is Intervention:
            counts = Counter(_word_response(record.fields.response) for record in found)
            first += " " + capitalise(", ".join(f"{name} {number}" for name, number in counts.most_common())) + "."
    items = [
        Sentence(text=_describe(record, chosen, alone=len(chosen) == 1), citations=(parts.book.cite(record),))
        for record in found[: parts.most]
    ]
    if len(found) > parts.most:
        items.append(Sentence(text=f"{len(found) - parts.most} more.", citations=items[-1].citations))
    lead = Sentence(text=first, citations=items[0].citations, strong=True)
    blocks: list[Block] = [Paragraph(title=YOURS, sentences=(lead,)), ListBlock(items=tuple(items))]
    if parts.asked.wants_playbook:
        asking = [c for c in parts.engine.book.criteria if any(need.record is wanted.model.kind for need in c.needs)]
        blocks += parts.quote([cite_playbook(criterion) for criterion in asking[:_MOST_QUOTES]])
    return blocks


def answer_found(parts: Parts) -> list[Block]:
    """Tell the records that a question is after in full, the best first."""
    first, *others = [parts.tell(record) for record in parts.asked.found]
    blocks: list[Block] = [Paragraph(title=YOURS, sentences=(first.model_copy(update={"strong": True}),))]
    items = [sentence for sentence in others if sentence.text != first.text]
    best = parts.asked.found[0]
    if isinstance(best.fields, KpiCard) and (initiative := parts.register.find_initiative(best.fields.initiative)):
        items = [*parts.readings(initiative, {best.fields.name}), *items]
    if items:
        blocks.append(ListBlock(items=tuple(items)))
    if parts.asked.wants_playbook:
        asking = [c for c in parts.engine.book.criteria if any(need.record is best.fields.kind for need in c.needs)]
        blocks += parts.quote([cite_playbook(criterion) for criterion in asking[:_MOST_QUOTES]])
    return blocks


def _word_response(response: str) -> str:
    return "no response" if response == "none" else word_value(response)


def _describe(record: AnyRecord, names: dict[str, str], *, alone: bool) -> str:
    fields = record.fields
    initiative = names.get(getattr(fields, "initiative", ""), "")
    place = f" ({initiative})" if initiative and not alone else ""
    said = []
    for name in _SHOWN[fields.kind]:
        value = getattr(fields, name)
        if name == "response":
            said.append(_word_response(value))
        elif isinstance(value, bool):
            said.append(f"{word_field(name)}: {word_value(value)}")
        elif value not in {None, ""}:
            said.append(_WORDED.get(name, f"{word_field(name)} {{}}").format(word_value(value)))
    title = word_date(record.as_of) if fields.kind in _UNTITLED else word_record(record)
    return f"{capitalise(title)}{place}: {', '.join(said) or 'nothing more is recorded'}."


def _count_false_alarms(parts: Parts, chosen: dict[str, str]) -> list[AnyRecord]:
    """Return what reports false alarms: status updates, or, where none does, shadow periods."""
    told: list[AnyRecord] = [r for r in parts.register.all(StatusUpdate) if r.fields.false_alarms is not None]
    shadows = [r for r in parts.register.all(ShadowPeriod) if r.fields.false_positives is not None]
    return [r for r in told if r.fields.initiative in chosen] or [r for r in shadows if r.fields.initiative in chosen]


def _singular(words: str) -> str:
    return words.replace("are ", "is ", 1).replace("were ", "was ", 1)


def _plural(noun: str, count: int) -> str:
    if noun == "integration debt":
        return "item of integration debt" if count == 1 else "items of integration debt"
    if count == 1:
        return noun
    head, _, rest = noun.partition(" of ")
    return f"{head}s of {rest}" if rest else f"{noun}s"
