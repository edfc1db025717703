"""Whether what is said of the program denies or asserts what the register does: each "no", "not" and "nobody".

A denial has to be one of the record's own words, of a criterion's, or of a shape whose truth is looked up in the log;
any other one counts as put in. Where one may have been left out, what then stands there as asserted is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from advisor.domain.records import FIELDS, RecordKind
from evals.facts import Fact, Facts
from evals.turned import NEGATORS

_OWN_WORDS = re.compile(r"(?:Reported|Risk|Next step|Next|before): (?P<words>.+)$")
_KIND = "|".join(kind.words for kind in RecordKind)
_KIND_FIRST = "|".join(kind.words[0].upper() + kind.words[1:] for kind in RecordKind)
_TITLED = re.compile(rf"^(?P<title>[A-Za-z][^():]+)(?: \([^()]+\): (?=[A-Z])|: (?=No (?:{_KIND})|{_KIND_FIRST})\b)")
_LISTED = re.compile(r"(?:^Also open: |\bnot ready for [a-z -]+: )(?P<titles>.+)$")
_SHORT_OF = re.compile(r"falls? short of this \((?P<title>[^)]+)\)")
_MET = re.compile(r"^(?:Now|No longer) met, [^:]+: (?P<says>.+)$")
_ROLE = r"(?:accountable|business|IT|OT) owner|sponsor"
_ROLES = re.compile(rf"^[^:]+: (?P<roles>(?:no )?(?:{_ROLE})(?:, (?:no )?(?:{_ROLE}))*)$")
_ITEMS = re.compile(r"[,:;.] ")
_SOME_RECORDS = re.compile(
    rf"\b(?P<some>\d+) of (?P<all>\d+) (?P<kind>{_KIND})s? (?:(?:at|for)\s+)?(?:is|are) (?P<no>not )?(?P<value>\w+)$",
    re.I,
)
_SOME_INITIATIVES = re.compile(
    rf"\b(?P<some>\d+) of (?P<all>\d+) initiatives (?:has|have) (?P<no>no )?(?:an? )?(?P<kind>{_KIND})s?\b", re.I
)
_UNATTESTED = "Nobody has attested this yet"
_YES_NO = frozenset({"yes", "no"})
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_RECORDED = re.compile(
    rf"(?P<no>\bno )?(?:\b(?:an?|the) )?\b(?P<kind>{_KIND}) is recorded"
    r"(?: for (?P<name>.+))?",
    re.I,
)
_NAMED = re.compile(r"^(?P<who>.*?) ?\bis named as accountable for")
_COUNTED = re.compile(
    r"\bnone of (?:the )?\d+ initiatives\b.*|\b\d+ of \d+ initiatives(?: at)?\s+ha(?:s|ve) no (?:\w+ )?owner"
    r"|\bno KPI card(?: at)?\s+fits that question|; none (?:is|was|got) .*|, none can move on"
    r"|\bno (?:reported count of false alarms is recorded|active initiative\b.* is in the register)"
    r"|\bis not (?:in|on track|at risk|off track|without)\b.*"
    r"|\bno action(?: (?:at|for) [^.]+?)? is overdue|\bno action(?: at| for)?\s+is overdue"
    r"|\b\d+ (?:is|are) no longer met"
    r"|^no longer met|^no gap is known in|\bdoes not count as stalled|\bis not ready (?:for|to move)|\bhas no open gap",
    re.I,
)
"""Denials that are judged where things are counted."""


def check_denials(text: str, near: Sequence[Fact], facts: Facts) -> Iterator[tuple[str, bool]]:
    """Yield what a sentence denies or may have ceased to deny of the records near it, and whether it may say so."""
    rest, words = text.rstrip("."), facts.words
    recorded = {_plain(value) for fact in facts.by_place.values() for value in _list_texts(fact.fields)}
    if own := _OWN_WORDS.search(rest):
        yield f"“{own['words'][:40]}” recorded", _plain(own["words"]) in recorded | words.actions
        rest = rest[: own.start()]
    for pattern, known in (
        (_SHORT_OF, words.titles),
        (_TITLED, words.titles | recorded),
        (_LISTED, words.titles),
        (_MET, words.says),
    ):
        if found := pattern.search(rest):
            yield from ((f"“{part}” is a criterion's", _plain(part) in known) for part in found[1].split("; "))
            break
    yield from _check_people(rest, near)
    names = {_plain(name) for name in facts.names.values()}
    rest = _COUNTED.sub(" ", _without(rest, words.titles | words.says | recorded | names))
    for pattern, count in ((_SOME_RECORDS, _count_records), (_SOME_INITIATIVES, _count_initiatives)):
        if some := pattern.search(rest):
            yield some[0], int(some["some"]) == count(some, _find_places(text, facts), facts)
            rest = rest[: some.start()] + rest[some.end() :]
    named = _find_places(text, facts) or {fact.subject for fact in near}
    for found in _RECORDED.finditer(rest):
        there = _list_all(found, facts)
        holds = any(fact.fields.get("initiative", "") in {"", *named} for fact in there)
        yield found[0], holds is not bool(found["no"])
    if _UNATTESTED in rest:
        title = next((words.ids[gap] for gap in words.ids if text.casefold().startswith(gap)), "")
        said = [fact for fact in facts.of("evidence") if fact.fields["criterion"] == title]
        yield _UNATTESTED, bool(title) and not any(fact.fields.get("initiative", "") in named for fact in said)
        rest = rest.replace(_UNATTESTED, " ")
    items = [item.strip() for item in _ITEMS.split(_RECORDED.sub(" ", rest))]
    for before, item, after in zip(["", *items], items, [*items[1:], ""], strict=False):
        yield from _check_item(item, before, near)
        if after not in _YES_NO:
            yield from _check_asserted(item, near)


def _plain(text: str) -> str:
    return " ".join(text.rstrip(".").casefold().split())


def _list_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if " " in value or ("_" in value and NEGATORS.match(value.partition("_")[0])):
            yield value.replace("_", " ")
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _list_texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _list_texts(inner)


def _without(text: str, known: Collection[str]) -> str:
    """Return a text without the longest of what is known, in which a denial is no denial of the sentence."""
    for words in sorted(known, key=len, reverse=True):
        if NEGATORS.search(words) or " " in words:
            text = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", text, flags=re.I)
    return text


def _list_all(found: re.Match[str], facts: Facts) -> list[Fact]:
    return facts.of(next(kind.value for kind in RecordKind if kind.words.casefold() == found["kind"].casefold()))


def _find_places(text: str, facts: Facts) -> set[str]:
    """Return the ids of initiatives that a text names, or of those at the sites that it does."""
    named = {id_ for id_, name in facts.names.items() if name in text}
    return named | {fact.subject for fact in facts.initiatives if fact.fields.get("site") in named}


def _count_records(some: re.Match[str], places: Collection[str], facts: Facts) -> int:
    every = [fact for fact in _list_all(some, facts) if not places or fact.fields.get("initiative") in places]
    if some["value"] == "unsigned":
        return sum(fact.fields.get("status") != "signed" for fact in every)
    return sum((some["value"] in map(str, fact.fields.values())) is not bool(some["no"]) for fact in every)


def _count_initiatives(some: re.Match[str], _: Collection[str], facts: Facts) -> int:
    having = {fact.fields.get("initiative") for fact in _list_all(some, facts)}
    return sum((fact.subject in having) is not bool(some["no"]) for fact in facts.initiatives)


def _check_people(text: str, near: Sequence[Fact]) -> Iterator[tuple[str, bool]]:
    initiatives = [fact.fields for fact in near if fact.kind == "initiative"]
    if roles := _ROLES.search(text):
        for role in roles["roles"].split(", "):
            field = role.removeprefix("no ").casefold().replace(" ", "_")
            yield role, any(bool(own.get(field)) is not role.startswith("no ") for own in initiatives)
    if named := _NAMED.search(text):
        who = named["who"].casefold()
        yield named[0], any(_plain(own.get("accountable_owner") or "nobody") in who for own in initiatives)


def _check_item(item: str, before: str, near: Sequence[Fact]) -> Iterator[tuple[str, bool]]:
    """Yield whether one item of what a sentence lists, as "no target", "not signed" or "published: no", is so."""
    for denied, check in _DENIED.items():
        if found := denied.search(item):
            yield item, check(found, before, near)
            item = item[: found.start()] + item[found.end() :]
    if bound := re.match(r"at least (\d+)", item):
        yield item, _is_enough(before, bound[1])
    if NEGATORS.search(item):
        yield f"“{item}” denies what no record does", False


def _check_asserted(item: str, near: Sequence[Fact]) -> Iterator[tuple[str, bool]]:
    """Yield whether a field that is named without a value, as "manual step", has one, and a choice is the record's."""
    name = item.casefold().replace(" ", "_")
    if of := [fact for fact in near if name in _list_choices(RecordKind(fact.kind))]:
        yield f"{item} asserted", any(name in _list_values(fact) for fact in of)
    if of := [fact for fact in near if name in FIELDS[RecordKind(fact.kind)].model_fields]:
        yield f"{item} asserted", any(fact.fields.get(name) for fact in of)


