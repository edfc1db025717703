"""Where the program is weakest, its KPIs, and lists of initiatives."""

from __future__ import annotations

from collections import defaultdict

from advisor.domain.dialogue import Block, ListBlock, Paragraph, Sentence
from advisor.domain.gaps import State
from advisor.domain.records import KpiCard
from advisor.program.answers.parts import YOURS, Parts
from advisor.program.names import join_names
from advisor.program.ranking import Levels, rank_gaps
from advisor.text import decapitalise

_CRITERION_OF = {
    "have no accountable owner": "accountable-owner-named",
    "have no OT owner": "it-and-ot-owner",
    "have no IT owner": "it-and-ot-owner",
    "have no sponsor": "sponsor-named",
}


def answer_weakest(parts: Parts) -> list[Block]:
    """Say where the program is weakest."""
    chosen = {initiative.subject for initiative in parts.chosen()}
    levels = Levels(parts.engine)
    gaps = [
        gap
        for gap in rank_gaps(parts.engine, levels, list(parts.gates.values()))
        if gap.state is not State.UNKNOWN and (set(gap.subjects) & chosen or not gap.subjects[0])
    ]
    if not gaps:
        return parts.nothing("Nothing that is known falls short of its target.")
    burden: dict[str, float] = defaultdict(float)
    for gap in gaps:
        for subject in gap.subjects:
            if subject in chosen:
                burden[subject] += gap.priority / len(gap.subjects)
    blocks: list[Block] = []
    if burden:
        subject, _ = max(sorted(burden.items()), key=lambda pair: pair[1])
        initiative = next(i for i in parts.engine.active if i.subject == subject)
        count = sum(subject in gap.subjects for gap in gaps)
        first = f"{initiative.fields.name} carries the most pressing gaps: {count} are open."
        if len(chosen) == 1:
            first = f"{initiative.fields.name} has {count} open gap{'s' if count != 1 else ''}."
        sentences = [Sentence(text=first, citations=(parts.book.cite(initiative),), strong=True)]
        known = [d for d in levels.of_program(parts.register, {}) if d.average is not None]
        if known and len(chosen) > 1 and not parts.asked.sites:
            low = sorted(known, key=lambda d: ((d.average or 0) - d.target, d.dimension))[:3]
            said = join_names(f"{d.title} ({d.average:g} of {d.target})" for d in low)
            sentences.append(
                Sentence(
                    text=f"The dimensions furthest below their targets are {said}.",
                    citations=(parts.book.cite(initiative),),
                )
            )
        blocks.append(Paragraph(title=YOURS, sentences=tuple(sentences)))
    elif len(chosen) == 1:
        only = parts.chosen()[0]
        blocks.append(parts.lead(f"{only.fields.name} has no open gap of its own.", [only]))
    items, passages = [], []
    for gap in gaps[: parts.most]:
        cited = parts.cite_item(gap.evidence, gap.reason)
        items.append(
            Sentence(text=f"{gap.title} ({', '.join(gap.where[:3])}): {gap.reason} Next: {gap.action}", citations=cited)
        )
        passages.append(gap.playbook)
    rest = gaps[parts.most :] if parts.asked.initiatives or parts.asked.sites else []
    if rest:  # of the whole program it would be too long to read
        cited = tuple(dict.fromkeys(number for gap in rest for number in parts.cite_item(gap.evidence[:1], gap.reason)))
        items.append(
            Sentence(text=f"Also open: {'; '.join(decapitalise(gap.title) for gap in rest)}.", citations=cited)
        )
    blocks.append(ListBlock(title="The most pressing gaps", items=tuple(items)))
    return [*blocks, *parts.quote(passages[:3])]


def answer_kpi(parts: Parts) -> list[Block]:
    """Give the newest reading of each KPI beside its target."""
    cards = set(parts.asked.cards)
    without = [
        i for i in parts.chosen() if not any(c.fields.role == "lagging" for c in parts.register.of(KpiCard, i.subject))
    ]
    if "lagging" in parts.question.lower() and not cards:
        with_one = len(parts.chosen()) - len(without)
        first = f"{with_one} of {len(parts.chosen())} initiatives have a lagging KPI"
        first += (
            f"; {join_names(i.fields.name for i in without)} {'have' if len(without) > 1 else 'has'} none."
            if without
            else "."
        )
        blocks: list[Block] = [parts.lead(first, without[:3] or parts.chosen()[:1])]
        return [
            *blocks,
            *parts.finding_side(
                [f for f in parts.engine.findings if f.criterion.id == "lagging-kpi-window" and f.open]
            ),
        ]
    told = {i.fields.name: parts.readings(i, cards) for i in parts.chosen()}
    items = [sentence for sentences in told.values() for sentence in sentences]
    if not items:
        return parts.nothing(f"No KPI card{parts.place()} fits that question.")
    where = join_names(sorted(name for name, sentences in told.items() if sentences))
    lead = Sentence(
        text=f"{len(items)} KPI{'s are' if len(items) != 1 else ' is'} recorded, for {where}.",
        citations=items[0].citations,
        strong=True,
    )
    return [Paragraph(title=YOURS, sentences=(lead,)), ListBlock(items=tuple(items[: parts.most * 2]))]


def answer_list(parts: Parts) -> list[Block]:
    """List the initiatives that have, or lack, something."""
    chosen = parts.chosen()
    words = parts.asked.filter_words or "are active"
    found = [i for i in chosen if parts.asked.keep is None or parts.asked.keep(i)]
    if not found:
        said = words.replace("have no ", "is without a ", 1).replace("are ", "is ", 1).replace("have ", "has ", 1)
        return parts.nothing(f"None of the {len(chosen)} initiatives{parts.place()} {said}.")
    names = join_names(i.fields.name for i in found)
    first = f"{len(found)} of {len(chosen)} initiatives{parts.place()} {words}: {names}."
    if len(found) == 1:
        verb = words.replace("are ", "is ", 1).replace("have ", "has ", 1)
        first = f"1 of {len(chosen)} initiatives{parts.place()} {verb}: {found[0].fields.name}."
    items = tuple(parts.overview_item(i, parts.line(i)) for i in found)
    blocks: list[Block] = [parts.lead(first, found[:3]), ListBlock(items=items)]
    criterion = _CRITERION_OF.get(words)
    if criterion:
        blocks += parts.finding_side([f for i in found for f in parts.findings(i.subject, criterion)])
    return blocks
