"""Figures of a text with their units, however they are written: 18, eighteen, 18 %, a third, twice."""

from __future__ import annotations

import re

from advisor.text import stem

_UNITS = {
    **dict.fromkeys(("%", "percent", "percentage"), "%"),
    **dict.fromkeys(("x", "times", "fold"), "x"),
    **{unit: unit for unit in ("minut", "hour", "day", "week", "month", "quarter", "year", "shift", "second")},
    **dict.fromkeys(("gigabit", "gbps", "gbit"), "Gbit"),
    **dict.fromkeys(("megabit", "mbps", "mbit"), "Mbit"),
    **dict.fromkeys(("million", "billion", "thousand", "$", "€", "£", "dollar", "euro"), "money"),
}
_ONES = dict(
    zip(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split(),
        range(20),
        strict=True,
    )
)
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_WORDS = {
    "hundr": "100", "dozen": "12", "coupl": "2", "half": "1/2", "twice": "2x", "doubl": "2x", "tripl": "3x",
}  # fmt: skip
_PARTS = {"third": "3", "fourth": "4", "fifth": "5", "tenth": "10", "quarter": "4"}
_QUANTITY = re.compile(
    r"(?P<sign>[$€£])?(?<![\w.])(?P<value>\d+(?:[.,]\d+)*)(?![\w]*\d)\s*(?P<mark>%|x\b)?"
    r"|\b(?P<share>an?|one|two|three)[ -](?P<part>third|fourth|fifth|tenth|quarter)(?=s|[,.;]| (?:of|with|ha|as|to)\w*)"
    r"|(?P<word>[a-z]+)",
    re.IGNORECASE,
)
_BETWEEN = frozenset("to and or between full calendar business working".split())
_POINTING = frozenset("the these those both its their of".split())


def find_quantities(text: str) -> set[tuple[str, str]]:
    """Return the figures of a text with their units ("" where there is none); the unit of a range is that of both.

    "One" without a unit, and "the two", count nothing: they point.
    """
    found: list[list[str]] = []
    open_: list[list[str]] = []
    before = ""
    tens: list[str] | None = None
    for match in _QUANTITY.finditer(text):
        word = (match["word"] or "").lower()
        value = _read_value(match, word)
        if tens is not None and word in _ONES and 0 < _ONES[word] < 10:
            tens[0] = str(int(tens[0]) + _ONES[word])
        elif value:
            weak = word == "one" or (word == "two" and before in _POINTING)
            found.append([value, _UNITS.get(match["mark"] or match["sign"] or "", ""), "weak" if weak else ""])
            open_ = [item for item in open_ if not item[1]] + [found[-1]]
            tens = found[-1] if word in _TENS else None
            before = word
            continue
        tens = None
        before = word
        unit = _UNITS.get(word, _UNITS.get(stem(word), ""))
        if unit:
            for item in open_:
                item[1] = item[1] or unit
        if word not in _BETWEEN and word not in _ONES:
            open_ = []
    return {(value, unit) for value, unit, weak in found if unit or not weak}


def _read_value(match: re.Match[str], word: str) -> str:
    if match["value"]:
        return match["value"].replace(",", "")
    if match["part"]:
        share = {"a": "1", "an": "1", "one": "1", "two": "2", "three": "3"}[match["share"].lower()]
        return f"{share}/{_PARTS[match['part'].lower()]}"
    if word in _ONES or word in _TENS:
        return str({**_ONES, **_TENS}[word])
    return _WORDS.get(word, _WORDS.get(stem(word), "")) if word else ""


def widen(quantities: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return quantities, and each figure without its unit: a sentence may leave the unit out."""
    return quantities | {(value, "") for value, _ in quantities}
