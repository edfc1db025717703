"""The one base of all nouns."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value: equal by content, never changed, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
