"""Which exit criteria of its stage each initiative meets, and which initiatives have stalled."""

from __future__ import annotations

from advisor.domain.criteria import CriteriaBook, Criterion, Scope
from advisor.domain.gaps import Finding, GateItem, GateReadiness, PlaybookRef, Sign, StatusLine
from advisor.domain.records import LADDERS, GateReview, Initiative, Stage
from advisor.domain.register import Record, Register
from advisor.program.checks import refer, refer_all
from advisor.program.engine import Engine

_ENOUGH_SIGNS = 2


def assess_gates(engine: Engine) -> tuple[GateReadiness, ...]:
    """Return the readiness of every active initiative for its next gate, in order of initiative."""
    by_place: dict[tuple[Scope, str], list[Finding]] = {}
    for finding in engine.findings:
        by_place.setdefault((finding.scope, finding.subject), []).append(finding)
    found = []
    for initiative in engine.active:
        mine = [
            *by_place.get((Scope.INITIATIVE, initiative.subject), []),
            *by_place.get((Scope.SITE, initiative.fields.site), []),
            *by_place.get((Scope.PROGRAM, ""), []),
        ]
        found.append(_assess(engine, initiative, mine))
    return tuple(found)


def _assess(engine: Engine, initiative: Record[Initiative], findings: list[Finding]) -> GateReadiness:
    register, fields = engine.register, initiative.fields
    since = initiative.stages[-1][1] if initiative.stages else initiative.since
    days = (register.as_of - since).days
    following = next_stage(fields)
    limit = find_day_limit(engine.book, fields)
    override = _find_override(register, initiative.subject, following)
    status = describe_status(register, initiative)
    signs = tuple(
        sign
        for sign, shows in (
            (Sign.TIME, limit is not None and days > limit),
            (Sign.SILENCE, status.missed >= (engine.book.days("silence_check_ins") or 1)),
            (Sign.NO_OWNER, not fields.accountable_owner),
        )
        if shows
    )
    items = tuple(_item(f) for f in findings if fields.stage in f.criterion.gate) if following else ()
    return GateReadiness(
        initiative=initiative.subject,
        name=fields.name,
        stage=fields.stage,
        next_stage=following,
        since=since,
        days_in_stage=days,
        day_limit=limit,
        gate_on=fields.next_gate_on,
        items=items,
        set_aside=override.fields.criteria if override else (),
        override=f"{override.fields.reason} (approved by {override.fields.approver})" if override else "",
        signs=signs,
        stalled=Sign.TIME in signs or len(signs) >= _ENOUGH_SIGNS,
    )


def next_stage(fields: Initiative) -> Stage | None:
    """Return the stage after the one that an initiative is in, or None at the top of the ladder."""
    ladder = LADDERS[fields.track]
    place = ladder.index(fields.stage) + 1
    return ladder[place] if place < len(ladder) else None


def find_day_limit(book: CriteriaBook, fields: Initiative) -> int | None:
    """Return the days after which an initiative in its stage counts as stalled; None at the top of the ladder."""
    ladder = LADDERS[fields.track]
    if fields.stage is ladder[-1]:
        return None
    return book.days("pilot_days" if fields.stage is ladder[0] else "stage_days")


def _find_override(register: Register, subject: str, following: Stage | None) -> Record[GateReview] | None:
    reviews = [
        r for r in register.of(GateReview, subject) if r.fields.outcome == "override" and r.fields.to_stage is following
    ]
    return max(reviews, key=lambda r: (r.as_of, r.version), default=None)


def _item(finding: Finding) -> GateItem:
    return GateItem(
        criterion=finding.criterion.id,
        title=finding.criterion.gap,
        says=finding.criterion.says,
        state=finding.state,
        reason=finding.reason,
        action=finding.criterion.action,
        evidence=refer_all([finding]),
        playbook=cite_playbook(finding.criterion),
    )


def cite_playbook(criterion: Criterion) -> PlaybookRef:
    """Return the citation of the passage that a criterion rests on."""
    return PlaybookRef(
        section_id=criterion.section_id,
        playbook=criterion.playbook,
        section=criterion.section,
        quote=criterion.quote,
        sources=criterion.sources,
        reviewed_on=criterion.reviewed_on,
    )


def describe_status(register: Register, initiative: Record[Initiative]) -> StatusLine:
    """Return how an initiative stands in its owner's words, with the age of those words."""
    fields = initiative.fields
    status = register.latest_status(initiative.subject)
    last = status.as_of if status else initiative.since
    age = (register.as_of - last).days
    site = next((s.fields.name for s in register.sites if s.subject == fields.site), fields.site)
    return StatusLine(
        initiative=initiative.subject,
        name=fields.name,
        site=site,
        stage=fields.stage,
        health=status.fields.health.words if status else "unknown",
        owner=fields.accountable_owner,
        summary=status.fields.summary if status else "",
        as_of=status.as_of if status else None,
        age=age if status else None,
        missed=max(0, age - 1) // fields.check_in_days,
        ref=refer(status) if status else None,
    )
