"""Work that must not be lost: what came in and waits to be handled, what waits to go out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from advisor.domain.base import Value


class Queue(StrEnum):
    """Which way a piece of work goes."""

    IN = "in"
    OUT = "out"


class NewWork(Value):
    """A piece of work about to be queued.

    The same `key`, or the same `alias`, is queued once. Work of one `lane` is done in the order in which it came.
    `not_before` is a time in seconds since the epoch.
    """

    queue: Queue
    key: str = Field(min_length=1, max_length=250)
    alias: str | None = Field(default=None, max_length=250)
    lane: str = Field(max_length=250)
    payload: Mapping[str, Any]
    not_before: float = 0


class Work(NewWork):
    """A piece of work as taken: `attempts` counts this one; `note` is what an earlier attempt left behind."""

    number: int
    attempts: int
    note: Mapping[str, Any] = {}


class Feedback(Value):
    """What a reader thought of an answer, or of one `citation` of it, by number."""

    answer_id: str
    helpful: bool
    reason: str = ""
    citation: int | None = None
