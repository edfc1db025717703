"""What a reader yields, and why a file yields nothing."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """A page or slide as Markdown; `number` counts from 1, and is None where a format has no pages."""

    number: int | None
    markdown: str


class Extract(NamedTuple):
    """The text of a file."""

    title: str
    pages: tuple[Page, ...]


class UnreadableError(Exception):
    """A file yields no text; the message says why, in a few words for the report."""
