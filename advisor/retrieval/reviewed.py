"""A retriever that knows reviewed playbooks alone, whatever the serving index holds."""

from __future__ import annotations

from advisor.domain.dialogue import Query
from advisor.domain.knowledge import Retrieval, Section
from advisor.ports import Retriever


class ReviewedRetriever:
    """Leaves out what nobody has vouched for, also before the next ingest does."""

    def __init__(self, inner: Retriever) -> None:
        self._inner = inner

    def correct(self, text: str) -> str:
        """Return a question with its slips of the finger mended."""
        return self._inner.correct(text)

    def retrieve(self, query: Query) -> Retrieval:
        """Return the passages of reviewed playbooks."""
        found = self._inner.retrieve(query)
        return _keep(found).model_copy(update={"parts": tuple(_keep(part) for part in found.parts)})

    def list_sections(self) -> tuple[Section, ...]:
        """Return the sections of reviewed playbooks."""
        return tuple(section for section in self._inner.list_sections() if section.reviewed_on)


def _keep(found: Retrieval) -> Retrieval:
    kept = (passage for passage in found.passages if passage.section.reviewed_on)
    passages = tuple(passage.model_copy(update={"rank": rank}) for rank, passage in enumerate(kept, 1))
    return found.model_copy(update={"passages": passages})
