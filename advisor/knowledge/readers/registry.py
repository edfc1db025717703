"""Which reader reads which file."""

from __future__ import annotations

from pathlib import Path

from advisor.knowledge.readers import office, pdf, plain
from advisor.knowledge.readers.extract import Extract, UnreadableError

READERS = plain.READERS | office.READERS | pdf.READERS
MOST_FILE_BYTES = 100_000_000
_LEAST_LETTERS = 8


def read_file(path: Path) -> Extract:
    """Return the text of a file; raise UnreadableError saying why there is none."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableError("unsupported format")
    size = path.stat().st_size
    if size > MOST_FILE_BYTES:
        raise UnreadableError(f"larger than {MOST_FILE_BYTES // 1_000_000} MB")
    if not size:
        raise UnreadableError("empty")
    extract = reader(path.read_bytes())
    letters = sum(character.isalnum() for page in extract.pages for character in page.markdown)
    if letters < _LEAST_LETTERS:
        raise UnreadableError("no text (a scan, or nothing but pictures)" if size > 2_000 else "no text")
    return extract
