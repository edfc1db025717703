"""Checking one need of a criterion against the records that speak to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from advisor.domain.criteria import Need
from advisor.domain.gaps import EntryRef, Finding, State
from advisor.domain.register import AnyRecord
from advisor.program.conditions import Conditions, word_date, word_field, word_record, word_value
from advisor.text import capitalise

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a need, or an attestation, stands. `absent` means that no record speaks to it at all.

    `say` words what the register shows; it is called only when somebody reads it.
    """

    state: State
    say: Callable[[], str]
    records: tuple[AnyRecord, ...] = ()
    absent: bool = False


def check_need(
    need: Need, known: Sequence[AnyRecord], conditions: Conditions, *, absence: Literal["unmet", "unknown"], name: str
) -> Outcome:
    """Return how a need stands, given all records of its kind for the initiative, site or program called `name`."""
    if not known:
        return Outcome(State(absence), lambda: f"No {need.record.words} is recorded for {name}.", absent=True)
    recent = _within(need, known, conditions)
    if not recent:
        newest = _newest(known)
        said = f"The newest {need.record.words} for {name} is of {word_date(newest.as_of)}."
        return Outcome(State.STALE, lambda: said, (newest,))
    asked = [record for record in recent if conditions.hold(record.fields, need.only)]
    if not asked:
        if need.quantity in {"all", "none"}:
            return Outcome(State.MET, lambda: f"No {need.record.words} for {name} calls for it.", tuple(recent[:1]))
        return Outcome(State.UNMET, lambda: _say_none(need, len(recent), name), tuple(recent))
    return _weigh(need, asked, conditions)


def _weigh(need: Need, asked: Sequence[AnyRecord], conditions: Conditions) -> Outcome:
    holding: list[AnyRecord] = []
    failing: list[AnyRecord] = []
    for record in asked:
        (holding if conditions.hold(record.fields, need.where) else failing).append(record)
    if need.count_bound:
        return _count(need, conditions, asked, holding, failing)
    if need.quantity == "none":
        if not holding:
            return Outcome(State.MET, lambda: f"None of {_number(asked, need)} does.", tuple(asked))
        return Outcome(
            State.UNMET,
            lambda: _say_each(holding, lambda r: conditions.find_matches(r.fields, need.where)),
            tuple(holding),
        )
    if (need.quantity == "all" and failing) or not holding:
        worst = failing if need.quantity == "all" else failing[-1:]
        return Outcome(
            State.UNMET,
            lambda: _say_each(worst, lambda r: conditions.find_failures(r.fields, need.where)),
            tuple(worst),
        )
    return _check_age(need, conditions, holding)


def _within(need: Need, records: Sequence[AnyRecord], conditions: Conditions) -> Sequence[AnyRecord]:
    days = conditions.days(need.within_days)
    if days is None:
        return records
    first = conditions.as_of - timedelta(days=days)
    return [record for record in records if record.as_of >= first]


def _count(
    need: Need,
    conditions: Conditions,
    asked: Sequence[AnyRecord],
    holding: Sequence[AnyRecord],
    failing: Sequence[AnyRecord],
) -> Outcome:
    assert need.count_bound  # noqa: S101  asked by the caller
    what, bound = need.count_bound
    number = len(holding) if what == "count" else len(holding) / len(asked)
    share = f" ({number * 100:.0f} %)" if what == "share" else ""
    shown = f"{len(holding)} of {_number(asked, need)}{share}"
    if conditions.within(number, bound):
        return Outcome(State.MET, lambda: f"{shown}.", tuple(holding))
    return Outcome(State.UNMET, lambda: f"{shown}; needed are {conditions.word_bound(bound)}.", tuple(failing or asked))


def _check_age(need: Need, conditions: Conditions, holding: Sequence[AnyRecord]) -> Outcome:
    newest = _newest(holding)
    days = conditions.days(need.fresh_days)
    age = (conditions.as_of - newest.as_of).days
    if days is not None and age > days:
        said = f"{capitalise(word_record(newest))} is {age} days old; at most {days} count."
        return Outcome(State.STALE, lambda: said, (newest,))
    return Outcome(State.MET, lambda: f"{capitalise(word_record(newest))}, as of {word_date(newest.as_of)}.", (newest,))


def refer(record: AnyRecord) -> EntryRef:
    """Return the citation of a record."""
    dated = word_date(record.as_of)
    return EntryRef(
        kind=record.fields.kind,
        subject=record.subject,
        number=record.version,
        as_of=record.as_of,
        text=capitalise(word_record(record) if dated in word_record(record) else f"{word_record(record)}, {dated}"),
    )


def refer_all(findings: Sequence[Finding]) -> tuple[EntryRef, ...]:
    """Return the citations of the first records that findings rest on."""
    by_subject = {(r.fields.kind, r.subject): r for finding in findings for r in finding.records}
    return tuple(refer(record) for record in list(by_subject.values())[:_SHOWN])


def _newest(records: Sequence[AnyRecord]) -> AnyRecord:
    return max(records, key=lambda record: (record.as_of, record.version))


def _number(records: Sequence[AnyRecord], need: Need) -> str:
    return f"{len(records)} {need.record.words}{'s' if len(records) != 1 else ''}"


def _say_none(need: Need, recent: int, name: str) -> str:
    wanted = ", ".join(f"{word_field(field)} {word_value(value)}" for field, value in need.only.items())
    if recent == 1:
        return f"The one {need.record.words} for {name} does not have {wanted}."
    return f"None of the {recent} {need.record.words}s for {name} has {wanted}."


def _say_each(records: Sequence[AnyRecord], find: Callable[[AnyRecord], list[str]]) -> str:
    parts = [f"{word_record(record)}: {', '.join(find(record))}" for record in records[:_SHOWN]]
    more = f"; {len(records) - _SHOWN} more" if len(records) > _SHOWN else ""
    return capitalise(f"{'; '.join(parts)}{more}.")
