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
    Notice,
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
    """A form; to whom an e-mail goes, and whether it is to be short as well."""

    kind: FormKind
    to: str = ""
    brief: bool = False


class Wish(NamedTuple):
    """A question without the words about its form; it is empty where the answer before is meant."""

    form: Form
    question: str


_POLITE = (
    r"(?:(?:please|can you|could you|now|and|then|ok(?:ay)?|but|i want|give me|make|turn|put|say|send|it|that|this"
    r"|the answer)\W+)*"
)
_END = r"(?:,? please)?\W*$"
_TO = r"(?: to (?P<to>(?:the |my |our )?[\w-]+(?: [\w-]+){0,2}?))?"
_LIST = r"an? (?:check-?\s?list|to-?do list)"
_MAIL = r"an? e-?mail\b"
_BRIEF = r"in (?:brief|short|one sentence|(?:fewer|a few) words)"
_ALONE = {
    FormKind.SHORT: rf"(?:(?:even |much |a bit )?(?:shorter|more briefly)|{_BRIEF}|tl;?dr"
    r"|summari[sz]e(?: (?:it|that|this)(?: for .+)?)?)",
    FormKind.CHECKLIST: rf"(?:as |into |in the form of )?{_LIST}",
    FormKind.EMAIL: r"(?P<brief>shorter,? (?:and )?)?(?:as |into |write |draft )?(?:it |that |this )?(?:as )?"
    rf"{_MAIL}{_TO}",
}
"""All that is said: the answer before is meant."""
_BEFORE = {
    FormKind.SHORT: rf"(?:{_BRIEF}|tl;?dr)\W+(?P<rest>.+)",
    FormKind.EMAIL: rf"(?:write|draft) (?:me |us )?{_MAIL}{_TO} (?:about|on|saying|that says|explaining) (?P<rest>.+)",
}
_AFTER = {
    FormKind.SHORT: rf"(?P<rest>.+?)(?P<pause>[,;:]\s*|\s+){_BRIEF}",
    FormKind.CHECKLIST: rf"(?P<rest>.+?)(?P<pause>[,;:]\s*|\s+)(?:as|in the form of) {_LIST}",
    FormKind.EMAIL: rf"(?P<rest>.+?)(?P<pause>[,;:]\s*|\s+)as {_MAIL}{_TO}",
}
_PATTERNS = tuple(
    (kind, re.compile(rf"^\W*{_POLITE}{body}{_END}", re.IGNORECASE | re.DOTALL))
    for bodies in (_ALONE, _BEFORE, _AFTER)
    for kind, body in bodies.items()
)
_ASKS_WHETHER = re.compile(r"^\W*(?:should|do|does|did|is|are|can|could|would|may|must|will|shall)\b", re.IGNORECASE)


def find_wish(question: str) -> Wish | None:
    """Return the form that a question asks for, and what is left of it; None where it asks for none.

    A form stands alone, at the beginning, or at the end; at the end of "should we ... as an e-mail?" it is part of what
    is asked, unless a comma sets it apart.
    """
    text = " ".join(question.split())
    for kind, pattern in _PATTERNS:
        if (found := pattern.match(text)) is None:
            continue
        parts = found.groupdict()
        if "pause" in parts and not parts["pause"].strip() and _ASKS_WHETHER.match(text):
            continue
        rest = (parts.get("rest") or "").strip(" ,;:")
        if rest and text.endswith("?") and not rest.endswith("?"):
            rest += "?"
        return Wish(Form(kind=kind, to=parts.get("to") or "", brief=bool(parts.get("brief"))), rest)
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
            whole = draft.model_copy(update={"blocks": _shorten(draft)}) if form.brief else draft
            blocks = _address(whole, form.to or "all")
    return drop_unused_citations(draft.model_copy(update={"blocks": blocks}))


def _shorten(draft: Draft) -> tuple[Block, ...]:
    """Keep the first sentence and the first item of each side, the first task, and every limit and notice."""
    kept: list[Block] = []
    listed: set[str] = set()
    for place, block in enumerate(draft.blocks):
        match block:
            case Paragraph() if place == 0 or block.title:
                kept.append(block.model_copy(update={"sentences": block.sentences[:1]}))
            case Paragraph() if _is_limit(draft, place):
                kept.append(block)
            case ListBlock() if not block.ordered and block.title not in listed:
                listed.add(block.title)
                kept.append(block.model_copy(update={"items": block.items[:1]}))
            case Checklist():
                kept.append(block.model_copy(update={"items": block.items[:1]}))
            case Notice():
                kept.append(block)
            case _:
                continue
    return tuple(kept) or draft.blocks


def _is_limit(draft: Draft, place: int) -> bool:
    """Whether a paragraph says what a partial answer leaves open: the last one, after the first."""
    after = draft.blocks[place + 1 :]
    return draft.outcome is Outcome.PARTIAL and place > 0 and not any(isinstance(block, Paragraph) for block in after)


def _list_tasks(draft: Draft) -> tuple[Block, ...]:
    """Keep what is to be done; where nothing is named, make a task of every item."""
    first = [block for block in draft.blocks[:1] if isinstance(block, Paragraph)]
    tasks = tuple(item for block in draft.blocks if isinstance(block, Checklist) for item in block.items)
    if not tasks:
        tasks = tuple(item for block in draft.blocks if isinstance(block, ListBlock) for item in block.items)
    left_open = [
        block
        for place, block in enumerate(draft.blocks)
        if isinstance(block, Notice) or (isinstance(block, Paragraph) and _is_limit(draft, place))
    ]
    return (*first, Checklist(items=tasks), *left_open) if tasks else draft.blocks


def _address(draft: Draft, to: str) -> tuple[Block, ...]:
    """Put the answer between a greeting and an end; what is to be done comes last."""
    begin = Paragraph(sentences=(Sentence(text=f"To {to}:"),))
    tasks = tuple(block for block in draft.blocks if isinstance(block, Checklist))
    rest = tuple(block for block in draft.blocks if not isinstance(block, Checklist))
    asks = tuple(ListBlock(title="We ask you to decide on", items=block.items) for block in tasks)
    end = Paragraph(sentences=(Sentence(text="The numbers in brackets name the sources below. Kind regards"),))
    return (begin, *rest, *asks, end)
