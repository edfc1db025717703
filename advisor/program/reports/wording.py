"""What all renderings of a gap summary say, in the same words, cut to the length that a page allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from advisor.domain.gaps import PROGRAM, Change, DimensionLevel, EntryRef, Gap, GapSummary, State


class Length(NamedTuple):
    """How many of each kind of line a page has room for, and how many words a sentence of the register may take."""

    changes: int = 3
    overdue: int = 3
    unknown: int = 3
    caveats: int = 4
    places: int = 3
    reason_words: int = 40
    name_words: int = 20
    whys: int = 5
    """How many of the gaps say why they matter."""


LENGTHS = (
    Length(),
    Length(changes=2, overdue=2, unknown=3, caveats=3, reason_words=18, name_words=8),
    Length(changes=1, overdue=2, unknown=2, caveats=2, places=2, reason_words=14, name_words=6),
    Length(changes=1, overdue=1, unknown=1, caveats=2, places=1, reason_words=12, name_words=5),
    Length(changes=1, overdue=1, unknown=1, caveats=1, places=1, reason_words=12, name_words=5, whys=2),
    Length(changes=1, overdue=1, unknown=1, caveats=1, places=1, reason_words=10, name_words=5, whys=0),
    Length(changes=0, overdue=1, unknown=1, caveats=1, places=1, reason_words=6, name_words=4, whys=0),
)
"""From roomy to tight; a page takes the first with which it stays within its limit."""


class GapText(NamedTuple):
    """One gap in sentences: what, why it matters, evidence on both sides, what next."""

    what: str
    where: str
    why: str
    register: str
    playbook: str
    action: str
    who: str


class SummaryText(NamedTuple):
    """The sentences of the page, section by section."""

    title: str
    headline: str
    decision: str
    facts: str
    gaps: tuple[GapText, ...]
    changes: tuple[str, ...]
    overdue: tuple[str, ...]
    unknown: tuple[str, ...]
    caveats: tuple[str, ...]
    footer: str


def word_summary(summary: GapSummary, length: Length) -> SummaryText:
    """Return the sentences of the page at a given length."""
    return SummaryText(
        title=f"Gap summary, {word_day(summary.as_of)} {summary.as_of.year}",
        headline=summary.headline,
        decision=summary.decision,
        facts=_word_facts(summary, length),
        gaps=tuple(_word_gap(gap, summary.as_of, length, place) for place, gap in enumerate(summary.top)),
        changes=_word_changes(summary, length),
        overdue=tuple(
            f"{clip(item.title, length.reason_words)} ({clip(item.owner, length.name_words)}, {item.days} days)"
            for item in summary.overdue[: length.overdue]
        )
        + _word_more(len(summary.overdue), length.overdue),
        unknown=tuple(
            f"{topic.title}: {topic.open} without evidence; ask {clip(topic.who, length.name_words)}"
            for topic in summary.unknown[: length.unknown]
        )
        + _word_more(len(summary.unknown), length.unknown),
        caveats=tuple(clip(caveat, length.reason_words) for caveat in summary.caveats[-length.caveats :]),
        footer=f"Register up to entry {summary.entries}, fingerprint {summary.digest}",
    )


def _word_facts(summary: GapSummary, length: Length) -> str:
    scope = clip(summary.scope, length.name_words)
    if summary.empty:
        return f"Scope: {scope}."
    stages = ", ".join(f"{count} {phase}" for phase, count in summary.by_phase)
    return (
        f"Scope: {scope}, against {word_day(summary.since)}. "
        f"{summary.initiatives} {'initiative' if summary.initiatives == 1 else 'initiatives'} ({stages}), "
        f"{summary.fresh} reporting on time."
    )


def _word_gap(gap: Gap, as_of: date, length: Length, place: int) -> GapText:
    numbers = word_entries(gap.evidence, as_of)
    conflict = f" {clip(gap.conflict, length.reason_words)}" if gap.conflict else ""
    articles = ", ".join(source.id for source in gap.playbook.sources)
    who = clip(gap.owner, length.name_words)
    if gap.due < as_of:
        when = f"overdue since {word_day(gap.due)}"
    else:
        when = f"{'proposed ' if gap.proposed else ''}by {word_day(gap.due)}"
    return GapText(
        what=gap.title,
        where=word_places(gap.where, gap.asked, length),
        why=gap.why if place < length.whys else "",
        register=f"{clip(gap.reason, length.reason_words)}{conflict}" + (f" [{numbers}]" if numbers else ""),
        playbook=gap.playbook.section + (f" ({articles})" if articles else ""),
        action=gap.action,
        who=f"{who}, {when}",
    )


def _word_changes(summary: GapSummary, length: Length) -> tuple[str, ...]:
    if summary.empty:
        return ()
    counts = f"{len(summary.improved)} improved, {len(summary.worsened)} worsened, {len(summary.arisen)} newly asked"
    told = [("Worse", c) for c in _one_per_place(summary.worsened)[: length.changes]]
    told += [("Better", c) for c in _one_per_place(summary.improved)[: length.changes]]
    return (
        counts,
        *(
            f"{word}: {clip(c.where, length.name_words)}, {c.dimension.lower()}: {clip(c.why, length.reason_words)}"
            for word, c in told
        ),
    )


def _one_per_place(changes: Sequence[Change]) -> list[Change]:
    """Return the weightiest change of each initiative."""
    first: dict[str, Change] = {}
    for change in changes:
        first.setdefault(change.where, change)
    return list(first.values())


def _word_more(count: int, shown: int) -> tuple[str, ...]:
    return (f"{count - shown} more: see the workbook",) if count > shown else ()


def word_places(where: Sequence[str], asked: int, length: Length) -> str:
    """Return where something is open: `2 of 8: Line 3, Packing`."""
    if tuple(where) == (PROGRAM,):
        return "the program"
    names = ", ".join(clip(name, length.name_words) for name in where[: length.places])
    more = f" and {len(where) - length.places} more" if len(where) > length.places else ""
    return f"{names}{more}" if asked == 1 else f"{len(where)} of {asked}: {names}{more}"


def word_level(level: int | float | None) -> str:
    """Return a level, or a question mark while nothing is known."""
    return "?" if level is None else f"{level:g}"


def word_average(level: DimensionLevel) -> str:
    """Return an average, and of how many initiatives it is known when not of all."""
    partial = f" ({level.known_initiatives}/{level.initiatives})"
    known = level.average is not None and level.known_initiatives < level.initiatives
    return word_level(level.average) + (partial if known else "")


def word_trend(level: DimensionLevel) -> str:
    """Return an arrow for the direction since the day of comparison, nothing when there is none."""
    if level.average is None or level.before is None or level.average == level.before:
        return ""
    return "▲" if level.average > level.before else "▼"


def word_state(state: State) -> str:
    """Return a state as a reader would say it."""
    return {State.UNMET: "not met", State.NOT_APPLICABLE: "not asked"}.get(state, state.value)


def word_entries(refs: Sequence[EntryRef], as_of: date | None = None) -> str:
    """Return the numbers of entries, and since when each holds: `#7, 4 Jan; #231, 2 Nov 2025`.

    The year of `as_of` goes without saying.
    """

    def word(day: date) -> str:
        return word_day(day) if as_of and day.year == as_of.year else f"{word_day(day)} {day.year}"

    return "; ".join(f"#{ref.number}, {word(ref.as_of)}" for ref in refs)


def word_day(day: date) -> str:
    """Return a day without its year: 20 Nov."""
    return f"{day.day} {day:%b}"


def clip(text: str, most: int) -> str:
    """Return a text cut after a number of words, or after thirty characters a word."""
    words = text.split()
    cut = " ".join(words[:most]).rstrip(",;:") + " …" if len(words) > most else text
    return cut if len(cut) <= 30 * most else cut[: 30 * most] + "…"


def count_page_words(text: str) -> int:
    """Return how many words a reader would count: marks of tables, lists and arrows are none."""
    return sum(any(c.isalnum() for c in token) for token in text.split())
