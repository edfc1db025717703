"""Answers without a language model: sentences of the playbooks, chosen and arranged.

Bottom line first, then the reasons in the order of their section, a list or table whole when the question asks for
one, what other sections add, and the next steps when the question asks for action. Every sentence is a statement of
the knowledge base, so its quote and its figures stand where its citation points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from advisor.answering.citations import CitationBook
from advisor.answering.evidence import Evidence, assess
from advisor.domain.dialogue import (
    Block,
    Draft,
    Focus,
    ListBlock,
    Outcome,
    Paragraph,
    Query,
    Role,
    Sentence,
    Table,
    TableRow,
)
from advisor.domain.knowledge import (
    Passage,
    Retrieval,
    Section,
    SectionKind,
    Source,
    Statement,
    StatementKind,
)
from advisor.text import content_stems

WORD_LIMIT = 180
_REASONS = {Role.EXECUTIVE: 4, Role.CHANGE_LEAD: 4, Role.PLANT_MANAGER: 4, Role.ENGINEER: 7}
_TASK_ROLES = frozenset({Role.CHANGE_LEAD, Role.PLANT_MANAGER})
_MAX_TASKS = 3
_POINT_BONUS = 0.12
_BELIEF_SIMILARITY = 0.6
_SECONDARY_SCORE = 0.5
_SECONDARY_GAIN = 0.12
_CLOSE_SCORE = 0.8
_MAX_ADDITIONS = 3
_SAME = 0.6
_SUGGESTIONS = 3
_LIST_WORDS = re.compile(
    r"\b(?:list|steps?|stages?|sequence|phases?|order|table|types?|kinds?|categories|elements?|requirements?|criteria"
    r"|root causes?|causes|reasons|barriers|traits|maxims|gaps|dimensions|vectors|modes|ways|what are the|which are the"
    r"|how many|ladder|parts|components|conditions|ingredients|roadmap|path)\b",
    re.I,
)
_TASK_WORDS = re.compile(r"\b(?:check-?list|to-?dos?|action items?|tasks|action plan)\b", re.I)


@dataclass(frozen=True, slots=True)
class _Pick:
    """A statement chosen for an answer."""

    passage: Passage
    index: int

    @property
    def statement(self) -> Statement:
        return self.passage.section.statements[self.index]

    @property
    def score(self) -> float:
        return self.passage.statement_scores[self.index]


class ExtractiveAnswerer:
    """Composes answers from statements of the knowledge base."""

    def __init__(self, *, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def answer(self, query: Query, retrieval: Retrieval, role: Role) -> Draft:
        """Return a cited draft, or one that abstains and says what to do instead."""
        evidence = assess(query.text, retrieval)
        passages = _order(query, [p for p in retrieval.passages if p.section.kind is SectionKind.ANSWER])
        carried_on = query.follows and query.focus in {Focus.WHY, Focus.MORE, Focus.ITEM}
        if not passages or not (evidence.sufficient or carried_on):
            return self._decline(evidence, passages)
        return _Composition(
            query=query, retrieval=retrieval, passages=passages, role=role, book=CitationBook(self._sources)
        ).draft()

    def _decline(self, evidence: Evidence, passages: list[Passage]) -> Draft:
        suggestions = tuple(p.section.questions[0] for p in passages[:_SUGGESTIONS] if p.section.questions)
        if evidence.limit is not None:
            book = CitationBook(self._sources)
            section = evidence.limit.section
            sentences = tuple(
                Sentence(text=statement.text, citations=(book.cite(section, statement),))
                for statement in section.statements
            )
            return Draft(
                outcome=Outcome.DECLINED,
                blocks=(Paragraph(sentences=sentences),),
                citations=book.citations,
                suggestions=suggestions,
            )
        titles = list(dict.fromkeys(passage.section.playbook_title for passage in passages[:_SUGGESTIONS]))
        text = "The playbooks do not cover this."
        if titles:
            text = f"The playbooks do not cover this; the nearest topics they cover are {_joined(titles)}."
        return Draft(
            outcome=Outcome.DECLINED,
            blocks=(Paragraph(sentences=(Sentence(text=text),)),),
            suggestions=suggestions,
        )


def _joined(titles: list[str]) -> str:
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def _order(query: Query, passages: list[Passage]) -> list[Passage]:
    """Put the sections a follow-up stays in first, where the question adds nothing of its own."""
    if query.focus in {Focus.WHY, Focus.MORE, Focus.ITEM} and query.follows:
        order = [passage.section.id for passage in (*self._passages, *self._retrieval.parts)]
        return sorted(chosen, key=lambda pick: (order.index(pick.passage.section.id), pick.index))

    def _find_parts(self) -> list[_Pick]:
        """Return the two best sentences of the section that answers each part of a question with several."""
        found: list[_Pick] = []
        for passage in self._retrieval.parts:
            if passage.section.id != self._main.section.id:
                picks = self._picks(passage, StatementKind.POINT, StatementKind.REASON, StatementKind.STEP)
                found += sorted(picks, key=_weigh, reverse=True)[:2]
        return found

    def _find_additions(self) -> list[_Pick]:
        """Return the best sentence of other sections that are as close, or cover words of the question still open."""
        weights = {term.stem: term.weight for term in self._retrieval.terms if term.known}
        total = sum(weights.values()) or 1.0
        covered = _stems(self._main.section)
        additions: list[_Pick] = []
        for passage in self._passages[1:6]:
            relative = passage.score / (self._main.score or 1.0)
            stems = _stems(passage.section)
            gain = sum(weight for stem, weight in weights.items() if stem in stems - covered) / total
            if relative < _SECONDARY_SCORE or (relative < _CLOSE_SCORE and gain < _SECONDARY_GAIN):
                continue
            picks = self._picks(passage, StatementKind.POINT, StatementKind.REASON, StatementKind.STEP)
            additions.append(max(picks, key=_weigh))
            covered |= stems
            if len(additions) == _MAX_ADDITIONS:
                break
        return additions

    def _is_known(self, pick: _Pick, taken: list[_Pick]) -> bool:
        """Whether a sentence was told before or says much the same as one already taken."""
        if self._query.follows and pick.statement.text in self._told:
            return True
        own = set(content_stems(pick.statement.text))
        for other in taken:
            theirs = set(content_stems(other.statement.text))
            if len(own & theirs) / (len(own | theirs) or 1) >= _SAME:
                return True
        return False

    def _render_list(self, listed: list[_Pick]) -> Block:
        section = self._main.section
        if listed[0].statement.kind is StatementKind.ROW:
            return Table(
                title=_lead_in(section),
                columns=section.columns,
                rows=tuple(
                    TableRow(cells=pick.statement.cells, citations=(self._book.cite(section, pick.statement),))
                    for pick in listed
                ),
            )
        return ListBlock(title=_lead_in(section), ordered=True, items=tuple(self._sentence(pick) for pick in listed))

    def _suggest(self) -> tuple[str, ...]:
        """Return questions that neighbouring sections answer."""
        cited = {citation.section_id for citation in self._book.citations}
        fresh = [p.section for p in self._passages if p.section.id not in cited and p.section.questions]
        return tuple(section.questions[0] for section in fresh[:_SUGGESTIONS])


def _weigh(pick: _Pick) -> float:
    """Return how well a sentence would speak for its section: its closeness, and whether it is the point."""
    return pick.score + (_POINT_BONUS if pick.statement.kind is StatementKind.POINT else 0.0)


def _lead_in(section: Section) -> str:
    leads = section.of_kind(StatementKind.LEAD)
    return leads[0].text.rstrip(":") if leads else section.heading


def _stems(section: Section) -> set[str]:
    return set(content_stems(f"{section.playbook_title} {section.heading} {section.text}"))
