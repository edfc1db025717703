"""The structural assessment: a short interview, one dimension after the other, that writes attested evidence."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.domain.checklist import InterviewQuestion
from advisor.domain.criteria import Criterion, Scope
from advisor.domain.records import Evidence, RecordKind, Verdict
from advisor.domain.register import Record, RecordChange
from advisor.errors import InvalidInputError
from advisor.program.engine import Engine

_MOST_UNKNOWNS = 2
_ANSWERS = {
    "yes": Verdict.MET, "y": Verdict.MET, "partly": Verdict.PARTLY, "p": Verdict.PARTLY, "no": Verdict.UNMET,
    "n": Verdict.UNMET, "unknown": Verdict.UNKNOWN, "u": Verdict.UNKNOWN, "don't know": Verdict.UNKNOWN,
    "i don't know": Verdict.UNKNOWN, "dont know": Verdict.UNKNOWN, "not applicable": Verdict.NOT_APPLICABLE,
    "na": Verdict.NOT_APPLICABLE, "n/a": Verdict.NOT_APPLICABLE,
}  # fmt: skip


def parse_verdict(raw: str) -> Verdict:
    """Return what an answer means, or raise InvalidInputError."""
    plain = raw.strip().lower().replace("’", "'").replace("_", " ").rstrip(".!")
    if plain in _ANSWERS:
        return _ANSWERS[plain]
    try:
        return Verdict(plain.replace(" ", "_"))
    except ValueError:
        raise InvalidInputError(
            f'"{raw[:40]}" is not understood.', "Answer yes, partly, no, unknown or not applicable."
        ) from None


def find_next_question(engine: Engine, *, initiative: str = "", dimension: str = "") -> InterviewQuestion | None:
    """Return the next question about the program, or about one initiative; None when all is said.

    Within a dimension the questions climb the levels, and end with the first no or the second "don't know": what lies
    above cannot be reached anyway. What records or fresh answers settle already is not asked.
    """
    said = _read_said(engine, initiative)
    ladders = _ladders(engine, initiative)
    settled = {
        finding.criterion.id
        for finding in engine.findings
        if (finding.subject == initiative or not initiative) and not finding.attested and finding.records
    }
    answered = len(said)
    first: Criterion | None = None
    left = 0
    for id_, ladder in ladders.items():
        if dimension and id_ != dimension:
            continue
        waiting = _waiting(ladder, said, settled)
        left += len(waiting)
        first = first or (waiting[0] if waiting else None)
    if first is None:
        return None
    return InterviewQuestion(
        criterion=first.id,
        dimension=engine.book.dimension_by_id[first.dimension].title,
        level=first.level,
        ask=first.ask,
        playbook=first.playbook,
        section=first.section,
        quote=first.quote,
        answered=answered,
        left=left,
    )


def _read_said(engine: Engine, initiative: str) -> dict[str, Record[Evidence]]:
    """Return the newest answer to each criterion, for exactly this scope, that has not expired."""
    days = engine.book.days("evidence_days") or 0
    found: dict[str, Record[Evidence]] = {}
    for record in sorted(engine.register.all(Evidence), key=lambda r: (r.as_of, r.version)):
        fields = record.fields
        fresh = (engine.register.as_of - record.as_of).days <= days
        if (fields.initiative or fields.site) == initiative and fresh:
            found[fields.criterion] = record
    return found


def _ladders(engine: Engine, initiative: str) -> Mapping[str, list[Criterion]]:
    record = engine.register.find_initiative(initiative)
    ladders: dict[str, list[Criterion]] = {dimension.id: [] for dimension in engine.book.dimensions}
    for criterion in sorted(engine.book.criteria, key=lambda c: (c.level, -c.weight, c.id)):
        if record is None or (
            criterion.scope is Scope.INITIATIVE and criterion.applies_at(record.fields.track, record.fields.stage)
        ):
            ladders[criterion.dimension].append(criterion)
    return ladders


def _waiting(ladder: list[Criterion], said: Mapping[str, Record[Evidence]], settled: set[str]) -> list[Criterion]:
    """Return what is still to be asked on one ladder; `settled` are criteria that records speak to."""
    waiting: list[Criterion] = []
    unknowns = 0
    for criterion in ladder:
        if criterion.id in said:
            verdict = said[criterion.id].fields.verdict
            unknowns += verdict is Verdict.UNKNOWN
            if verdict in {Verdict.UNMET, Verdict.PARTLY} or unknowns >= _MOST_UNKNOWNS:
                return []
        elif criterion.id not in settled:
            waiting.append(criterion)
    return waiting


def record_verdict(
    criterion: str, verdict: Verdict, *, initiative: str, by: str, note: str, reference: str
) -> RecordChange:
    """Return the change that records an answer as attested evidence."""
    fields = {
        "criterion": criterion,
        "verdict": verdict.value,
        "type": "document" if reference else "attestation",
        "initiative": initiative,
        "by": by,
        "note": note,
        "reference": reference,
    }
    return RecordChange(kind=RecordKind.EVIDENCE, fields={name: value for name, value in fields.items() if value})
