"""Criteria times register, as of a day: a finding for each criterion that is asked. Pure and deterministic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from advisor.domain.criteria import CriteriaBook, Criterion, Need, Scope
from advisor.domain.gaps import EntryRef, Finding, State
from advisor.domain.records import FIELDS, Activity, Evidence, Initiative, RecordKind, Stage, Track, Verdict
from advisor.domain.register import AnyRecord, Record, Register
from advisor.program.conditions import Conditions, word_date, word_field, word_record, word_value

_SHOWN = 3
_VERDICTS = {
    Verdict.MET: State.MET,
    Verdict.PARTLY: State.UNMET,
    Verdict.UNMET: State.UNMET,
    Verdict.UNKNOWN: State.UNKNOWN,
    Verdict.NOT_APPLICABLE: State.NOT_APPLICABLE,
}
_WORST = (State.UNMET, State.STALE, State.UNKNOWN, State.MET)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a need, or an attestation, stands. `absent` means that no record speaks to it at all."""

    state: State
    reason: str
    records: tuple[AnyRecord, ...] = ()
    absent: bool = False


class Engine:
    """Checks one register against one book of criteria. Findings come in the order of initiatives and criteria."""

    def __init__(self, register: Register, book: CriteriaBook) -> None:
        self.register = register
        self.book = book
        self._conditions = Conditions(book, register.as_of)
        self._evidence = self._index_evidence()

    @cached_property
    def active(self) -> tuple[Record[Initiative], ...]:
        """The initiatives that are being worked on."""
        return tuple(i for i in self.register.initiatives if i.fields.activity in {Activity.ACTIVE, Activity.PAUSED})

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every criterion on everything that it is asked of; what does not apply is left out."""
        return tuple(f for f in self._find_all() if f.state is not State.NOT_APPLICABLE)

    def _find_all(self) -> Iterator[Finding]:
        by_scope: dict[Scope, list[Criterion]] = defaultdict(list)
        for criterion in self.book.criteria:
            by_scope[criterion.scope].append(criterion)
        for initiative in self.active:
            place = (initiative.fields.track, initiative.fields.stage)
            for criterion in by_scope[Scope.INITIATIVE]:
                if criterion.applies_at(*place):
                    yield self._judge(criterion, initiative.subject, initiative.fields.name)
        for site in self.register.sites:
            places = self._places(site.subject)
            for criterion in by_scope[Scope.SITE]:
                if places and criterion.applies_to(places):
                    yield self._judge(criterion, site.subject, site.fields.name)
        for criterion in by_scope[Scope.PROGRAM]:
            if criterion.applies_to(self._places()) or (criterion.id, "") in self._evidence:
                yield self._judge(criterion, "", "the program")
        if not self.active:  # a company without a register has its assessment
            for criterion in (*by_scope[Scope.INITIATIVE], *by_scope[Scope.SITE]):
                if said := self._read_evidence(criterion, "", ""):
                    yield self._finding(criterion, "", said, attested=True)

    def _places(self, site: str = "") -> list[tuple[Track, Stage]]:
        return [(i.fields.track, i.fields.stage) for i in self.active if site in {"", i.fields.site}]

    def _judge(self, criterion: Criterion, subject: str, name: str) -> Finding:
        site = ""
        if criterion.scope is Scope.INITIATIVE and (initiative := self.register.find_initiative(subject)):
            site = initiative.fields.site
        said = self._read_evidence(criterion, subject, site)
        if said and said.state is State.NOT_APPLICABLE:
            return self._finding(criterion, subject, said, attested=True)
        if not criterion.needs:
            silent = _Outcome(State.UNKNOWN, f"Nobody has attested this for {name} yet.", absent=True)
            return self._finding(criterion, subject, said or silent, attested=said is not None)
        seen = [self._check(need, criterion, subject, name) for need in criterion.needs]
        worst = min(seen, key=lambda outcome: _WORST.index(outcome.state))
        if worst.state is State.MET:
            records = tuple(record for outcome in seen for record in outcome.records)
            shown = _Outcome(State.MET, " ".join(outcome.reason for outcome in seen), records)
        else:
            shown = worst
        if said and said.state is not State.UNKNOWN:
            weak = shown.absent or shown.state is State.STALE
            if weak and said.state is not State.STALE:
                return self._finding(criterion, subject, said, attested=True)
            if not weak and said.state is not shown.state and said.state is not State.STALE:
                conflict = f"{said.reason} The register shows otherwise."
                return self._finding(criterion, subject, shown, conflict=conflict)
        return self._finding(criterion, subject, shown)

    def _finding(
        self, criterion: Criterion, subject: str, outcome: _Outcome, *, attested: bool = False, conflict: str = ""
    ) -> Finding:
        return Finding(
            criterion=criterion,
            scope=criterion.scope,
            subject=subject,
            state=outcome.state,
            reason=outcome.reason,
            refs=tuple(refer(record) for record in outcome.records[:_SHOWN]),
            attested=attested,
            conflict=conflict,
        )

    # What people have said

    def _index_evidence(self) -> dict[tuple[str, str], Record[Evidence]]:
        """Return the newest evidence for each criterion and what it speaks of: an initiative, a site, or all ("")."""
        newest: dict[tuple[str, str], Record[Evidence]] = {}
        for record in self.register.all(Evidence):
            key = (record.fields.criterion, record.fields.initiative or record.fields.site)
            known = newest.get(key)
            if known is None or (record.as_of, record.version) > (known.as_of, known.version):
                newest[key] = record
        return newest

    def _read_evidence(self, criterion: Criterion, subject: str, site: str) -> _Outcome | None:
        """Return what the nearest evidence says: on the initiative, else on its site, else on the whole program."""
        record = next(
            (self._evidence[criterion.id, of] for of in (subject, site, "") if (criterion.id, of) in self._evidence),
            None,
        )
        if record is None:
            return None
        said = record.fields
        expires = said.expires_on or record.as_of + timedelta(days=self.book.days("evidence_days") or 0)
        by = f" by {said.by}" if said.by else ""
        verdict = {"unmet": "not met", "partly": "partly met"}.get(
            said.verdict.value, said.verdict.value.replace("_", " ")
        )
        reason = f"Attested as {verdict}{by} on {word_date(record.as_of)}."
        if expires < self.register.as_of and said.verdict is not Verdict.UNKNOWN:
            return _Outcome(State.STALE, f"{reason} That expired on {word_date(expires)}.", (record,))
        return _Outcome(_VERDICTS[said.verdict], reason, (record,))

    # What the register shows

    def _records(self, need: Need, criterion: Criterion, subject: str) -> Sequence[AnyRecord]:
        model = FIELDS[need.record]
        if criterion.scope is Scope.PROGRAM:
            return self.active if need.record is RecordKind.INITIATIVE else self.register.all(model)
        if criterion.scope is Scope.SITE:
            if need.record is RecordKind.SITE:
                return [record for record in self.register.sites if record.subject == subject]
            there = [initiative for initiative in self.active if initiative.fields.site == subject]
            if need.record is RecordKind.INITIATIVE:
                return there
            return [record for initiative in there for record in self.register.of(model, initiative.subject)]
        if need.record is RecordKind.INITIATIVE:
            return [record for record in (self.register.find_initiative(subject),) if record]
        return self.register.of(model, subject)

    def _check(self, need: Need, criterion: Criterion, subject: str, name: str) -> _Outcome:
        known = self._records(need, criterion, subject)
        if not known:
            state = State(criterion.absence)
            return _Outcome(state, f"The register holds no {need.record.words} for {name}.", absent=True)
        recent = self._within(need, known)
        if not recent:
            newest = max(known, key=lambda record: (record.as_of, record.version))
            reason = f"The newest {need.record.words} for {name} is of {word_date(newest.as_of)}."
            return _Outcome(State.STALE, reason, (newest,))
        asked = [record for record in recent if self._conditions.hold(record.fields, need.only)]
        if not asked:
            if need.quantity in {"all", "none"}:
                return _Outcome(State.MET, f"No {need.record.words} for {name} calls for it.", tuple(recent[:1]))
            wanted = ", ".join(f"{word_field(field)} {word_value(value)}" for field, value in need.only.items())
            count = (
                f"None of the {len(recent)} {need.record.words}s" if len(recent) > 1 else f"The one {need.record.words}"
            )
            has = "has" if len(recent) > 1 else "does not have"
            return _Outcome(State.UNMET, f"{count} for {name} {has} {wanted}.", tuple(recent))
        holding = [record for record in asked if self._conditions.hold(record.fields, need.where)]
        failing = [record for record in asked if record not in holding]
        return self._weigh(need, asked, holding, failing)

    def _within(self, need: Need, records: Sequence[AnyRecord]) -> Sequence[AnyRecord]:
        days = self.book.days(need.within_days)
        if days is None:
            return records
        first = self.register.as_of - timedelta(days=days)
        return [record for record in records if record.as_of >= first]

    def _weigh(
        self,
        need: Need,
        asked: Sequence[AnyRecord],
        holding: Sequence[AnyRecord],
        failing: Sequence[AnyRecord],
    ) -> _Outcome:
        if need.quantity == "none":
            if not holding:
                return _Outcome(State.MET, f"None of {_count(asked, need)} does.", tuple(asked))
            matches = self._conditions.find_matches
            offenders = [f"{word_record(r)}: {', '.join(matches(r.fields, need.where))}" for r in holding]
            return _Outcome(State.UNMET, f"{_list(offenders)}.", tuple(holding))
        if need.count_bound:
            what, bound = need.count_bound
            number = len(holding) if what == "count" else len(holding) / len(asked)
            shown = f"{len(holding)} of {_count(asked, need)}"
            if what == "share":
                shown += f" ({number * 100:.0f} %)"
            if self._conditions.within(number, bound):
                return _Outcome(State.MET, f"{shown}.", tuple(holding))
            reason = f"{shown}; needed are {self._conditions.word_bound(bound)}."
            return _Outcome(State.UNMET, reason, tuple(failing or asked))
        if (need.quantity == "all" and failing) or not holding:
            worst = failing[:_SHOWN] if need.quantity == "all" else failing[-1:]
            parts = [
                f"{word_record(r)}: {', '.join(self._conditions.find_failures(r.fields, need.where))}" for r in worst
            ]
            more = f"; {len(failing) - _SHOWN} more" if need.quantity == "all" and len(failing) > _SHOWN else ""
            return _Outcome(State.UNMET, f"{_capital('; '.join(parts))}{more}.", tuple(worst))
        return self._check_age(need, holding)

    def _check_age(self, need: Need, holding: Sequence[AnyRecord]) -> _Outcome:
        newest = max(holding, key=lambda record: (record.as_of, record.version))
        days = self.book.days(need.fresh_days)
        if days is not None and (age := (self.register.as_of - newest.as_of).days) > days:
            reason = f"{_capital(word_record(newest))} is {age} days old; at most {days} count."
            return _Outcome(State.STALE, reason, (newest,))
        return _Outcome(State.MET, f"{_capital(word_record(newest))}, {word_date(newest.as_of)}.", (newest,))


def refer(record: AnyRecord) -> EntryRef:
    """Return the citation of a record."""
    return EntryRef(
        kind=record.fields.kind,
        subject=record.subject,
        number=record.version,
        as_of=record.as_of,
        text=f"{_capital(word_record(record))}, {word_date(record.as_of)}",
    )


def _count(records: Sequence[AnyRecord], need: Need) -> str:
    return f"{len(records)} {need.record.words}{'s' if len(records) != 1 else ''}"


def _list(shown: Sequence[str]) -> str:
    more = f"; {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return _capital("; ".join(shown[:_SHOWN])) + more


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
