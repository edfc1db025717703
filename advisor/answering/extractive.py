"""Answers without a language model: sentences of the playbooks, chosen and arranged, or a plain refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from advisor.answering.citations import CitationBook
from advisor.answering.composition import SUGGESTIONS, SURE_QUESTION, Composition
from advisor.answering.evidence import Evidence, assess
from advisor.domain.dialogue import Basis, Draft, Focus, ListBlock, Notice, Outcome, Paragraph, Query, Role, Sentence
from advisor.domain.knowledge import Passage, Retrieval, SectionKind, Source
from advisor.text import content_stems, stem, words

_NEARNESS = 0.05
_NAME = re.compile(r"(?<![.!?:] )(?<!^)(?<![\w“\"(])[A-Z][\w-]*[a-z][\w-]*")
_AMBIGUOUS = 0.8
_FEWEST_CHOICES = 3
_MOST_CHOICES = 4
_TOUCHED_SIMILARITY = 0.65
_TOUCHED_SCORE = 0.95
_CONTINUING = frozenset({Focus.WHY, Focus.MORE, Focus.ITEM})


class ExtractiveAnswerer:
    """Composes answers from statements of the knowledge base."""

    def __init__(self, *, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def compose(
        self, query: Query, retrieval: Retrieval, role: Role, *, replies: Sequence[str] | None = None
    ) -> Iterator[Draft]:
        """Yield the one draft: cited, or one that abstains and says what to do instead."""
        del replies  # no chat model has a part in it
        evidence = assess(query, retrieval)
        basis = Basis(probability=round(evidence.probability, 3), threshold=evidence.threshold)
        yield self._answer(query, retrieval, role, evidence).model_copy(update={"basis": basis})

    def _answer(self, query: Query, retrieval: Retrieval, role: Role, evidence: Evidence) -> Draft:
        passages = [p for p in retrieval.passages if p.section.kind is SectionKind.ANSWER]
        continuing = query.follows and query.focus in _CONTINUING
        if not passages or not (evidence.sufficient or continuing):
            return self._decline(evidence, passages)
        if choices := _find_choices(query, passages):
            return _ask_back(choices)
        passages = _staying(query, passages)
        book = CitationBook(self._sources)
        limit = None if continuing else _find_touched_limit(evidence, passages[0])
        draft = Composition(
            query=query, retrieval=retrieval, passages=passages, limit=limit, role=role, book=book
        ).draft()
        missing = _find_missing(query, retrieval)
        return _name_missing(draft, missing) if missing else draft

    def _decline(self, evidence: Evidence, passages: list[Passage]) -> Draft:
        """Say what the stated limit says if one covers the question, else name the nearest topics."""
        book = CitationBook(self._sources)
        sentences: tuple[Sentence, ...]
        if evidence.limit is not None:
            section = evidence.limit.section
            sentences = tuple(
                Sentence(text=statement.text, citations=(book.cite(section, statement),))
                for statement in section.statements
            )
        else:
            sentences = (Sentence(text=_not_covered(passages)),)
        return Draft(
            outcome=Outcome.DECLINED,
            blocks=(Paragraph(sentences=sentences),),
            citations=book.citations,
            suggestions=tuple(p.section.questions[0] for p in passages[:SUGGESTIONS] if p.section.questions),
        )


def _find_choices(query: Query, passages: list[Passage]) -> tuple[str, ...]:
    """Return what a bare word could mean: questions of sections that are about as close as the best one."""
    if query.follows or query.chosen or query.context or len(set(content_stems(query.text))) > 1:
        return ()
    best = passages[0]
    close = [p for p in passages if p.score >= _AMBIGUOUS * best.score and p.section.questions]
    if best.question >= SURE_QUESTION or len(close) < _FEWEST_CHOICES:
        return ()
    return tuple(passage.section.questions[0] for passage in close[:_MOST_CHOICES])


def _find_missing(query: Query, retrieval: Retrieval) -> tuple[str, ...]:
    """Return the names in a question that no playbook mentions; the word that begins it may be a name or not."""
    unknown = {term.stem for term in retrieval.terms if not term.known}
    names = _NAME.findall(query.text)
    return tuple(dict.fromkeys(name for name in names if all(stem(part) in unknown for part in words(name))))


def _name_missing(draft: Draft, missing: tuple[str, ...]) -> Draft:
    """Return the draft as a partial answer that names what it does not speak of."""
    notice = Notice(text=f"The playbooks do not mention {' or '.join(missing)}: this is what they say in general.")
    return draft.model_copy(update={"outcome": Outcome.PARTIAL, "blocks": (*draft.blocks, notice)})


def _ask_back(choices: tuple[str, ...]) -> Draft:
    items = tuple(Sentence(text=choice) for choice in choices)
    return Draft(
        outcome=Outcome.CLARIFY,
        blocks=(
            Paragraph(sentences=(Sentence(text="That can mean several things. Which of these do you want to know?"),)),
            ListBlock(ordered=True, items=items),
        ),
        suggestions=choices,
    )


def _find_touched_limit(evidence: Evidence, best: Passage) -> Passage | None:
    """Return the stated limit that comes about as close as the best answer: part of what is asked stays open."""
    limit = evidence.limit
    if limit is None or best.question >= SURE_QUESTION or max(limit.question, limit.dense) < _TOUCHED_SIMILARITY:
        return None
    return limit if limit.score >= _TOUCHED_SCORE * best.score else None


def _not_covered(passages: list[Passage]) -> str:
    titles = list(dict.fromkeys(passage.section.playbook_title for passage in passages[:SUGGESTIONS]))
    if not titles:
        return "The playbooks do not cover this."
    if len(titles) == 1:
        return f"The playbooks do not cover this; the nearest topic they cover is {titles[0]}."
    return (
        f"The playbooks do not cover this; the nearest topics they cover are {', '.join(titles[:-1])} and {titles[-1]}."
    )


def _staying(query: Query, passages: list[Passage]) -> list[Passage]:
    """Return the passages in the order in which they suit a follow-up: near the sections of the answer before.

    A bare "why?", "more" or "the second one" stays in those sections; any other follow-up only leans towards them.
    """
    if not query.follows:
        return passages
    places = {section_id: place for place, section_id in enumerate(query.section_ids)}
    if query.focus in _CONTINUING:
        return sorted(passages, key=lambda passage: (places.get(passage.section.id, len(places)), passage.rank))
    return sorted(passages, key=lambda passage: -passage.score - _NEARNESS * (passage.section.id in places))
