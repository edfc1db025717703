"""PDF, page by page, with its bookmarks and what looks like a heading as headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import pypdfium2
from pypdfium2 import PdfiumError

from advisor.knowledge.readers.extract import Extract, Page, UnreadableError
from advisor.knowledge.readers.plain import escape_markdown

MOST_PAGES = 3_000
_PASSWORD = 4
_NUMBERED = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.|Appendix [A-Z])\s+[A-Z][^.;]{2,90}$")
_CONTENTS_LINE = re.compile(r"(?:\.\s?){4,}|\s\d{1,4}$")
"""A line of a table of contents: leaders, or a page number at its end."""
_BULLET = re.compile(r"^[•▪◦●‣–]\s+")
_DASH_AT_END = re.compile(r"(?<=[a-z])[-\u00ad\ufffe\u0002]$")
_ENDS = re.compile(r"[.!?:;”\"]$")
_REPEATED = 0.4
"""Share of pages on which a line at the edge is a running header."""
_SHORT_LINE = 60


def read_pdf(raw: bytes) -> Extract:
    """Read the text of every page; raise UnreadableError for what is encrypted or damaged."""
    try:
        document = pypdfium2.PdfDocument(raw)
    except PdfiumError as error:
        locked = getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower()
        raise UnreadableError("encrypted" if locked else "damaged, or not a PDF") from None
    try:
        if len(document) > MOST_PAGES:
            raise UnreadableError(f"more than {MOST_PAGES:,} pages")
        title = str(document.get_metadata_dict().get("Title", "")).strip()
        bookmarks = _read_bookmarks(document)
        lines = [_read_lines(document, number) for number in range(len(document))]
    finally:
        document.close()
    running = _find_running(lines)
    pages = [
        Page(number, _to_markdown([line for line in found if line not in running], bookmarks.get(number, ())))
        for number, found in enumerate(lines, 1)
    ]
    return Extract(title, tuple(page for page in pages if page.markdown.strip()))


def _read_bookmarks(document: pypdfium2.PdfDocument) -> dict[int, list[str]]:
    """Return the titles of bookmarks by the page (from 1) that they open."""
    found: dict[int, list[str]] = {}
    try:
        for mark in document.get_toc(max_depth=4):
            destination = mark.get_dest()
            index = destination.get_index() if destination else None
            if index is not None:
                found.setdefault(index + 1, []).append(" ".join(mark.get_title().split()))
    except (PdfiumError, ValueError, RuntimeError):
        return found
    return found


def _read_lines(document: pypdfium2.PdfDocument, number: int) -> list[str]:
    try:
        page = document[number]
        text = page.get_textpage().get_text_bounded()
    except PdfiumError:
        return []  # one damaged page does not take the others with it
    return [" ".join(line.replace("\x00", "").split()) for line in text.splitlines()]


def _find_running(pages: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the lines that stand at the top or bottom of many pages."""
    edges: Counter[str] = Counter()
    for lines in pages:
        told = [line for line in lines if line]
        edges.update({*told[:2], *told[-2:]})
    least = max(3, _REPEATED * len(pages))
    return frozenset(line for line, count in edges.items() if count >= least)


def _to_markdown(lines: Sequence[str], bookmarks: Sequence[str]) -> str:
    """Join the lines of a page into paragraphs, with headings where bookmarks or numbering show them."""
    titles = {title.casefold() for title in bookmarks}
    parts: list[str] = []
    current: list[str] = []

    def close() -> None:
        if current:
            parts.append(escape_markdown(_join(current)))
            current.clear()

    for line in lines:
        if not line:
            close()
        elif line.casefold() in titles or (_NUMBERED.match(line) and not _CONTENTS_LINE.search(line)):
            close()
            parts.append(f"## {escape_markdown(line)}")
        else:
            if _BULLET.match(line):
                close()
            current.append(_BULLET.sub("", line))
            if _ENDS.search(line) and len(line) < _SHORT_LINE:
                close()
    close()
    return "\n\n".join(parts)


def _join(lines: Sequence[str]) -> str:
    text = ""
    for line in lines:
        broken = _DASH_AT_END.search(text)
        text = f"{text[: broken.start()]}{line}" if broken else f"{text} {line}".strip()
    return text


READERS: dict[str, Callable[[bytes], Extract]] = {".pdf": read_pdf}
