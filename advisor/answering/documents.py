"""What the company's own documents say: their best sentences, word for word, each with document, heading and page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from advisor.answering.verification import is_order, strip_links
from advisor.domain.dialogue import (
    Basis,
    Citation,
    CitationKind,
    Draft,
    ListBlock,
    Outcome,
    Role,
    Sentence,
)
from advisor.domain.knowledge import Passage, Retrieval, Statement, StatementKind, Tier
from advisor.text import content_stems, count_words

TITLE = "Your documents say"
COEFFICIENTS = {"sentence": 10.55, "coverage": 1.31}
INTERCEPT = -6.92
"""Of the probability that the best sentences answer; fitted by `python -m evals abstention` on CLAP NQ."""
THRESHOLD = 0.5
_MOST = {Role.EXECUTIVE: 3, Role.CHANGE_LEAD: 3, Role.PLANT_MANAGER: 3, Role.ENGINEER: 6}
_PASSAGES = 5
_LEAST_WORDS = 7
_BEHIND_BEST = 0.18
"""How far a further sentence may lie behind the best one."""
_SAME = 0.7
"""Share of stems that two sentences share when they say the same."""


class Pick(NamedTuple):
    """A sentence of a passage, and its cosine with the question."""

    score: float
    passage: Passage
    statement: Statement


class DocumentAnswerer:
    """Composes what the documents say, or nothing where they are not about the question."""

    def answer(self, retrieval: Retrieval, role: Role, today: date) -> Draft | None:
        """Return a draft whose every sentence stands in a document that the caller may see, or None."""
        picks = pick_sentences(retrieval, _MOST[role])
        probability = weigh(measure(retrieval, picks)) if picks else 0.0
        if probability < THRESHOLD:
            return None
        citations = tuple(_cite(number, pick) for number, pick in enumerate(picks, 1))
        items = tuple(
            Sentence(text=strip_links(pick.statement.text), citations=(n,)) for n, pick in enumerate(picks, 1)
        )
        return Draft(
            outcome=Outcome.ANSWERED,
            blocks=(ListBlock(title=TITLE, items=items),),
            citations=citations,
            notices=_note_stale(picks, today),
            basis=Basis(probability=round(probability, 3), threshold=THRESHOLD),
        )


def measure(retrieval: Retrieval, picks: Sequence[Pick]) -> dict[str, float]:
    """Return the signals, by the names of COEFFICIENTS.

    sentence: cosine of the best sentence; coverage: share of the question's words that the picked sections hold.
    """
    return {"sentence": picks[0].score, "coverage": _cover(retrieval, picks)}


def weigh(signals: Mapping[str, float]) -> float:
    """Return the probability that the sentences answer: a logistic regression over the signals."""
    logit = INTERCEPT + sum(COEFFICIENTS[name] * value for name, value in signals.items())
    return 1 / (1 + math.exp(-logit))


def pick_sentences(retrieval: Retrieval, most: int) -> list[Pick]:
    """Return the closest sentences, best first, none that repeats another."""
    passages = retrieval.passages[:_PASSAGES]
    every = sorted(
        (
            Pick(score, passage, statement)
            for passage in passages
            for score, statement in zip(passage.statement_scores, passage.section.statements, strict=True)
            if _says_something(statement) and not is_order(statement.text)
        ),
        key=lambda pick: -pick.score,
    )
    chosen: list[Pick] = []
    for pick in every:
        if len(chosen) == most or (chosen and pick.score < chosen[0].score - _BEHIND_BEST):
            break
        if not any(_repeats(pick.statement, other.statement) for other in chosen):
            chosen.append(pick)
    return chosen


def _says_something(statement: Statement) -> bool:
    """Whether a statement is a row or a whole sentence, and not a heading or a line of a table of contents."""
    text = statement.text
    return statement.kind is StatementKind.ROW or (count_words(text) >= _LEAST_WORDS and not text[-1].isdigit())


def _repeats(one: Statement, other: Statement) -> bool:
    first, second = set(content_stems(one.text)), set(content_stems(other.text))
    return len(first & second) > _SAME * max(1, min(len(first), len(second)))


def _cover(retrieval: Retrieval, picks: Sequence[Pick]) -> float:
    """Return the share of the question's words that the picked sections hold: by rarity and by number, on average.

    By rarity alone a word that no document holds would decide everything in a collection of a few documents.
    """
    held = {
        stem
        for pick in picks
        for stem in content_stems(
            f"{pick.passage.section.playbook_title} {pick.passage.section.heading} {pick.passage.section.text}"
        )
    }
    if not retrieval.terms:
        return 0.0
    found = [term for term in retrieval.terms if term.stem in held]
    weighted = sum(term.weight for term in found) / sum(term.weight for term in retrieval.terms)
    return (weighted + len(found) / len(retrieval.terms)) / 2


def _cite(number: int, pick: Pick) -> Citation:
    section, document = pick.passage.section, pick.passage.document
    trust = ", external" if document and document.tier is Tier.EXTERNAL else ""
    return Citation(
        number=number,
        kind=CitationKind.DOCUMENT,
        title=f"{section.playbook_title} ({document.collection}{trust})" if document else section.playbook_title,
        section=section.heading,
        section_id=section.id,
        page=pick.statement.page,
        quote=strip_links(pick.statement.text),
        as_of=document.modified_on if document else None,
    )


def _note_stale(picks: Sequence[Pick], today: date) -> tuple[str, ...]:
    """Return a line on each document whose review date has passed."""
    documents = {pick.passage.document.id: pick.passage.document for pick in picks if pick.passage.document}
    return tuple(
        f"{document.title} was to be reviewed by {document.review_by.isoformat()}; check that it still holds."
        for document in documents.values()
        if document.review_by and document.review_by < today
    )
