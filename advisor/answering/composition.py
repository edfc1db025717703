"""How an extractive answer is put together.

Bottom line first, then the reasons in the order of their sections, a list or table when the question asks for one,
what other sections add, and the next steps when the question asks for action. Every sentence is a statement of the
knowledge base, so its quote and its figures stand where its citation points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.answering.citations import CitationBook
from advisor.answering.picks import Pick, picks_of, says_the_same, stems_of
from advisor.answering.wording import is_open, wants_amount, wants_definition, wants_list, wants_tasks
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
from advisor.domain.knowledge import Passage, Retrieval, SectionKind, StatementKind
from advisor.text import content_stems, count_words, figures

WORD_LIMIT = 180
SUGGESTIONS = 3
_REASONS = {Role.EXECUTIVE: 3, Role.CHANGE_LEAD: 4, Role.PLANT_MANAGER: 4, Role.ENGINEER: 10}
_REASONS_BESIDE_LIST = 3
_OWN_FIRST = 3
_TASKS = {Role.EXECUTIVE: 1, Role.CHANGE_LEAD: 8, Role.PLANT_MANAGER: 3, Role.ENGINEER: 3}
_ASK = "The one ask"
_BELIEF_SIMILARITY = 0.6
_BELIEF_SIMILARITY_OPEN = 0.85
_BELIEF_MARGIN = 0.05
_NEIGHBOURS = 7
_NEIGHBOUR_SCORE = 0.5
_CLOSE_SCORE = 0.7
_NEW_WORDS = 0.12
SURE_QUESTION = 0.88
"""Cosine with an indexed question above which its section is what was asked for, and neighbours are padding."""

_MAX_ADDITIONS = 4
_PROSE = (StatementKind.POINT, StatementKind.REASON)
_FORM_BONUS = 0.3
_BARE = frozenset({Focus.WHY, Focus.MORE, Focus.ITEM})


class Composition:
    """One answer in the making, from passages of answering sections, best first."""

    def __init__(
        self,
        *,
        query: Query,
        retrieval: Retrieval,
        passages: Sequence[Passage],
        limit: Passage | None,
        role: Role,
        book: CitationBook,
    ) -> None:
        self._query = query
        self._limit = limit
        self._retrieval = retrieval
        self._role = role
        self._book = book
        self._opened = frozenset(query.told if query.focus is Focus.MORE else query.opened)
        self._told = frozenset(query.told if query.focus in _BARE else query.opened)
        self._wants_list = wants_list(query.text) and query.focus is not Focus.ITEM
        self._wants_tasks = wants_tasks(query.text)
        self._passages = list(passages)
        self._parts = [found for part in retrieval.parts if (found := _find_answering(part))]
        self._opening = self._find_correction() or self._find_opening()
        self._passages.sort(key=lambda passage: passage is not self._opening.passage)

    def draft(self) -> Draft:
        """Return the finished draft."""
        listed = self._find_list()
        tasks = self._find_tasks(self._role)
        told = self._find_tasks(Role.ENGINEER)  # room for as many as the longest shape: an executive is told no more
        shown = [self._opening, *told[: _TASKS[Role.ENGINEER]], *([] if self._wants_list else listed)]
        left_open = self._limit.section.statements if self._limit else ()
        spent = sum(pick.length for pick in shown) + sum(count_words(statement.text) for statement in left_open)
        reasons = self._find_reasons(listed, spent)
        blocks: list[Block] = [Paragraph(sentences=(self._sentence(self._opening, strong=True),))]
        if reasons and (listed or len(reasons) == 1):
            blocks.append(Paragraph(sentences=tuple(self._sentence(pick) for pick in reasons)))
        elif reasons:
            blocks.append(ListBlock(items=tuple(map(self._sentence, reasons))))
        if listed:
            blocks.append(self._render_list(listed))
        if tasks:
            title = _ASK if self._role is Role.EXECUTIVE and len(tasks) == 1 else "Next steps"
            blocks.append(Checklist(title=title, items=tuple(self._sentence(pick) for pick in tasks)))
        if self._limit:
            blocks.append(Paragraph(sentences=tuple(map(self._sentence, picks_of(self._limit, *_PROSE)))))
        return Draft(
            outcome=Outcome.PARTIAL if self._limit else Outcome.ANSWERED,
            blocks=tuple(blocks),
            citations=self._book.citations,
            suggestions=self._suggest(),
        )

    # what is said

    def _find_correction(self) -> Pick | None:
        """Return the correction when a declared false belief is what the question comes closest to.

        An open question ("what", "how") assumes less than "surely ..., right?", so it must come closer.
        """
        least = _BELIEF_SIMILARITY_OPEN if is_open(self._query.text) else _BELIEF_SIMILARITY
        nearest = max(passage.question for passage in self._passages)
        least = max(least, nearest - _BELIEF_MARGIN)
        for belief in self._retrieval.beliefs[:1]:
            for passage in self._passages[:3]:
                if passage.section.id == belief.section.id and belief.similarity >= least:
                    return next(
                        (p for p in picks_of(passage, *StatementKind) if p.statement.text == belief.correction), None
                    )
        return None

    def _find_opening(self) -> Pick:
        """Return the sentence that answers: the section's point, unless another one is clearly closer."""
        if self._query.item is not None:
            for passage in self._passages:
                listed = picks_of(passage, StatementKind.STEP) or picks_of(passage, StatementKind.ROW)
                if -len(listed) <= self._query.item < len(listed):
                    return listed[self._query.item]
        if self._query.focus is Focus.ITEM:
            every = (*_PROSE, StatementKind.STEP, StatementKind.ROW)
            return max((pick for p in self._passages for pick in picks_of(p, *every)), key=lambda pick: pick.score)
        for passage in self._passages:
            fresh = [pick for pick in picks_of(passage, *_PROSE) if pick.statement.text not in self._opened]
            if fresh:
                return max(fresh, key=lambda pick: pick.weight + self._suit(pick))
        return picks_of(self._passages[0], StatementKind.POINT)[0]

    def _suit(self, pick: Pick) -> float:
        """Return a bonus for a sentence of the form that the question asks for: an amount, or a definition."""
        text = pick.statement.text
        if wants_amount(self._query.text):
            return _FORM_BONUS if figures(text) else 0.0
        if wants_definition(self._query.text):
            subject = content_stems(self._query.text)
            head, verb, _ = text.partition(" is ")
            return _FORM_BONUS if verb and content_stems(head) == subject else 0.0
        return 0.0

    def _find_list(self) -> list[Pick]:
        """Return the steps or rows of the main section when the question asks for them, or comes closest to one."""
        main = self._passages[0]
        listed = picks_of(main, StatementKind.STEP) or picks_of(main, StatementKind.ROW)
        if not listed or self._query.focus is Focus.ITEM or all(p.statement.text in self._told for p in listed):
            return []
        if self._wants_list:
            return listed
        best = max(listed, key=lambda pick: pick.score)
        if best.score < self._opening.score:
            return []
        return listed if sum(pick.length for pick in listed) <= WORD_LIMIT - 60 else []

    def _find_tasks(self, role: Role) -> list[Pick]:
        """Return all tasks where the question asks for them, else the main section's best, as many as a role gets.

        A change lead gets the checklist of the main section and its two neighbours.
        """
        if self._query.focus is Focus.ITEM:
            return []
        near = self._passages[:3] if role is Role.CHANGE_LEAD else self._passages[:1]
        close = [p for p in near if p.score >= _CLOSE_SCORE * self._passages[0].score]
        tasks = [pick for passage in close for pick in picks_of(passage, StatementKind.TASK)]
        fresh = [pick for pick in tasks if pick.statement.text not in self._told]
        if self._wants_tasks and role is not Role.CHANGE_LEAD:
            return fresh
        best = sorted(fresh, key=lambda pick: (pick.passage is not self._passages[0], -pick.score))[: _TASKS[role]]
        return sorted(best, key=lambda pick: (self._passages.index(pick.passage), pick.index))

    def _find_reasons(self, listed: list[Pick], spent: int) -> list[Pick]:
        """Return supporting sentences within the word limit: of the parts asked, of neighbours, of the main section."""
        taken = [self._opening, *listed]
        chosen: list[Pick] = []

        def take(pick: Pick) -> bool:
            nonlocal spent
            known = pick.statement.text in self._told or any(says_the_same(pick, other) for other in taken)
            if known or spent + pick.length > WORD_LIMIT:
                return False
            spent += pick.length
            taken.append(pick)
            chosen.append(pick)
            return True

        kinds = _PROSE if listed else (*_PROSE, StatementKind.STEP, StatementKind.ROW)
        own = sorted(picks_of(self._passages[0], *kinds), key=lambda pick: -pick.score)
        most = _REASONS_BESIDE_LIST if listed else _REASONS[self._role]
        for pick in (*self._find_parts(), *own[:_OWN_FIRST], *self._find_additions(), *own[_OWN_FIRST:]):
            if len(chosen) < most:
                take(pick)
        order = [passage.section.id for passage in (*self._passages, *self._parts)]
        return sorted(chosen, key=lambda pick: (order.index(pick.section.id), pick.index))

    def _find_parts(self) -> Iterator[Pick]:
        """Yield the best sentences of the section that answers each part of a question with several."""
        most = 2 if len(self._parts) <= 2 else 1
        for passage in self._parts:
            if passage.section.id != self._passages[0].section.id:
                yield from sorted(picks_of(passage, *_PROSE, StatementKind.STEP), key=lambda p: -p.weight)[:most]

    def _find_additions(self) -> Iterator[Pick]:
        """Yield the best sentence of neighbours that are as close, or that hold words of the question still open."""
        main, *others = self._passages[:_NEIGHBOURS]
        weights = {term.stem: term.weight for term in self._retrieval.terms if term.known}
        total = sum(weights.values()) or 1.0
        covered = stems_of(main.section)
        left = _MAX_ADDITIONS
        for passage in others:
            stems = stems_of(passage.section)
            news = sum(weight for stem, weight in weights.items() if stem in stems - covered) / total
            relative = passage.score / (main.score or 1.0)
            close = relative >= _CLOSE_SCORE and main.question < SURE_QUESTION
            if left and (close or (relative >= _NEIGHBOUR_SCORE and news >= _NEW_WORDS)):
                yield max(picks_of(passage, *_PROSE, StatementKind.STEP), key=lambda pick: pick.weight)
                covered |= stems
                left -= 1

    # how it is shown

    def _sentence(self, pick: Pick, *, strong: bool = False) -> Sentence:
        number = self._book.cite(pick.section, pick.statement)
        # What opens an answer needs no label, unless it is an item that was asked for.
        bare = strong and pick.statement.kind is not StatementKind.ROW and self._query.focus is not Focus.ITEM
        return Sentence(text=pick.statement.text if bare else pick.text, citations=(number,), strong=strong)

    def _render_list(self, listed: list[Pick]) -> Block:
        section = listed[0].section
        leads = section.of_kind(StatementKind.LEAD)
        title = leads[0].text.rstrip(":") if leads else section.heading
        if listed[0].statement.kind is StatementKind.STEP:
            return ListBlock(title=title, ordered=True, items=tuple(self._sentence(pick) for pick in listed))
        rows = tuple(
            TableRow(cells=pick.statement.cells, citations=(self._book.cite(section, pick.statement),))
            for pick in listed
        )
        return Table(title=title, columns=section.columns, rows=rows)

    def _suggest(self) -> tuple[str, ...]:
        """Return questions that neighbouring sections answer."""
        cited = {citation.section_id for citation in self._book.citations}
        fresh = [p.section for p in self._passages if p.section.id not in cited and p.section.questions]
        return tuple(section.questions[0] for section in fresh[:SUGGESTIONS])


def _find_answering(part: Retrieval) -> Passage | None:
    return next((passage for passage in part.passages if passage.section.kind is SectionKind.ANSWER), None)
