"""Splits sections into chunks. A section is one chunk unless it is long; lists and tables are never torn."""

from __future__ import annotations

import hashlib

from advisor.domain.knowledge import Chunk, Section, Statement, StatementKind
from advisor.text import count_words

CHUNKER_VERSION = "section-1"
MAX_WORDS = 170
"""About what the default model reads (256 tokens) with the heading path in front."""


def split_sections(sections: tuple[Section, ...]) -> tuple[Chunk, ...]:
    """Return the chunks of all sections, in order. Ids are stable while heading path and text are."""
    return tuple(chunk for section in sections for chunk in _split(section))


def _split(section: Section) -> list[Chunk]:
    path = (section.playbook_title, section.heading)
    return [
        Chunk(id=_digest(path, text), section_id=section.id, heading_path=path, text=text)
        for text in _pack([_joined(block) for block in _blocks(section)])
    ]


def _blocks(section: Section) -> list[list[Statement]]:
    """Group statements that must stay together: a paragraph or bullet, a list or a table with its lead-in."""
    blocks: list[list[Statement]] = []
    for statement in section.statements:
        if statement.kind is StatementKind.TASK:
            continue
        previous = blocks[-1][-1] if blocks else None
        joins = previous is not None and (
            previous.block == statement.block
            or previous.kind is StatementKind.LEAD
            or (previous.kind is statement.kind and statement.kind in {StatementKind.STEP, StatementKind.ROW})
        )
        if joins:
            blocks[-1].append(statement)
        else:
            blocks.append([statement])
    return blocks


def _joined(block: list[Statement]) -> str:
    parts: list[str] = []
    for statement in block:
        repeats_lead = bool(parts) and statement.kind is StatementKind.REASON
        parts.append(statement.text if repeats_lead else statement.labelled)
    return " ".join(parts)


def _pack(texts: list[str]) -> list[str]:
    """Join texts, in order, into as few pieces as the word limit allows."""
    pieces: list[str] = []
    for text in texts:
        if pieces and count_words(pieces[-1]) + count_words(text) <= MAX_WORDS:
            pieces[-1] = f"{pieces[-1]} {text}"
        else:
            pieces.append(text)
    return pieces


def _digest(path: tuple[str, ...], text: str) -> str:
    return hashlib.sha256("\x1f".join((*path, text)).encode()).hexdigest()[:16]
