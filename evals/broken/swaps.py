"""How the product is broken for a while: one attribute replaced, one draft changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from advisor.answering.draft_verifier import DraftVerifier
from advisor.domain.dialogue import Citation, Draft
from advisor.pipeline import Made, Pipeline
from advisor.program.office import ProgramOffice

Change = Callable[[Draft], Draft]


def swap(stack: ExitStack, target: object, name: str, make: Callable[[Any], Any]) -> None:
    """Replace an attribute by what `make` makes of it."""
    stack.enter_context(patch.object(target, name, make(getattr(target, name))))


def change_drafts(stack: ExitStack, change: Change) -> None:
    """Change what the verifier has let pass."""
    swap(stack, DraftVerifier, "verify", lambda verify: lambda *args: change(verify(*args)))


def change_made(stack: ExitStack, change: Change) -> None:
    """Change what an answer is made of at the very end, whichever side it comes from."""

    def make(run: Any) -> Any:
        def ran(*args: Any) -> Iterator[Any]:
            for event in run(*args):
                yield event._replace(draft=change(event.draft)) if isinstance(event, Made) else event

        return ran

    swap(stack, Pipeline, "run", make)


def change_reports(stack: ExitStack, change: Change) -> None:
    """Change what the office says to a question on the program."""

    def make(report: Any) -> Any:
        def reported(*args: Any) -> Any:
            found = report(*args)
            return found.model_copy(update={"draft": change(found.draft)}) if found else found

        return reported

    swap(stack, ProgramOffice, "report", make)


def reword(change: Callable[[str], str]) -> Change:
    """Return a change of what is said, titles and cells included, but of no citation."""

    def changed(draft: Draft) -> Draft:
        text = draft.model_dump_json()
        head, mark, tail = text.partition('"citations":[{')
        return Draft.model_validate_json(change(head) + mark + tail) if mark else draft

    return changed


def recite(change: Callable[[Citation], dict[str, Any]]) -> Change:
    """Return a change of every citation."""

    def changed(draft: Draft) -> Draft:
        cited = tuple(citation.model_copy(update=change(citation)) for citation in draft.citations)
        return draft.model_copy(update={"citations": cited})

    return changed
