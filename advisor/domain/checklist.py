"""Playbook tasks as owned, dated work."""

from __future__ import annotations

from datetime import date

from advisor.domain.base import Value


class ChecklistDraft(Value):
    """A task that is about to become somebody's: what, from which passage, for which initiative or site."""

    title: str
    section_id: str = ""
    quote: str = ""
    criterion: str = ""
    initiative: str = ""
    site: str = ""
    owner: str = ""
    due_on: date | None = None
    recurs_days: int | None = None


class ChecklistItem(Value):
    """A task as the register holds it. `source` names the playbook section that asks for it."""

    id: str
    version: int
    title: str
    initiative: str
    where: str
    owner: str
    due_on: date | None
    status: str
    overdue: bool
    section_id: str
    source: str
    quote: str
    criterion: str
    recurs_days: int | None
    done_on: date | None
    evidence: str

    @property
    def short_id(self) -> str:
        """A few characters that tell it from the others on the list."""
        return self.id.removeprefix("action-item-")[:8]


class InterviewQuestion(Value):
    """The next question of the assessment. `left` is how many could still come; answering no makes it fewer."""

    criterion: str
    dimension: str
    level: int
    ask: str
    playbook: str
    section: str
    quote: str
    answered: int
    left: int
