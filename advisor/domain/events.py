"""What a door hears while an answer is being made, in order: status, blocks with citations, done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, Block, Citation


class StatusEvent(Value):
    """What is being done, in words for the person who waits."""

    type: Literal["status"] = "status"
    text: str


class BlockEvent(Value):
    """One finished block of the answer and the citations that it introduces."""

    type: Literal["block"] = "block"
    block: Block
    citations: tuple[Citation, ...] = ()


class DoneEvent(Value):
    """The whole answer. Always the last event."""

    type: Literal["done"] = "done"
    answer: Answer


AskEvent = Annotated[StatusEvent | BlockEvent | DoneEvent, Field(discriminator="type")]
