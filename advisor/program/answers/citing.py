"""Numbering what an answer about the program rests on: entries of the register, their absence, and passages."""

from __future__ import annotations

from advisor.domain.dialogue import Citation, CitationKind
from advisor.domain.gaps import EntryRef, PlaybookRef
from advisor.domain.register import AnyRecord
from advisor.program.checks import refer


class RegisterCitations:
    """Numbers the entries and the passages that an answer rests on, in order of use."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str], Citation] = {}

    @property
    def all(self) -> tuple[Citation, ...]:
        """All citations so far, by number."""
        return tuple(self._by_place.values())

    def cite(self, record: AnyRecord | EntryRef) -> int:
        """Return the number of the citation of a record."""
        ref = record if isinstance(record, EntryRef) else refer(record)
        return self._number(
            ("register", f"{ref.kind}/{ref.subject}"),
            kind=CitationKind.REGISTER,
            title="Register",
            section=f"{ref.text} (#{ref.number})",
            section_id=f"register/{ref.kind.value}/{ref.subject}",
            quote=ref.text,
            as_of=ref.as_of,
        )

    def cite_absence(self, what: str) -> int:
        """Return the number of the citation of a register that holds no such record."""
        return self._number(
            ("absence", what),
            kind=CitationKind.REGISTER,
            title="Register",
            section=what,
            section_id="register/none",
            quote=what,
        )

    def cite_playbook(self, ref: PlaybookRef) -> int:
        """Return the number of the citation of a playbook passage."""
        return self._number(
            (ref.section_id, ref.quote),
            title=ref.playbook,
            section=ref.section,
            section_id=ref.section_id,
            quote=ref.quote,
            sources=ref.sources,
            as_of=ref.reviewed_on,
        )

    def _number(self, place: tuple[str, str], **fields: object) -> int:
        if place not in self._by_place:
            self._by_place[place] = Citation.model_validate({"number": len(self._by_place) + 1, **fields})
        return self._by_place[place].number
