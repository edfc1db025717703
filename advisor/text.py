"""Plain-text ground: words, stems, sentences and figures. Knows nothing of playbooks or answers."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import Stemmer

STOP_WORDS = frozenset(
    """a about after again all also am an and any anyone anything are as at be because been before being between
    both but by can could did do does doing don done down during each either else even ever every few for from
    further get gets getting give go goes going good got had has have having he her here him his how i if in into
    is it its itself just know let like ll look lot make makes many may me might more most much must my need needs
    no nor not now of off ok okay on once one only or other our ours out over own per please put re really right
    said same say says see shall she should so some something still such sure take tell than that the their them
    then there these they thing things think this those through to too under until up us use used using ve very
    want was way we well were what whats when where which while who whom whose why will with within without
    would yes yet you your""".split()
)
"""Words that say nothing about the subject of a question."""

NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "eighteen": "18", "forty": "40",
}  # fmt: skip

_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)*")
_FIGURE = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w]*\d)")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]?\s+(?=[\"“(]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|etc|cf|approx|Dr|Mr|Ms|No)\.|\b[A-Z]\.)$")


def normalise(text: str) -> str:
    """Return `text` in NFKC form with runs of white space folded into single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def slugify(text: str) -> str:
    """Return `text` as lower-case words joined by hyphens, for stable identifiers."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")


def words(text: str) -> list[str]:
    """Return the lower-case words and numbers of `text`, in order."""
    return _WORD.findall(text.lower().replace("’", "'"))


@cache
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the Snowball English stem of one lower-case word."""
    return str(_stemmer().stemWord(word))


def stems(text: str) -> list[str]:
    """Return the stems of all words of `text`, in order."""
    return [stem(word) for word in words(text)]


@lru_cache(maxsize=10_000)
def content_stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words of `text` that carry meaning, in order, repeats kept.

    Remembered, since every answer looks at the same statements again.
    """
    return tuple(
        stem(word)
        for word in (token.partition("'")[0] for token in words(text))
        if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())
    )


def split_sentences(text: str) -> list[str]:
    """Split prose into sentences at full stops, question marks and exclamation marks."""
    parts: list[str] = []
    for piece in _SENTENCE_END.split(normalise(text)):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece:
            parts.append(piece)
    return parts


def figures(text: str) -> set[str]:
    """Return the figures of `text` as digits: numerals, and number words up to forty that are in use."""
    found = {match.group().replace(",", "") for match in _FIGURE.finditer(text)}
    return found | {NUMBER_WORDS[word] for word in words(text) if word in NUMBER_WORDS}


def count_words(text: str) -> int:
    """Return how many words a reader would count in `text`."""
    return len(text.split())


def capitalise(text: str) -> str:
    """Return a text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def decapitalise(text: str) -> str:
    """Return a text to go on a sentence with; an acronym at its beginning stays."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
