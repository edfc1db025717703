"""Office files and e-books through MarkItDown, once their archives are known to be of reasonable size."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from functools import cache

from markitdown import MarkItDown, StreamInfo
from markitdown._exceptions import MarkItDownException

from advisor.knowledge.readers.extract import Extract, Page, UnreadableError

MOST_ENTRIES = 5_000
MOST_BYTES = 300_000_000
MOST_RATIO = 200
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->")
_OLE = b"\xd0\xcf\x11\xe0"
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")


def to_markdown(raw: bytes, extension: str) -> str:
    """Return a file as Markdown; raise UnreadableError when it cannot be read."""
    try:
        done = _converter().convert_stream(
            io.BytesIO(raw), stream_info=StreamInfo(extension=extension, charset="utf-8")
        )
    except MarkItDownException as error:
        raise UnreadableError(f"damaged, or not a {extension[1:]} file ({type(error).__name__})") from None
    return _IMAGE.sub("", done.markdown)


@cache
def _converter() -> MarkItDown:
    return MarkItDown(enable_plugins=False)


def _check_archive(raw: bytes) -> None:
    """Raise UnreadableError for an archive that would unpack into too much, or is none."""
    if raw.startswith(_OLE):
        raise UnreadableError("encrypted, or in the old binary format")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise UnreadableError("damaged: not a whole archive") from None
    size = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or size > MOST_BYTES or size > MOST_RATIO * max(len(raw), 1_000):
        raise UnreadableError("unpacks into too much")
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableError("encrypted")


def _read_office(extension: str) -> Callable[[bytes], Extract]:
    def read(raw: bytes) -> Extract:
        _check_archive(raw)
        return Extract("", (Page(None, to_markdown(raw, extension)),))

    return read


def read_slides(raw: bytes) -> Extract:
    """Read a deck, slide by slide."""
    _check_archive(raw)
    parts = _SLIDE.split(to_markdown(raw, ".pptx"))
    return Extract("", tuple(Page(int(n), text) for n, text in zip(parts[1::2], parts[2::2], strict=True)))


READERS: dict[str, Callable[[bytes], Extract]] = {
    ".docx": _read_office(".docx"),
    ".xlsx": _read_office(".xlsx"),
    ".epub": _read_office(".epub"),
    ".pptx": read_slides,
}
