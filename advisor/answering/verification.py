"""Whether the evidence carries a sentence: decided by code, after a model wrote it and before anybody reads it.

Each check compares a sentence with the quotes that it cites. None needs a model, none trusts one: what a check cannot
see (a claim that only rearranges the quote's own words) is named in README, How it answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from advisor.text import NUMBER_WORDS, STOP_WORDS, content_stems, stem, words

MIN_OVERLAP = 0.5
"""Share of a sentence's content words that its quotes and their headings must hold."""
MIN_OVERLAP_WHEN_CLOSE = 0.25
MIN_CLOSENESS = 0.7
"""Cosine to one of its quotes from which a paraphrase needs to share fewer words."""
_SAME_CLAIM = 0.6
_ECHO_WORDS = 9


class Problem(StrEnum):
    """Why a sentence is not shown."""

    UNCITED = "no citation"
    DANGLING = "a citation that is not there"
    QUOTE = "a quote that does not stand there"
    FIGURE = "a figure that its quotes do not state"
    NAME = "a name that its quotes do not state"
    ACTOR = "somebody else does it in its quotes"
    POLARITY = "its quotes say the opposite"
    UNSUPPORTED = "too little of it stands in its quotes"
    LINK = "a link or an image"
    ECHO = "words of the prompt"


_UNITS = {
    **dict.fromkeys(("%", "percent", "percentage"), "%"),
    **dict.fromkeys(("x", "times", "fold"), "x"),
    **{unit: unit for unit in ("minut", "hour", "day", "week", "month", "quarter", "year", "shift", "second")},
    **dict.fromkeys(("million", "billion", "thousand", "$", "€", "£", "dollar", "euro"), "money"),
}
_QUANTITY = re.compile(
    r"(?P<sign>[$€£])?(?<![\w.])(?P<value>\d+(?:[.,]\d+)*)(?![\w]*\d)\s*(?P<mark>%|x\b)?|(?P<word>[a-z]+)", re.I
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![\"“(])\b[A-Z][\w&’'-]*[\w]\b|\b[A-Z]{2,}[\w/]*\b")
_LINK = re.compile(r"https?:|www\.|!\[|\]\(|<[a-z/!]|\b[a-z0-9-]+\.(?:com|net|org|io|ru|cn|xyz)\b", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"!?\[(?P<words>[^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(
    r"<[a-z/!][^>]*>|(?:https?:|www\.)\S*|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|ru|cn|xyz)\b\S*|!\[|\]\(",
    re.I,
)
_NEGATION = frozenset("not no never without neither nor none nobody nothing cannot".split())
_OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("increase raise grow rise higher more", "decrease reduce lower cut fall drop less fewer shrink"),
        ("always every", "never"),
        ("first", "last"),
        ("central", "local decentral"),
        ("start begin launch", "stop end halt"),
        ("optional may", "must mandatory required"),
        ("faster sooner", "slower later"),
        ("allow permit approve", "forbid prohibit reject"),
        ("inside internal", "outside external"),
        ("minimum least", "maximum most"),
        ("succeed success", "fail failure"),
    )
)
_ACTORS = frozenset(
    stem(word)
    for word in """it ot operator supervisor manager executive sponsor owner vendor supplier engineer board committee
    headquarters corporate plant site finance legal union integrator consultant lead ceo cio cfo coo""".split()
)


def find_problem(
    text: str, quotes: Sequence[str], *, beside: str = "", closeness: float = 0.0, prompt: str = ""
) -> Problem | None:
    """Return what is wrong with a sentence, or None when its quotes carry it.

    `beside` is what else the reader knows it from (headings, the question): names may stand there, figures may not.
    `closeness` is the cosine to the nearest quote; `prompt` is what the model was told and must not repeat.
    """
    evidence = " ".join(quotes)
    checks: tuple[tuple[Problem, Callable[[], bool]], ...] = (
        (Problem.LINK, lambda: has_link(text)),
        (Problem.ECHO, lambda: _echoes(text, prompt)),
        (Problem.UNCITED, lambda: not quotes),
        (Problem.FIGURE, lambda: not find_quantities(text) <= _widen(find_quantities(evidence))),
        (Problem.NAME, lambda: bool(_find_names(text) - _find_words(f"{evidence} {beside}"))),
        (Problem.UNSUPPORTED, lambda: not _is_carried(_share(text, f"{evidence} {beside}"), closeness)),
        (Problem.POLARITY, lambda: _contradicts(text, quotes)),
        (Problem.ACTOR, lambda: _swaps_actors(text, quotes)),
    )
    return next((problem for problem, fails in checks if fails()), None)


