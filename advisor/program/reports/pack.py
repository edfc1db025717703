"""The meeting pack: the gap summary, gate readiness, decisions wanted and sources, as every format shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from advisor.domain.base import Value
from advisor.domain.gaps import GapSummary, GateReadiness, Sign, StatusLine
from advisor.domain.identity import Caller
from advisor.program.reports.wording import word_day

if TYPE_CHECKING:
    from advisor.program.office import ProgramOffice

_MOST_DECISIONS, _LEAST_MOVES = 7, 2
"""How many are listed, and how many of those that let an initiative go on keep their place."""
_WORST_FIRST = ("off track", "at risk", "unknown", "on track")
_SIGNS = {Sign.TIME: "longer in its stage than planned", Sign.SILENCE: "silent", Sign.NO_OWNER: "without an owner"}


class SourceLine(Value):
    """A playbook section that gaps rest on, the articles behind it, and how many gaps do."""

    section_id: str
    playbook: str
    section: str
    articles: tuple[str, ...]
    gaps: int
    reviewed_on: date | None = None


class EntryLine(Value):
    """An entry of the register that gaps rest on."""

    number: int
    as_of: date
    text: str


class MeetingPack(Value):
    """What a steering meeting needs on paper. Every number in it is the summary's or the gates'."""

    summary: GapSummary
    gates: tuple[GateReadiness, ...]
    standing: tuple[StatusLine, ...] = ()
    """How each initiative does in its owner's words, the worst first."""

    @property
    def name(self) -> str:
        """What a file of it is called, without its ending."""
        return f"gap-summary-{self.summary.as_of}"

    @property
    def decisions(self) -> tuple[str, ...]:
        """What the meeting is asked to decide, the most pressing first."""
        first = [self.summary.decision] if self.summary.decision else []
        asked = self.summary.top[0].where if self.summary.top else ()
        ends = [
            f"Continue, change or end {gate.name}: {gate.days_in_stage} days in stage, {_word_signs(gate)}."
            for gate in self.gates
            if gate.stalled and not gate.ready and asked != (gate.name,)
        ]
        moves = [
            f"Let {gate.name} move from {gate.stage.words} to {gate.next_stage.words}: every exit criterion is met."
            for gate in self.gates
            if gate.ready and gate.next_stage
        ]
        room = _MOST_DECISIONS - len(first)
        shown = ends[: room - min(_LEAST_MOVES, len(moves))]
        shown += moves[: room - len(shown)]
        left = len(ends) + len(moves) - len(shown)
        many = "initiatives have" if left > 1 else "initiative has"
        more = [f"And {left} more {many} stalled or may move on: see gate readiness."] if left else []
        return (*first, *shown, *more)

    @property
    def sources(self) -> tuple[SourceLine, ...]:
        """The playbook sections that the gaps rest on, those with the most gaps first."""
        lines: dict[str, SourceLine] = {}
        for gap in self.summary.gaps:
            ref = gap.playbook
            known = lines.get(ref.section_id)
            articles = tuple(f"{source.id} {source.title}" for source in ref.sources)
            both = tuple(dict.fromkeys((*(known.articles if known else ()), *articles)))
            lines[ref.section_id] = SourceLine(
                section_id=ref.section_id,
                playbook=ref.playbook,
                section=ref.section,
                articles=both,
                gaps=known.gaps + 1 if known else 1,
                reviewed_on=ref.reviewed_on,
            )
        return tuple(sorted(lines.values(), key=lambda line: (-line.gaps, line.section_id)))

    @property
    def articles(self) -> tuple[str, ...]:
        """The articles behind the sections, each once, in order of their ids."""
        return tuple(sorted({article for line in self.sources for article in line.articles}, key=_number_article))

    @property
    def entries(self) -> tuple[EntryLine, ...]:
        """The entries of the register that the gaps rest on, in order."""
        found = {ref.number: ref for gap in self.summary.gaps for ref in gap.evidence}
        return tuple(EntryLine(number=ref.number, as_of=ref.as_of, text=ref.text) for _, ref in sorted(found.items()))

    @property
    def footer(self) -> str:
        """Where the numbers come from, for the foot of every page."""
        summary = self.summary
        return (
            f"Written by the Operating-Model Advisor from the register up to entry {summary.entries}, "
            f"as of {word_day(summary.as_of)} {summary.as_of.year}; fingerprint {summary.digest}. No language model."
        )


def make_pack(
    office: ProgramOffice,
    caller: Caller,
    *,
    as_of: date | None = None,
    since: date | None = None,
    site: str = "",
    initiative: str = "",
) -> MeetingPack:
    """Return the pack for the program, a site or an initiative (by their ids), as the caller may see it."""
    summary = office.summarise(caller, as_of=as_of, since=since, site=site, initiative=initiative)
    shown = {name for name, _ in summary.heat}
    gates = tuple(gate for gate in office.assess_gates(caller, as_of) if gate.name in shown)
    lines = [line for line in office.list_status(caller, as_of=as_of, site=site) if line.name in shown]
    standing = sorted(lines, key=lambda line: (_WORST_FIRST.index(line.health), -line.missed, line.name))
    return MeetingPack(summary=summary, gates=gates, standing=tuple(standing))


def _number_article(article: str) -> tuple[int, str]:
    digits = "".join(c for c in article.partition(" ")[0] if c.isdigit())
    return int(digits or 0), article


def word_ids(line: SourceLine) -> str:
    """Return the ids of the articles behind a section: `S1, S4`."""
    return ", ".join(article.partition(" ")[0] for article in line.articles)


def word_age(line: StatusLine) -> str:
    """Return how old the last status is, and what was missed since: `96 days old, 3 check-ins missed`."""
    if line.age is None:
        return "never"
    missed = f", {line.missed} check-in{'s' if line.missed > 1 else ''} missed" if line.missed else ""
    return f"{line.age} {'day' if line.age == 1 else 'days'} old{missed}"


def word_standing(pack: MeetingPack) -> str:
    """Return how many initiatives do how: `1 off track, 3 at risk, 4 on track`."""
    counts = [(sum(line.health == health for line in pack.standing), health) for health in _WORST_FIRST]
    return ", ".join(f"{count} {health}" for count, health in counts if count)


def word_gate(gate: GateReadiness) -> str:
    """Return whether an initiative may leave its stage."""
    if gate.next_stage is None:
        return "last stage"
    return "ready" if gate.ready else "not ready"


def word_missing(gate: GateReadiness) -> str:
    """Return the exit criteria that are open, in words."""
    return "; ".join(item.title for item in gate.open_items)


def _word_signs(gate: GateReadiness) -> str:
    return ", ".join(_SIGNS[sign] for sign in gate.signs)


def clean(text: str) -> str:
    """Return a text that any format can hold: without control characters."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Cn"})


def clean_all(texts: Sequence[str]) -> list[str]:
    """Return texts that any format can hold."""
    return [clean(text) for text in texts]
