"""Breaks the product on purpose, in ways that nobody should miss, and sees whether the gate does.

Each mutation replaces one function of the product while the suite runs. What the gate lets pass is a judge that is
missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from rich.console import Console

from advisor.answering import documents, evidence, extractive, generative
from advisor.answering.composition import Composition
from advisor.answering.draft_verifier import DraftVerifier
from advisor.answering.extractive import ExtractiveAnswerer
from advisor.answering.rewriting import RuleRewriter
from advisor.domain.dialogue import Citation, Draft, Query, Role, Turn
from advisor.domain.gaps import State
from advisor.domain.identity import Caller
from advisor.domain.knowledge import Calibration
from advisor.program.office import ProgramOffice
from advisor.retrieval.catalogue import Catalogue
from advisor.retrieval.hybrid import HybridRetriever
from advisor.settings import Settings
from evals.cases import Suite
from evals.compare import Values, compare, list_values
from evals.runner import run_suite
from evals.scorers import SCORERS

_COUNTED = re.compile(r"(?<![\w.:,\[-])\d+(?= (?:open|initiatives|gaps|actions|of))")
Mutation = Callable[[ExitStack], None]


def _swap(stack: ExitStack, target: object, name: str, make: Callable[[Any], Any]) -> None:
    """Replace an attribute by what `make` makes of it."""
    stack.enter_context(patch.object(target, name, make(getattr(target, name))))


def drop_keywords(stack: ExitStack) -> None:
    """Search by vectors alone."""
    _swap(stack, Catalogue, "find_keyword", lambda _: lambda *_, **__: {})


def reverse_passages(stack: ExitStack) -> None:
    """Rank what was found the wrong way round."""

    def make(search: Any) -> Any:
        def turned(*args: Any) -> Any:
            found = search(*args)
            turned_round = [
                passage.model_copy(update={"rank": rank, "score": other.score})
                for rank, (passage, other) in enumerate(zip(found.passages[::-1], found.passages, strict=True), 1)
            ]
            return found.model_copy(update={"passages": tuple(turned_round)})

        return turned

    _swap(stack, HybridRetriever, "_search", make)


def _change_drafts(stack: ExitStack, change: Callable[[Draft], Draft]) -> None:
    """Change what the verifier has let pass."""
    _swap(stack, DraftVerifier, "verify", lambda verify: lambda *args: change(verify(*args)))


def shuffle_citations(stack: ExitStack) -> None:
    """Give every citation the quote of the one before."""

    def change(draft: Draft) -> Draft:
        cited = draft.citations
        moved = [c.model_copy(update={"quote": cited[n - 1].quote}) for n, c in enumerate(cited)]
        return draft.model_copy(update={"citations": tuple(moved)})

    _change_drafts(stack, change)


def drop_citations(stack: ExitStack) -> None:
    """Leave the second sentence without its numbers."""

    def change(draft: Draft) -> Draft:
        text = draft.model_dump_json()
        first = text.find('"citations":[1]')
        rest = text[first + 1 :].replace('"citations":[2]', '"citations":[]')
        return Draft.model_validate_json(text[: first + 1] + rest)

    _change_drafts(stack, change)


def round_figures(stack: ExitStack) -> None:
    """Say 20 where the playbooks say 18."""

    def change(draft: Draft) -> Draft:
        text = draft.model_dump_json()
        cut = text.find('"citations":[{')
        head, tail = (text, "") if cut < 0 else (text[:cut], text[cut:])
        return Draft.model_validate_json(head.replace("18 months", "20 months").replace("2.3", "2") + tail)

    _change_drafts(stack, change)


def skip_verification(stack: ExitStack) -> None:
    """Show whatever a chat model writes."""
    _swap(stack, generative, "find_problem", lambda _: lambda *_, **__: None)
    _swap(stack, DraftVerifier, "verify", lambda _: lambda _self, draft, _passages: draft)


def miss_pages_by_one(stack: ExitStack) -> None:
    """Name the page after the one on which a sentence stands."""

    def make(cite: Any) -> Any:
        def cited(number: int, pick: Any) -> Citation:
            found: Citation = cite(number, pick)
            return found.model_copy(update={"page": found.page + 1}) if found.page else found

        return cited

    _swap(stack, documents, "_cite", make)


def ignore_history(stack: ExitStack) -> None:
    """Read every question as if it were the first."""

    def make(rewrite: Any) -> Any:
        def forgetful(self: Any, question: str, history: Sequence[Turn]) -> Query | None:
            del history
            found: Query | None = rewrite(self, question, ())
            return found

        return forgetful

    _swap(stack, RuleRewriter, "rewrite", make)


def _calibrate(stack: ExitStack, **values: float) -> None:
    def make(assess: Any) -> Any:
        def assessed(query: Query, retrieval: Any) -> Any:
            changed: Calibration = retrieval.calibration.model_copy(update=values)
            parts = tuple(part.model_copy(update={"calibration": changed}) for part in retrieval.parts)
            return assess(query, retrieval.model_copy(update={"calibration": changed, "parts": parts}))

        return assessed

    _swap(stack, extractive, "assess", make)


def answer_anything(stack: ExitStack) -> None:
    """Lower the threshold."""
    _calibrate(stack, threshold=0.05, closeness=0.0)


def decline_much(stack: ExitStack) -> None:
    """Raise the threshold."""
    _calibrate(stack, threshold=0.9)


def ignore_limits(stack: ExitStack) -> None:
    """Forget what the playbooks say that they do not say."""
    _swap(stack, evidence, "_find_limit", lambda _: lambda _: None)
    _calibrate(stack, intercept=-3.5)


def ignore_roles(stack: ExitStack) -> None:
    """Give everyone the engineer's answer."""

    def make(compose: Any) -> Any:
        return lambda self, query, retrieval, _role, **more: compose(self, query, retrieval, Role.ENGINEER, **more)

    _swap(stack, ExtractiveAnswerer, "compose", make)