def _list_values(fact: Fact) -> set[str]:
    """Return the values of a fact's fields, with what those are by default that it leaves out."""
    default = {name: field.default for name, field in FIELDS[RecordKind(fact.kind)].model_fields.items()}
    return {str(value) for value in (default | dict(fact.fields)).values()}


@cache
def _list_choices(kind: RecordKind) -> frozenset[str]:
    """Return the words that fields of a kind choose among."""
    if kind in {RecordKind.INITIATIVE, RecordKind.STATUS_UPDATE}:  # stage and health: evals.program
        return frozenset()
    schema = FIELDS[kind].model_json_schema()
    rows = [*schema.get("$defs", {}).values(), *schema["properties"].values()]
    return frozenset(word for row in rows for word in row.get("enum", ()))


def _is_empty(found: re.Match[str], _: str, near: Sequence[Fact]) -> bool:
    name = found["field"].casefold().replace(" ", "_")
    return any(not fact.fields.get(name) for fact in near)


def _is_no(_: re.Match[str], before: str, near: Sequence[Fact]) -> bool:
    name = before.strip().casefold().replace(" ", "_")
    return any(fact.fields.get(name) is False or (name not in fact.fields) for fact in near)


def _is_other(found: re.Match[str], before: str, near: Sequence[Fact]) -> bool:
    values = {str(value).casefold() for fact in near for value in fact.fields.values()}
    return found["value"].casefold() not in before.casefold() and any(
        before.casefold().endswith(v) for v in values if v
    )


