"""Criteria times register, as of a day: a finding for each criterion that is asked. Pure and deterministic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from itertools import chain

from advisor.domain.criteria import CriteriaBook, Criterion, Need, Scope
from advisor.domain.gaps import Finding, State
from advisor.domain.records import FIELDS, Activity, Evidence, Initiative, RecordKind, Stage, Track, Verdict
from advisor.domain.register import AnyRecord, Record, Register
from advisor.program.checks import Outcome, check_need
from advisor.program.conditions import Conditions, word_date

_VERDICTS = {
    Verdict.MET: State.MET,
    Verdict.PARTLY: State.UNMET,
    Verdict.UNMET: State.UNMET,
    Verdict.UNKNOWN: State.UNKNOWN,
    Verdict.NOT_APPLICABLE: State.NOT_APPLICABLE,
}
_WORST = (State.UNMET, State.STALE, State.UNKNOWN, State.MET)


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
        by_site: dict[str, list[tuple[Track, Stage]]] = defaultdict(list)
        for initiative in self.active:
            by_site[initiative.fields.site].append((initiative.fields.track, initiative.fields.stage))
        yield from self._judge_initiatives(by_scope[Scope.INITIATIVE])
        for site in self.register.sites:
            places = by_site[site.subject]
            for criterion in by_scope[Scope.SITE]:
                if places and criterion.applies_to(places):
                    yield self._judge(criterion, site.subject, site.fields.name)
        everywhere = list(chain.from_iterable(by_site.values()))
        for criterion in by_scope[Scope.PROGRAM]:
            if criterion.applies_to(everywhere) or (criterion.id, "") in self._evidence:
                yield self._judge(criterion, "", "the program")
        if not self.active:  # a company without a register has its assessment
            for criterion in (*by_scope[Scope.INITIATIVE], *by_scope[Scope.SITE]):
                if said := self._read_evidence(criterion, "", ""):
                    yield self._finding(criterion, "", said, attested=True)

    def _judge_initiatives(self, criteria: Sequence[Criterion]) -> Iterator[Finding]:
        asked: dict[tuple[Track, Stage], list[Criterion]] = {}
        for initiative in self.active:
            place = (initiative.fields.track, initiative.fields.stage)
            if place not in asked:
                asked[place] = [criterion for criterion in criteria if criterion.applies_at(*place)]
            for criterion in asked[place]:
                yield self._judge(criterion, initiative.subject, initiative.fields.name)

    def _judge(self, criterion: Criterion, subject: str, name: str) -> Finding:
        site = ""
        if criterion.scope is Scope.INITIATIVE and (initiative := self.register.find_initiative(subject)):
            site = initiative.fields.site
        said = self._read_evidence(criterion, subject, site)
        if said and said.state is State.NOT_APPLICABLE:
            return self._finding(criterion, subject, said, attested=True)
        if not criterion.needs:
            silent = Outcome(State.UNKNOWN, lambda: f"Nobody has attested this yet for {name}.", absent=True)
            return self._finding(criterion, subject, said or silent, attested=said is not None)
        seen = [
            check_need(
                need,
                self._records(need, criterion, subject),
                self._conditions,
                absence=criterion.absence,
                name=name,
            )
            for need in criterion.needs
        ]
        worst = min(seen, key=lambda outcome: _WORST.index(outcome.state))
        if worst.state is State.MET:
            records = tuple(record for outcome in seen for record in outcome.records)
            shown = Outcome(State.MET, lambda: " ".join(outcome.say() for outcome in seen), records)
        else:
            shown = worst
        if said and said.state is not State.UNKNOWN:
            weak = shown.absent or shown.state is State.STALE
            if weak and said.state is not State.STALE:
                return self._finding(criterion, subject, said, attested=True)
            if not weak and said.state is not shown.state and said.state is not State.STALE:
                conflict = f"{said.say()} The register shows otherwise."
                return self._finding(criterion, subject, shown, conflict=conflict)
        return self._finding(criterion, subject, shown)

    def _finding(
        self, criterion: Criterion, subject: str, outcome: Outcome, *, attested: bool = False, conflict: str = ""
    ) -> Finding:
        return Finding(
            criterion=criterion,
            scope=criterion.scope,
            subject=subject,
            state=outcome.state,
            say=outcome.say,
            records=outcome.records,
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

    def _read_evidence(self, criterion: Criterion, subject: str, site: str) -> Outcome | None:
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
        records = (record,)
        if expires < self.register.as_of and said.verdict is not Verdict.UNKNOWN:
            return Outcome(State.STALE, lambda: f"{reason} That expired on {word_date(expires)}.", records)
        return Outcome(_VERDICTS[said.verdict], lambda: reason, records)

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