def ignore_labels(stack: ExitStack) -> None:
    """Show everyone the documents of the board."""
    stack.enter_context(patch.object(Caller, "may_see", lambda _self, _label: True))


def drop_reasons(stack: ExitStack) -> None:
    """Give the bottom line alone."""
    _swap(stack, Composition, "_find_reasons", lambda _: lambda *_: [])


def close_gaps(stack: ExitStack) -> None:
    """Take what nobody reported for done."""

    def make(rank: Any) -> Any:
        return lambda *args, **scope: tuple(gap for gap in rank(*args, **scope) if gap.state is not State.UNMET)

    _swap(stack, ProgramOffice, "rank_gaps", make)


def miscount_gaps(stack: ExitStack) -> None:
    """Tell of more gaps than there are, and of no phase."""

    def make(summarise: Any) -> Any:
        def miscounted(*args: Any, **scope: Any) -> Any:
            page = summarise(*args, **scope)
            return page.model_copy(update={"open_gaps": page.open_gaps + 37, "by_phase": ()})

        return miscounted

    _swap(stack, ProgramOffice, "summarise", make)


def _change_document_citations(stack: ExitStack, change: Callable[[Citation], dict[str, Any]]) -> None:
    def make(cite: Any) -> Any:
        def cited(number: int, pick: Any) -> Citation:
            found: Citation = cite(number, pick)
            return found.model_copy(update=change(found))

        return cited

    _swap(stack, documents, "_cite", make)


def add_to_quotes(stack: ExitStack) -> None:
    """Let a document say more than it does."""
    _change_document_citations(stack, lambda c: {"quote": f"{c.quote} The board has approved it."})


def rename_documents(stack: ExitStack) -> None:
    """Name another document than the one that is quoted."""
    _change_document_citations(stack, lambda _: {"title": "Information Security Policy 2019"})


