"""Judges of faithfulness: whether what an answer says is what it cites, and its citations what they name."""

from __future__ import annotations

from advisor.answering.verification import strip_links
from advisor.domain.dialogue import Citation, CitationKind, ListBlock, Outcome, Table
from advisor.domain.knowledge import StatementKind
from advisor.text import content_stems, figures
from evals.seen import Score, Seen, list_sentences, plain, share
from evals.turned import find_amounts, find_turns

_FRAMES = frozenset({"Your documents say", "The playbook says", "The most pressing gaps"})
"""Titles that say whose words follow."""
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


def score_citation_recall(seen: Seen) -> Score | None:
    """Whether each sentence has a citation (ALCE, Gao et al. 2023); what asks back claims nothing."""
    if seen.answer.outcome is Outcome.CLARIFY:
        return None
    if not seen.answer.citations:
        answered = seen.answer.outcome in {Outcome.ANSWERED, Outcome.PARTIAL}
        return Score(value=0.0, reason="answers without a source") if answered else None
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
    """Whether each sentence says what it cites.

    Without a chat model every sentence that cites a playbook or a document is a statement of it, word for word. A
    worded one has most of its words from its quotes, and turns none of them round.
    """
    told = {c.number: c for c in seen.answer.citations}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(seen.answer):
        cited = [told[number] for number in numbers if number in told]
        if not cited or any(c.kind is CitationKind.REGISTER for c in cited):
            continue  # without a citation: see citation recall; on the register: see evals.program
        if not seen.worded:
            checks[text[:80]] = any(plain(text) in _list_forms(c, seen) for c in cited)
            continue
        said = " ".join(f"{c.title} {c.section} {c.quote}" for c in cited)
        own, turns = _stems(text), list(find_turns(text, said))
        held = len(own & _stems(said)) >= _LEAST_SHARED * len(own)
        checks[", ".join([text[:80], *turns])] = held and not turns
    return share(checks | ({} if seen.worded else _check_titles(seen)))


def _check_titles(seen: Seen) -> dict[str, bool]:
    """Return for each list and table whether its title and columns are those of a section that the answer cites."""
    cited = [seen.sections[c.section_id] for c in seen.answer.citations if c.section_id in seen.sections]
    titles = {s.heading for s in cited} | {
        plain(s.text).rstrip(":") for c in cited for s in c.of_kind(StatementKind.LEAD)
    }
    checks: dict[str, bool] = {}
    for block in seen.answer.blocks:
        if isinstance(block, ListBlock | Table) and block.title not in {"", *_FRAMES}:
            checks[f"title: {block.title}"] = block.title in titles
        if isinstance(block, Table):
            checks[f"columns: {', '.join(block.columns)}"] = block.columns in {section.columns for section in cited}
    return checks


def _list_forms(cited: Citation, seen: Seen) -> set[str]:
    """Return all forms in which a statement may be shown: alone, after its label, as a row, as a row read aloud."""
    forms = {plain(cited.quote)}
    section = seen.sections.get(cited.section_id)
    for statement in section.statements if section else ():
        if plain(statement.text) == plain(cited.quote):
            first, *rest = statement.cells or ("",)
            read = "; ".join(f"{c.lower()}: {cell}" for c, cell in zip(section.columns[1:], rest, strict=False))  # type: ignore[union-attr]
            shown = (statement.labelled, " | ".join(statement.cells), f"{first} ({read})." if rest else "")
            forms |= {plain(form) for form in shown if form}
    return forms


def _stems(text: str) -> set[str]:
    return set(content_stems(text))


def score_figures(seen: Seen) -> Score | None:
    """Whether each figure stands, with its unit, in a quote that its sentence cites; evals.program has the others."""
    quotes = {c.number: c.quote for c in seen.answer.citations}
    registers = {c.number for c in seen.answer.citations if c.kind is CitationKind.REGISTER}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(seen.answer):
        if registers & set(numbers) or (seen.case.on_register and not numbers):
            continue
        cited = [quotes[number] for number in numbers if number in quotes]
        values = set().union(*map(figures, cited))
        amounts = set().union(*map(find_amounts, cited))
        checks |= {f"{figure} in: {text[:60]}": figure in values for figure in figures(text)}
        checks |= {
            f"{value} {unit} in: {text[:60]}": bool({(value, unit), (value, "")} & amounts)
            for value, unit in find_amounts(text)
            if unit and value in values
        }
    return share(checks)
