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
    Checklist,
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
from advisor.text import content_stems, count_words

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
        places = {section_id: place for place, section_id in enumerate(query.section_ids)}
        return sorted(passages, key=lambda p: (places.get(p.section.id, len(places)), p.rank))
    return passages


class _Composition:
    """One answer in the making."""

    def __init__(
        self, *, query: Query, retrieval: Retrieval, passages: list[Passage], role: Role, book: CitationBook
    ) -> None:
        self._query = query
        self._retrieval = retrieval
        self._role = role
        self._book = book
        self._told = frozenset(query.told) if query.follows else frozenset()
        self._correction = self._find_correction(passages)
        if self._correction:
            passages = sorted(passages, key=lambda p: p.section.id != self._correction.passage.section.id)  # type: ignore[union-attr]
        self._passages = passages
        self._main = passages[0]

    def draft(self) -> Draft:
        opening = self._correction or self._find_opening()
        listed = self._find_list(opening)
        tasks = self._find_tasks()
        spent = count_words(opening.statement.text) + sum(count_words(pick.statement.text) for pick in tasks)
        if listed and not self._asks_for_list():
            spent += sum(count_words(pick.statement.labelled) for pick in listed)
        reasons = self._find_reasons(opening, listed, spent)
        blocks: list[Block] = [Paragraph(sentences=(self._sentence(opening, strong=True),))]
        if reasons and (listed or len(reasons) == 1):
            blocks.append(Paragraph(sentences=tuple(self._sentence(pick) for pick in reasons)))
        elif reasons:
            blocks.append(ListBlock(items=tuple(self._sentence(pick) for pick in reasons)))
        if listed:
            blocks.append(self._render_list(listed))
        if tasks:
            blocks.append(Checklist(items=tuple(self._sentence(pick) for pick in tasks)))
        return Draft(
            outcome=Outcome.ANSWERED,
            blocks=tuple(blocks),
            citations=self._book.citations,
            suggestions=self._suggest(),
        )

    def _sentence(self, pick: _Pick, *, strong: bool = False) -> Sentence:
        statement = pick.statement
        text = statement.labelled if statement.kind is StatementKind.STEP else statement.text
        return Sentence(text=text, citations=(self._book.cite(pick.passage.section, statement),), strong=strong)

    def _picks(self, passage: Passage, *kinds: StatementKind) -> list[_Pick]:
        return [
            _Pick(passage, index)
            for index, statement in enumerate(passage.section.statements)
            if statement.kind in kinds
        ]

    def _find_correction(self, passages: list[Passage]) -> _Pick | None:
        """Return the correction when a declared false belief is what the question comes closest to."""
        for belief in self._retrieval.beliefs[:1]:
            for passage in passages[:3]:
                near = belief.similarity >= max(_BELIEF_SIMILARITY, passage.question - 1e-6)
                if passage.section.id == belief.section.id and near:
                    for pick in self._picks(passage, *StatementKind):
                        if pick.statement.text == belief.correction:
                            return pick
        return None

    def _find_opening(self) -> _Pick:
        """Return the sentence that answers: the section's point, unless another says it clearly better."""
        point = self._picks(self._main, StatementKind.POINT)[0]
        if self._query.focus is Focus.ITEM:
            whole = self._picks(self._main, StatementKind.STEP, StatementKind.ROW, StatementKind.REASON)
            return max([*whole, point], key=lambda pick: pick.score)
        if self._query.follows:
            for passage in self._passages:
                fresh = [
                    pick
                    for pick in self._picks(passage, StatementKind.POINT, StatementKind.REASON)
                    if pick.statement.text not in self._told
                ]
                if fresh:
                    return max(fresh, key=_weigh)
        others = self._picks(self._main, StatementKind.REASON)
        best = max(others, key=lambda pick: pick.score, default=point)
        return best if best.score > point.score + _POINT_BONUS else point

    def _asks_for_list(self) -> bool:
        return bool(_LIST_WORDS.search(self._query.text))

    def _find_list(self, opening: _Pick) -> list[_Pick]:
        """Return all steps or rows of the main section when the question is about them."""
        if self._query.focus is Focus.ITEM:
            return []
        listed = self._picks(self._main, StatementKind.STEP) or self._picks(self._main, StatementKind.ROW)
        if not listed:
            return []
        best = max(pick.score for pick in listed)
        told = all(pick.statement.text in self._told for pick in listed)
        if told or not (self._asks_for_list() or best >= opening.score):
            return []
        long = sum(count_words(pick.statement.labelled) for pick in listed) > WORD_LIMIT - 60
        if long and not self._asks_for_list():
            rows = [pick for pick in listed if pick.statement.kind is StatementKind.ROW and pick.score == best]
            return rows
        return listed

    def _find_tasks(self) -> list[_Pick]:
        wanted = (
            self._query.focus is Focus.ACTION or self._role in _TASK_ROLES or bool(_TASK_WORDS.search(self._query.text))
        )
        if not wanted or self._query.focus is Focus.ITEM:
            return []
        tasks = [
            pick
            for pick in self._picks(self._main, StatementKind.TASK)
            if pick.statement.text not in self._told or not self._query.follows
        ]
        if _TASK_WORDS.search(self._query.text):
            return tasks
        best = sorted(tasks, key=lambda pick: -pick.score)[:_MAX_TASKS]
        return sorted(best, key=lambda pick: pick.index)

    def _find_reasons(self, opening: _Pick, listed: list[_Pick], spent: int) -> list[_Pick]:
        """Return supporting sentences: the main section's best, then what other sections add, within the limit."""
        most = 2 if listed else _REASONS[self._role]
        chosen: list[_Pick] = []
        taken = [opening, *listed]

        def take(pick: _Pick) -> bool:
            nonlocal spent
            length = count_words(pick.statement.labelled)
            if spent + length > WORD_LIMIT or self._is_known(pick, taken):
                return False
            spent += length
            taken.append(pick)
            chosen.append(pick)
            return True

        for pick in (*self._find_parts(), *self._find_additions()):
            take(pick)
        kinds = [StatementKind.POINT, StatementKind.REASON]
        if not listed:
            kinds.append(StatementKind.STEP)
        own = sorted(self._picks(self._main, *kinds), key=lambda pick: -pick.score)
        count = 0
        for pick in own:
            if count >= most:
                break
            count += take(pick)
        places = {
            p.section.id: place for place, p in reversed(list(enumerate((*self._passages, *self._retrieval.parts))))
        }
        return sorted(chosen, key=lambda pick: (places[pick.passage.section.id], pick.index))

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
