"""A check-in: how an initiative is doing, and its newest KPI readings, as changes of the register."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.errors import InvalidInputError

READING = "reading_"
"""A field of the form that starts with this holds a reading of the KPI card named after it."""
_COMMA = re.compile(r"^-?\d+,\d+$")
_FIGURE = re.compile(r"^-?\d+(?:\.\d+)?$")
_FIELDS = ("health", "summary", "risks", "next_step")


def read_check_in(values: Mapping[str, str]) -> list[RecordChange]:
    """Return the changes that a check-in form amounts to; raise InvalidInputError for a date that is none."""
    initiative = values.get("initiative", "")
    on = _read_date(values.get("on", ""))
    fields = {name: values[name] for name in _FIELDS if values.get(name)}
    changes = [RecordChange(kind=RecordKind.STATUS_UPDATE, fields={"initiative": initiative, **fields}, on=on)]
    for name, value in values.items():
        if name.startswith(READING) and value.strip():
            reading = {"initiative": initiative, "card": name.removeprefix(READING), "value": _read_figure(value)}
            changes.append(RecordChange(kind=RecordKind.KPI_READING, fields=reading, on=on))
    return changes


def _read_figure(text: str) -> str:
    """Return a figure as people write it, with a point or a comma; raise InvalidInputError for what is none."""
    plain = text.strip().replace("\u2212", "-")
    if _COMMA.match(plain):
        plain = plain.replace(",", ".")
    if not _FIGURE.match(plain):
        raise InvalidInputError(
            f'"{text.strip()[:30]}" is no figure that a KPI can have.', "Give a number: 12.5 or 12,5."
        )
    return plain


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInputError(f'"{text[:20]}" is not a date.', "Use a form like 2026-11-20.") from None
