"""What a door hears while an answer is being made, in order: status, query, citations and blocks, done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, Block, Citation


class StatusEvent(Value):
    """What is being done, in words for the person who waits."""

    type: Literal["status"] = "status"
    text: str


class QueryEvent(Value):
    """The standalone question that is answered, once the conversation is taken into account."""

    type: Literal["query"] = "query"
    query: str


class CitationEvent(Value):
    """A citation, before the first block that uses it."""

    type: Literal["citation"] = "citation"
    citation: Citation


class BlockEvent(Value):
    """The block at a place of the answer (from 0), whole or as far as it has passed the checks.

    A later event for the same place takes the place of the earlier one; `done` carries the answer as it is kept.
    """

    type: Literal["block"] = "block"
    block: Block
    place: int = 0


class DoneEvent(Value):
    """The whole answer. Always the last event."""

    type: Literal["done"] = "done"
    answer: Answer


AskEvent = Annotated[StatusEvent | QueryEvent | CitationEvent | BlockEvent | DoneEvent, Field(discriminator="type")]
