"""What the wording of a question asks for: a list, tasks, an amount, a definition."""

from __future__ import annotations

import re

_AMOUNT_QUESTION = re.compile(
    r"\b(?:how (?:many|much|long|often|likely|soon)|(?:what|which) (?:share|percentage|percent)|when)\b", re.I
)
_DEFINITION_QUESTION = re.compile(r"\W*(?:what(?:'s| is| are)|define|explain)\b", re.I)
_OPEN_QUESTION = re.compile(r"\W*(?:what|how|which|who|whom|whose|where|when)\b", re.I)
_LIST_WORDS = re.compile(
    r"\b(?:list|steps?|stages?|sequence|sequencing|phases?|order|table|types?|kinds?|categories|elements?|requirements?"
    r"|criteria|causes|reasons|barriers|traits|maxims|gaps|dimensions|vectors|modes|ways|what are the|which are the"
    r"|how many|ladder|parts|components|conditions|ingredients|roadmap|path)\b",
    re.I,
)
_TASK_WORDS = re.compile(r"\b(?:check-?list|to-?dos?|action items?|tasks|action plan)\b", re.I)


def wants_list(question: str) -> bool:
    """Whether the question asks for steps, kinds or another list."""
    return bool(_LIST_WORDS.search(question))


def wants_tasks(question: str) -> bool:
    """Whether the question asks for a checklist by name."""
    return bool(_TASK_WORDS.search(question))


def wants_amount(question: str) -> bool:
    """Whether the question asks how much, how many, how long."""
    return bool(_AMOUNT_QUESTION.search(question))


def wants_definition(question: str) -> bool:
    """Whether the question asks what something is."""
    return bool(_DEFINITION_QUESTION.match(question))


def is_open(question: str) -> bool:
    """Whether the question assumes little: it begins with "what", "how", "who", not with "surely" or "can"."""
    return bool(_OPEN_QUESTION.match(question))
