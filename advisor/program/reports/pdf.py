"""The meeting pack as a tagged PDF, set from the same page as the HTML; nothing is fetched while it is made."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from advisor.errors import InvalidInputError
from advisor.program.reports import html
from advisor.program.reports.pack import MeetingPack


def render_pack(pack: MeetingPack) -> bytes:
    """Return the PDF; raise InvalidInputError where the extra `pdf`, or the library Pango, is not installed."""
    try:
        weasyprint = import_module("weasyprint")
    except ImportError:
        raise InvalidInputError("The extra pdf is not installed.", 'Install it: pip install -e ".[pdf]".') from None
    except OSError:
        raise InvalidInputError(
            "Pango is not installed, which sets the PDF.",
            "On Debian: apt install libpango-1.0-0 libpangoft2-1.0-0. Or take another format.",
        ) from None
    for name in ("weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)
    page = weasyprint.HTML(string=html.render_pack(pack), url_fetcher=_refuse)
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1")
    return made


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f"nothing is fetched for a report: {url[:80]}")
