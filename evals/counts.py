"""Counts the program anew from the raw facts: initiatives, how they do, what they lack, actions, KPIs, records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from advisor.domain.records import RecordKind, Stage
from evals.facts import Fact, Facts

_AT = r"(?: at (?P<site>[^:.]+?))?"
_SOME = re.compile(
    rf"\b(\d+) of (?:the )?(\d+) initiatives(?! falls? short){_AT} (?P<what>(?:is|are|has|have) [^:.]+)"
    r"(?:: (?P<names>[^.]*))?"
)
_NONE = re.compile(rf"\bNone of (?:the )?(\d+) initiatives{_AT} (?P<what>(?:is|has|counts?) [^:.]+)")
_PARTS = re.compile(r"\b(\d+) initiatives?(?: at (?P<site>[^:.]+))?: (?P<parts>\d+ (?:on|at|off) [^.]*)")
_NAMED_PARTS = re.compile(r"^(?P<names>(?!\d+ initiatives?\b).+?): (?P<parts>\d+ (?:on|at|off) [^.]*)")
_OVERDUE = re.compile(r"\b(?P<count>\d+) actions? (?:is|are) overdue(?: (?:at|on|for) (?P<site>[^.]+))?")
_NO_OVERDUE = re.compile(r"\bNo action(?: (?:at|for) (?P<site>[^.]+?))? is overdue")
_NEGATED = re.compile(r"^(?P<names>.+?) (?:is not (?:without an? (?P<lack>.+?)|(?P<what>.+?)))\.$")
_PLATE = re.compile(r"^(.+?) is accountable for (\d+) initiatives?, has a part in (\d+), and has (\d+) open actions?")
_STALLED = re.compile(r"^(?P<names>.+?) counts? as stalled\.")
_NOT_STALLED = re.compile(r"^(?P<names>.+?) does not count as stalled\b")
_KPIS = re.compile(r"\b(\d+) KPIs? (?:is|are) recorded, for (?P<names>[^.]+)")
_COUNTED = [kind.words for kind in RecordKind if kind not in {RecordKind.SITE, RecordKind.INITIATIVE}]
_KINDS = re.compile(rf"\b(\d+) (?:of (\d+) )?(?:items? of )?({'|'.join(_COUNTED)})s?\b")
_RESPONSES = re.compile(r"\b(acted|dismissed|deferred|no response) (\d+)(?=[,.])", re.I)
_SHARE = re.compile(r"\b(\d+) of (\d+) [a-z ]+ \((\d+) %\)")
_PEOPLE = ("accountable_owner", "business_owner", "it_owner", "ot_owner", "sponsor")


def recount_facts(sentence: str, facts: Facts) -> Iterator[tuple[str, bool]]:
    """Yield each count of a sentence that follows from the raw facts, in words, and whether it is right."""
    for pattern, check in _CHECKS.items():
        for found in pattern.finditer(sentence):
            right = check(found, facts)
            if right is not None:
                yield found[0], right


def _at(facts: Facts, site: str | None) -> list[Fact]:
    """Return the initiatives at a site that a sentence names, or all."""
    ids = {id_ for id_, name in facts.names.items() if site and name in site}
    return [fact for fact in facts.initiatives if not site or fact.fields["site"] in ids]


def _meets(what: str, fact: Fact, facts: Facts) -> bool | None:
    """Return whether an initiative is what a predicate says, or None for one that is not known."""
    plain = re.sub(r"^(?:is|are|has|have) ", "", what.strip())
    if plain in {"on track", "at risk", "off track"}:
        return facts.find_health(fact.subject) == plain
    if plain.removeprefix("in ") in {"pilot", "shadow", "production"}:
        return Stage(fact.fields["stage"]).phase == plain.removeprefix("in ")
    for words, field in (
        ("accountable owner", "accountable_owner"),
        ("OT owner", "ot_owner"),
        ("IT owner", "it_owner"),
        ("business owner", "business_owner"),
        ("sponsor", "sponsor"),
    ):
        if plain in {f"no {words}", f"without a {words}", f"without an {words}"}:
            return not fact.fields.get(field)
    if plain in {"a lagging KPI"}:
        return any(card.fields["role"] == "lagging" for card in facts.of("kpi_card", fact.subject))
    return None


def _count_some(found: re.Match[str], facts: Facts) -> bool:
    there = _at(facts, found["site"])
    asked = [fact for fact in there if found["names"] and fact.fields["name"] in found["names"]]
    if found[1] == found[2] == str(len(asked)):  # the question named them
        there = asked
    verdicts = {fact.fields["name"]: _meets(found["what"], fact, facts) for fact in there}
    right = int(found[2]) == len(there)
    named = {name for name in verdicts if found["names"] and name in found["names"]}
    if None not in verdicts.values():
        wanted = {name for name, held in verdicts.items() if held}
        return right and int(found[1]) == len(wanted) and (not found["names"] or named == wanted)
    return right and (not found["names"] or int(found[1]) == len(named))


def _count_none(found: re.Match[str], facts: Facts) -> bool:
    there = _at(facts, found["site"])
    if "stalled" in found["what"]:
        return int(found[1]) == len(there) and not any(map(facts.has_stalled, there))
    return int(found[1]) == len(there) and not any(_meets(found["what"], fact, facts) for fact in there)


def _count_parts(found: re.Match[str], facts: Facts) -> bool:
    there = _at(facts, found["site"])
    return int(found[1]) == len(there) and _has_parts(found["parts"], there, facts)


def _count_named_parts(found: re.Match[str], facts: Facts) -> bool:
    return _has_parts(found["parts"], [f for f in facts.initiatives if f.fields["name"] in found["names"]], facts)


def _has_parts(parts: str, there: list[Fact], facts: Facts) -> bool:
    """Whether initiatives do as is told: "2 on track and 1 at risk"."""
    told = {health: int(n) for n, health in re.findall(r"(\d+) (on track|at risk|off track|unknown)", parts)}
    own = [facts.find_health(fact.subject) for fact in there]
    return told == {health: own.count(health) for health in set(own)}


def _count_overdue(found: re.Match[str], facts: Facts) -> bool:
    ids = {fact.subject for fact in _at(facts, found["site"])}
    late = [action for action in facts.overdue if not found["site"] or action.fields.get("initiative") in ids]
    named = [fact for fact in facts.initiatives if found["site"] and fact.fields["name"] in found["site"]]
    if named:
        late = [a for a in facts.overdue if a.fields.get("initiative") in {fact.subject for fact in named}]
    return (0 if "count" not in found.groupdict() else int(found["count"])) == len(late)


def _count_plate(found: re.Match[str], facts: Facts) -> bool:
    person = found[1]
    parts = [fact for fact in facts.initiatives if person in {fact.fields.get(role) for role in _PEOPLE}]
    owned = sum(fact.fields.get("accountable_owner") == person for fact in parts)
    actions = sum(action.fields.get("owner") == person for action in facts.open_actions)
    return (int(found[2]), int(found[3]), int(found[4])) == (owned, len(parts), actions)


def _check_stalled(found: re.Match[str], facts: Facts) -> bool | None:
    if found["names"].startswith(("None", "It", "More than")):
        return None
    named = {fact.subject for fact in facts.initiatives if fact.fields["name"] in found["names"]}
    return bool(named) and named <= {fact.subject for fact in facts.stalled}


def _check_not_stalled(found: re.Match[str], facts: Facts) -> bool:
    named = {fact.subject for fact in facts.initiatives if fact.fields["name"] in found["names"]}
    return bool(named) and not named & {fact.subject for fact in facts.stalled}


def _check_negated(found: re.Match[str], facts: Facts) -> bool | None:
    of = next((fact for fact in facts.initiatives if fact.fields["name"] == found["names"]), None)
    met = _meets(f"is {found['what']}" if found["what"] else f"has no {found['lack']}", of, facts) if of else None
    return None if met is None else not met


def _count_kpis(found: re.Match[str], facts: Facts) -> bool:
    own = [fact for fact in facts.initiatives if fact.fields["name"] in found["names"]]
    cards = [card for fact in own for card in facts.of("kpi_card", fact.subject)]
    by_name = [[c for c in cards if c.fields["name"] == name] for name in {c.fields["name"] for c in cards}]
    return int(found[1]) in {len(cards), *map(len, by_name)} and int(found[1]) >= len(own)


def _count_kind(found: re.Match[str], facts: Facts) -> bool:
    every = facts.of(next(kind for kind in RecordKind if kind.words == found[3]))
    by_initiative = [facts.of(every[0].kind, fact.subject) for fact in facts.initiatives] if every else []
    sites = [{f.subject for f in facts.initiatives if f.fields["site"] == s.subject} for s in facts.of("site")]
    by_site = [[fact for fact in every if fact.fields.get("initiative") in ids] for ids in sites]
    totals = {len(every), *map(len, by_initiative), *map(len, by_site)}
    return int(found[2]) in totals and int(found[1]) <= int(found[2]) if found[2] else int(found[1]) <= len(every)


def _count_responses(found: re.Match[str], facts: Facts) -> bool:
    response = "none" if found[1].lower() == "no response" else found[1].lower()
    every = [fact for fact in facts.of("intervention") if fact.fields.get("response") == response]
    named = {id_ for id_, name in facts.names.items() if name in found.string}
    ids = {i.subject for i in facts.initiatives if not named or {i.subject, i.fields["site"]} & named}
    return int(found[2]) == sum(fact.fields.get("initiative") in ids for fact in every)


def _check_share(found: re.Match[str], _: Facts) -> bool:
    return abs(100 * int(found[1]) / int(found[2]) - int(found[3])) <= 0.5


_CHECKS: Mapping[re.Pattern[str], Callable[[re.Match[str], Facts], bool | None]] = {
    _SHARE: _check_share,
    _RESPONSES: _count_responses,
    _SOME: _count_some,
    _NONE: _count_none,
    _PARTS: _count_parts,
    _NAMED_PARTS: _count_named_parts,
    _OVERDUE: _count_overdue,
    _NO_OVERDUE: _count_overdue,
    _PLATE: _count_plate,
    _STALLED: _check_stalled,
    _NEGATED: _check_negated,
    _NOT_STALLED: _check_not_stalled,
    _KPIS: _count_kpis,
    _KINDS: _count_kind,
}