def change_answers_figures(stack: ExitStack) -> None:
    """Double every number of a register answer, in words and cells, but not in its citations."""

    def double(draft: Draft) -> Draft:
        head, mark, tail = draft.model_dump_json().partition('"citations":[{')
        changed = _COUNTED.sub(lambda match: str(int(match[0]) * 2), head)
        return Draft.model_validate_json(changed + mark + tail)

    def make(report: Any) -> Any:
        def reported(*args: Any) -> Any:
            found = report(*args)
            return found.model_copy(update={"draft": double(found.draft)}) if found else found

        return reported

    _swap(stack, ProgramOffice, "report", make)


def deny_answers(stack: ExitStack) -> None:
    """Say the opposite of what the quotes say."""

    def change(draft: Draft) -> Draft:
        head, mark, tail = draft.model_dump_json().partition('"citations":[{')
        return Draft.model_validate_json(re.sub(r" (is|are|must|should|can) (?!not)", r" \1 not ", head) + mark + tail)

    _change_drafts(stack, change)


def soothe_summaries(stack: ExitStack) -> None:
    """Tell every gap as nothing to worry about."""

    def make(summarise: Any) -> Any:
        def soothed(*args: Any, **scope: Any) -> Any:
            page = summarise(*args, **scope)
            calm = (g.model_copy(update={"reason": "All is well.", "action": "Do nothing."}) for g in page.gaps)
            return page.model_copy(update={"gaps": tuple(calm)})

        return soothed

    _swap(stack, ProgramOffice, "summarise", make)


def misquote_register(stack: ExitStack) -> None:
    """Cite the menu of the canteen for what the register says."""

    def make(report: Any) -> Any:
        def reported(*args: Any) -> Any:
            found = report(*args)
            if not found:
                return found
            cited = tuple(c.model_copy(update={"quote": "Canteen menu, 1 Jan 1999"}) for c in found.draft.citations)
            return found.model_copy(update={"draft": found.draft.model_copy(update={"citations": cited})})

        return reported

    _swap(stack, ProgramOffice, "report", make)


def forget_register(stack: ExitStack) -> None:
    """Answer questions about the program from the playbooks alone."""
    _swap(stack, ProgramOffice, "report", lambda _: lambda *_: None)


MUTATIONS: tuple[Mutation, ...] = (
    drop_keywords,
    reverse_passages,
    shuffle_citations,
    drop_citations,
    round_figures,
    skip_verification,
    miss_pages_by_one,
    ignore_history,
    answer_anything,
    decline_much,
    ignore_limits,
    ignore_roles,
    ignore_labels,
    drop_reasons,
    close_gaps,
    forget_register,
    miscount_gaps,
    add_to_quotes,
    rename_documents,
    change_answers_figures,
    deny_answers,
    soothe_summaries,
    misquote_register,
)


@contextmanager
def broken(mutation: Mutation) -> Iterator[None]:
    """Run with one mutation in place."""
    with ExitStack() as stack:
        mutation(stack)
        yield


def report(settings: Settings, suite: Suite, console: Console) -> bool:
    """Print what the gate says of each mutation, and of two sound runs; return whether it caught all and only those."""
    sound = list_values(run_suite(settings, suite))
    same = compare(sound, list_values(run_suite(settings, suite)))
    calm = same.passed and not any(d.worse or d.better for d in same.differences)
    console.print(f"two runs of one build: {'no difference' if calm else 'they differ'}")
    caught = 0
    for mutation in MUTATIONS:
        with broken(mutation):
            found = _find_regressions(sound, list_values(run_suite(settings, suite)))
        caught += bool(found)
        told = ", ".join(found) if found else "[red]passed[/]"
        console.print(f"{mutation.__name__.replace('_', ' ')}: {told}", highlight=False, soft_wrap=True)
    console.print(f"{caught} of {len(MUTATIONS)} caught")
    return calm and caught == len(MUTATIONS)


def _find_regressions(sound: Values, values: Mapping[str, Mapping[str, float]]) -> list[str]:
    found = compare(sound, values)
    names = [
        f"{SCORERS[d.scorer].label} {d.before:.1%} → {d.after:.1%} (p {d.p:.3f})"
        for d in found.differences
        if d.regressed
    ]
    return [*names, *([f"{len(found.missing)} missing"] if found.missing else [])]
