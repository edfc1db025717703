"""Checking the conditions of a need against a record, and saying in words which one fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from advisor.domain.criteria import Bound, CriteriaBook, parse_bound
from advisor.domain.records import Fields, ShadowPeriod
from advisor.domain.register import AnyRecord

_ACRONYMS = {"it": "IT", "ot": "OT", "kpi": "KPI", "id": "id"}


class Conditions:
    """The conditions of needs, read with the thresholds of a book, as of a day."""

    def __init__(self, book: CriteriaBook, as_of: date) -> None:
        self._book = book
        self.as_of = as_of

    def days(self, age: int | str | None) -> int | None:
        """Return a number of days that is written as such or as the name of a threshold."""
        return self._book.days(age)

    def hold(self, fields: Fields, where: Mapping[str, Any]) -> bool:
        """Whether a record satisfies all conditions."""
        return all(self._holds(getattr(fields, name), wanted) for name, wanted in where.items())

    def find_failures(self, fields: Fields, where: Mapping[str, Any]) -> list[str]:
        """Return what is not as it should be, in words, one phrase a condition."""
        return [
            self._word(fields, name, wanted)
            for name, wanted in where.items()
            if not self._holds(getattr(fields, name), wanted)
        ]

    def _holds(self, value: Any, wanted: Any) -> bool:
        if wanted == "set":
            return bool(value) or (value == 0 and value is not False)
        if wanted == "unset":
            return not value and (value != 0 or value is False)
        if isinstance(wanted, list | tuple):
            return any(self._holds(value, one) for one in wanted)
        if isinstance(wanted, str) and (bound := parse_bound(wanted)):
            return value is not None and self.within(_number(value, self.as_of), bound)
        plain = value.value if isinstance(value, Enum) else value
        return bool(plain == wanted)

    def within(self, number: float, bound: Bound) -> bool:
        """Whether a number keeps to a bound."""
        limit = self._book.figure(bound)
        return number >= limit if bound.sign == ">=" else number <= limit

    def word_bound(self, bound: Bound) -> str:
        """Return a bound in words: `at least 28 days`."""
        threshold = self._book.threshold_by_name.get(bound.threshold)
        limit = self._book.figure(bound)
        sign = "at least" if bound.sign == ">=" else "at most"
        if threshold and threshold.unit == "share":
            return f"{sign} {limit * 100:g} %"
        return f"{sign} {limit:g} {threshold.unit}" if threshold else f"{sign} {limit:g}"

    def find_matches(self, fields: Fields, where: Mapping[str, Any]) -> list[str]:
        """Return in words what a record shows of the fields that conditions name."""
        return [_show(name, getattr(fields, name)) for name in where]

    def _word(self, fields: Fields, name: str, wanted: Any) -> str:
        label, value = word_field(name), getattr(fields, name)
        bound = parse_bound(wanted) if isinstance(wanted, str) else None
        if bound and value is None and isinstance(fields, ShadowPeriod) and name == "days":
            return f"running for {(self.as_of - fields.started_on).days} days, not {self.word_bound(bound)}"
        if wanted == "set" or (value is None and not isinstance(wanted, bool)):
            return f"no {label}"
        if bound:
            if isinstance(value, date):
                days = (self.as_of - value).days
                limit = f", not {self.word_bound(bound)}" if self._book.figure(bound) else ""
                return f"{label} was {days} days ago{limit}"
            return f"{label} {word_value(value)}, not {self.word_bound(bound)}"
        if isinstance(wanted, bool):
            return f"{label}: {'no' if wanted else 'yes'}"
        choices = wanted if isinstance(wanted, list | tuple) else [wanted]
        return f"{label} {word_value(value)}, not {' or '.join(word_value(choice) for choice in choices)}"


def _show(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return word_field(name) if value else f"not {word_field(name)}"
    return f"{word_field(name)} {word_value(value)}" if value else f"no {word_field(name)}"


def _number(value: Any, as_of: date) -> float:
    return float((as_of - value).days) if isinstance(value, date) else float(value)


def word_field(name: str) -> str:
    """Return the name of a field as a reader would say it."""
    return " ".join(_ACRONYMS.get(word, word) for word in name.removesuffix("_on").split("_"))


def word_value(value: Any) -> str:
    """Return a value as a reader would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return word_date(value)
    if isinstance(value, Enum):
        value = value.value
    return value.replace("_", " ") if isinstance(value, str) else str(value)


def word_date(day: date) -> str:
    """Return a date as 20 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


def word_record(record: AnyRecord) -> str:
    """Return what a record is, in a few words: `KPI card Unplanned downtime`."""
    fields = record.fields
    kind = fields.kind.words
    for name in ("name", "title", "decision", "source_system", "system", "asset", "model", "topic"):
        if value := getattr(fields, name, ""):
            return f"{kind} {value}" if kind not in {"initiative", "site"} else str(value)
    started = getattr(fields, "started_on", None)
    return f"{kind} from {word_date(started)}" if started else f"{kind} of {word_date(record.as_of)}"
