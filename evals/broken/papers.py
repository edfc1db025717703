"""Answers from a company's documents, broken: their pages, names, quotes and labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from advisor.answering import documents
from advisor.domain.dialogue import Citation, Draft
from advisor.domain.identity import Caller
from evals.broken.swaps import change_made, swap

_SECRET = "The move is stopped if the yield at Halden stays below 88 percent for two months in a row."


def miss_pages_by_one(stack: ExitStack) -> None:
    """Name the page after the one on which a sentence stands."""

    def make(cite: Any) -> Any:
        def cited(number: int, pick: Any) -> Citation:
            found: Citation = cite(number, pick)
            return found.model_copy(update={"page": found.page + 1}) if found.page else found

        return cited

    swap(stack, documents, "_cite", make)


def ignore_labels(stack: ExitStack) -> None:
    """Show everyone the documents of the board."""
    stack.enter_context(patch.object(Caller, "may_see", lambda _self, _label: True))


def _change_citations(stack: ExitStack, change: Callable[[Citation], dict[str, Any]]) -> None:
    def make(cite: Any) -> Any:
        def cited(number: int, pick: Any) -> Citation:
            found: Citation = cite(number, pick)
            return found.model_copy(update=change(found))

        return cited

    swap(stack, documents, "_cite", make)


def add_to_quotes(stack: ExitStack) -> None:
    """Let a document say more than it does."""
    _change_citations(stack, lambda c: {"quote": f"{c.quote} The board has approved it."})


def rename_documents(stack: ExitStack) -> None:
    """Name another document than the one that is quoted."""
    _change_citations(stack, lambda _: {"title": "Information Security Policy 2019"})


def leak_in_suggestions(stack: ExitStack) -> None:
    """Suggest to everyone what stands in a paper of the board."""

    def change(draft: Draft) -> Draft:
        return draft.model_copy(update={"suggestions": (*draft.suggestions, f"Is it true that: {_SECRET}")})

    change_made(stack, change)
