"""Which initiatives, sites, people and KPIs a question names, in full, by half, or in vain."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from advisor.domain.records import Initiative, KpiCard, Site
from advisor.domain.register import Record, Register
from advisor.program.asked import PEOPLE_FIELDS
from advisor.program.names import fold
from advisor.program.signs import ANY_SUCH, COMMON, NAMELIKE, SITE_WORDS
from advisor.text import content_stems


def find_initiatives(question: str, register: Register) -> tuple[Record[Initiative], ...]:
    """Return the initiatives whose name or alias stands in a question."""
    folded = f"-{fold(question)}-"
    found = []
    for record in register.initiatives:
        names = [fold(name) for name in (record.fields.name, *record.fields.aliases)]
        if any(_is_told(name, folded) for name in names):
            found.append(record)
    return tuple(found)


def _is_told(name: str, folded: str) -> bool:
    """Whether a name stands in a question, and not as one of any such: "a paint shop in Poland"."""
    found = re.search(rf"-(?P<any>(?:an?|another)-(?:\w+-)?)?{re.escape(name)}(?:-?s)?-", folded)
    return found is not None and not found["any"]


def find_by_words(question: str, register: Register, ordinary: frozenset[str]) -> tuple[Record[Initiative], ...]:
    """Return initiatives of whose name a question uses a word that nothing else is called, and not of just any."""
    said = set(content_stems(ANY_SUCH.sub(" ", question)))
    told = set(pair_stems(ANY_SUCH.sub(" ", question)))
    shared = Counter(stem for record in register.initiatives for stem in _list_stems(record))
    found = []
    for record in register.initiatives:
        pairs = {pair for name in (record.fields.name, *record.fields.aliases) for pair in pair_stems(name)}
        if any(shared[stem] == 1 and stem not in ordinary for stem in _list_stems(record) & said) or pairs & (
            told - ordinary
        ):
            found.append(record)
    return tuple(found)


def pair_stems(text: str) -> list[str]:
    """Return each two words of a text that follow each other, by their stems: `tool wear`."""
    stems = content_stems(text)
    return [f"{one} {other}" for one, other in itertools.pairwise(stems)]


def _list_stems(record: Record[Initiative]) -> set[str]:
    return {stem for name in (record.fields.name, *record.fields.aliases) for stem in content_stems(name)}


def find_sites(
    question: str, register: Register, initiatives: Sequence[Record[Initiative]]
) -> tuple[Record[Site], ...]:
    """Return the sites that a question names, by what tells them apart, and not as a part of an initiative's name."""
    folded = f"-{fold(question)}-"
    sites = []
    for record in register.sites:
        words = fold(record.fields.name).split("-")
        telling = [word for word in words if word not in SITE_WORDS]
        taken = any(word in fold(name).split("-") for i in initiatives for name in (i.fields.name, *i.fields.aliases) for word in telling)  # fmt: skip
        if telling and not taken and f"-{'-'.join(telling)}-" in folded:
            sites.append(record)
    if not sites:  # "the hub", where there is one
        for word in SITE_WORDS:
            of_kind = [record for record in register.sites if word in fold(record.fields.name).split("-")]
            if len(of_kind) == 1 and f"-the-{word}-" in folded:
                sites += of_kind
    return tuple(sites)


def list_people(register: Register) -> tuple[str, ...]:
    """Return everyone whom the register names as an owner or a sponsor."""
    return tuple(sorted({p for i in register.initiatives for f in PEOPLE_FIELDS if (p := getattr(i.fields, f))}))


def find_people(question: str, register: Register) -> tuple[str, ...]:
    """Return the people whom a question names, by a full name, or by half of one that only they bear."""
    folded = f"-{fold(question.replace('’', ' ').replace(chr(39), ' '))}-"
    people = list_people(register)
    full = [name for name in people if f"-{fold(name)}-" in folded]
    if full:
        return tuple(full)
    found = []
    for name in people:
        for part in (name.split()[0], name.split()[-1]):
            same = [other for other in people if part in other.split()]
            after = re.search(rf"\b{re.escape(part)}\b(?:['’]s)?(?P<next> [A-Z][a-zà-ÿ]+)?", question)
            stranger = after and after["next"] and part == name.split()[0]
            if len(same) == 1 and after and not stranger:
                found.append(name)
    return tuple(dict.fromkeys(found))


def find_cards(question: str, register: Register) -> tuple[str, ...]:
    """Return the names of KPIs that stand in a question."""
    folded = f"-{fold(question)}-"
    return tuple(sorted({c.fields.name for c in register.all(KpiCard) if f"-{fold(c.fields.name)}-" in folded}))


def find_unknown(question: str, sites: Sequence[Record[Site]]) -> str:
    """Return a name that nothing in the register goes by; the words of sites that are named are none."""
    known = {word for site in sites for word in fold(site.fields.name).split("-")}
    for pattern in NAMELIKE:
        for found in pattern.finditer(question):
            words = found["name"].lower().split()
            starts = question.strip().startswith(found["name"].split()[0])
            if (
                not (set(words) & COMMON)
                and not (set(map(fold, words)) & known)
                and not (starts and words[0] in {"how", "what", "who", "is", "are", "which", "does"})
            ):
                return found["name"]
    return ""


def leave_out(question: str, named: Sequence[Record[Initiative] | Record[Site]]) -> str:
    """Return a question without the names of initiatives and sites."""
    for record in named:
        for name in (record.fields.name, *getattr(record.fields, "aliases", ())):
            question = re.sub(rf"\b{re.escape(name)}\b", " ", question, flags=re.I)
    return question
