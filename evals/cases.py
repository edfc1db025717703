"""Eval cases on disk: YAML lists in two halves, `tuned` and `held`."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, TypeAdapter

from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, CitationKind, Outcome, Paragraph, Role
from advisor.errors import InvalidInputError

CASES_DIR = Path(__file__).parent / "cases"
ADDED = CASES_DIR / "tuned" / "added.yaml"
"""Cases that were made of answers."""


class Half(StrEnum):
    """`tuned` cases may guide the work; `held` ones were written before it and only measure it."""

    TUNED = "tuned"
    HELD = "held"


class Kind(StrEnum):
    """What a case tries."""

    DIRECT = "direct"
    SYNTHESIS = "synthesis"
    MULTI_TURN = "multi_turn"
    MISCONCEPTION = "misconception"
    UNANSWERABLE = "unanswerable"
    ADVERSARIAL = "adversarial"


class Expect(StrEnum):
    """How the question should end."""

    ANSWERED = "answered"
    DECLINED = "declined"
    EITHER = "either"


def _check_pattern(pattern: str) -> str:
    re.compile(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class EvalCase(Value):
    """A question and what a right answer holds.

    `sections` are playbook ids that must be cited, "a | b" for alternatives; `facts` are patterns that must all be
    found in the answer's text, `must_not` ones that may not; both ignore case.
    """

    id: str
    kind: Kind
    question: str
    history: tuple[str, ...] = ()
    role: Role = Role.EXECUTIVE
    expect: Expect
    sections: tuple[str, ...] = ()
    facts: tuple[Pattern, ...] = ()
    must_not: tuple[Pattern, ...] = ()
    near_topic: bool = False


def load_cases(half: Half) -> tuple[EvalCase, ...]:
    """Load all cases of one half, in file order."""
    adapter = TypeAdapter(list[EvalCase])
    return tuple(
        case
        for file in sorted((CASES_DIR / half.value).glob("*.yaml"))
        for case in adapter.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    )


def case_of(answer: Answer) -> EvalCase:
    """Return a case that holds an answer to what it says today; raise InvalidInputError for one that says nothing."""
    books = dict.fromkeys(c.section_id.partition("/")[0] for c in answer.citations if c.kind is CitationKind.PLAYBOOK)
    first = answer.blocks[0] if answer.blocks else None
    if answer.outcome is not Outcome.ANSWERED or not books or not isinstance(first, Paragraph):
        raise InvalidInputError(
            "There is no answer from the playbooks to that question yet.", "Write the passage, and ingest it, first."
        )
    return EvalCase(
        id=f"added-{answer.id[:12]}",
        kind=Kind.DIRECT,
        question=answer.query,
        role=answer.role,
        expect=Expect.ANSWERED,
        sections=(next(iter(books)),),
        facts=(re.escape(first.sentences[0].text),),
    )


def append_case(case: EvalCase) -> None:
    """Add a case to the tuned half; raise InvalidInputError where its question is one already."""
    asked = {known.question.casefold() for half in Half for known in load_cases(half)}
    if case.question.casefold() in asked:
        raise InvalidInputError("That question is a case already.", "Change that case instead.")
    text = yaml.safe_dump([case.model_dump(mode="json")], sort_keys=False, allow_unicode=True, width=120)
    with ADDED.open("a", encoding="utf-8") as file:
        file.write(text)
