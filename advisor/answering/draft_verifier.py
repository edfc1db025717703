"""The last look before anything is shown: whatever composed an answer, its citations must carry it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.answering.verification import Problem, has_link, strip_links
from advisor.domain.dialogue import Citation, CitationKind, Draft, Refusal, Sentence, TableRow, keep_units
from advisor.domain.knowledge import Passage, Section
from advisor.quantities import find_quantities


class DraftVerifier:
    """Drops sentences and rows whose quote does not stand where it is said to, or that go beyond it."""

    def verify(self, draft: Draft, passages: Sequence[Passage]) -> Draft:
        """Return the draft without what does not hold; its basis tells how many were looked at, and what was wrong.

        Sentences that rest on the register alone are counted from it and not quoted: theirs are not compared.
        """
        sections = {passage.section.id: passage.section for passage in passages}
        citations = {citation.number: citation for citation in draft.citations}
        refused: list[Refusal] = []
        checked = 0

        def holds(unit: Sentence | TableRow) -> bool:
            nonlocal checked
            cited = [citations[n] for n in unit.citations if n in citations]
            if not cited:
                return True
            checked += 1
            text = unit.text if isinstance(unit, Sentence) else " ".join(unit.cells)
            problem = _find_problem(text, cited, sections)
            if problem:
                refused.append(Refusal(text=text, reason=problem.value))
            return problem is None

        kept = keep_units(draft, holds)
        basis = draft.basis.model_copy(
            update={"checked": max(draft.basis.checked, checked), "refused": (*draft.basis.refused, *refused)}
        )
        return kept.model_copy(update={"basis": basis})


def _find_problem(text: str, cited: Sequence[Citation], sections: Mapping[str, Section]) -> Problem | None:
    quoted = [citation for citation in cited if citation.kind is not CitationKind.REGISTER]
    if not all(_stands(citation, sections) for citation in quoted):
        return Problem.QUOTE
    if has_link(text):
        return Problem.LINK
    if len(quoted) < len(cited):
        return None
    stated = {quantity for citation in quoted for quantity in _list_stated(citation, sections)}
    return Problem.FIGURE if {value for value, _ in find_quantities(text)} - stated else None


def _stands(citation: Citation, sections: Mapping[str, Section]) -> bool:
    section = sections.get(citation.section_id)
    return section is not None and any(strip_links(s.text) == citation.quote for s in section.statements)


def _list_stated(citation: Citation, sections: Mapping[str, Section]) -> Iterator[str]:
    """Yield the figures of the quoted statement, with its label and its page's own."""
    for statement in sections[citation.section_id].statements:
        if strip_links(statement.text) == citation.quote:
            yield from (value for value, _ in find_quantities(f"{statement.labelled} {' '.join(statement.cells)}"))
