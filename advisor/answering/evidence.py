"""Whether there is enough evidence to answer: a probability from what retrieval found, never from a model's mood.

A similarity threshold alone cannot tell the answerable from the merely close, so several signals are weighed by a
logistic regression. It is fitted by `python -m evals calibrate` on the knowledge base itself: the questions that
sections answer, the questions that stated limits leave open, and a list of off-topic ones. No eval case takes part.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from advisor.domain.dialogue import Query
from advisor.domain.knowledge import Passage, Retrieval, SectionKind
from advisor.text import content_stems

COEFFICIENTS = {
    "question": 2.87,
    "statement": 1.58,
    "limit_question": -5.57,
    "limit_score": -4.28,
    "coverage": 0.67,
    "known": 2.98,
    "amount": -1.2,
}
INTERCEPT = -6.29
THRESHOLD = 0.4
"""Chosen on the tuned eval cases: the two classes weigh the same in the fit, and a wrong refusal costs more."""

MIN_CLOSENESS = 0.47
"""Cosine below which nothing in the playbooks is about the question, however familiar its words."""

FOLLOW_UP_THRESHOLD = 0.25
_LIMIT_SIMILARITY = 0.5
_AMOUNT = re.compile(
    r"\b(?:how (?:many|much|often|big|large)|percent\w*|exact\w*|prices?|costs?|salar\w*|budgets?|fees?|pay)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the passages allow: `probability` that they answer, and the limit that covers the question if one does."""

    probability: float
    limit: Passage | None
    threshold: float

    @property
    def sufficient(self) -> bool:
        """Whether to answer."""
        return self.probability >= self.threshold


def measure(question: str, retrieval: Retrieval) -> dict[str, float]:
    """Return the signals, by the names of COEFFICIENTS; cosines, shares and scores, about 0 to 1.

    question, statement: best cosine of the query with an indexed question, a statement of an answering section;
    limit_question, limit_score: how much closer the nearest stated limit is, by question and by fused score;
    coverage: share of the query's words, weighted by rarity, in the three best sections; known: share known at all;
    amount: whether an amount is asked for.
    """
    answers = [p for p in retrieval.passages if p.section.kind is SectionKind.ANSWER]
    limits = [p for p in retrieval.passages if p.section.kind is SectionKind.LIMIT]
    best_question = max((p.question for p in answers), default=0.0)
    total = sum(term.weight for term in retrieval.terms) or 1.0
    held = {stem for passage in answers[:3] for stem in _stems(passage)}
    return {
        "question": best_question,
        "statement": max((max(p.statement_scores, default=0.0) for p in answers), default=0.0),
        "limit_question": max((p.question for p in limits), default=0.0) - best_question,
        "limit_score": max((p.score for p in limits), default=0.0) - max((p.score for p in answers), default=0.0),
        "coverage": sum(term.weight for term in retrieval.terms if term.stem in held) / total,
        "known": sum(term.weight for term in retrieval.terms if term.known) / total,
        "amount": float(bool(_AMOUNT.search(question))),
    }


def assess(query: Query, retrieval: Retrieval) -> Evidence:
    """Weigh the signals of a retrieval.

    A question of several parts is answered when it is as a whole, or when its parts are on average. A follow-up has
    its topic from the question before: it needs less.
    """
    whole = measure(query.text, retrieval)
    parts = [measure(text, part) for text, part in zip(query.parts, retrieval.parts, strict=True)]
    probability = max(_weigh(whole), sum(map(_weigh, parts)) / len(parts)) if parts else _weigh(whole)
    if max(max(signals["question"], signals["statement"]) for signals in (whole, *parts)) < MIN_CLOSENESS:
        probability = 0.0
    return Evidence(
        probability=probability,
        limit=_find_limit(retrieval),
        threshold=FOLLOW_UP_THRESHOLD if query.follows else THRESHOLD,
    )


def _weigh(signals: dict[str, float]) -> float:
    logit = INTERCEPT + sum(COEFFICIENTS[name] * value for name, value in signals.items())
    return 1 / (1 + math.exp(-logit))


def _find_limit(retrieval: Retrieval) -> Passage | None:
    """Return the stated limit that the question falls under: the best-placed one that is close enough."""
    close = [
        passage
        for passage in retrieval.passages
        if passage.section.kind is SectionKind.LIMIT and max(passage.question, passage.dense) >= _LIMIT_SIMILARITY
    ]
    return max(close, key=lambda passage: passage.score, default=None)


def _stems(passage: Passage) -> set[str]:
    section = passage.section
    return set(
        content_stems(f"{section.playbook_title} {section.heading} {section.text} {' '.join(section.questions)}")
    )
