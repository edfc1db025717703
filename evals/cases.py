"""Eval cases on disk: YAML lists in two halves, `tuned` and `held`."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, TypeAdapter

from advisor.domain.base import Value
from advisor.domain.dialogue import Role

CASES_DIR = Path(__file__).parent / "cases"


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
