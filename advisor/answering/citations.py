"""Which citation belongs to which sentence: decided by code, from the statements that are quoted."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.domain.dialogue import Citation, CitedSource
from advisor.domain.knowledge import Section, Source, Statement


class CitationBook:
    """Numbers citations in the order in which an answer uses them; one per statement."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._by_quote: dict[tuple[str, str], Citation] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations so far, by number."""
        return tuple(self._by_quote.values())

    def cite(self, section: Section, statement: Statement) -> int:
        """Return the number of the citation that supports a statement of a section."""
        key = (section.id, statement.text)
        if key not in self._by_quote:
            self._by_quote[key] = Citation(
                number=len(self._by_quote) + 1,
                title=section.playbook_title,
                section=section.heading,
                section_id=section.id,
                quote=statement.text,
                as_of=section.reviewed_on,
                sources=tuple(
                    CitedSource(id=source.id, title=source.title, publisher=source.publisher, note=statement.note)
                    for source in (self._sources[id_] for id_ in statement.sources if id_ in self._sources)
                ),
            )
        return self._by_quote[key].number
