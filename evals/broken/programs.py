"""Answers on the program, broken: its gaps, counts, dates, figures and people."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any

from advisor.domain.gaps import State
from advisor.program import checks, conditions, summaries
from advisor.program.answers import parts, progress, records, status
from advisor.program.office import ProgramOffice
from evals.broken.swaps import change_reports, recite, reword, swap

_COUNTED = re.compile(r"(?<![\w.:,\[-])\d+(?= (?:open|initiatives|gaps|actions|of))")
_PEOPLE = {"Jonas Weber": "Lena Fuchs", "Ruben Smit": "Pieter de Vries", "Eszter Nagy": "Sofia Varga"}


def close_gaps(stack: ExitStack) -> None:
    """Take what nobody reported for done."""

    def make(rank: Any) -> Any:
        return lambda *args, **scope: tuple(gap for gap in rank(*args, **scope) if gap.state is not State.UNMET)

    swap(stack, ProgramOffice, "rank_gaps", make)


def miscount_gaps(stack: ExitStack) -> None:
    """Tell of more gaps than there are, and of no phase."""

    def make(summarise: Any) -> Any:
        def miscounted(*args: Any, **scope: Any) -> Any:
            page = summarise(*args, **scope)
            return page.model_copy(update={"open_gaps": page.open_gaps + 37, "by_phase": ()})

        return miscounted

    swap(stack, ProgramOffice, "summarise", make)


def change_answers_figures(stack: ExitStack) -> None:
    """Double every number of a register answer, in words and cells, but not in its citations."""
    change_reports(stack, reword(lambda said: _COUNTED.sub(lambda match: str(int(match[0]) * 2), said)))


def soothe_summaries(stack: ExitStack) -> None:
    """Tell every gap as nothing to worry about."""

    def make(summarise: Any) -> Any:
        def soothed(*args: Any, **scope: Any) -> Any:
            page = summarise(*args, **scope)
            calm = (g.model_copy(update={"reason": "All is well.", "action": "Do nothing."}) for g in page.gaps)
            return page.model_copy(update={"gaps": tuple(calm)})

        return soothed

    swap(stack, ProgramOffice, "summarise", make)


def misquote_register(stack: ExitStack) -> None:
    """Cite the menu of the canteen for what the register says."""
    change_reports(stack, recite(lambda _: {"quote": "Canteen menu, 1 Jan 1999"}))


def forget_register(stack: ExitStack) -> None:
    """Answer questions about the program from the playbooks alone."""
    swap(stack, ProgramOffice, "report", lambda _: lambda *_: None)


def date_a_month_late(stack: ExitStack) -> None:
    """Put every date of the register a month late."""

    def late(word: Callable[[date], str]) -> Callable[[date], str]:
        return lambda day: word(day + timedelta(days=30))

    for room in (checks, conditions, parts, progress, records, status):
        swap(stack, room, "word_date", late)


def forget_overdue(stack: ExitStack) -> None:
    """Forget the actions that are overdue by two weeks or less, wherever they are told."""
    for room in (progress, summaries):
        swap(stack, room, "find_overdue", lambda find: lambda register: tuple(o for o in find(register) if o.days > 14))


def falsify_readings(stack: ExitStack) -> None:
    """Tell KPIs a little better than they are."""
    change_reports(stack, reword(lambda said: re.sub(r"\): (\d)", r"): 9\1", said)))


def falsify_targets(stack: ExitStack) -> None:
    """Tell other targets than were agreed on."""
    change_reports(stack, reword(lambda said: re.sub(r"target (\d)", r"target 1\1", said)))


def falsify_ages(stack: ExitStack) -> None:
    """Tell every status, stage and delay longer than it is."""
    change_reports(stack, reword(lambda said: re.sub(r"(\d+)(?= days\b)", lambda n: str(int(n[0]) + 1), said)))


def swap_people(stack: ExitStack) -> None:
    """Name another person than the record does."""

    def change(said: str) -> str:
        for one, other in _PEOPLE.items():
            said = said.replace(one, other)
        return said

    change_reports(stack, reword(change))


def cut_to_first_block(stack: ExitStack) -> None:
    """Say the first thing on the program, and nothing more."""
    change_reports(stack, lambda draft: draft.model_copy(update={"blocks": draft.blocks[:1]}))


def deny_the_register(stack: ExitStack) -> None:
    """Deny what the register holds."""
    change_reports(stack, reword(lambda said: re.sub(r" (is|are|has|have) (?!no)", r" \1 not ", said)))


def drop_the_registers_denials(stack: ExitStack) -> None:
    """Leave out what the register denies."""
    change_reports(stack, reword(lambda said: re.sub(r"\b(?:not|[Nn]o) (?!longer)", "", said)))


def deny_accountability(stack: ExitStack) -> None:
    """Say that nobody is accountable, whoever is."""
    people = "|".join(("Jonas Weber", "Ruben Smit", "Eszter Nagy", "Lena Fuchs", "Sofia Varga", "Daniel Roth"))
    change_reports(stack, reword(lambda said: re.sub(rf"\b(?:{people}) is accountable", "Nobody is accountable", said)))
