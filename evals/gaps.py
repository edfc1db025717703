"""Judges of gaps: those that an answer tells, those that the office ranks, and the page that tells them."""

from __future__ import annotations

from advisor.domain.dialogue import Paragraph
from evals.seen import Score, Seen, Summary, list_sentences, share


def score_gaps(seen: Seen) -> Score | None:
    """Whether the answer tells, of the place that was asked about, the gaps that are open there and none that is not.

    A gap is told where its title stands in a sentence that names the place, or below a first one that does.
    """
    if seen.summary is None:
        return None
    checks = {f"{id_} is not told": _tells(seen, seen.summary, id_) for id_ in seen.case.gaps}
    checks |= {f"{id_} is told": not _tells(seen, seen.summary, id_) for id_ in seen.case.closed}
    return share(checks)


def _tells(seen: Seen, summary: Summary, criterion: str) -> bool:
    title = summary.titles.get(criterion, criterion).casefold()
    told = [text.casefold() for text, _ in list_sentences(seen.answer) if title in text.casefold()]
    if not summary.places:
        return bool(told)
    first = seen.answer.blocks[0] if seen.answer.blocks else None
    opened = first.sentences[0].text.casefold() if isinstance(first, Paragraph) else ""
    every = [name.casefold() for name in summary.names]
    own = [name.casefold() for name in summary.places]
    for text in told:
        named = [name for name in every if name in text]
        if any(name in text for name in own) or (not named and any(name in opened for name in own)):
            return True
    return False


def score_ranked(seen: Seen) -> Score | None:
    """Whether the office, asked itself, holds the gaps open that must be, and none that the register shows closed."""
    if seen.summary is None:
        return None
    checks = {f"{id_} is not open": id_ in seen.summary.open for id_ in seen.case.gaps}
    checks |= {f"{id_} is open": id_ not in seen.summary.open for id_ in seen.case.closed}
    return share(checks)


def score_fidelity(seen: Seen) -> Score | None:
    """Whether each gap is cited on both sides by what stands there, and the page's counts are those of the register."""
    if seen.summary is None:
        return None
    page, register, gaps = seen.summary.page, seen.summary.register, seen.summary.gaps
    checks: dict[str, bool] = {}
    for gap in page.gaps:
        section = seen.sections.get(gap.playbook.section_id)
        checks[f"{gap.criterion}: the quote"] = section is not None and any(
            gap.playbook.quote == statement.text for statement in section.statements
        )
        for ref in gap.evidence:
            record = register.find(ref.kind, ref.subject)
            checks[f"{gap.criterion}: entry {ref.number}"] = record is not None and record.version == ref.number
    checks["initiatives by phase"] = sum(n for _, n in page.by_phase) == page.initiatives == len(page.heat)
    checks["gaps counted"] = page.open_gaps == len(gaps)
    checks["the gaps, in their order"] = page.gaps == gaps
    checks["a level of each dimension"] = bool(page.levels) and all(len(v) == len(page.levels) for _, v in page.heat)
    checks["as of its newest entry"] = page.entries == register.head
    if seen.facts and not seen.summary.places:
        late = {(action.subject, action.fields["due_on"]) for action in seen.facts.overdue}
        checks["overdue actions"] = {(item.subject, item.due.isoformat()) for item in page.overdue} == late
        checks["stalled initiatives"] = set(page.stalled) == {fact.fields["name"] for fact in seen.facts.stalled}
    return share(checks)