def has_link(text: str) -> bool:
    """Whether a text holds a link, an image, markup or an address."""
    return bool(_LINK.search(text))


def strip_links(text: str) -> str:
    """Return a text with the words of its links and images, and without where they lead."""
    plain = _MARKDOWN_LINK.sub(lambda match: match["words"], text)
    return _ADDRESS.sub("(link left out)", plain) if has_link(plain) else plain


def _is_carried(overlap: float, closeness: float) -> bool:
    return overlap >= MIN_OVERLAP or (closeness >= MIN_CLOSENESS and overlap >= MIN_OVERLAP_WHEN_CLOSE)


def _find_same_claim(text: str, quotes: Sequence[str]) -> str:
    """Return the quote that a sentence restates in other words, or "" where there is none."""
    if any(text.strip(" .") in quote for quote in quotes):
        return ""
    nearest = max(quotes, key=lambda quote: _share(text, quote))
    return nearest if _share(text, nearest) >= _SAME_CLAIM else ""


def find_quantities(text: str) -> set[tuple[str, str]]:
    """Return the figures of a text with their units ("" where there is none); the unit of a range is that of both."""
    found: list[list[str]] = []
    open_: list[list[str]] = []
    for match in _QUANTITY.finditer(text):
        value = match["value"] or NUMBER_WORDS.get((match["word"] or "").lower(), "")
        if value:
            unit = _UNITS.get(match["mark"] or match["sign"] or "", "")
            found.append([value.replace(",", ""), unit])
            open_ = [item for item in open_ if not item[1]] + [found[-1]]
            continue
        word = (match["word"] or "").lower()
        unit = _UNITS.get(word, _UNITS.get(stem(word), ""))
        if unit:
            for item in open_:
                item[1] = item[1] or unit
        if word not in {"to", "and", "or", "between", "full", "calendar", "business", "working"}:
            open_ = []
    return {(value, unit) for value, unit in found}


def _widen(quantities: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return quantities, and each figure without its unit: a sentence may leave the unit out."""
    return quantities | {(value, "") for value, _ in quantities}


def _find_names(text: str) -> set[str]:
    """Return the stems of words that are written as names or acronyms, but for the one that begins the sentence."""
    return {stem(part) for match in _NAME.finditer(text) for part in words(match.group()) if part not in STOP_WORDS}


def _find_words(text: str) -> set[str]:
    return {stem(word) for word in words(text)}


def _share(text: str, evidence: str) -> float:
    """Return the share of the content words of a text that stand in the evidence."""
    claimed = set(content_stems(text))
    return len(claimed & set(content_stems(evidence))) / len(claimed) if claimed else 0.0


def _is_negated(text: str) -> bool:
    return any(word in _NEGATION or word.endswith("n't") for word in words(text))


def _contradicts(text: str, quotes: Sequence[str]) -> bool:
    """Whether one is negated and the other is not, or one has a word where the quotes have only its opposite."""
    quote = _find_same_claim(text, quotes)
    if not quote:
        return False
    if _is_negated(text) != _is_negated(quote):
        return True
    claimed, held = ({*words(told), *_find_words(told)} for told in (text, " ".join(quotes)))
    return any(
        claimed & here and not held & here and held & there and not claimed & there
        for one, other in _OPPOSITES
        for here, there in ((one, other), (other, one))
    )


def _list_actors(text: str) -> Iterator[str]:
    """Yield those who act, in order; "it" is one only in capitals."""
    for word in re.findall(r"[A-Za-z]+", text):
        root = stem(word.lower())
        if root in _ACTORS and (word.lower() != "it" or word == "IT"):
            yield root


def _swaps_actors(text: str, quotes: Sequence[str]) -> bool:
    """Whether a sentence names somebody whom its quotes do not, or the same people the other way round."""
    quote = _find_same_claim(text, quotes)
    if not quote:
        return False
    told = list(_list_actors(text))
    if set(told) - set(_list_actors(" ".join(quotes))):
        return True
    order = list(dict.fromkeys(_list_actors(quote)))
    shared = [actor for actor in dict.fromkeys(told) if actor in order]
    passive = (" by " in f" {text} ") != (" by " in f" {quote} ")
    return not passive and shared != [actor for actor in order if actor in shared]


def _echoes(text: str, prompt: str) -> bool:
    """Whether a run of words stands in the prompt."""
    told, given = words(text), " ".join(words(prompt))
    runs = (" ".join(told[start : start + _ECHO_WORDS]) for start in range(max(0, len(told) - _ECHO_WORDS + 1)))
    return any(run in given for run in runs)
