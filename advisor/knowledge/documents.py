"""From the Markdown of a file to sections of statements, with headings, whole tables and page numbers kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from advisor.domain.knowledge import Section, SectionKind, Statement, StatementKind
from advisor.knowledge.readers.extract import Extract
from advisor.text import count_words, normalise, slugify, split_sentences

MOST_SECTION_WORDS = 220
"""Longer runs of text under one heading become several sections, so that a citation points to a screenful."""
ROWS_PER_SECTION = 12
_BLOCK_WORDS = 70
_LONGEST_STATEMENT = 600
_SLUG_LENGTH = 60
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_TAG = re.compile(r"<[^>]{1,200}>")


@dataclass(slots=True)
class _Part:
    """What stands under one heading so far."""

    path: tuple[str, ...]
    statements: list[Statement] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    block: int = 0

    @property
    def words(self) -> int:
        return sum(count_words(statement.text) for statement in self.statements)


def split_document(document_id: str, title: str, extract: Extract) -> tuple[Section, ...]:
    """Return the sections of a document, in order. Their ids stay while headings and order do."""
    sections: list[Section] = []
    for part in _parts(title, extract):
        heading = " › ".join(part.path[1:]) or part.path[0]
        seed = f"{len(sections)}-{slugify(heading)[:_SLUG_LENGTH]}"
        sections.append(
            Section(
                id=f"{document_id}/{seed}",
                playbook=document_id,
                playbook_title=title,
                heading=heading,
                kind=SectionKind.ANSWER,
                statements=tuple(part.statements),
                columns=part.columns,
            )
        )
    return tuple(sections)


def name_document(collection: str, path: str) -> str:
    """Return the id of a document: stable while its collection and its path in it are."""
    key = "\0".join((collection, path))
    return f"doc-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _parts(title: str, extract: Extract) -> Iterator[_Part]:
    """Yield what stands under each heading, in pieces of a screenful; tables in pieces of a few rows."""
    headings: list[tuple[int, str]] = []
    part = _Part((title,))
    for page in extract.pages:
        tokens = _PARSER.parse(page.markdown)
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if token.type == "heading_open":
                if part.statements:
                    yield part
                level, text = int(token.tag[1]), _plain(tokens[place + 1])
                headings = [(depth, told) for depth, told in headings if depth < level] + [(level, text)]
                part = _Part((title, *dict.fromkeys(told for _, told in headings if told and told != title)))
            elif token.type == "table_open":
                end = _find_end(tokens, place, "table_close")
                if part.statements and part.words > _BLOCK_WORDS:
                    yield part
                    part = _Part(part.path)
                yield from _read_table(tokens[place:end], part, page.number)
                part = _Part(part.path)
                place = end
            elif token.type in {"inline", "fence", "code_block"}:
                _add(part, tokens, place, page.number)
                if part.words >= MOST_SECTION_WORDS:
                    yield part
                    part = _Part(part.path)
            place += 1
    if part.statements:
        yield part


def _add(part: _Part, tokens: Sequence[Token], place: int, page: int | None) -> None:
    """Add the sentences of a paragraph or list item."""
    previous = tokens[place - 1] if place else None
    if previous is not None and previous.type == "heading_open":
        return
    part.block += 1
    words = 0
    for sentence in split_sentences(_plain(tokens[place])):
        if words > _BLOCK_WORDS:
            part.block, words = part.block + 1, 0
        words += count_words(sentence)
        text = sentence[:_LONGEST_STATEMENT]
        part.statements.append(Statement(text=text, kind=StatementKind.REASON, block=part.block, page=page))


def _read_table(tokens: Sequence[Token], part: _Part, page: int | None) -> Iterator[_Part]:
    """Yield the rows of a table in pieces, each with the header and with the text before it as its caption."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(_plain(token))
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    if not any(header) and body:
        header, body = body[0], body[1:]
    for start in range(0, len(body), ROWS_PER_SECTION):
        piece = _Part(part.path, [*part.statements] if start == 0 else [], tuple(header), part.block + 1)
        for row in body[start : start + ROWS_PER_SECTION]:
            if any(row):
                text = _tell_row(header, row)[:_LONGEST_STATEMENT]
                kind = StatementKind.ROW
                piece.statements.append(Statement(text=text, kind=kind, cells=tuple(row), block=piece.block, page=page))
        if piece.statements:
            yield piece
    if not body and (part.statements or any(header)):
        if any(header):
            text = "; ".join(cell for cell in header if cell)[:_LONGEST_STATEMENT]
            part.statements.append(Statement(text=text, kind=StatementKind.REASON, block=part.block + 1, page=page))
        yield part


def _tell_row(header: Sequence[str], row: Sequence[str]) -> str:
    """Return a row as text that stands without its table: each cell with the name of its column."""
    named = zip(header, row, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _find_end(tokens: Sequence[Token], place: int, kind: str) -> int:
    return next(end for end in range(place, len(tokens)) if tokens[end].type == kind)


def _plain(token: Token) -> str:
    """Return the words of a token, without marks, links and tags."""
    if token.type in {"fence", "code_block"}:
        return normalise(token.content)
    text = "".join(_words(token)) if token.children else token.content
    return normalise(_TAG.sub(" ", _LINK.sub(r"\1", text)))


def _words(token: Token) -> Iterator[str]:
    for child in token.children or ():
        if child.type in {"softbreak", "hardbreak"}:
            yield " "
        elif child.type in {"text", "code_inline", "html_inline"}:
            yield child.content
