"""From what a person wants recorded to entries that may be logged: every rule of the register, in one place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pydantic import ValidationError

from advisor.domain.criteria import CriteriaBook
from advisor.domain.identity import Caller, Permission
from advisor.domain.records import (
    FIELDS,
    LADDERS,
    ActionItem,
    DecisionRight,
    Evidence,
    Fields,
    GateReview,
    Initiative,
    KpiCard,
    KpiReading,
    Lesson,
    RecordKind,
    ShadowPeriod,
    Site,
    TargetLevel,
)
from advisor.domain.register import Entry, NewEntry, RecordChange, Register, merge
from advisor.errors import AdvisorError, ForbiddenError, InvalidInputError, NotFoundError
from advisor.program.names import find_exact, suggest_names
from advisor.text import slugify

_PAST_DATES = (
    "started_on", "ended_on", "completed_on", "calibrated_on", "last_retrained_on", "rollback_tested_on", "done_on",
)  # fmt: skip
_LONGEST_ID = 150
_NAMED = frozenset({RecordKind.SITE, RecordKind.INITIATIVE})


class Recorder:
    """Turns changes into entries, one after the other, each seeing what the ones before it set."""

    def __init__(
        self,
        *,
        register: Register,
        book: CriteriaBook,
        caller: Caller,
        today: date,
        door: str,
        find_history: Callable[[RecordKind, str], Sequence[Entry]],
    ) -> None:
        self._register = register
        self._find_history = find_history
        self._book = book
        self._caller = caller
        self._today = today
        self._door = door
        self._set: dict[tuple[RecordKind, str], Fields] = {}
        self.expected: dict[str, int] = {}
        """The newest entry that each changed subject must still have."""

    def prepare(self, change: RecordChange, key: str) -> NewEntry:
        """Return the entry that a change amounts to; raise InvalidInputError, NotFoundError or ForbiddenError."""
        if len(change.subject) > _LONGEST_ID:
            raise InvalidInputError(f"An id has at most {_LONGEST_ID} characters.", "Leave it out: a new one is made.")
        _check_text(change)
        corrected = self._find_corrected(change)
        on = change.on or (corrected.effective_on if corrected else self._today)
        if on > self._today:
            raise InvalidInputError(
                f"{on} is in the future.",
                "Record what holds today or held before; plans have date fields of their own.",
            )
        fields = self._resolve(change)
        subject = change.subject or self._mint(change.kind, fields, key)
        if self._is_hidden(change.kind, subject):
            if change.subject:
                raise _refuse_id(change)
            subject = f"{subject}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"
        before = self._find(change.kind, subject)
        self._check_reach(change, subject, before)
        if not change.withdraw:
            self._check(change, subject, before, fields, on)
        if change.version is not None:
            self.expected[subject] = change.version
        entry = NewEntry(
            key=key,
            kind=change.kind,
            subject=subject,
            patch={} if change.withdraw else fields,
            effective_on=on,
            door=self._door,
            supersedes=change.corrects,
        )
        if corrected:
            self._check_correction(entry)
        elif before is not None:
            self._check_day(entry)
        return entry

    def _find_corrected(self, change: RecordChange) -> Entry | None:
        if change.corrects is None:
            return None
        known = () if self._is_hidden(change.kind, change.subject) else self._find_history(change.kind, change.subject)
        for entry in known:
            if entry.number == change.corrects:
                return entry
        raise NotFoundError(
            f'Entry {change.corrects} is not about the {change.kind.words} "{change.subject}".',
            "See the history of the record for its entries and their numbers.",
        )

    def _is_hidden(self, kind: RecordKind, subject: str) -> bool:
        """Whether a subject was ever used for something that the caller may not see, or that was withdrawn."""
        return (
            self._caller.permission is not Permission.ADMIN
            and self._find(kind, subject) is None
            and bool(self._find_history(kind, subject))
        )

    def _check_correction(self, entry: NewEntry) -> None:
        """Refuse a correction that leaves half a record, or records that belong to nothing."""
        known = self._find_history(entry.kind, entry.subject)
        number = known[-1].number + 1
        after = Entry(**dict(entry), number=number, recorded_at=datetime.now(UTC), recorded_by=self._caller.id)
        if merge([*known, after]) is not None:
            return
        gone = {e.supersedes for e in (*known, after)}
        if entry.patch or any(e.patch for e in known if e.number not in gone):
            raise InvalidInputError(
                f'Without entry {entry.supersedes} the {entry.kind.words} "{entry.subject}" is not complete.',
                "Correct that entry instead, or withdraw the later ones first.",
            )
        if self._register.has_parts(entry.kind, entry.subject):
            raise InvalidInputError(
                f'Other records belong to the {entry.kind.words} "{entry.subject}".',
                "Withdraw those first; an initiative that ended has the activity stopped or done.",
            )

    def _check_day(self, entry: NewEntry) -> None:
        """Refuse a change that holds from a day before the record begins: what comes later would undo it."""
        record = self._register.find(entry.kind, entry.subject)
        if record is not None and entry.effective_on < record.since:
            first = self._find_history(entry.kind, entry.subject)[0]
            raise InvalidInputError(
                f'The {entry.kind.words} "{entry.subject}" is in the register from {record.since} on, '
                f"not from {entry.effective_on}.",
                f"Give a later day, or first correct entry {first.number} to begin on an earlier day.",
            )

    def _check_reach(self, change: RecordChange, subject: str, before: Fields | None) -> None:
        if change.subject and before is None and not change.create:
            raise NotFoundError(
                f'There is no {change.kind.words} "{subject}".', "Leave the id out to record a new one."
            )
        if not change.subject and before is not None and change.kind in _NAMED:
            raise InvalidInputError(
                f'"{getattr(before, "name", subject)}" is in the register already.',
                f'Give the id "{subject}" to change it, or another name.',
            )
        if change.withdraw and change.corrects is None:
            raise InvalidInputError("Nothing says what to withdraw.", "Name the number of the entry in `corrects`.")

    def _check(
        self, change: RecordChange, subject: str, before: Fields | None, fields: Mapping[str, Any], on: date
    ) -> None:
        state = (before.model_dump(mode="json", exclude_unset=True) if before else {}) | dict(fields)
        after = _validate(change.kind, state)
        for name in _PAST_DATES:
            value = getattr(after, name, None)
            if name in fields and value is not None and value > self._today:
                raise InvalidInputError(
                    f"{name} is {value}, which is in the future.", "Record it when it has happened."
                )
        self._check_label(before, after)
        match after:
            case Initiative():
                self._check_stage(subject, before, after, on)
            case KpiReading():
                self._check_reading(after)
            case ShadowPeriod() if after.ended_on and after.ended_on < after.started_on:
                raise InvalidInputError("The shadow period ends before it starts.", "Correct one of the two dates.")
            case GateReview():
                self._check_review(after)
            case Evidence() if after.criterion not in self._book.by_id:
                raise InvalidInputError(
                    f'There is no criterion "{after.criterion}".', "`advisor gaps --all` lists them with their ids."
                )
            case TargetLevel() | Lesson() if after.dimension and after.dimension not in self._book.dimension_by_id:
                raise InvalidInputError(
                    f'There is no dimension "{after.dimension}".',
                    f"Use one of: {', '.join(self._book.dimension_by_id)}.",
                )
            case DecisionRight() if after.status == "signed" and not after.decides:
                raise InvalidInputError("A signed decision right must say who decides.", "Give `decides`.")
            case ActionItem() if not after.title:
                raise InvalidInputError("An action item needs a title.", "Say what is to be done.")
            case _:
                pass
        self._set[change.kind, subject] = after

    def _check_label(self, before: Fields | None, after: Fields) -> None:
        """Let nobody hide what they could not see then, and only an approver open or close what others know."""
        if not isinstance(after, Site | Initiative):
            return
        old, new = self._labels(before) if before else (), self._labels(after)
        if any(not self._caller.may_see(label) for label in new):
            raise ForbiddenError("You do not hold that access label.", "Use one of your own, or ask an admin.")
        if before is not None and old != new and not self._caller.may(Permission.APPROVER):
            raise ForbiddenError(
                "You may not change who can see this.", "Ask someone with the approver permission to change the label."
            )

    def _labels(self, fields: Fields) -> tuple[str, ...]:
        site = self._find(RecordKind.SITE, getattr(fields, "site", ""))
        return (getattr(fields, "label", ""), getattr(site, "label", ""))

    def _check_stage(self, subject: str, before: Fields | None, after: Initiative, on: date) -> None:
        ladder = LADDERS[after.track]
        if after.stage not in ladder:
            raise InvalidInputError(
                f'"{after.stage.words}" is no stage of the {after.track.value} track.',
                f"Its stages are: {', '.join(stage.value for stage in ladder)}.",
            )
        record = self._register.find_initiative(subject)
        if before is None or record is None or after.stage is getattr(before, "stage", None):
            return
        entered = [stage for stage, day in record.stages if day <= on]
        came_from = entered[-1] if entered else record.fields.stage
        if came_from not in ladder or ladder.index(after.stage) <= ladder.index(came_from) + 1:
            return
        reviews = [r.fields for r in self._register.of(GateReview, subject)]
        reviews += [f for f in self._set.values() if isinstance(f, GateReview) and f.initiative == subject]
        if not any(review.outcome == "override" and review.to_stage is after.stage for review in reviews):
            following = ladder[ladder.index(came_from) + 1]
            raise InvalidInputError(
                f'"{after.stage.words}" skips a stage: {after.name} is in "{came_from.words}".',
                f'Move it to "{following.value}", or record a gate review with outcome override first.',
            )

    def _check_reading(self, reading: KpiReading) -> None:
        card = self._find(RecordKind.KPI_CARD, reading.card)
        if reading.value < 0 and isinstance(card, KpiCard) and not card.may_be_negative:
            raise InvalidInputError(
                f"{card.name} cannot be {reading.value}.",
                "Correct the sign, or set may_be_negative on the KPI card.",
            )

    def _check_review(self, review: GateReview) -> None:
        if unknown := set(review.criteria) - set(self._book.by_id):
            raise InvalidInputError(f'There is no criterion "{min(unknown)}".', "`advisor gates` lists their ids.")
        initiative = self._find(RecordKind.INITIATIVE, review.initiative)
        ladder = LADDERS[initiative.track] if isinstance(initiative, Initiative) else ()
        for stage in (review.from_stage, review.to_stage):
            if ladder and stage not in ladder:
                raise InvalidInputError(
                    f'"{stage.words}" is no stage of that initiative.',
                    f"Its stages are: {', '.join(step.value for step in ladder)}.",
                )
        if review.outcome in {"pass", "conditional"} and ladder:
            place = ladder.index(review.from_stage)
            if ladder.index(review.to_stage) != place + 1:
                raise InvalidInputError(
                    f'The gate of "{review.from_stage.words}" leads to the stage after it only.',
                    "Correct `to_stage`, or record the outcome override.",
                )
        if review.outcome != "override":
            return
        if not (review.reason and review.approver):
            raise InvalidInputError("An override needs a reason and an approver.", "Give `reason` and `approver`.")
        if not self._caller.may(Permission.APPROVER):
            raise ForbiddenError("You may not override a gate.", "Ask someone with the approver permission.")

    def _resolve(self, change: RecordChange) -> dict[str, Any]:
        """Return the fields with names of sites, initiatives and KPI cards replaced by their ids."""
        fields = dict(change.fields)
        for name, kind in (("site", RecordKind.SITE), ("initiative", RecordKind.INITIATIVE)):
            if isinstance(fields.get(name), str) and fields[name].strip():
                fields[name] = self._get_id(kind, fields[name])
        if change.kind is RecordKind.KPI_READING and isinstance(fields.get("card"), str):
            fields["card"] = self._get_card(str(fields.get("initiative", "")), fields["card"])
            card = self._find(RecordKind.KPI_CARD, fields["card"])
            fields["role"] = card.role if isinstance(card, KpiCard) else ""
        return fields

    def _get_id(self, kind: RecordKind, given: str) -> str:
        if self._find(kind, given) is not None:
            return given
        records = self._register.sites if kind is RecordKind.SITE else self._register.initiatives
        named = {r.subject: r.fields for r in records} | {s: f for (k, s), f in self._set.items() if k is kind}
        if found := find_exact(given, named):
            return found
        near = suggest_names(given, named)
        raise NotFoundError(
            f'There is no {kind.words} "{given[:80]}".',
            f"Did you mean {near}?" if near else f"Record the {kind.words} first.",
        )

    def _get_card(self, initiative: str, given: str) -> str:
        cards = {r.subject: r.fields for r in self._register.of(KpiCard, initiative)}
        cards |= {s: f for (_, s), f in self._set.items() if isinstance(f, KpiCard) and f.initiative == initiative}
        if given in cards:
            return given
        if found := find_exact(given, cards):
            return found
        names = ", ".join(sorted(card.name for card in cards.values()))
        raise NotFoundError(f'"{given[:80]}" is no KPI card of that initiative.', f"It has: {names or 'none yet'}.")

    def _find(self, kind: RecordKind, subject: str) -> Fields | None:
        if (kind, subject) in self._set:
            return self._set[kind, subject]
        record = self._register.find(kind, subject)
        return record.fields if record else None

    @staticmethod
    def _mint(kind: RecordKind, fields: Mapping[str, Any], key: str) -> str:
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        if kind in _NAMED:
            name = str(fields.get("name", ""))
            return slugify(name)[:80].strip("-") or f"{kind.value}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return f"{kind.value.replace('_', '-')}-{digest}"


def _check_text(change: RecordChange) -> None:
    """Refuse what no database can store: half of a character that takes two."""
    try:
        json.dumps([change.subject, dict(change.fields)], ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise InvalidInputError("The change contains bytes that are not text.", "Send it as UTF-8 text.") from None


def _refuse_id(change: RecordChange) -> AdvisorError:
    if change.create:
        return InvalidInputError(f'The id "{change.subject}" cannot be used.', "Leave it out: a new one is made.")
    return NotFoundError(
        f'There is no {change.kind.words} "{change.subject}".', "Leave the id out to record a new one."
    )


def _validate(kind: RecordKind, state: Mapping[str, Any]) -> Fields:
    model = FIELDS[kind]
    try:
        return model.model_validate(state)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields)
            raise InvalidInputError(f'A {kind.words} has no field "{place}".', f"It has: {known}.") from None
        if first["type"] == "missing":
            raise InvalidInputError(f"A new {kind.words} needs {place}.", f"Give {place}.") from None
        said = str(first["msg"]).removeprefix("Value error, ").lower()
        raise InvalidInputError(f"{kind.words}, {place}: {said}.", "Correct that value.") from None


def prepare_all(
    recorder: Recorder, changes: Sequence[RecordChange], key: str
) -> tuple[list[NewEntry], list[tuple[int, AdvisorError]]]:
    """Return the entries of all changes, and for each change that cannot be recorded its place and why."""
    entries: list[NewEntry] = []
    problems: list[tuple[int, AdvisorError]] = []
    for place, change in enumerate(changes):
        try:
            entries.append(recorder.prepare(change, key if len(changes) == 1 else f"{key}/{place}"))
        except AdvisorError as error:
            problems.append((place, error))
    return entries, problems
