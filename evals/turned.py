"""Whether a sentence turns its quotes round: a denial more or less, the opposite bound, another unit.

Written for the judges alone: the product has rules of its own (advisor.answering.reversals), and a fault that both
shared would be seen by neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.text import NUMBER_WORDS, content_stems

NEGATORS = re.compile(
    r"\b(?:not|no(?! (?:more|less|fewer) than)|never|nobody|none|nothing|neither|nor|without|cannot)\b|n['’]t\b", re.I
)
_CLAUSE = re.compile(r"[,;:.()]\s|\s(?:and|but|while|whereas|because|so that|which|who)\s", re.I)
_REACH = 3
"""Content words that a denial is read to reach, at most to the end of its clause."""
_OPPOSITES = tuple(
    (re.compile(rf"\b(?:{one})\b", re.I), re.compile(rf"\b(?:{other})\b", re.I))
    for one, other in (
        (r"at least|no less than|no fewer than|minimum", r"at most|no more than|up to|maximum"),
        (r"more|higher|longer|larger|above", r"less|fewer|lower|shorter|smaller|below"),
        (r"before", r"after"),
        (r"always", r"never"),
        (r"first", r"last"),
    )
)
_UNIT_WORDS = {
    "percentage points": "points", "percentage point": "points", "points": "points", "per cent": "%", "percent": "%",
    "%": "%", "minutes": "minute", "hours": "hour", "days": "day", "weeks": "week", "months": "month",
    "quarters": "quarter", "years": "year", "shifts": "shift", "seconds": "second", "times": "times",
    "million": "million", "billion": "billion", "thousand": "thousand",
}  # fmt: skip
_UNITS = _UNIT_WORDS | {word.removesuffix("s"): unit for word, unit in _UNIT_WORDS.items() if word != "times"}
_VALUE = rf"(?<![\w.])\d+(?:[.,]\d+)*|\b(?:{'|'.join(NUMBER_WORDS)})\b"
AMOUNT = re.compile(
    rf"(?P<first>{_VALUE})(?:\s*(?:to|and|or|[-–])\s*(?P<second>{_VALUE}))?"
    r"[\s-]*(?:full |calendar |business |working )?"
    rf"(?P<unit>{'|'.join(sorted(map(re.escape, _UNITS), key=len, reverse=True))})?(?!\w)",
    re.I,
)


def find_amounts(text: str) -> set[tuple[str, str]]:
    """Return the figures of a text with their units, "" where there is none; both ends of a range have its unit."""
    found: set[tuple[str, str]] = set()
    for match in AMOUNT.finditer(text):
        unit = _UNITS.get((match["unit"] or "").lower(), "")
        for value in (match["first"], match["second"]):
            if value:
                found.add((NUMBER_WORDS.get(value.lower(), value.replace(",", "")), unit))
    return found


def find_turns(text: str, quotes: str) -> Iterator[str]:
    """Yield what a sentence turns round of what it cites, in words."""
    denied, meant = len(NEGATORS.findall(text)), len(NEGATORS.findall(quotes))
    if denied > meant:
        yield "denies more than its quote"
    if _drops_denial(text, quotes):
        yield "leaves out a denial of its quote"
    for one, other in _OPPOSITES:
        for here, there in ((one, other), (other, one)):
            if here.search(text) and there.search(quotes) and not here.search(quotes) and not there.search(text):
                yield f"says “{here.search(text)[0]}” for “{there.search(quotes)[0]}”"  # type: ignore[index]
    held = find_amounts(quotes)
    for value, unit in sorted(find_amounts(text)):
        units = {own for number, own in held if number == value}
        if unit and units and not units & {unit, ""}:
            yield f"says {value} {unit} for {value} {' or '.join(sorted(units))}"


def _drops_denial(text: str, quotes: str) -> bool:
    """Whether a text asserts what a denial of its quotes reaches, and denies it nowhere."""
    denied = {stem for clause in _CLAUSE.split(text) if NEGATORS.search(clause) for stem in content_stems(clause)}
    asserted = set(content_stems(text)) - denied
    for match in NEGATORS.finditer(quotes):
        reached = set(content_stems(_CLAUSE.split(quotes[match.end() :], maxsplit=1)[0])[:_REACH])
        if reached and reached <= asserted:
            return True
    return False
