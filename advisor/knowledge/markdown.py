"""The Markdown of a section, read into statements.

Every sentence carries its source in a marker after the full stop: `[S4]`, `[S3, S2]` or, with a note,
`[S4; the article gives no origin for the figure]`. A marker covers all sentences back to the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from advisor.domain.knowledge import Statement, StatementKind
from advisor.errors import KnowledgeError
from advisor.text import normalise, split_sentences

_MARKER = re.compile(r"\[(S\d+(?:\s*,\s*S\d+)*)(?:;\s*([^\]]*))?\]")
_LEAD = re.compile(r"^\*\*(.+?)\*\*\s*")
_BULLET = re.compile(r"^- (?!\[)")
_STEP = re.compile(r"^\d+\. ")
_TASK = re.compile(r"^- \[ \] ")
_RULE = re.compile(r"^\|[\s|:-]+\|$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file with its 1-based number."""

    number: int
    text: str


@dataclass(slots=True)
class ParsedBody:
    """The statements of a section, in order, and the columns of its table if it has one."""

    statements: list[Statement] = field(default_factory=list)
    columns: tuple[str, ...] = ()


def strip_marks(text: str) -> str:
    """Return Markdown as the plain text a reader sees: no source markers, no bold."""
    return normalise(_MARKER.sub("", text).replace("**", ""))


def parse_body(file: Path, lines: list[Line]) -> ParsedBody:
    """Parse the body of one section, or raise KnowledgeError with the line and the remedy."""
    body = ParsedBody()
    for number, block in enumerate(_split_blocks(lines)):
        _parse_block(file, block, number, body)
    points = [s for s in body.statements if s.kind is StatementKind.POINT]
    if not points:
        line = lines[0].number if lines else None
        raise KnowledgeError(
            file, line, "the section has no text.", "Begin it with one sentence that answers its questions."
        )
    return body


def _split_blocks(lines: list[Line]) -> Iterator[list[Line]]:
    """Yield paragraphs, single list items (with their continuation lines) and tables."""
    block: list[Line] = []
    for line in lines:
        starts_item = bool(_BULLET.match(line.text) or _STEP.match(line.text) or _TASK.match(line.text))
        blank = not line.text.strip()
        table_edge = bool(block) and line.text.startswith("|") != block[0].text.startswith("|")
        if block and (blank or starts_item or table_edge):
            yield block
            block = []
        if not blank:
            block.append(line)
    if block:
        yield block


def _parse_block(file: Path, block: list[Line], number: int, body: ParsedBody) -> None:
    first = block[0]
    text = normalise(" ".join(line.text for line in block))
    if first.text.startswith("#"):
        if text != "### What to do":
            raise KnowledgeError(
                file,
                first.number,
                f'unexpected heading "{text}".',
                'Only "### What to do" may stand inside a section.',
            )
    elif first.text.startswith("|"):
        _parse_table(file, block, number, body)
    elif _TASK.match(first.text):
        body.statements += _marked_units(file, first, text[6:], StatementKind.TASK, number, whole=True)
    elif _STEP.match(first.text):
        body.statements += _marked_units(file, first, text.split(". ", 1)[1], StatementKind.STEP, number, whole=True)
    elif _BULLET.match(first.text):
        body.statements += _marked_units(file, first, text[2:], StatementKind.REASON, number, whole=False)
    elif text.endswith(":") and not _MARKER.search(text):
        body.statements.append(Statement(text=text, kind=StatementKind.LEAD, block=number))
    else:
        _parse_paragraph(file, first, text, number, body)


def _parse_paragraph(file: Path, first: Line, text: str, number: int, body: ParsedBody) -> None:
    opening = not body.statements
    kind = StatementKind.POINT if opening else StatementKind.REASON
    units = _marked_units(file, first, text, kind, number, whole=False)
    if opening and len(units) != 1:
        raise KnowledgeError(
            file,
            first.number,
            f"the first paragraph has {len(units)} sentences.",
            "Keep the key point alone in it, and move the rest to a second paragraph.",
        )
    body.statements += units


def _marked_units(
    file: Path, first: Line, text: str, kind: StatementKind, block: int, *, whole: bool
) -> list[Statement]:
    """Split text at its markers; each sentence (or the `whole` stretch) becomes a statement."""
    lead = ""
    if found := _LEAD.match(text):
        lead, text = found.group(1), text[found.end() :]
    statements: list[Statement] = []
    position = 0
    for marker in _MARKER.finditer(text):
        stretch = text[position : marker.start()].strip().replace("**", "")
        position = marker.end()
        sources = tuple(part.strip() for part in marker.group(1).split(","))
        for sentence in [stretch] if whole else split_sentences(stretch):
            statements.append(
                Statement(
                    text=sentence,
                    kind=kind,
                    lead=lead,
                    sources=sources,
                    note=(marker.group(2) or "").strip(),
                    block=block,
                )
            )
    rest = text[position:].strip()
    if rest or not statements:
        raise KnowledgeError(
            file,
            first.number,
            f'"{(rest or text)[:60]}" names no source.',
            "Add a marker such as [S4] after the full stop.",
        )
    return statements


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _parse_table(file: Path, block: list[Line], number: int, body: ParsedBody) -> None:
    if body.columns:
        raise KnowledgeError(file, block[0].number, "a second table.", "Give it a section of its own.")
    if len(block) < 3 or not _RULE.match(block[1].text.strip()):
        raise KnowledgeError(
            file,
            block[0].number,
            "a table without header or rows.",
            "Write a header, a line of dashes, then the rows.",
        )
    body.columns = tuple(_cells(block[0].text))
    for line in block[2:]:
        marker = _MARKER.search(line.text)
        if not marker:
            raise KnowledgeError(
                file,
                line.number,
                "the table row names no source.",
                "End its last cell with a marker such as [S4].",
            )
        cells = tuple(strip_marks(cell) for cell in _cells(line.text))
        if len(cells) != len(body.columns):
            raise KnowledgeError(
                file,
                line.number,
                f"the row has {len(cells)} cells, the header {len(body.columns)}.",
                "Give every row one cell a column.",
            )
        body.statements.append(
            Statement(
                text=" | ".join(cells),
                kind=StatementKind.ROW,
                sources=tuple(part.strip() for part in marker.group(1).split(",")),
                note=(marker.group(2) or "").strip(),
                cells=cells,
                block=number,
            )
        )
