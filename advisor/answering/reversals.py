"""Whether a sentence turns its quote round while it keeps the words: negation, opposites, order, who does what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from advisor.quantities import find_quantities
from advisor.text import content_stems, stem, words

_SAME_CLAIM = 0.45
"""Share of a sentence's content words that stand in the quote which it is compared with."""
_REACH = 5
"""Content words that a negation reaches, at most to the end of its clause."""
_NEGATORS = re.compile(
    r"\b(?:not|no longer|no|never|without|neither|nor|none|nobody|nothing|cannot|\w+n['’]t|lack(?:s|ing)?(?: of)?"
    r"|instead of|rather than|stop(?:s|ping)?|avoid(?:s|ed|ing)?|unrelated to|free of|unlikely to"
    r"|barely|hardly|scarcely|rarely|seldom|skip(?:s|ped|ping)?|cancel\w*|waiv(?:e|es|ed|ing)|abandon\w*)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.()]\s|\s(?:and|but|while|whereas|because|so that|which|who)\s", re.IGNORECASE)
_FIGURE_CLAUSE = re.compile(r"[,;:()]\s|\s(?:and|but|while|whereas|although|yet|against)\s", re.IGNORECASE)
_UNIT_STEMS = frozenset(
    stem(word) for word in "percent percentage times weeks months years days hours only just".split()
)
_EMPTY_CELL = re.compile(r"\| none [^|]*$", re.IGNORECASE)
_SWAPPABLE = {
    "instead": re.compile(r"\binstead of\b|\brather than\b", re.IGNORECASE),
    "than": re.compile(r"\bthan\b", re.IGNORECASE),
    "before": re.compile(r"\bbefore\b|\bprecedes?\b|\bahead of\b", re.IGNORECASE),
    "after": re.compile(r"\bafter\b|\bonce\b|\bfollows\b", re.IGNORECASE),
    "because": re.compile(r"\bbecause\b|\bdue to\b|\bcaused by\b|\bcomes? from\b", re.IGNORECASE),
    "causes": re.compile(r"\bleads? to\b|\bcauses?\b|\bresults? in\b|\bproduces?\b|\bdrives?\b", re.IGNORECASE),
}
_INVERSE = {"before": "after", "after": "before", "because": "causes", "causes": "because"}
_OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("increase raise grow rise higher more", "decrease reduce lower cut fall drop less fewer shrink"),
        ("always every", "never"),
        ("first", "last"),
        ("early earlier", "late later"),
        ("central", "local decentral"),
        ("start begin launch", "stop end halt"),
        ("optional voluntary", "mandatory required compulsory"),
        ("faster sooner", "slower later"),
        ("allow permit approve", "forbid prohibit reject"),
        ("inside internal", "outside external"),
        ("minimum least", "maximum most"),
        ("succeed success", "fail failure"),
        ("expensive costly", "cheap"),
        ("visible", "hidden invisible"),
        ("above", "below"),
    )
)
_ACTORS = frozenset(
    """ot operator operators supervisor supervisors manager managers executive executives sponsor sponsors owner owners
    vendor vendors supplier suppliers engineer engineers board committee headquarters corporate plant plants site sites
    finance legal leader leaders union unions integrator integrators consultant consultants ceo cio cfo coo system
    people""".split()
)


def contradicts(text: str, quotes: Sequence[str]) -> bool:
    """Whether a sentence negates what its quote asserts, asserts what it negates, or has a word's opposite."""
    quote = _find_same_claim(text, quotes)
    if not quote:
        return False
    if _flips(text, quote) or _flips(quote, text):
        return True
    claimed, held = ({*words(told), *(stem(word) for word in words(told))} for told in (text, " ".join(quotes)))
    return any(
        claimed & here and not held & here and held & there and not claimed & there
        for one, other in _OPPOSITES
        for here, there in ((one, other), (other, one))
    )


def swaps_order(text: str, quotes: Sequence[str]) -> bool:
    """Whether what a sentence compares, or puts in order of time or of cause, stands the other way round."""
    quote = _find_same_claim(text, quotes)
    if not quote:
        return False
    for name, marker in _SWAPPABLE.items():
        for other, turned in ((name, False), (_INVERSE.get(name, ""), True)):
            if not other:
                continue
            said, held = _split_at(text, marker), _split_at(quote, _SWAPPABLE[other])
            if said and held and _crosses(said, held[::-1] if turned else held):
                return True
    return False


def swaps_figures(text: str, quotes: Sequence[str]) -> bool:
    """Whether a sentence gives a figure to what its quotes give another one: "61 percent scaled" of 20 that did."""
    told, held = _find_settings(text), [_find_settings(quote) for quote in quotes]
    for value, near in told.items():
        own = [settings[value] for settings in held if value in settings]
        others = [words for settings in held for other, words in settings.items() if other != value and other in told]
        if own and near and not any(near & words for words in own) and any(near & words for words in others):
            return True
    return False


