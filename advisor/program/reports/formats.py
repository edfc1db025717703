"""The meeting pack in every format that it is written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from advisor.errors import InvalidInputError
from advisor.program.reports import html, markdown
from advisor.program.reports.pack import MeetingPack


class Format(NamedTuple):
    """How a file of a format is announced, and made. Its maker takes the company's template, if it can."""

    media_type: str
    make: Callable[[MeetingPack, Path | None], bytes]


def _make_pptx(pack: MeetingPack, template: Path | None) -> bytes:
    from advisor.program.reports import pptx  # noqa: PLC0415  a third of a second to import

    return pptx.render_pack(pack, template)


def _make_xlsx(pack: MeetingPack, _: Path | None) -> bytes:
    from advisor.program.reports import xlsx  # noqa: PLC0415

    return xlsx.render_pack(pack)


def _make_pdf(pack: MeetingPack, _: Path | None) -> bytes:
    from advisor.program.reports import pdf  # noqa: PLC0415

    return pdf.render_pack(pack)


_OPEN_XML = "application/vnd.openxmlformats-officedocument"
FORMATS: Mapping[str, Format] = {
    "pptx": Format(f"{_OPEN_XML}.presentationml.presentation", _make_pptx),
    "xlsx": Format(f"{_OPEN_XML}.spreadsheetml.sheet", _make_xlsx),
    "pdf": Format("application/pdf", _make_pdf),
    "html": Format("text/html; charset=utf-8", lambda pack, _: html.render_pack(pack).encode()),
    "md": Format("text/markdown; charset=utf-8", lambda pack, _: markdown.render_pack(pack).encode()),
}


def find_format(name: str) -> Format:
    """Return a format by its name; raise InvalidInputError."""
    try:
        return FORMATS[name.lower().removeprefix(".")]
    except KeyError:
        raise InvalidInputError(f'There is no format "{name[:20]}".', f"Use one of: {', '.join(FORMATS)}.") from None
