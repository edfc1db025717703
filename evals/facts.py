"""The register as a judge reads it: the raw log, added up here once more, and the counts that follow from it.

Nothing of the product's engine or projection takes part: a fault there must not move both sides of a comparison.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from advisor.domain.records import LADDERS, Track

_LOG = "SELECT number, kind, subject, patch, effective_on, supersedes FROM entry ORDER BY number"
_CLOSED = frozenset({"done", "cancelled"})
_PEOPLE = frozenset(
    """accountable_owner business_owner it_owner ot_owner sponsor owner decides override_by escalate_to approver
    by""".split()
)
_ENOUGH_SIGNS = 2


class Line(NamedTuple):
    """One entry of the log."""

    number: int
    kind: str
    subject: str
    patch: Mapping[str, Any]
    on: date
    supersedes: int | None = None


class Fact(NamedTuple):
    """What the entries on one subject add up to; `days` are theirs, `number` is the newest one's."""

    kind: str
    subject: str
    fields: Mapping[str, Any]
    as_of: date
    days: tuple[date, ...]
    number: int = 0
    stages: tuple[tuple[str, date], ...] = ()

    def day(self, name: str) -> date | None:
        """Return a field that holds a date."""
        return date.fromisoformat(self.fields[name]) if self.fields.get(name) else None


class Words(NamedTuple):
    """How the playbooks word their criteria: the titles of gaps, what is asked for, what to do; in small letters."""

    titles: frozenset[str] = frozenset()
    says: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    ids: Mapping[str, str] = {}
    """Ids of criteria by the titles of their gaps."""


_NO_WORDS = Words()


