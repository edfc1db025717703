"""Judges: each looks at one answer and returns a Score. Code only, no language model."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.domain.base import Value
from advisor.domain.dialogue import (
    Answer,
    Checklist,
    ListBlock,
    Outcome,
    Paragraph,
    Table,
)
from advisor.domain.knowledge import Section
from advisor.text import count_words, figures
from evals.cases import EvalCase, Expect


class Score(Value):
    """`hits` of `total` things held; `missed` says which did not."""

    hits: int
    total: int
    missed: tuple[str, ...] = ()


def _score(checks: Mapping[str, bool]) -> Score:
    return Score(
        hits=sum(checks.values()),
        total=len(checks),
        missed=tuple(name for name, held in checks.items() if not held),
    )


def score_facts(case: EvalCase, answer: Answer) -> Score:
    """Which key facts the text states. A question that should be answered and was declined states none."""
    return _score({pattern: bool(re.search(pattern, answer.text, re.I)) for pattern in case.facts})


def score_sections(case: EvalCase, answer: Answer) -> Score:
    """Which of the expected playbooks are cited."""
    cited = {citation.section_id.split("/")[0] for citation in answer.citations}
    return _score({entry: bool({name.strip() for name in entry.split("|")} & cited) for entry in case.sections})


def score_quotes(answer: Answer, sections: Mapping[str, Section]) -> Score:
    """Whether each citation's quote stands, word for word, in the section it names, and each sentence has one."""
    checks = {
        f"[{citation.number}] {citation.quote[:60]}": citation.section_id in sections
        and any(citation.quote == statement.text for statement in sections[citation.section_id].statements)
        for citation in answer.citations
    }
    if answer.citations:
        checks |= {f"uncited: {text[:60]}": bool(numbers) for text, numbers in list_sentences(answer)}
    return _score(checks)


def score_figures(answer: Answer) -> Score:
    """Whether each figure stands in a quote that its sentence cites."""
    quotes = {citation.number: citation.quote for citation in answer.citations}
    checks: dict[str, bool] = {}
    for text, numbers in list_sentences(answer):
        supported = set().union(*(figures(quotes[number]) for number in numbers))
        checks |= {f"{figure} in: {text[:60]}": figure in supported for figure in figures(text)}
    return _score(checks)


def score_outcome(case: EvalCase, answer: Answer) -> Score:
    """Whether the advisor answered or declined as it should."""
    declined = answer.outcome in {Outcome.DECLINED, Outcome.CLARIFY}
    right = case.expect is Expect.EITHER or declined == (case.expect is Expect.DECLINED)
    return _score({answer.outcome.value: right})


def score_must_not(case: EvalCase, answer: Answer) -> Score:
    """Whether the text is free of what may not be said."""
    return _score({pattern: not re.search(pattern, answer.text, re.I) for pattern in case.must_not})


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


def count_prose_words(answer: Answer) -> int:
    """Words of the answer outside tables, ordered lists and checklists."""
    total = 0
    for block in answer.blocks:
        if isinstance(block, Paragraph):
            total += sum(count_words(sentence.text) for sentence in block.sentences)
        elif isinstance(block, ListBlock) and not block.ordered:
            total += sum(count_words(item.text) for item in block.items)
    return total
