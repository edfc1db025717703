"""Answers from the register: what your program is, cited entry by entry, kept apart from what the playbook says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from advisor.domain.criteria import Scope
from advisor.domain.dialogue import Draft, Outcome, Paragraph, Role, Sentence, drop_unused_citations
from advisor.domain.gaps import Finding, State
from advisor.program.answers import progress, records, standing, status
from advisor.program.answers.citing import RegisterCitations
from advisor.program.answers.parts import YOURS, Parts
from advisor.program.asked import Asked, Topic
from advisor.program.engine import Engine
from advisor.program.names import join_names
from advisor.text import decapitalise

_ANSWERS = {
    Topic.STATUS: status.answer_status,
    Topic.OWNER: status.answer_owner,
    Topic.PLATE: status.answer_plate,
    Topic.STAGE: status.answer_stage,
    Topic.AGE: status.answer_age,
    Topic.GATE: progress.answer_gate,
    Topic.STALLED: progress.answer_stalled,
    Topic.CHANGED: progress.answer_changed,
    Topic.OVERDUE: progress.answer_overdue,
    Topic.WEAKEST: standing.answer_weakest,
    Topic.KPI: standing.answer_kpi,
    Topic.LIST: standing.answer_list,
    Topic.RECORDS: records.answer_records,
    Topic.FOUND: records.answer_found,
}


def report_on(engine: Engine, earlier: Engine, asked: Asked, question: str, role: Role) -> Draft:
    """Return the answer to one question about the program; it asks back when a name is not in the register."""
    if asked.unknown:
        names = join_names(initiative.fields.name for initiative in engine.active)
        said = f"The register knows no “{asked.unknown}”. It holds: {names}."
        return Draft(outcome=Outcome.CLARIFY, blocks=(Paragraph(title=YOURS, sentences=(Sentence(text=said),)),))
    parts = Parts(engine, earlier, asked, question, role)
    blocks = tuple(_ANSWERS[asked.topic](parts))
    return drop_unused_citations(Draft(outcome=Outcome.ANSWERED, blocks=blocks, citations=parts.book.all))


def comment_on(findings: Sequence[Finding], sections: Sequence[str], names: dict[str, str]) -> Draft | None:
    """Return one sentence on how the program stands to the criteria of the sections that an answer cites, or None.

    The open criterion of the section cited first speaks; `names` are the names of initiatives by id.
    """
    for section in sections:
        here = [f for f in findings if f.criterion.section_id == section]
        open_here = [f for f in here if f.state in {State.UNMET, State.STALE}]
        if not open_here:
            continue
        criterion = max(open_here, key=lambda f: (f.criterion.weight, f.criterion.id)).criterion
        asked = [f for f in here if f.criterion.id == criterion.id]
        failing = [f for f in asked if f.state in {State.UNMET, State.STALE}]
        book = RegisterCitations()
        where = [names[f.subject] for f in failing if f.subject in names]
        cited = [book.cite(r) for f in failing[:3] for r in f.records[:1]]
        cited = cited or [book.cite_absence(failing[0].reason)]
        noun = "sites" if criterion.scope is Scope.SITE else "initiatives"
        count = f"{len(failing)} of {len(asked)} {noun} {'fall' if len(failing) > 1 else 'falls'}"
        if where:
            more = f" and {len(where) - 3} more" if len(where) > 3 else ""
            text = f"{count} short of this ({decapitalise(criterion.gap)}): {', '.join(where[:3])}{more}."
        elif all(f.state is State.STALE for f in failing):
            text = f"What is known of this is out of date: {failing[0].reason}"
        else:
            text = f"{criterion.gap}."
        sentences = [Sentence(text=text, citations=tuple(dict.fromkeys(cited)))]
        if conflict := next((f for f in failing if f.conflict), None):
            sentences.append(Sentence(text=conflict.conflict, citations=tuple(map(book.cite, conflict.records[:1]))))
        blocks = (Paragraph(title=YOURS, sentences=tuple(sentences)),)
        return Draft(outcome=Outcome.ANSWERED, blocks=blocks, citations=book.all)
    return None


def find_earlier_day(asked: Asked, today: date) -> date:
    """Return the day that "what changed" compares with: the one that the question names, else 30 days back."""
    return asked.since or today - timedelta(days=30)
