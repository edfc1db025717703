"""A question about the program, understood: what is asked, and of what."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from advisor.domain.records import Initiative, Site
from advisor.domain.register import AnyRecord, Record
from advisor.program.filters import Keep, Records

PEOPLE_FIELDS = ("accountable_owner", "business_owner", "it_owner", "ot_owner", "sponsor")


class Topic(StrEnum):
    """What is asked."""

    STATUS = "status"
    OWNER = "owner"
    PLATE = "plate"
    GATE = "gate"
    WEAKEST = "weakest"
    OVERDUE = "overdue"
    CHANGED = "changed"
    STAGE = "stage"
    AGE = "age"
    STALLED = "stalled"
    KPI = "kpi"
    LIST = "list"
    RECORDS = "records"
    FOUND = "found"


class Asked(NamedTuple):
    """A question about the program, understood."""

    topic: Topic
    initiatives: tuple[Record[Initiative], ...]
    sites: tuple[Record[Site], ...]
    people: tuple[str, ...]
    unknown: str
    """A name that the question uses and the register does not know."""
    wants_playbook: bool
    keep: Keep | None
    """Which initiatives a list is about; None for all."""
    filter_words: str
    since: date | None
    cards: tuple[str, ...] = ()
    records: Records | None = None
    dimensions: tuple[str, ...] = ()
    """Ids of the sides of an operating model that the question is about."""
    sure: bool = True
    """Whether it is about the program beyond doubt."""
    vague: bool = False
    """Whether nothing says what is asked, so that it is taken to be how things stand."""
    found: tuple[AnyRecord, ...] = ()
    """Records that the question is after, the best first."""
