"""Breaks the product on purpose, in ways that nobody should miss, and sees whether the gate does.

Each mutation replaces a function or two of the product (evals.broken) while some kinds of cases run, and names the
judges that must notice: to be caught by another one alone is an accident, and does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from rich.console import Console

from advisor.errors import InvalidInputError
from advisor.settings import Settings
from evals.broken import answers, papers, programs
from evals.cases import Kind, Suite
from evals.compare import Comparison, compare, list_silent, list_values
from evals.runner import run_suite
from evals.runs import Run
from evals.scorers import SCORERS

Break = Callable[[ExitStack], None]
_PLAYBOOKS = frozenset({Kind.DIRECT, Kind.SYNTHESIS})
_PROGRAM = frozenset({Kind.REGISTER, Kind.GAPS})
_PAPERS = frozenset({Kind.DOCUMENTS})


class Mutation(NamedTuple):
    """A way to break the product, the judges of which one at least must notice, and the kinds of cases tried."""

    change: Break
    judges: tuple[str, ...]
    kinds: frozenset[Kind] = _PLAYBOOKS

    @property
    def name(self) -> str:
        """What it does, in words."""
        return self.change.__name__.replace("_", " ")


MUTATIONS: tuple[Mutation, ...] = (
    Mutation(answers.drop_keywords, ("facts", "sections", "recall", "ndcg", "rank")),
    Mutation(answers.reverse_passages, ("recall", "ndcg", "rank")),
    Mutation(answers.shuffle_citations, ("quotes",)),
    Mutation(answers.drop_citations, ("citation_recall",)),
    Mutation(answers.cite_nothing, ("citation_recall",)),
    Mutation(answers.round_figures, ("figures",)),
    Mutation(answers.change_units, ("figures", "grounded")),
    Mutation(answers.drop_denials, ("grounded",)),
    Mutation(answers.deny_answers, ("grounded",)),
    Mutation(answers.warn_of_nothing, ("notices",)),
    Mutation(answers.date_citations_wrongly, ("provenance",)),
    Mutation(answers.name_wrong_articles, ("provenance",)),
    Mutation(answers.skip_verification, ("bad_held",), frozenset({Kind.REPLY})),
    Mutation(answers.ignore_history, ("facts", "sections"), frozenset({Kind.MULTI_TURN})),
    Mutation(answers.answer_anything, ("outcome",), frozenset({Kind.UNANSWERABLE})),
    Mutation(answers.decline_much, ("outcome",)),
    Mutation(answers.ignore_limits, ("outcome",), frozenset({Kind.UNANSWERABLE})),
    Mutation(answers.ignore_roles, ("role",)),
    Mutation(answers.shorten_for_all, ("role",)),
    Mutation(answers.drop_last_tasks, ("role",)),
    Mutation(answers.drop_reasons, ("facts",)),
    Mutation(papers.ignore_labels, ("labels",), _PAPERS),
    Mutation(papers.leak_in_suggestions, ("labels",), _PAPERS),
    Mutation(papers.miss_pages_by_one, ("pages",), _PAPERS),
    Mutation(papers.add_to_quotes, ("quotes",), _PAPERS),
    Mutation(papers.rename_documents, ("quotes",), _PAPERS),
    Mutation(programs.close_gaps, ("ranked",), _PROGRAM),
    Mutation(programs.miscount_gaps, ("fidelity",), _PROGRAM),
    Mutation(programs.soothe_summaries, ("fidelity",), _PROGRAM),
    Mutation(programs.cut_to_first_block, ("gaps",), _PROGRAM),
    Mutation(programs.forget_register, ("side", "entries"), _PROGRAM),
    Mutation(programs.change_answers_figures, ("recount",), _PROGRAM),
    Mutation(programs.misquote_register, ("entries",), _PROGRAM),
    Mutation(programs.date_a_month_late, ("records",), _PROGRAM),
    Mutation(programs.forget_overdue, ("recount",), _PROGRAM),
    Mutation(programs.falsify_readings, ("records",), _PROGRAM),
    Mutation(programs.falsify_targets, ("records",), _PROGRAM),
    Mutation(programs.deny_the_register, ("denials",), _PROGRAM),
    Mutation(programs.drop_the_registers_denials, ("denials",), _PROGRAM),
    Mutation(programs.deny_accountability, ("denials", "records"), _PROGRAM),
    Mutation(programs.falsify_ages, ("records",), _PROGRAM),
    Mutation(programs.swap_people, ("records",), _PROGRAM),
)


@contextmanager
def broken(change: Break) -> Iterator[None]:
    """Run with one mutation in place."""
    with ExitStack() as stack:
        change(stack)
        yield


def choose(names: Sequence[str]) -> list[Mutation]:
    """Return the mutations of some names, or all; raise InvalidInputError for a name that is none."""
    plain = [name.replace("_", " ") for name in names]
    known = {mutation.name: mutation for mutation in MUTATIONS}
    if unknown := [name for name in plain if name not in known]:
        raise InvalidInputError(f'No mutation is called "{unknown[0]}".', f"Use some of: {', '.join(known)}.")
    return [known[name] for name in plain] or list(MUTATIONS)


def report(settings: Settings, suite: Suite, console: Console, names: Sequence[str] = ()) -> bool:
    """Print which judges notice each mutation; return whether those do that must, and two sound runs differ in nothing.

    With names of mutations, only these are tried.
    """
    chosen = choose(names)
    kinds = frozenset().union(*(mutation.kinds for mutation in chosen)) if names else frozenset(Kind)
    sound = run_suite(settings, suite.only(kinds))
    same = _compare(sound, run_suite(settings, suite.only(kinds)), frozenset(Kind))
    calm = same.passed and not same.excused and not any(d.worse or d.better for d in same.differences)
    console.print(f"two runs of one build: {'no difference' if calm else 'they differ'}")
    caught = 0
    for mutation in chosen:
        with broken(mutation.change):
            found = _compare(sound, run_suite(settings, suite.only(mutation.kinds)), mutation.kinds)
        held = set(mutation.judges) & set(found.regressed)
        caught += bool(held)
        verdict = "caught" if held else "[red]passed[/]"
        told = "; ".join(_tell(found, name) for name in (*sorted(held), *_others(found, held))) or "nothing regressed"
        console.print(f"{mutation.name}: {verdict} by {told}", highlight=False, soft_wrap=True)
    console.print(f"{caught} of {len(chosen)} caught by the judge that must")
    return calm and caught == len(chosen)


def _compare(sound: Run, other: Run, kinds: frozenset[Kind]) -> Comparison:
    asked = {result.id for result in sound.results if result.kind in kinds}
    before = {case: row for case, row in list_values(sound).items() if case in asked}
    return compare(before, list_values(other), silent=list_silent(other))


def _others(found: Comparison, held: set[str]) -> list[str]:
    return [name for name in found.regressed if name not in held]


def _tell(found: Comparison, name: str) -> str:
    for difference in found.differences:
        if difference.scorer == name and difference.regressed:
            changed = f"{difference.before:.1%} → {difference.after:.1%}"
            return f"{SCORERS[name].label} {changed} ({len(difference.worse)} of {difference.cases} cases)"
    return f"{SCORERS[name].label} (fell silent)"
