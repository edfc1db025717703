"""Answers from the playbooks, broken: what is found, what is said of it, and to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from advisor.answering import evidence, extractive, generative
from advisor.answering.composition import Composition
from advisor.answering.draft_verifier import DraftVerifier
from advisor.answering.extractive import ExtractiveAnswerer
from advisor.answering.rewriting import RuleRewriter
from advisor.domain.dialogue import Checklist, CitedSource, Draft, Query, Role, Turn, keep_units
from advisor.domain.knowledge import Calibration
from advisor.retrieval.catalogue import Catalogue
from advisor.retrieval.hybrid import HybridRetriever
from evals.broken.swaps import change_drafts, change_made, recite, reword, swap


def drop_keywords(stack: ExitStack) -> None:
    """Search by vectors alone."""
    swap(stack, Catalogue, "find_keyword", lambda _: lambda *_, **__: {})


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

    swap(stack, HybridRetriever, "_search", make)


def shuffle_citations(stack: ExitStack) -> None:
    """Give every citation the quote of the one before."""

    def change(draft: Draft) -> Draft:
        cited = draft.citations
        moved = [c.model_copy(update={"quote": cited[n - 1].quote}) for n, c in enumerate(cited)]
        return draft.model_copy(update={"citations": tuple(moved)})

    change_drafts(stack, change)


def drop_citations(stack: ExitStack) -> None:
    """Leave the second sentence without its numbers."""

    def change(draft: Draft) -> Draft:
        text = draft.model_dump_json()
        first = text.find('"citations":[1]')
        rest = text[first + 1 :].replace('"citations":[2]', '"citations":[]')
        return Draft.model_validate_json(text[: first + 1] + rest)

    change_drafts(stack, change)


def round_figures(stack: ExitStack) -> None:
    """Say 20 where the playbooks say 18."""

    def change(draft: Draft) -> Draft:
        text = draft.model_dump_json()
        cut = text.find('"citations":[{')
        head, tail = (text, "") if cut < 0 else (text[:cut], text[cut:])
        return Draft.model_validate_json(head.replace("18 months", "20 months").replace("2.3", "2") + tail)

    change_drafts(stack, change)


def skip_verification(stack: ExitStack) -> None:
    """Show whatever a chat model writes."""
    swap(stack, generative, "find_problem", lambda _: lambda *_, **__: None)
    swap(stack, DraftVerifier, "verify", lambda _: lambda _self, draft, _passages: draft)


def ignore_history(stack: ExitStack) -> None:
    """Read every question as if it were the first."""

    def make(rewrite: Any) -> Any:
        def forgetful(self: Any, question: str, history: Sequence[Turn]) -> Query | None:
            del history
            found: Query | None = rewrite(self, question, ())
            return found

        return forgetful

    swap(stack, RuleRewriter, "rewrite", make)


def _calibrate(stack: ExitStack, **values: float) -> None:
    def make(assess: Any) -> Any:
        def assessed(query: Query, retrieval: Any) -> Any:
            changed: Calibration = retrieval.calibration.model_copy(update=values)
            parts = tuple(part.model_copy(update={"calibration": changed}) for part in retrieval.parts)
            return assess(query, retrieval.model_copy(update={"calibration": changed, "parts": parts}))

        return assessed

    swap(stack, extractive, "assess", make)


def answer_anything(stack: ExitStack) -> None:
    """Lower the threshold."""
    _calibrate(stack, threshold=0.05, closeness=0.0)


def decline_much(stack: ExitStack) -> None:
    """Raise the threshold."""
    _calibrate(stack, threshold=0.9)


def ignore_limits(stack: ExitStack) -> None:
    """Forget what the playbooks say that they do not say."""
    swap(stack, evidence, "_find_limit", lambda _: lambda _: None)
    _calibrate(stack, intercept=-3.5)


def ignore_roles(stack: ExitStack) -> None:
    """Give everyone the engineer's answer."""

    def make(compose: Any) -> Any:
        return lambda self, query, retrieval, _role, **more: compose(self, query, retrieval, Role.ENGINEER, **more)

    swap(stack, ExtractiveAnswerer, "compose", make)


def drop_reasons(stack: ExitStack) -> None:
    """Give the bottom line alone."""
    swap(stack, Composition, "_find_reasons", lambda _: lambda *_: [])


def deny_answers(stack: ExitStack) -> None:
    """Say the opposite of what the quotes say."""
    change_drafts(stack, reword(lambda said: re.sub(r" (is|are|must|should|can) (?!not)", r" \1 not ", said)))


def drop_denials(stack: ExitStack) -> None:
    """Leave out every denial that the quotes hold."""

    def drop(said: str) -> str:
        return re.sub(r" (?:not|never)\b", "", re.sub(r"\bcannot\b", "can", said))

    change_drafts(stack, reword(drop))


def change_units(stack: ExitStack) -> None:
    """Say weeks for months, and percentage points for percent."""
    change_drafts(
        stack, reword(lambda said: re.sub(r"\bpercent\b", "percentage points", re.sub(r"\bmonths\b", "weeks", said)))
    )


def shorten_for_all(stack: ExitStack) -> None:
    """Give everyone the executive's answer."""

    def make(compose: Any) -> Any:
        return lambda self, query, retrieval, _role, **more: compose(self, query, retrieval, Role.EXECUTIVE, **more)

    swap(stack, ExtractiveAnswerer, "compose", make)


def drop_last_tasks(stack: ExitStack) -> None:
    """Leave out the last next step of every answer."""

    def change(draft: Draft) -> Draft:
        last = [block.items[-1] for block in draft.blocks if isinstance(block, Checklist)]
        return keep_units(draft, lambda unit: all(unit is not item for item in last))

    change_drafts(stack, change)


def cite_nothing(stack: ExitStack) -> None:
    """Answer without any source."""

    def change(draft: Draft) -> Draft:
        said = re.sub(r'"citations":\[[\d,]*\]', '"citations":[]', draft.model_dump_json())
        return Draft.model_validate_json(said).model_copy(update={"citations": ()})

    change_made(stack, change)


def date_citations_wrongly(stack: ExitStack) -> None:
    """Let every source look a year younger than it is."""
    change_made(stack, recite(lambda c: {"as_of": c.as_of + timedelta(days=365) if c.as_of else c.as_of}))


def name_wrong_articles(stack: ExitStack) -> None:
    """Name an article that nobody wrote behind every sentence."""
    wrong = CitedSource(id="S9", title="Ten lessons on industrial AI", publisher="A vendor")
    change_made(stack, recite(lambda c: {"sources": (wrong,) if c.sources else ()}))


def warn_of_nothing(stack: ExitStack) -> None:
    """Tell of an index that does not answer, though it does."""
    notice = "The vector index does not answer at the moment: this was found without it, and may be less complete."
    change_drafts(stack, lambda draft: draft.model_copy(update={"notices": (*draft.notices, notice)}))
