"""Lists by page: a cursor is the key of the last item that was shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Some of a list, in order; `next` is the cursor of the following page, empty on the last."""

    items: list[T]
    next: str = ""


def make_page(items: Sequence[T], key: Callable[[T], str], cursor: str, limit: int) -> Page[T]:
    """Return the items after a cursor. They must come in the order of their keys."""
    rest = [item for item in items if key(item) > cursor]
    return Page(items=rest[:limit], next=key(rest[limit - 1]) if len(rest) > limit else "")
