"""The log of facts, and the present that is derived from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from pydantic import Field, ValidationError

from advisor.domain.base import Value
from advisor.domain.identity import Caller
from advisor.domain.records import FIELDS, Fields, Initiative, KpiReading, RecordKind, Site, Stage, StatusUpdate

F = TypeVar("F", bound=Fields)


class NewEntry(Value):
    """A fact about to be logged. `patch` sets fields of the record `subject`, in JSON form.

    `effective_on` is the day from which it holds. `supersedes` names an entry that this one corrects; with an empty
    patch and `supersedes` the earlier entry is withdrawn.
    """

    key: str = Field(min_length=1, max_length=200)
    kind: RecordKind
    subject: str = Field(min_length=1, max_length=200)
    patch: Mapping[str, Any]
    effective_on: date
    door: str = "cli"
    supersedes: int | None = None


class RecordChange(Value):
    """What a person wants recorded: fields of a record to set, in JSON form.

    Without `subject` a new record is made. `on` is the day from which it holds (today when left out). `version` is the
    version of the record that the change was made on; a change made on an older one is refused. `withdraw` takes back
    the entry `corrects` without putting anything in its place. `create` makes the record `subject` if there is none.
    """

    kind: RecordKind
    subject: str = ""
    fields: Mapping[str, Any] = {}
    on: date | None = None
    version: int | None = None
    corrects: int | None = None
    withdraw: bool = False
    create: bool = False


class Entry(NewEntry):
    """A fact as logged: numbered without end, never changed."""

    number: int
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Record(Generic[F]):
    """What all entries on one subject add up to; `version` is the number of the newest."""

    subject: str
    fields: F
    since: date
    as_of: date
    version: int
    recorded_by: str
    stages: tuple[tuple[Stage, date], ...] = ()
    """For an initiative: each stage it entered, with the day, oldest first."""


AnyRecord = Record[Any]


class Register:
    """The present as of a day: records by kind, in order of subject. Immutable."""

    def __init__(self, records: Iterable[AnyRecord], *, as_of: date, head: int) -> None:
        self.as_of = as_of
        self.head = head
        """Number of the newest entry that holds by that day."""
        by_kind: dict[RecordKind, list[AnyRecord]] = defaultdict(list)
        for record in records:
            by_kind[record.fields.kind].append(record)
        self._by_kind = {kind: tuple(sorted(found, key=lambda r: r.subject)) for kind, found in by_kind.items()}
        self._by_parent: dict[tuple[RecordKind, str], list[AnyRecord]] = defaultdict(list)
        for kind, found in self._by_kind.items():
            for record in found:
                self._by_parent[kind, _parent(record.fields)].append(record)
        self._by_subject = {(k, r.subject): r for k, found in self._by_kind.items() for r in found}

    @property
    def empty(self) -> bool:
        """Whether nothing was ever logged."""
        return not self._by_subject

    def all(self, model: type[F]) -> tuple[Record[F], ...]:
        """Return all records of a kind."""
        return cast("tuple[Record[F], ...]", self._by_kind.get(model.kind, ()))

    def of(self, model: type[F], initiative: str) -> tuple[Record[F], ...]:
        """Return the records of a kind that belong to an initiative, in order of subject."""
        return cast("tuple[Record[F], ...]", tuple(self._by_parent.get((model.kind, initiative), ())))

    def find(self, kind: RecordKind, subject: str) -> AnyRecord | None:
        """Return one record, or None."""
        return self._by_subject.get((kind, subject))

    def find_initiative(self, subject: str) -> Record[Initiative] | None:
        """Return an initiative by its id, or None."""
        return self._by_subject.get((RecordKind.INITIATIVE, subject))

    @cached_property
    def initiatives(self) -> tuple[Record[Initiative], ...]:
        """All initiatives."""
        return self.all(Initiative)

    @cached_property
    def sites(self) -> tuple[Record[Site], ...]:
        """All sites."""
        return self.all(Site)

    @cached_property
    def restricted(self) -> tuple[AnyRecord, ...]:
        """The sites and initiatives that carry an access label, and the initiatives at such a site."""
        sites = [site for site in self.sites if site.fields.label]
        at = {site.subject for site in sites}
        return (*sites, *(i for i in self.initiatives if i.fields.label or i.fields.site in at))

    def has_parts(self, kind: RecordKind, subject: str) -> bool:
        """Whether other records belong to a site, an initiative or a KPI card."""
        if kind is RecordKind.KPI_CARD:
            return any(reading.fields.card == subject for reading in self.all(KpiReading))
        name = kind.value
        return kind in {RecordKind.SITE, RecordKind.INITIATIVE} and any(
            getattr(record.fields, name, "") == subject for record in self._by_subject.values()
        )

    def latest_status(self, initiative: str) -> Record[StatusUpdate] | None:
        """Return the status update that holds for the latest day, or None."""
        return max(self.of(StatusUpdate, initiative), key=lambda r: (r.as_of, r.version), default=None)

    def within(self, *, site: str = "", initiative: str = "") -> Register:
        """Return the register of one site, or of one initiative and its site; program-wide records stay."""
        if not (site or initiative):
            return self
        record = self.find_initiative(initiative) if initiative else None
        kept_site = record.fields.site if record else "" if initiative else site
        kept = {i.subject for i in self.initiatives if i.fields.site == kept_site and initiative in {"", i.subject}}
        return self._without(
            {i.subject for i in self.initiatives} - kept, {s.subject for s in self.sites} - {kept_site}
        )

    def visible_to(self, caller: Caller, present: Register | None = None) -> Register:
        """Return the register without the sites, the initiatives and their records that the caller may not see.

        For a past day the labels of the `present` govern: what was restricted since is not told by way of the past.
        """
        now = present or self

        def closed(record: AnyRecord) -> bool:
            newest = now.find(record.fields.kind, record.subject) or record
            return not caller.may_see(newest.fields.label)

        hidden_sites = {site.subject for site in self.sites if closed(site)}
        hidden_sites |= {site.subject for site in now.sites if not caller.may_see(site.fields.label)}
        hidden = set()
        for initiative in self.initiatives:
            newest = now.find_initiative(initiative.subject) or initiative
            if closed(initiative) or {initiative.fields.site, newest.fields.site} & hidden_sites:
                hidden.add(initiative.subject)
        return self._without(hidden, hidden_sites) if hidden or hidden_sites else self

    def _without(self, initiatives: set[str], sites: set[str]) -> Register:
        kept = (r for r in self._by_subject.values() if not _belongs(r, initiatives, sites))
        return Register(kept, as_of=self.as_of, head=self.head)


def _parent(fields: Fields) -> str:
    if isinstance(fields, Initiative):
        return fields.site
    return str(getattr(fields, "initiative", ""))


def _belongs(record: AnyRecord, initiatives: set[str], sites: set[str]) -> bool:
    fields = record.fields
    if isinstance(fields, Site):
        return record.subject in sites
    if isinstance(fields, Initiative):
        return record.subject in initiatives
    return getattr(fields, "initiative", "") in initiatives or getattr(fields, "site", "") in sites


def merge(entries: Iterable[Entry]) -> AnyRecord | None:
    """Return the record that the entries of one subject add up to; None when they do not, or all were withdrawn.

    Patches apply in the order of their effective dates, then of their numbers; a superseded entry does not apply, and
    a correction takes effect on its own effective date.
    """
    all_entries = sorted(entries, key=lambda e: e.number)
    gone = {e.supersedes for e in all_entries if e.supersedes is not None}
    live = [e for e in all_entries if e.number not in gone and (e.patch or e.supersedes is None)]
    if not live:
        return None
    live.sort(key=lambda e: (e.effective_on, e.number))
    state: dict[str, Any] = {}
    stages: list[tuple[Stage, date]] = []
    for entry in live:
        state.update(entry.patch)
        if entry.kind is RecordKind.INITIATIVE and "stage" in entry.patch:
            stage = Stage(entry.patch["stage"])
            if not stages or stages[-1][0] is not stage:
                stages.append((stage, entry.effective_on))
    newest = all_entries[-1]
    try:
        fields = FIELDS[newest.kind].model_validate(state)
    except ValidationError:  # before the day on which it is complete
        return None
    return Record(
        subject=newest.subject,
        fields=fields,
        since=live[0].effective_on,
        as_of=live[-1].effective_on,
        version=newest.number,
        recorded_by=newest.recorded_by,
        stages=tuple(stages),
    )


class Projection:
    """Folds the log, in as many pieces as it comes, into the register as of any day."""

    def __init__(self) -> None:
        self._entries: dict[tuple[RecordKind, str], list[Entry]] = defaultdict(list)
        self._latest: dict[tuple[RecordKind, str], tuple[date, AnyRecord | None]] = {}
        self._log: list[Entry] = []
        self._by_key: dict[str, Entry] = {}
        self._newest_day = date.min
        self.head = 0
        """Number of the newest entry folded in."""

    def apply(self, entries: Iterable[Entry]) -> None:
        """Fold in entries, in order of their numbers; what is known already is passed over."""
        for entry in entries:
            if entry.number <= self.head:
                continue
            self.head = entry.number
            subject = (entry.kind, entry.subject)
            self._log.append(entry)
            self._by_key[entry.key] = entry
            self._newest_day = max(self._newest_day, entry.effective_on)
            self._entries[subject].append(entry)
            self._latest.pop(subject, None)

    def as_of(self, day: date) -> Register:
        """Return the register as it stood at the end of a day, as best known now."""
        records = (self._record(subject, entries, day) for subject, entries in self._entries.items())
        return Register((r for r in records if r is not None), as_of=day, head=self.head_of(day))

    def head_of(self, day: date) -> int:
        """Return the number of the newest entry that holds by the end of a day: the same number, the same register."""
        if day >= self._newest_day:
            return self.head
        return max((entry.number for entry in self._log if entry.effective_on <= day), default=0)

    def find_key(self, key: str) -> Entry | None:
        """Return the entry that was logged with a key, or None."""
        return self._by_key.get(key)

    def history(self, kind: RecordKind, subject: str) -> tuple[Entry, ...]:
        """Return every entry on a record, in order of their numbers."""
        return tuple(self._entries.get((kind, subject), ()))

    def _record(self, subject: tuple[RecordKind, str], entries: list[Entry], day: date) -> AnyRecord | None:
        if subject not in self._latest:
            self._latest[subject] = (max(e.effective_on for e in entries), merge(entries))
        newest_day, record = self._latest[subject]
        if newest_day <= day:
            return record
        then = [e for e in entries if e.effective_on <= day]
        return merge(then) if then else None
