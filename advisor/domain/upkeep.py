"""What the knowledge base lacks or should look at again: content gaps, contradictions, stale passages."""

from __future__ import annotations

from datetime import date, datetime

from advisor.domain.base import Value
from advisor.domain.dialogue import Outcome, Role
from advisor.domain.knowledge import Section, Statement


class Unmet(Value):
    """A question that was not answered, or whose answer somebody disliked. `who` tells people apart, no more."""

    answer_id: str
    question: str
    outcome: Outcome
    asked_at: datetime
    who: str
    disliked: bool = False
    reason: str = ""


class ContentGap(Value):
    """Questions that mean the same and were not met. `answered_now`: there is an answer, and nobody disliked it."""

    question: str
    """The one nearest to all the others; it names the gap."""
    asked: int
    people: int
    declined: int
    disliked: int
    last_asked: datetime
    reasons: tuple[str, ...]
    answer_ids: tuple[str, ...]
    questions: tuple[str, ...] = ()
    owner: str = ""
    answered_now: bool = False


class Opinion(Value):
    """What a reader thought of an answer, or of one `citation` of it; who it was is not told."""

    answer_id: str
    question: str
    helpful: bool
    reason: str
    citation: int | None
    given_at: datetime


class AnswerLine(Value):
    """An answer in a list; its receipt goes by its id."""

    answer_id: str
    question: str
    outcome: Outcome
    role: Role
    asked_at: datetime


class Contradiction(Value):
    """Two statements of different sections on one topic with different figures; `resting` answers cite one of them."""

    first: tuple[Section, Statement]
    second: tuple[Section, Statement]
    closeness: float
    resting: int


class Stale(Value):
    """A document whose day of review has passed; `resting` answers cite it."""

    title: str
    collection: str
    review_by: date
    resting: int
