"""Other forms of an answer: shorter, as a checklist, as an e-mail. They leave out or frame; they add no claim."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from advisor.domain.base import Value
from advisor.domain.dialogue import (
    Block,
    Checklist,
    Draft,
    ListBlock,
    Outcome,
    Paragraph,
    Sentence,
    Turn,
    drop_unused_citations,
)


class FormKind(StrEnum):
    """The forms that readers ask for."""

    SHORT = "short"
    CHECKLIST = "checklist"
    EMAIL = "email"


class Form(Value):
    """A form, and to whom an e-mail goes."""

    kind: FormKind
    to: str = ""


class Wish(NamedTuple):
    """A question without the words about its form; it is empty where the answer before is meant."""

    form: Form
    question: str


_POLITE = (
    r"(?:please|can you|could you|now|and|then|ok(?:ay)?|give me|i want|make|turn|put|say|it|that|this|the answer)"
)
_WISHES = {
    FormKind.SHORT: re.compile(
        rf"(?:^(?:{_POLITE}|\W)*|,\s*|\b(?:make|keep|say) it )(?:even |much |a bit )?(?:shorter|more briefly)\b"
        r"|\bin (?:brief|short|one sentence|(?:fewer|a few) words)(?=\W*$)|^\W*(?:in (?:brief|short)|tl;?dr)\b"
        rf"|^(?:{_POLITE}|\W)*summari[sz]e\b(?: (?:it|that|this)\b)?",
        re.IGNORECASE,
    ),
    FormKind.CHECKLIST: re.compile(
        r"\b(?:as|into|in the form of) an? (?:check-?\s?list|to-?do list)\b"
        r"|^\W*(?:make|give me) (?:it |that |this )?a checklist\W*$",
        re.IGNORECASE,
    ),
    FormKind.EMAIL: re.compile(
        r"\b(?:as|into|in|write|draft) (?:it |that |this )?(?:as )?an? e-?mail"
        r"(?: to (?P<to>(?:the |my |our )?\w+(?: \w+)?))?",
        re.IGNORECASE,
    ),
}
_EMPTY = re.compile(rf"^(?:{_POLITE}|\W)*$", re.IGNORECASE)


def find_wish(question: str) -> Wish | None:
    """Return the form that a question asks for, and what is left of it; None where it asks for none."""
    for kind, pattern in _WISHES.items():
        if found := pattern.search(question):
            rest = f"{question[: found.start()]} {question[found.end() :]}"
            rest = "" if _EMPTY.match(rest) else re.sub(r"[\s,;:]+(?=[?!.]|$)", "", " ".join(rest.split()))
            to = (found.groupdict().get("to") or "").strip()
            return Wish(Form(kind=kind, to=to), rest)
    return None


def find_meant(history: Sequence[Turn]) -> int | None:
    """Return the place of the last turn that was a question of its own and was answered, or None."""
    for place in range(len(history) - 1, -1, -1):
        wish = find_wish(history[place].question)
        if history[place].answer.outcome is not Outcome.CLARIFY and (wish is None or wish.question):
            return place
    return None


def reshape(draft: Draft, form: Form) -> Draft:
    """Return a draft in another form; one that declines or asks back stays as it is."""
    if draft.outcome not in {Outcome.ANSWERED, Outcome.PARTIAL}:
        return draft
    match form.kind:
        case FormKind.SHORT:
            blocks = _shorten(draft)
        case FormKind.CHECKLIST:
            blocks = _list_tasks(draft)
        case FormKind.EMAIL:
            blocks = _address(draft, form.to or "all")
    return drop_unused_citations(draft.model_copy(update={"blocks": blocks}))


def _shorten(draft: Draft) -> tuple[Block, ...]:
    """Keep the first sentence of each side, the first reason, and the first task."""
    kept: list[Block] = []
    lists = 0
    for place, block in enumerate(draft.blocks):
        if isinstance(block, Paragraph) and (place == 0 or block.title):
            kept.append(block.model_copy(update={"sentences": block.sentences[:1]}))
        elif isinstance(block, ListBlock) and not block.ordered and not lists:
            kept.append(block.model_copy(update={"items": block.items[:1]}))
            lists += 1
        elif isinstance(block, Checklist):
            kept.append(block.model_copy(update={"items": block.items[:1]}))
    return tuple(kept)


def _list_tasks(draft: Draft) -> tuple[Block, ...]:
    """Keep what is to be done; where nothing is named, make a task of every item."""
    first = [block for block in draft.blocks[:1] if isinstance(block, Paragraph)]
    tasks = tuple(item for block in draft.blocks if isinstance(block, Checklist) for item in block.items)
    if not tasks:
        tasks = tuple(item for block in draft.blocks if isinstance(block, ListBlock) for item in block.items)
    return (*first, Checklist(items=tasks)) if tasks else draft.blocks


def _address(draft: Draft, to: str) -> tuple[Block, ...]:
    """Put the answer between a greeting and an end; what is to be done comes last."""
    begin = Paragraph(sentences=(Sentence(text=f"To {to}:"),))
    tasks = tuple(block for block in draft.blocks if isinstance(block, Checklist))
    rest = tuple(block for block in draft.blocks if not isinstance(block, Checklist))
    asks = tuple(ListBlock(title="We ask you to decide on", items=block.items) for block in tasks)
    end = Paragraph(sentences=(Sentence(text="The numbers in brackets name the sources below. Kind regards"),))
    return (begin, *rest, *asks, end)
