"""Judges of what an answer says of the program: its entries, counts, and each date, figure and name of a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from advisor.domain.dialogue import Citation, CitationKind, Outcome
from advisor.domain.records import LADDERS, RecordKind, Stage, Track
from evals.cases import About
from evals.counts import recount_facts
from evals.denials import check_denials
from evals.facts import Fact, Facts, list_days
from evals.recount import recount
from evals.seen import Score, Seen, list_sentences, share

_DATE = re.compile(r"\b(\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}|\d{4}-\d\d-\d\d)\b")
_DAY = _DATE.pattern
_NUMBER = re.compile(r"(?<![\w.,#-])-?\d+(?:[.,]\d+)*(?![\w.]*\d)")
_ABSENT = re.compile(r"^No ([\w ]+?) is recorded for (.+?)\.?$")
_UP_TO = re.compile(r"^Entries up to #(\d+)")
_NAMES = ("name", "title", "decision", "source_system", "system", "asset", "model", "topic")
_BOUND = re.compile(r"(?:at least|at most|more than|needed are) (\d+(?:\.\d+)?)", re.I)
_READING = re.compile(
    r"(?P<name>[^:]+) \((?P<role>[a-z ]+)\): (?P<value>-?[\d.,]+) ?(?P<unit>.*?)"
    rf" on {_DAY}(?:, target (?P<target>.+))?\.$"
)
_HEALTH = re.compile(r"\b(?:on track|at risk|off track)\b(?! before)")
_NEXT = re.compile(r"\bready (?:for|to move from ([a-z -]+?) to) (?!their)([a-z -]+?)(?=[.:;])")
_ROLES = {
    "owner": "accountable_owner",
    "business owner": "business_owner",
    "it owner": "it_owner",
    "ot owner": "ot_owner",
    "sponsor": "sponsor",
}
_ROLE = re.compile(r"(?:^|, )(business owner|IT owner|OT owner|owner|sponsor) ([^,.]+)", re.I)
_ACCOUNTABLE = re.compile(r"(?:^|, )([^,:]+?) is (?:named as )?accountable(?: for [^,:]+)?\.$")


def score_entries(seen: Seen) -> Score | None:
    """Whether what is cited from the register is what stands there, and an answer on the program cites any."""
    if seen.facts is None or seen.answer.outcome is not Outcome.ANSWERED:
        return None
    cited = [c for c in seen.answer.citations if c.kind is CitationKind.REGISTER]
    checks = {f"[{c.number}] {c.quote[:60]}": _holds(c, seen.facts) for c in cited}
    if seen.case.about is About.PROGRAM:
        checks["cites the register"] = bool(cited)
    return share(checks)


def _holds(cited: Citation, facts: Facts) -> bool:
    """Whether a citation names its record with its day and its newest entry, or an absence that is one."""
    kind, _, subject = cited.section_id.removeprefix("register/").partition("/")
    if kind == "none":
        absent, upto = _ABSENT.search(cited.quote), _UP_TO.search(cited.quote)
        newest = max((line.number for line in facts.lines), default=0)
        return not (absent and _find_any(absent, facts)) and (upto is None or int(upto[1]) == newest)
    fact = facts.by_place.get((kind, subject))
    if fact is None:
        return False
    days = [_same(day) for day in _DATE.findall(cited.quote)]
    name = next((str(fact.fields[field]) for field in _NAMES if fact.fields.get(field)), "")
    right = fact.as_of.isoformat() in days and set(days) <= {day.isoformat() for day in list_days(fact)}
    return right and name.casefold() in cited.quote.casefold() and f"(#{fact.number})" in cited.section


def _find_any(absent: re.Match[str], facts: Facts) -> bool:
    """Whether the register holds a record of a kind that is said to be absent, for an initiative that is named."""
    own = {id_ for id_, name in facts.names.items() if name == absent[2]}
    every = [fact for kind in RecordKind if kind.words == absent[1] for fact in facts.of(kind.value)]
    return any({fact.fields.get("initiative"), fact.fields.get("site")} & own for fact in every) if own else False


def score_recount(seen: Seen) -> Score | None:
    """Whether the figures that an answer gives of the program are those that the register comes to."""
    if seen.facts is None or seen.known is None:
        return None
    checks: dict[str, bool] = {}
    for text, _ in list_sentences(seen.answer):
        for figure, right in (*recount_facts(text, seen.facts), *recount(text, seen.known)):
            checks[f"{figure} in: {text[:60]}"] = right
    return share(checks)


def score_records(seen: Seen) -> Score | None:
    """Whether each date, figure and name of a sentence on the program is that of the records that it cites."""
    facts = seen.facts
    if facts is None:
        return None
    cited = {c.number: c for c in seen.answer.citations if c.kind is CitationKind.REGISTER}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(seen.answer):
        own = [cited[number] for number in numbers if number in cited]
        if own:
            checks |= {f"{what}: {text[:80]}": right for what, right in check_sentence(text, own, facts)}
    return share(checks)


def score_denials(seen: Seen) -> Score | None:
    """Whether no sentence on the program denies what the register holds, or holds what it denies."""
    facts = seen.facts
    if facts is None:
        return None
    cited = {c.number: c.section_id for c in seen.answer.citations if c.kind is CitationKind.REGISTER}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(seen.answer):
        if places := [cited[number] for number in numbers if number in cited]:
            near = facts.find_near(facts.find_cited(places))
            checks |= {f"{what}: {text[:80]}": right for what, right in check_denials(text, near, facts)}
    return share(checks)


def check_sentence(text: str, cited: Sequence[Citation], facts: Facts) -> Iterator[tuple[str, bool]]:
    """Yield what a sentence says of the records that it cites, and whether they say so."""
    found = facts.find_cited(citation.section_id for citation in cited)
    near = facts.find_near(found)
    of = [fact for fact in near if fact.kind == "initiative"]
    for pattern, find in _SAID.items():
        for match in pattern.finditer(text):
            known = [str(value) for fact in near if (value := find(fact, facts)) is not None]
            if known:
                yield match[0], _same(match[1]) in {_same(value) for value in known}
    if begun := next((name for name in facts.names.values() if re.match(rf"{re.escape(name)}(?::| [a-z])", text)), ""):
        yield begun, begun in {str(fact.fields["name"]) for fact in of} or not of
    yield from _check_reading(text, found)
    if len({fact.subject for fact in of}) == 1:
        yield from _check_standing(text, of[0], found, facts)
    yield from _check_rest(text, near, facts, absent=len(found) < len(cited))


# What is said of one record in fixed words, and where that stands in the log.


def _age(fact: Fact, facts: Facts) -> int | None:
    status = facts.find_status(fact.subject) if fact.kind == "initiative" else None
    return (facts.as_of - status.as_of).days if status else None


def _status_day(fact: Fact, facts: Facts) -> date | None:
    status = facts.find_status(fact.subject) if fact.kind == "initiative" else None
    return status.as_of if status else None


def _missed(fact: Fact, facts: Facts) -> int | None:
    return facts.count_missed(fact) if fact.kind == "initiative" else None


def _in_stage(fact: Fact, facts: Facts) -> int | None:
    return facts.count_days(fact) if fact.kind == "initiative" else None


def _entered(fact: Fact, _: Facts) -> date | None:
    return fact.stages[-1][1] if fact.stages else None


def _late(fact: Fact, facts: Facts) -> int | None:
    due = fact.day("due_on")
    return (facts.as_of - due).days if due else None


def _field(name: str) -> Callable[[Fact, Facts], Any]:
    return lambda fact, _: fact.day(name)


_SAID: Mapping[re.Pattern[str], Callable[[Fact, Facts], Any]] = {
    re.compile(r"(?<!was )(?<!is )\b(\d+) days old"): _age,
    re.compile(rf"last status is of {_DAY}"): _status_day,
    re.compile(r"\b(\d+) check-ins? missed"): _missed,
    re.compile(r"\bin [a-z][a-z -]+ for (\d+) days"): _in_stage,
    re.compile(r"\b(\d+) days in (?!this)"): _in_stage,
    re.compile(rf"\bsince {_DAY} \(\d+ days\)"): _entered,
    re.compile(rf"\bsince {_DATE.pattern.replace('(', '(?:', 1)} \((\d+) days\)"): _in_stage,
    re.compile(rf"\bentered [a-z -]+ on {_DAY}"): _entered,
    re.compile(rf"\bdue {_DAY}"): _field("due_on"),
    re.compile(r"\b(\d+) days (?:ago|overdue)\b(?!,)"): _late,
    re.compile(rf"gate is planned for {_DAY}"): _field("next_gate_on"),
}


def _same(value: str) -> str:
    """Return a date as ISO, anything else as it is."""
    if re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} \d{4}", value):
        return datetime.strptime(value, "%d %b %Y").date().isoformat()
    return value


def _check_reading(text: str, found: Sequence[Fact]) -> Iterator[tuple[str, bool]]:
    """Yield whether a KPI is told with its value, unit, day and target."""
    match = _READING.search(text)
    cards = [fact for fact in found if fact.kind == "kpi_card"]
    readings = [fact for fact in found if fact.kind == "kpi_reading"]
    if match is None or not cards or not readings:
        return
    card, reading = cards[0].fields, readings[0]
    target = card.get("target")
    yield f"value {match['value']}", float(match["value"]) == float(reading.fields["value"])
    yield f"unit {match['unit']}", match["unit"].strip() == str(card.get("unit", ""))
    yield "day", _same(_DATE.search(text)[0]) == reading.as_of.isoformat()  # type: ignore[index]
    yield (
        f"target {match['target']}",
        (match["target"] is None) == (target is None) and (target is None or float(match["target"]) == float(target)),
    )
    yield f"role {match['role']}", match["role"].replace(" ", "_") == card["role"]
    yield f"name {match['name']}", match["name"].endswith(card["name"])
    yield "reading of that card", reading.fields.get("card") == cards[0].subject


def _check_standing(text: str, initiative: Fact, found: Sequence[Fact], facts: Facts) -> Iterator[tuple[str, bool]]:
    """Yield whether health, stage and people are told as one initiative has them."""
    name = initiative.fields["name"]
    if text.startswith((f"{name} is ", f"{name}: ")):
        for match in _HEALTH.finditer(text):
            yield match[0], match[0] == facts.find_health(initiative.subject)
    told = re.match(rf"{re.escape(name)} (?:is .*?has been|is) in ([a-z][a-z -]+?)(?:,| for \d|\.|;)", text)
    told = told or re.match(rf"{re.escape(name)}: [a-z ]+, ([a-z][a-z -]+), (?:no )?owner", text)
    if told:
        yield told[0], told[1] == Stage(initiative.fields["stage"]).words
    ladder = LADDERS[Track(initiative.fields["track"])]
    for match in _NEXT.finditer(text):
        place = ladder.index(Stage(initiative.fields["stage"])) + 1
        told_stages = (match[1] or ladder[place - 1].words, match[2])
        yield match[0], told_stages == tuple(stage.words for stage in ladder[place - 1 : place + 1])
    for role, person in _ROLE.findall(text):
        own = next(
            (fact for fact in found if fact.fields.get("owner") and role == "owner"), None
        )  # of a contract, a debt
        held = own.fields["owner"] if own else initiative.fields.get(_ROLES[role.lower()])
        yield f"{role} {person}", person.strip() == (held or "nobody")
    if ", no owner," in text:
        yield "no owner", not initiative.fields.get("accountable_owner")
    if accountable := _ACCOUNTABLE.match(text):
        owner = initiative.fields.get("accountable_owner") or "nobody"
        yield accountable[0], accountable[1].replace("Nobody", "nobody") == owner


def _check_rest(text: str, near: Sequence[Fact], facts: Facts, *, absent: bool) -> Iterator[tuple[str, bool]]:
    """Yield every other date, figure and name, and whether a cited record holds it.

    Where the absence of records is cited there is nothing to compare names with.
    """
    days = {day for fact in near for day in list_days(fact)}
    rest = re.sub(r"^Since [^,]+,", "", text)
    for match in _DATE.finditer(rest):
        yield match[0], date.fromisoformat(_same(match[0])) in days
    rest = _DATE.sub(" ", rest)
    for counted, _ in recount_facts(text, facts):
        rest = rest.replace(counted, " ")
    bounds = {f"{limit:g}" for limit in facts.limits.values()} | {f"{limit * 100:g}" for limit in facts.limits.values()}
    for bound in _BOUND.findall(rest):
        yield f"bound {bound}", bound in bounds | _list_numbers(near)
    rest = _BOUND.sub(" ", rest)
    for name in facts.names.values():
        rest = rest.replace(name, " ")
    held = _list_numbers(near) | {str(abs((facts.as_of - day).days)) for day in days}
    held |= {str(count) for fact in near if fact.kind == "initiative" for count in (_missed(fact, facts),)}
    yield from ((f"figure {n}", _shorten(n) in held) for n in _NUMBER.findall(_COUNTED.sub(" ", rest)))
    if not absent:
        said = " ".join(str(value) for fact in near for value in fact.fields.values())
        yield from ((person, person in said) for person in sorted(facts.people) if person in text)


_COUNTED = re.compile(
    r"\d+ of \d+ [a-z][\w -]*(?: \(\d+ %\))?|\d+ more\b|\d+ are open|has \d+ open gaps?|\(\d(?:\.\d)? of \d\)"
    r"|\d+ criteria\b[^.]*|\d+ gaps? (?:is|are) open.*|open at \d+ of \d+|\d+ reported counts? of"
)
"""Counts of criteria, which evals.recount has, and of lists."""


def _list_numbers(facts: Sequence[Fact]) -> set[str]:
    return {_shorten(n) for fact in facts for value in fact.fields.values() for n in _NUMBER.findall(str(value))}


def _shorten(number: str) -> str:
    """Return a number without zeros at its end: 0.840 is 0.84."""
    plain = number.replace(",", "")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"