def _is_short(found: re.Match[str], before: str, _: Sequence[Fact]) -> bool:
    return not _is_enough(before, found["bound"])


def _is_enough(before: str, bound: str) -> bool:
    told = _NUMBER.findall(before)
    return bool(told) and float(told[-1]) >= float(bound)


def _is_unowned(_: re.Match[str], __: str, near: Sequence[Fact]) -> bool:
    return any(not fact.fields.get("accountable_owner") for fact in near if fact.kind == "initiative")


def _is_ownerless(_: re.Match[str], __: str, near: Sequence[Fact]) -> bool:
    """Whether an initiative, or else a record that may have an owner, has none."""
    ownable = [fact for fact in near if "owner" in FIELDS[RecordKind(fact.kind)].model_fields]
    return any(not fact.fields.get("owner") for fact in ownable) or _is_unowned(_, __, near)


def _is_unanswered(_: re.Match[str], __: str, near: Sequence[Fact]) -> bool:
    return _[0].strip()[-1].isdigit() or any(
        fact.fields.get("response") == "none" for fact in near if fact.kind == "intervention"
    )  # the count itself: evals.counts


def _is_unmet(_: re.Match[str], __: str, near: Sequence[Fact]) -> bool:
    return any(fact.fields.get("verdict") in {"unmet", "partly"} for fact in near if fact.kind == "evidence")


_DENIED: Mapping[re.Pattern[str], Callable[[re.Match[str], str, Sequence[Fact]], bool]] = {
    re.compile(r"\bnobody is (?:named as )?accountable(?: for)?", re.I): _is_unowned,
    re.compile(r"\battested as not met\b", re.I): _is_unmet,
    re.compile(r"^not (?:at least|more than) (?P<bound>\d+(?:\.\d+)?)"): _is_short,
    re.compile(r"^no$"): _is_no,
    re.compile(r"^no owner$"): _is_ownerless,
    re.compile(r"^no response(?: \d+)?$", re.I): _is_unanswered,
    re.compile(r"^no (?P<field>[a-z][\w ]+)$", re.I): _is_empty,
    re.compile(r"^(?P<field>[a-z]+ owner|sponsor) nobody$", re.I): _is_empty,
    re.compile(r"^not (?P<value>[a-z][\w ]*)$"): _is_other,
}