def _find_settings(text: str) -> dict[str, frozenset[str]]:
    """Return each figure of a text with the content words of its clause; clauses with several figures say nothing."""
    found: dict[str, frozenset[str]] = {}
    for clause in _FIGURE_CLAUSE.split(text):
        values = {value for value, _ in find_quantities(clause)}
        if len(values) == 1:
            value = values.pop()
            spoken = frozenset(word for word in content_stems(clause) if not word.isdigit() and word not in _UNIT_STEMS)
            found[value] = found.get(value, frozenset()) | spoken
    return found


def swaps_actors(text: str, quotes: Sequence[str]) -> bool:
    """Whether a sentence names somebody whom its quotes do not, or gives one's part to another."""
    quote = _find_same_claim(text, quotes)
    if not quote:
        return False
    known = {_singular(actor) for actor in _list_actors(" ".join(quotes))}
    told = [_singular(actor) for actor in _list_actors(text)]
    if set(told) - known - {"system", "people", "plant", "site"}:
        return True
    parts = _find_parts(quote)
    for actor, stems in _find_parts(text).items():
        others = {other: theirs - parts.get(actor, frozenset()) for other, theirs in parts.items() if other != actor}
        own = parts.get(actor, frozenset()) - frozenset().union(*others.values())
        if actor in parts and not stems & own and any(len(stems & theirs) >= 1 for theirs in others.values()):
            return True
    passive = (" by " in f" {text} ") != (" by " in f" {quote} ")
    order = list(dict.fromkeys(_singular(actor) for actor in _list_actors(quote)))
    shared = [actor for actor in dict.fromkeys(told) if actor in order]
    moved = shared != [actor for actor in order if actor in shared]
    return moved and not passive and _is_one_clause(text) and _is_one_clause(quote)


def _find_same_claim(text: str, quotes: Sequence[str]) -> str:
    """Return the quote that a sentence restates in other words, or "" where there is none."""
    if any(text.strip(" .") in quote for quote in quotes):
        return ""
    plain = [_EMPTY_CELL.sub("", quote) for quote in quotes]
    nearest = max(plain, key=lambda quote: find_share(text, quote), default="")
    return nearest if nearest and find_share(text, nearest) >= _SAME_CLAIM else ""


def find_share(text: str, evidence: str) -> float:
    """Return the share of the content words of a text that stand in the evidence."""
    claimed = set(content_stems(text))
    return len(claimed & set(content_stems(evidence))) / len(claimed) if claimed else 0.0


def _list_negated(text: str) -> list[frozenset[str]]:
    """Return for each negation the content words that it reaches."""
    reached = []
    for match in _NEGATORS.finditer(text):
        clause = _CLAUSE.split(text[match.end() :], maxsplit=1)[0]
        reached.append(frozenset(content_stems(clause)[:_REACH]))
    return [group for group in reached if group]


def _flips(text: str, other: str) -> bool:
    """Whether a text negates words that the other asserts: more than half of those that one negation reaches.

    What stands anywhere in a clause with a negation is not asserted ("a short stage cannot be judged"), and what a text
    itself asserts elsewhere is not negated.
    """
    denied = frozenset().union(*(content_stems(part) for part in _CLAUSE.split(other) if _NEGATORS.search(part)))
    asserted = frozenset().union(*(content_stems(part) for part in _CLAUSE.split(text) if not _NEGATORS.search(part)))
    held = frozenset(content_stems(other))
    groups = (group - asserted for group in _list_negated(text))
    return any(group and len((group & held) - denied) > len(group) / 2 for group in groups)


def _split_at(text: str, marker: re.Pattern[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the content words on each side of a word that compares; "Before x, y" is read as "y before x"."""
    match = marker.search(text)
    if match is None:
        return None
    left, right = text[: match.start()], text[match.end() :]
    if not content_stems(left):
        right, _, left = right.partition(",")
    return frozenset(content_stems(left)), frozenset(content_stems(right))


def _crosses(said: tuple[frozenset[str], frozenset[str]], held: tuple[frozenset[str], frozenset[str]]) -> bool:
    """Whether what was on one side stands on the other: all of the far side, or more than stands where it was."""
    left, right = held[0] - held[1], held[1] - held[0]
    moved = len(said[0] & right), len(said[1] & left)
    stayed = len(said[0] & left), len(said[1] & right)
    return min(moved) > 0 and (stayed[1] == 0 or sum(moved) > sum(stayed))


def _list_actors(text: str) -> Iterator[str]:
    """Yield those who act, in order; "IT" is one in capitals."""
    for word in re.findall(r"[A-Za-z]+", text):
        if word == "IT" or word.lower() in _ACTORS:
            yield word.lower()


def _singular(actor: str) -> str:
    return actor if actor in {"people"} else actor.removesuffix("s")


def _find_parts(text: str) -> dict[str, frozenset[str]]:
    """Return what each actor does: the content words of the clauses that name nobody else."""
    parts: dict[str, frozenset[str]] = {}
    for clause in _CLAUSE.split(text):
        actors = {_singular(actor) for actor in _list_actors(clause)}
        if len(actors) == 1:
            actor = actors.pop()
            spoken = frozenset(content_stems(clause)) - {stem(actor), actor}
            parts[actor] = parts.get(actor, frozenset()) | spoken
    return parts


def _is_one_clause(text: str) -> bool:
    return len(_CLAUSE.split(text)) == 1 or all(not part for part in pairwise(_CLAUSE.split(text)))
