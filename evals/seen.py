"""What a judge looks at, and what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from advisor.answering.documents import TITLE
from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, Checklist, ListBlock, Paragraph, Table
from advisor.domain.gaps import Gap, GapSummary
from advisor.domain.knowledge import Section
from advisor.domain.register import Register
from evals.cases import EvalCase
from evals.recount import Known

_MARK = re.compile(r"\s*\[\d+\]")


class Score(Value):
    """How far something held, 0 to 1 (a latency: milliseconds), and what did not."""

    value: float
    reason: str = ""


class Summary(NamedTuple):
    """A gap summary, the register, all criteria that are open there, and the gaps as they were ranked apart from it."""

    page: GapSummary
    register: Register
    open: frozenset[str]
    gaps: tuple[Gap, ...]


class Seen(NamedTuple):
    """All that a judge may look at. `found` are the ids of the sections that retrieval ranked, best first."""

    case: EvalCase
    answer: Answer
    sections: Mapping[str, Section]
    found: Sequence[str] = ()
    milliseconds: float = 0.0
    summary: Summary | None = None
    files: Mapping[str, str] = {}
    """Of documents, by their id."""
    known: Known | None = None
    """What the register holds, for a question on it."""

    @property
    def said(self) -> str:
        """What the answer says, without the marks of its citations and the title of the documents' part."""
        return _MARK.sub("", self.answer.text).replace(TITLE, "")


def share(checks: Mapping[str, bool]) -> Score | None:
    """Return the share of checks that held, or None where there was nothing to check."""
    missed = [name for name, held in checks.items() if not held]
    return Score(value=1 - len(missed) / len(checks), reason="; ".join(missed)) if checks else None


def list_sentences(answer: Answer) -> list[tuple[str, tuple[int, ...]]]:
    """Return every sentence, list item and table row with its citation numbers."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for block in answer.blocks:
        match block:
            case Paragraph():
                found += [(sentence.text, sentence.citations) for sentence in block.sentences]
            case ListBlock() | Checklist():
                found += [(item.text, item.citations) for item in block.items]
            case Table():
                found += [(" | ".join(row.cells), row.citations) for row in block.rows]
            case _:
                pass
    return found
