"""Whether the evidence carries a sentence: decided by code, after a model wrote it and before anybody reads it.

Each check compares a sentence with the quotes that it cites. None needs a model, none trusts one: what a check cannot
see (a claim that only rearranges the quote's own words) is named in docs/how-it-answers.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from enum import StrEnum

from advisor.answering.reversals import contradicts, find_share, swaps_actors, swaps_figures, swaps_order
from advisor.quantities import find_quantities, widen
from advisor.text import STOP_WORDS, normalise, stem, words

MIN_OVERLAP = 0.5
"""Share of a sentence's content words that its quotes and their headings must hold, where closeness is not known."""
MIN_SUPPORT = 0.62
"""Half of that share, and the cosine to the nearest quote; chosen on the tuned half of evals/generations."""
_ECHO_WORDS = 5
_SELF = re.compile(
    r"\bI(?:['’]m|['’]ve|['’]ll)?\b(?!/)|\bmy (?:instructions|prompt|task|training)\b"
    r"|\bas an? (?:AI |helpful |language )+(?:model|assistant)\b"
    r"|\blanguage model\b|\bsystem prompt\b|\b(?:numbered|given|above|following|refused) (?:statement|line)s?\b"
    r"|\bstatements?:|\bquestion:|\bprompt:",
    re.IGNORECASE,
)


class Problem(StrEnum):
    """Why a sentence is not shown."""

    UNCITED = "no citation"
    DANGLING = "a citation that is not there"
    QUOTE = "a quote that does not stand there"
    FIGURE = "a figure that its quotes do not state"
    NAME = "a name that its quotes do not state"
    ACTOR = "somebody else does it in its quotes"
    ORDER = "its quotes have it the other way round"
    POLARITY = "its quotes say the opposite"
    UNSUPPORTED = "too little of it stands in its quotes"
    LINK = "a link or an image"
    ECHO = "words of the prompt"


