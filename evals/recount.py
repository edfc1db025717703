"""Recounts from the register what an answer on the program says in figures: lists, totals, gates, levels, actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from advisor.domain.checklist import ChecklistItem
from advisor.domain.dialogue import Citation
from advisor.domain.gaps import Gap, GapSummary, GateReadiness, State
from advisor.domain.records import RecordKind
from advisor.domain.register import Register
from advisor.program.checks import refer

_OF_ASKED = re.compile(r"\b(\d+) of (\d+) initiatives falls? short of this \(([^)]+)\)")
_OF_ALL = re.compile(r"\b(\d+) of (\d+) initiatives\b(?! falls? short)(?:[^:.]*: ([^.]*))?")
_PARTS = re.compile(r"\b(\d+) initiatives?(?: at [^:.]+)?: ((?:\d+ [a-z ]+?(?:, | and |\.|$))+)")
_CRITERIA = re.compile(r"\b(\d+) of (\d+) exit criteria are open")
_OVERDUE = re.compile(r"\b(\d+) actions? (?:is|are) overdue(?! (?:at|on|in|for))")
_LEVEL = re.compile(r"([A-Z][\w ,&-]+?) \((\d(?:\.\d)?) of (\d)\)")
_GAPS = re.compile(r"(?:has (\d+) open gaps?|pressing gaps: (\d+) (?:is|are) open)")
_ACTIONS = re.compile(r"^(.*?) (?:is|has)\b.*\bhas (\d+) open actions?")


class Known(NamedTuple):
    """What the register holds on a day."""

    summary: GapSummary
    gates: tuple[GateReadiness, ...]
    items: tuple[ChecklistItem, ...]
    gaps: tuple[Gap, ...]
    register: Register
    sizes: frozenset[int]
    """How many initiatives the program and each of its sites have."""

    def holds(self, cited: Citation) -> bool:
        """Whether a citation of the register says what its record says; that something is absent is not checked."""
        _, _, place = cited.section_id.partition("/")
        kind, _, subject = place.partition("/")
        if kind == "none":
            return True
        record = self.register.find(RecordKind(kind), subject)
        return record is not None and cited.quote == refer(record).text

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


def _count_all(found: re.Match[str], _: str, known: Known) -> bool:
    if int(found[2]) not in known.sizes:
        return False
    named = sum(name in found[3] for name in known.names) if found[3] else 0
    return not named or named == int(found[1])


def _count_asked(found: re.Match[str], _: str, known: Known) -> bool | None:
    for gap in known.gaps:
        if gap.title.casefold() == found[3].casefold():
            return (int(found[1]), int(found[2])) == (len(gap.where), gap.asked)
    return None


def _count_parts(found: re.Match[str], _: str, known: Known) -> bool:
    parts = sum(int(number) for number in re.findall(r"\d+", found[2]))
    return parts == int(found[1]) <= len(known.names)


def _count_criteria(found: re.Match[str], sentence: str, known: Known) -> bool | None:
    for gate in known.gates:
        if gate.name in sentence:
            return (int(found[1]), int(found[2])) == (len(gate.open_items), len(gate.items))
    return None


def _count_overdue(found: re.Match[str], _: str, known: Known) -> bool:
    return int(found[1]) == len(known.summary.overdue)


def _read_level(found: re.Match[str], _: str, known: Known) -> bool | None:
    for level in known.summary.levels:
        if found[1].endswith(level.title) or level.title.endswith(found[1]):
            return level.average == float(found[2]) and level.target == int(found[3])
    return None


def _count_actions(found: re.Match[str], _: str, known: Known) -> bool:
    return int(found[2]) == sum(item.owner == found[1].strip() for item in known.items)


def _count_gaps(found: re.Match[str], sentence: str, known: Known) -> bool | None:
    for name in known.names:
        if name in sentence:
            there = sum(name in gap.where for gap in known.gaps if gap.state is not State.UNKNOWN)
            return int(found[1] or found[2]) == there
    return None


_CHECKS: Mapping[re.Pattern[str], Callable[[re.Match[str], str, Known], bool | None]] = {
    _OF_ASKED: _count_asked,
    _OF_ALL: _count_all,
    _PARTS: _count_parts,
    _CRITERIA: _count_criteria,
    _OVERDUE: _count_overdue,
    _LEVEL: _read_level,
    _ACTIONS: _count_actions,
    _GAPS: _count_gaps,
}
