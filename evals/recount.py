"""Recounts what an answer on the program says of criteria: gaps, gates and levels, by what the office holds of them.

What the register itself comes to is counted from the raw facts, in evals.counts; the criteria are the engine's to
judge, and how it judges is held to hand-made cases (`gaps`, `closed`, and the figures in cases of the register).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from advisor.domain.gaps import Gap, GapSummary, GateReadiness, State

_OF_ASKED = re.compile(r"\b(\d+) of (\d+) initiatives falls? short of this \(([^)]+)\)")
_CRITERIA = re.compile(r"\b(\d+) of (\d+) exit criteria are open")
_READY = re.compile(r"^(.+?) (?:is (not )?ready (?:for|to move)|meets all exit criteria)")
_ALL_READY = re.compile(
    r"^(\d+) of (\d+) initiatives(?: at [^:.]+)? (?:is|are) ready for their next gate(?:: ([^.]*))?"
)
_LEVEL = re.compile(r"([A-Z][\w ,&-]+?) \((\d(?:\.\d)?) of (\d)\)")
_SIDES = re.compile(
    r"^(.+?): (\d+) gaps? (?:is|are) open, (?:(\d+) known)?(?: and )?(?:(\d+) for want of evidence)?\.$"
)
_NO_SIDE = re.compile(r"^No gap is known in (.+)\.$")
_COMMON = re.compile(r"^(.+?): open at (\d+) of (\d+) initiatives")
_GAPS = re.compile(r"(?:has (\d+) open gaps?|pressing gaps: (\d+) (?:is|are) open)")


class Known(NamedTuple):
    """How the criteria stand on a day."""

    summary: GapSummary
    gates: tuple[GateReadiness, ...]
    gaps: tuple[Gap, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The active initiatives."""
        return tuple(name for name, _ in self.summary.heat)


def recount(sentence: str, known: Known) -> Iterator[tuple[str, bool]]:
    """Yield each figure of a sentence that can be counted anew, in words, and whether it is right."""
    for pattern, check in _CHECKS.items():
        for found in pattern.finditer(sentence):
            right = check(found, sentence, known)
            if right is not None:
                yield found[0], right


def _count_asked(found: re.Match[str], _: str, known: Known) -> bool | None:
    for gap in known.gaps:
        if gap.title.casefold() == found[3].casefold():
            return (int(found[1]), int(found[2])) == (len(gap.where), gap.asked)
    return None


def _count_criteria(found: re.Match[str], sentence: str, known: Known) -> bool | None:
    for gate in known.gates:
        if gate.name in sentence:
            return (int(found[1]), int(found[2])) == (len(gate.open_items), len(gate.items))
    return None


def _check_ready(found: re.Match[str], _: str, known: Known) -> bool | None:
    for gate in known.gates:
        if gate.name == found[1]:
            return gate.ready is not bool(found[2])
    return None


def _count_ready(found: re.Match[str], sentence: str, known: Known) -> bool:
    ready = {gate.name for gate in known.gates if gate.next_stage and gate.ready}
    told = {gate.name for gate in known.gates if found[3] and gate.name in found[3]}
    return int(found[1]) == len(told) and (told <= ready if " at " in sentence else told == ready)


def _read_level(found: re.Match[str], _: str, known: Known) -> bool | None:
    for level in known.summary.levels:
        if found[1].endswith(level.title) or level.title.endswith(found[1]):
            return level.average == float(found[2]) and level.target == int(found[3])
    return None


def _count_gaps(found: re.Match[str], sentence: str, known: Known) -> bool | None:
    for name in known.names:
        if name in sentence:
            there = sum(name in gap.where for gap in known.gaps if gap.state is not State.UNKNOWN)
            return int(found[1] or found[2]) == there
    return None


def _count_sides(found: re.Match[str], _: str, known: Known) -> bool | None:
    """Count the gaps of the sides that are named, at the initiatives that are, or everywhere."""
    sides = {level.title for level in known.summary.levels if level.title in found[1]}
    told = int(found[3] or 0), int(found[4] or 0)
    if int(found[2]) != sum(told):
        return False
    if " at " in found[1]:  # of what a place has, the office alone knows which sites' gaps are its own
        named = {name for name in known.names if name in found[1]}
        return all(sum(1 for gap in known.gaps if gap.dimension in sides) >= count for count in told) and bool(
            sides | named
        )
    own = [gap.state is State.UNKNOWN for gap in known.gaps if gap.dimension in sides]
    return told == (own.count(False), own.count(True))


def _check_no_side(found: re.Match[str], _: str, known: Known) -> bool | None:
    sides = {level.title for level in known.summary.levels if level.title in found[1]}
    named = {name for name in known.names if name in found[1]}
    if not named and " at " in found[1]:
        return None  # which gaps are a site's the office alone knows
    return not any(gap.dimension in sides and (not named or named & set(gap.where)) for gap in known.gaps)


def _count_common(found: re.Match[str], _: str, known: Known) -> bool | None:
    for gap in known.gaps:
        if gap.title == found[1] and " at " not in found[0].partition("initiatives")[2]:
            return int(found[2]) == len(set(gap.where) & set(known.names))
    return None


_CHECKS: Mapping[re.Pattern[str], Callable[[re.Match[str], str, Known], bool | None]] = {
    _OF_ASKED: _count_asked,
    _CRITERIA: _count_criteria,
    _READY: _check_ready,
    _ALL_READY: _count_ready,
    _LEVEL: _read_level,
    _GAPS: _count_gaps,
    _SIDES: _count_sides,
    _COMMON: _count_common,
    _NO_SIDE: _check_no_side,
}
