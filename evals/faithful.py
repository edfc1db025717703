"""Judges of faithfulness: whether what an answer says is what it cites, and its citations what they name."""

from __future__ import annotations

import re

from advisor.answering.verification import strip_links
from advisor.domain.dialogue import CitationKind, Outcome
from advisor.text import content_stems, figures
from evals.cases import About
from evals.recount import recount
from evals.seen import Score, Seen, list_sentences, share

_NEGATORS = re.compile(r"\b(?:not|no|never|nobody|none|nothing|neither|nor|without|cannot)\b|n['’]t\b", re.I)
_LEAST_SHARED = 0.6
"""Of a sentence's content words that its quotes must hold."""


def score_quotes(seen: Seen) -> Score | None:
    """Whether each quote stands, word for word, in the section that its citation names, under that title."""
    return share(
        {
            f"[{c.number}] {c.quote[:60]}": c.section_id in seen.sections
            and c.title.startswith(seen.sections[c.section_id].playbook_title)
            and (c.section in seen.sections[c.section_id].heading or seen.sections[c.section_id].heading in c.section)
            and any(c.quote == strip_links(s.text) for s in seen.sections[c.section_id].statements)
            for c in seen.answer.citations
            if c.kind is not CitationKind.REGISTER
        }
    )


def score_entries(seen: Seen) -> Score | None:
    """Whether what is cited from the register is what the record says, and an answer on the program cites any."""
    if seen.known is None or seen.answer.outcome is not Outcome.ANSWERED:
        return None
    cited = [c for c in seen.answer.citations if c.kind is CitationKind.REGISTER]
    checks = {f"[{c.number}] {c.quote[:60]}": seen.known.holds(c) for c in cited}
    if seen.case.about is About.PROGRAM:
        checks["cites the register"] = bool(cited)
    return share(checks)


def score_citation_recall(seen: Seen) -> Score | None:
    """Whether each sentence has a citation, in an answer that has any (ALCE, Gao et al. 2023)."""
    if not seen.answer.citations:
        return None
    return share({f"uncited: {text[:60]}": bool(numbers) for text, numbers in list_sentences(seen.answer)})


def score_citation_precision(seen: Seen) -> Score | None:
    """Whether each citation of a sentence shares words with it: one that carries nothing does not belong there."""
    quotes = {c.number: _stems(f"{c.section} {c.quote}") for c in seen.answer.citations}
    registers = {c.number for c in seen.answer.citations if c.kind is CitationKind.REGISTER}
    return share(
        {
            f"[{number}] at: {text[:60]}": bool(_stems(text) & quotes.get(number, set())) or not _stems(text)
            for text, numbers in list_sentences(seen.answer)
            for number in numbers
            if number not in registers
        }
    )


def score_grounded(seen: Seen) -> Score | None:
    """Whether most words of each sentence stand in the quotes that it cites, and it denies no more than they do."""
    registers = {c.number for c in seen.answer.citations if c.kind is CitationKind.REGISTER}
    told = {c.number: f"{c.title} {c.section} {c.quote}" for c in seen.answer.citations}
    quotes = {number: _stems(text) for number, text in told.items()}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(seen.answer):
        own = _stems(text)
        if numbers and own and not registers & set(numbers):
            held = own & set().union(*(quotes.get(number, set()) for number in numbers))
            said = " ".join(told.get(number, "") for number in numbers)
            negated = len(_NEGATORS.findall(text)) > len(_NEGATORS.findall(said))
            checks[text[:80]] = len(held) >= _LEAST_SHARED * len(own) and not negated
    return share(checks)


def _stems(text: str) -> set[str]:
    return set(content_stems(text))


def score_figures(seen: Seen) -> Score | None:
    """Whether each figure stands in a quote that its sentence cites; those of the register are counted by its own."""
    quotes = {c.number: c.quote for c in seen.answer.citations}
    registers = {c.number for c in seen.answer.citations if c.kind is CitationKind.REGISTER}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(seen.answer):
        if registers & set(numbers) or (seen.case.on_register and not numbers):
            continue
        supported = set().union(*(figures(quotes[number]) for number in numbers if number in quotes))
        checks |= {f"{figure} in: {text[:60]}": figure in supported for figure in figures(text)}
    return share(checks)


def score_recount(seen: Seen) -> Score | None:
    """Whether the figures that an answer gives of the program are those that the register comes to."""
    if seen.known is None:
        return None
    sentences = [text for text, _ in list_sentences(seen.answer)]
    return share({f"{figure} in: {t[:60]}": right for t in sentences for figure, right in recount(t, seen.known)})