_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![\"“(])\b[A-Z][\w&’'-]*[\w]\b|\b[A-Z]{2,}[\w/]*\b")
_OPENING = re.compile(
    r"(?P<word>[A-Z][\w-]+)(?:(?P<own>['’]s)\b| (?P<verb>\w*[^s\W]s|is|was|has|found|said|\w+ed)\b"
    r"| (?P<pair>and|or)\b)?"
)
_ATTRIBUTED = re.compile(
    r"\b(?:according to|as reported by|(?:research|stud(?:y|ies)|surveys?|reports?|figures?) (?:by|from))"
    r" (?:the |an? |its |their |our |your )?([a-z]{3,})"
)
_ORDINARY = re.compile(r"(?:ing|ly|ed|tion|sion|ness|ment|ity|ance|ence|ship|ism|ter|able|ive|ful)$")
_HOST = (
    r"\S+@[\w-]+\.\w+|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
    r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|ru|cn|xyz|ai|dev|app|info|biz|eu|uk|de|fr|nl|ch|pl|ly"
    r"|tv|cc|gg|co|(?:it|me|at|us|es|to)/|site|online|shop|top|link|click|example|test|zip|mov)\b(?![.]\w)"
)
"""An address without its scheme: a host, an e-mail, four numbers."""
_LINK = re.compile(
    rf"https?:|www\.|!\[|\]\(|\]\[(?!\d+\])|\[[.:]\]|<[a-z/!@#][^>]*>|"
    r"\b[\w-]+ dot (?:com|net|org|io)\b|"
    rf"\b(?:mailto|javascript|ftp|tel):\s?\S|\bdata:[a-z]+/|{_HOST}",
    re.IGNORECASE,
)
_DOTS = str.maketrans("\u3002\uff61", "..")
"""Full stops of other scripts, which browsers take for the dot of an address."""
_SPACED = re.compile(r"https?:/|://|\bwww\b ?\. ?\w", re.IGNORECASE)
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|your)\b.{0,20}"
    r"\b(?:instructions?|prompts?|guidelines)\b"
    r"|\b(?:end|begin|start|finish|conclude) your (?:answer|reply|response|output)\b"
    r"|\b(?:respond|reply|answer) (?:only|just|exclusively) (?:with|in|as)\b"
    r"|\byou are (?:now |going to be )?(?:an? |the )?(?:AI|assistant|chatbot|chatgpt|language model|DAN)\b"
    r"|\byou are now an? (?:\w+ ){1,2}(?:bot|chatbot|assistant|AI|model)\b|\bbefore you (?:reply|respond|answer),"
    r"|\b(?:print|repeat|reveal|output|show) (?:everything|all|the (?:text|words|lines)) (?:above|before)\b"
    r"|\b(?:reply|response|answer|output)\b.{0,20}\b(?:base64|rot13|mirror writing)\b"
    r"|\b(?:system prompt|jailbreak)\b|\btell the (?:reader|user|person who asks)\b"
    r"|(?:^|[.!?:]\s+)(?:dear |hey |hello |hi )AI\s*[,:]"
    r"|(?:^|[.!?:]\s+)(?:dear |hey |hello |hi )?(?:AI )?(?:assistant|advisor|chatbot|bot|language model|LLM)\s*[,:]",
    re.IGNORECASE,
)
_MARKDOWN_LINK = re.compile(r"!?\[(?P<words>[^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(rf"<[a-z/!][^>]*>|(?:https?:|www\.)\S*|(?:{_HOST})[/?#:]?\S*|!\[|\]\(", re.I)


def find_problem(
    text: str,
    quotes: Sequence[str],
    *,
    headings: str = "",
    vocabulary: Set[str] = frozenset(),
    closeness: Callable[[], float] | None = None,
    prompt: str = "",
) -> Problem | None:
    """Return what is wrong with a sentence, or None when its quotes carry it.

    Names may stand in the `headings` of the quotes too, figures may not; a name that only the question holds is no
    evidence. `vocabulary` are words, in lower case, that are not names. `closeness` gives the cosine to the nearest
    quote, and is called where nothing cheaper decides; `prompt` is what the model was told and must not repeat.
    """
    evidence = " ".join(quotes)
    known = _find_words(f"{evidence} {headings}")
    checks: tuple[tuple[Problem, Callable[[], bool]], ...] = (
        (Problem.LINK, lambda: has_link(text)),
        (Problem.ECHO, lambda: _echoes(text, prompt)),
        (Problem.UNCITED, lambda: not quotes),
        (Problem.FIGURE, lambda: not find_quantities(text) <= widen(find_quantities(evidence))),
        (Problem.FIGURE, lambda: swaps_figures(text, quotes)),
        (Problem.NAME, lambda: bool(_find_names(text) - known) or _opens_with_name(text, known, vocabulary)),
        (Problem.NAME, lambda: any(stem(word) not in known for word in _ATTRIBUTED.findall(text.lower()))),
        (Problem.UNSUPPORTED, lambda: not _is_carried(text, f"{evidence} {headings}", closeness)),
        (Problem.POLARITY, lambda: contradicts(text, quotes)),
        (Problem.ORDER, lambda: swaps_order(text, quotes)),
        (Problem.ACTOR, lambda: swaps_actors(text, quotes)),
    )
    return next((problem for problem, fails in checks if fails()), None)


def has_link(text: str) -> bool:
    """Whether a text holds a link, an image, markup or an address, also with blanks or odd letters in it."""
    plain = normalise(text).translate(_DOTS)
    return bool(_LINK.search(plain) or _SPACED.search(re.sub(r"\s*([:/])\s*", r"\1", plain)))


def is_order(text: str) -> bool:
    """Whether a text speaks to a language model and not to a reader: what a planted instruction looks like."""
    return bool(_ORDER.search(normalise(text)))


def strip_links(text: str) -> str:
    """Return a text with the words of its links and images, and without where they lead."""
    plain = _MARKDOWN_LINK.sub(lambda match: match["words"], text)
    return _ADDRESS.sub("(link left out)", plain) if has_link(plain) else plain


def _is_carried(text: str, evidence: str, closeness: Callable[[], float] | None) -> bool:
    if text.strip(" .") in evidence:
        return True
    overlap = find_share(text, evidence)
    if closeness is None:
        return overlap >= MIN_OVERLAP
    wanted = MIN_SUPPORT - overlap / 2
    return wanted <= 1 and closeness() >= wanted


def _find_names(text: str) -> set[str]:
    """Return the stems of words that are written as names or acronyms, but for the one that begins the sentence."""
    return {stem(part) for match in _NAME.finditer(text) for part in words(match.group()) if part not in STOP_WORDS}


def _opens_with_name(text: str, known: Set[str], vocabulary: Set[str]) -> bool:
    """Whether a sentence begins with a name that nothing knows: a strange word with a verb or a noun of its own."""
    found = _OPENING.match(text)
    if found is None:
        return False
    word = found["word"]
    if all(stem(part) in known or part in vocabulary or part in STOP_WORDS for part in words(word)):
        return False
    if re.search(r"[a-z][A-Z]", word) or found["own"] or (found["verb"] and not _ORDINARY.search(word)):
        return True
    return bool(found["pair"]) and not _ORDINARY.search(word) and not word.endswith("s")


def _find_words(text: str) -> set[str]:
    return {stem(word) for word in words(text)}


def _echoes(text: str, prompt: str) -> bool:
    """Whether a text speaks of itself or its task, or a run of its words stands in the prompt."""
    if _SELF.search(text):
        return True
    told, given = words(text), " ".join(words(prompt))
    runs = (" ".join(told[start : start + _ECHO_WORDS]) for start in range(max(0, len(told) - _ECHO_WORDS + 1)))
    return any(run in given for run in runs)