class Facts:
    """All facts as of a day, and what can be counted of them. `limits` are the thresholds of the playbooks by name."""

    def __init__(
        self, lines: Iterable[Line], as_of: date, limits: Mapping[str, float], words: Words = _NO_WORDS
    ) -> None:
        """Add up the lines that hold by the day."""
        self.as_of = as_of
        self.limits = limits
        self.words = words
        self.lines = [line for line in lines if line.on <= as_of]
        self.by_place = {(fact.kind, fact.subject): fact for fact in _add_up(self.lines)}

    def of(self, kind: str, initiative: str = "") -> list[Fact]:
        """Return the facts of a kind, of one initiative when given."""
        found = [fact for (own, _), fact in sorted(self.by_place.items()) if own == kind]
        return [fact for fact in found if not initiative or fact.fields.get("initiative") == initiative]

    def before(self, day: date) -> Facts:
        """Return the facts as of an earlier day."""
        return Facts(self.lines, day, self.limits, self.words)

    def find_cited(self, place_ids: Iterable[str]) -> list[Fact]:
        """Return the facts that citations name by "register/KIND/SUBJECT"; one that names none is left out."""
        places = (id_.removeprefix("register/").partition("/") for id_ in place_ids)
        return [fact for kind, _, subject in places if (fact := self.by_place.get((kind, subject)))]

    def find_near(self, cited: Sequence[Fact]) -> list[Fact]:
        """Return facts that are cited, with the initiatives that they are of."""
        of = {fact.fields.get("initiative") for fact in cited}
        return [*cited, *(fact for fact in self.initiatives if fact not in cited and fact.subject in of)]

    @cached_property
    def initiatives(self) -> list[Fact]:
        """Those that are being worked on."""
        return [fact for fact in self.of("initiative") if fact.fields.get("activity", "active") == "active"]

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of initiatives and sites by id."""
        return {fact.subject: fact.fields["name"] for kind in ("initiative", "site") for fact in self.of(kind)}

    @cached_property
    def people(self) -> frozenset[str]:
        """Everybody whom a record names."""
        named = (fact.fields[name] for fact in self.by_place.values() for name in _PEOPLE & fact.fields.keys())
        return frozenset(name for name in named if len(str(name).split()) > 1 and str(name)[0].isupper())

    @cached_property
    def open_actions(self) -> list[Fact]:
        """Actions that are neither done nor cancelled."""
        return [fact for fact in self.of("action_item") if fact.fields.get("status", "open") not in _CLOSED]

    @cached_property
    def overdue(self) -> list[Fact]:
        """Open actions whose day has passed."""
        return [fact for fact in self.open_actions if (due := fact.day("due_on")) and due < self.as_of]

    def find_status(self, initiative: str) -> Fact | None:
        """Return the newest status update of an initiative."""
        return max(self.of("status_update", initiative), key=lambda fact: fact.as_of, default=None)

    def find_health(self, initiative: str) -> str:
        """Return how an initiative does, as its owner says."""
        status = self.find_status(initiative)
        return str(status.fields["health"]).replace("_", " ") if status else "unknown"

    def count_days(self, initiative: Fact) -> int:
        """Return the days since an initiative entered its stage."""
        return (self.as_of - initiative.stages[-1][1]).days

    def count_missed(self, initiative: Fact) -> int:
        """Return the check-ins that were missed since the newest status."""
        status = self.find_status(initiative.subject)
        age = (self.as_of - (status.as_of if status else initiative.days[0])).days
        return int(max(0, age - 1) // int(initiative.fields.get("check_in_days", 14)))

    def has_stalled(self, initiative: Fact) -> bool:
        """Whether an initiative has been in its stage too long, or is both silent and without an owner."""
        ladder = LADDERS[Track(initiative.fields["track"])]
        limit = self.limits["pilot_days" if initiative.fields["stage"] == ladder[0] else "stage_days"]
        late = initiative.fields["stage"] != ladder[-1] and self.count_days(initiative) > limit
        silent = self.count_missed(initiative) >= self.limits["silence_check_ins"]
        return late or silent + (not initiative.fields.get("accountable_owner")) >= _ENOUGH_SIGNS

    @cached_property
    def stalled(self) -> list[Fact]:
        """The initiatives that count as stalled."""
        return [initiative for initiative in self.initiatives if self.has_stalled(initiative)]


def _add_up(lines: Sequence[Line]) -> Iterator[Fact]:
    gone = {line.supersedes for line in lines if line.supersedes is not None}
    by_place: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.number not in gone and (line.patch or line.supersedes is None):
            by_place.setdefault((line.kind, line.subject), []).append(line)
    newest = {(line.kind, line.subject): line.number for line in sorted(lines, key=lambda line: line.number)}
    for (kind, subject), own in by_place.items():
        own.sort(key=lambda line: (line.on, line.number))
        fields: dict[str, Any] = {}
        stages: list[tuple[str, date]] = []
        for line in own:
            fields |= line.patch
            if "stage" in line.patch and (not stages or stages[-1][0] != line.patch["stage"]):
                stages.append((line.patch["stage"], line.on))
        days = tuple(line.on for line in own)
        yield Fact(kind, subject, fields, days[-1], days, newest[kind, subject], tuple(stages))


def read_facts(database: Path, as_of: date, knowledge_base: Path, thresholds: Mapping[str, float]) -> Facts:
    """Read the log of a SQLite register as rows, and the thresholds as they are written in `program.yaml`."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(_LOG).fetchall()
    lines = [
        Line(n, kind, subject, json.loads(patch), date.fromisoformat(on[:10]), s)
        for n, kind, subject, patch, on, s in rows
    ]
    told = yaml.safe_load((knowledge_base / "program.yaml").read_text(encoding="utf-8"))["thresholds"]
    limits = {name: float(row["value"]) for name, row in told.items()} | dict(thresholds)
    return Facts(lines, as_of, limits, _read_words(knowledge_base))


def _read_words(knowledge_base: Path) -> Words:
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in knowledge_base.glob("*.yaml")]
    parts = [part for file in files for part in file.get("sections", {}).values()]
    criteria = [row for part in parts for row in part.get("criteria", ())]
    worded = (frozenset(row[key].rstrip(".").casefold() for row in criteria) for key in ("gap", "says", "action"))
    titles, says, actions = worded
    return Words(titles, says, actions, {row["gap"].casefold(): row["id"] for row in criteria})


def list_days(fact: Fact) -> Iterator[date]:
    """Yield every day that a fact holds: those of its entries, its fields and its stages."""
    yield from fact.days
    yield from (day for _, day in fact.stages)
    for value in fact.fields.values():
        try:
            yield date.fromisoformat(value)
        except (TypeError, ValueError):
            continue
    last, every = fact.day("last_retrained_on"), fact.fields.get("every_days")
    if last and every:
        yield last + timedelta(days=int(every))
