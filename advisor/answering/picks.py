"""Statements of retrieved passages, as candidates for an answer."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.domain.knowledge import Passage, Section, Statement, StatementKind
from advisor.text import content_stems, count_words

_POINT_BONUS = 0.2
_SAME = 0.65


@dataclass(frozen=True, slots=True)
class Pick:
    """A statement of a passage, as a candidate for the answer."""

    passage: Passage
    index: int

    @property
    def section(self) -> Section:
        """The section it stands in."""
        return self.passage.section

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self.section.statements[self.index]

    @property
    def score(self) -> float:
        """Its cosine with the query."""
        return self.passage.statement_scores[self.index]

    @property
    def weight(self) -> float:
        """How well it would speak for its section: its closeness, and whether it is the point."""
        return self.score + (_POINT_BONUS if self.statement.kind is StatementKind.POINT else 0.0)

    @property
    def text(self) -> str:
        """As a sentence of an answer."""
        match self.statement.kind:
            case StatementKind.STEP:
                return self.statement.labelled
            case StatementKind.ROW:
                return _read_row(self.section.columns, self.statement.cells)
            case _:
                return self.statement.text

    @property
    def length(self) -> int:
        """Words of its text."""
        return count_words(self.text)


def _read_row(columns: tuple[str, ...], cells: tuple[str, ...]) -> str:
    """Return a table row as running text: its name, then each cell with its column."""
    rest = "; ".join(f"{column.lower()}: {cell}" for column, cell in zip(columns[1:], cells[1:], strict=True))
    return f"{cells[0]} ({rest})."


def picks_of(passage: Passage, *kinds: StatementKind) -> list[Pick]:
    """Return the statements of the given kinds, in document order."""
    return [
        Pick(passage, index) for index, statement in enumerate(passage.section.statements) if statement.kind in kinds
    ]


def says_the_same(pick: Pick, other: Pick) -> bool:
    """Whether two sentences share most of the meaningful words of the shorter one."""
    own, theirs = set(content_stems(pick.statement.text)), set(content_stems(other.statement.text))
    return len(own & theirs) / (min(len(own), len(theirs)) or 1) >= _SAME


def stems_of(section: Section) -> set[str]:
    """Return the stems of the meaningful words of a section."""
    return set(content_stems(f"{section.playbook_title} {section.heading} {section.text}"))
