"""Where the program is weakest, its KPIs, and lists of initiatives."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from advisor.domain.dialogue import Block, ListBlock, Paragraph, Sentence
from advisor.domain.gaps import Gap, State
from advisor.domain.records import KpiCard
from advisor.program.answers.parts import YOURS, Parts
from advisor.program.names import join_names
from advisor.program.ranking import Levels, rank_gaps
from advisor.text import decapitalise

_MOST_PLACES, _MOST_OF_SIDE = 3, 4
_CRITERION_OF = {
    "have no accountable owner": "accountable-owner-named",
    "have no OT owner": "it-and-ot-owner",
    "have no IT owner": "it-and-ot-owner",
    "have no sponsor": "sponsor-named",
}


_COMMON = re.compile(
    r"\b(?:most|(?:nearly|almost) all|many) (?:of )?(?:our |the )?"
    r"(?:initiatives|projects|pilots|use cases|sites|plants)\b|\b(?:most|more) (?:common|widespread|frequent|often)\b"
    r"|\bcommonest\b|\beverywhere\b|\bin common\b",
    re.I,
)
"""Where someone asks what many initiatives share."""


def answer_weakest(parts: Parts) -> list[Block]:
    """Say where the program is weakest."""
    chosen = {initiative.subject for initiative in parts.chosen()}
    levels = Levels(parts.engine)
    ranked = rank_gaps(parts.engine, levels, list(parts.gates.values()))
    if parts.asked.dimensions:
        return _answer_sides(parts, ranked, chosen)
    if _COMMON.search(parts.question) and not parts.asked.initiatives:
        return _answer_common(parts, ranked, chosen)
    gaps = [
        gap for gap in ranked if gap.state is not State.UNKNOWN and (set(gap.subjects) & chosen or not gap.subjects[0])
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
    # of the whole program the rest would be too long to read
    rest = gaps[parts.most :] if parts.asked.initiatives or parts.asked.sites else []
    blocks.append(ListBlock(title="The most pressing gaps", items=_list_gaps(parts, gaps[: parts.most], rest)))
    return [*blocks, *parts.quote([gap.playbook for gap in gaps[: parts.most]][:3])]


def _list_gaps(parts: Parts, gaps: Sequence[Gap], rest: Sequence[Gap]) -> tuple[Sentence, ...]:
    """Return a sentence on each of some gaps, and one that names the rest."""
    items = [
        Sentence(
            text=f"{gap.title} ({', '.join(gap.where[:_MOST_PLACES])}): {gap.reason} Next: {gap.action}",
            citations=parts.cite_item(gap.evidence, gap.reason),
        )
        for gap in gaps
    ]
    if rest:
        cited = tuple(dict.fromkeys(number for gap in rest for number in parts.cite_item(gap.evidence[:1], gap.reason)))
        text = f"Also open: {'; '.join(decapitalise(gap.title) for gap in rest)}."
        items.append(Sentence(text=text, citations=cited))
    return tuple(items)


def _answer_sides(parts: Parts, ranked: Sequence[Gap], chosen: set[str]) -> list[Block]:
    """Say what is open on the sides of an operating model that the question names, also what nobody knows."""
    book = parts.engine.book
    titles = [book.dimension_by_id[id_].title for id_ in parts.asked.dimensions]
    sites = {site.subject for site in parts.asked.sites} or {
        i.fields.site for i in parts.chosen() if not parts.asked.initiatives
    }
    gaps = [
        gap
        for gap in ranked
        if book.by_id[gap.criterion].dimension in parts.asked.dimensions
        and (set(gap.subjects) & (chosen | sites) or not gap.subjects[0])
    ]
    place = (
        f" at {join_names(i.fields.name for i in parts.asked.initiatives)}"
        if parts.asked.initiatives
        else parts.place()
    )
    if not gaps:
        return parts.nothing(f"No gap is known in {join_names(titles)}{place}.")
    unknown = sum(gap.state is State.UNKNOWN for gap in gaps)
    known = len(gaps) - unknown
    parted = [f"{known} known"] if known else []
    parted += [f"{unknown} for want of evidence"] if unknown else []
    many = "gap is" if len(gaps) == 1 else "gaps are"
    first = f"{join_names(titles)}{place}: {len(gaps)} {many} open, {' and '.join(parted)}."
    most = max(parts.most, _MOST_OF_SIDE)
    named = [i for i in parts.chosen() if i.subject in {subject for gap in gaps for subject in gap.subjects}]
    return [
        parts.lead(first, named[:3]),
        ListBlock(items=_list_gaps(parts, gaps[:most], gaps[most:])),
        *parts.quote([gap.playbook for gap in gaps[:3]]),
    ]


def _answer_common(parts: Parts, ranked: Sequence[Gap], chosen: set[str]) -> list[Block]:
    """Say what most initiatives lack, also what nobody knows of them, the most widespread first."""
    spread = [(len(set(gap.subjects) & chosen), gap) for gap in ranked]
    spread = sorted((pair for pair in spread if pair[0]), key=lambda pair: (-pair[0], -pair[1].priority))
    if not spread:
        return parts.nothing("Nothing that is known falls short of its target.")
    gaps = [gap for _, gap in spread]
    count, gap = spread[0]
    first = f"{gap.title}: open at {count} of {len(chosen)} initiatives{parts.place()}, more than any other gap."
    if len(spread) > 1 and spread[1][0] == count:
        first = f"{gap.title}: open at {count} of {len(chosen)} initiatives{parts.place()}, as many as any gap."
    return [
        parts.lead(first, parts.chosen()[:3]),
        ListBlock(items=_list_gaps(parts, gaps[:_MOST_OF_SIDE], ())),
        *parts.quote([gap.playbook for gap in gaps[:3]]),
    ]


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
        said = words.replace("are ", "is ", 1).replace("have ", "has ", 1)
        if words.startswith("have no "):
            lack = words.removeprefix("have no ")
            said = f"is without {'an' if lack[0] in 'aeiouO' else 'a'} {lack}"
        if len(chosen) == 1:
            text = f"{chosen[0].fields.name} {said.replace('is ', 'is not ', 1).replace('has ', 'does not have ', 1)}."
            return [parts.lead(text, chosen)]
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
