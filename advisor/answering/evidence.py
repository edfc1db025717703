"""Whether there is enough evidence to answer: a probability from what retrieval found, never from a model's mood.

A similarity threshold alone cannot tell the answerable from the merely close, so several signals are weighed by a
logistic regression, which is stored with the index. It is fitted by `python -m evals calibrate` on the knowledge base
itself: the questions that sections answer, those that stated limits leave open, and off-topic ones. No eval case takes
part.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from advisor.domain.dialogue import Query
from advisor.domain.knowledge import Calibration, Passage, Retrieval, SectionKind, Signals
from advisor.text import content_stems

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


def measure(question: str, retrieval: Retrieval) -> Signals:
    """Return the signals of a question and what was found for it."""
    answers = [p for p in retrieval.passages if p.section.kind is SectionKind.ANSWER]
    limits = [p for p in retrieval.passages if p.section.kind is SectionKind.LIMIT]
    best_question = max((p.question for p in answers), default=0.0)
    total = sum(term.weight for term in retrieval.terms) or 1.0
    held = {stem for passage in answers[:3] for stem in _stems(passage)}
    return Signals(
        question=best_question,
        statement=max((max(p.statement_scores, default=0.0) for p in answers), default=0.0),
        limit_question=max((p.question for p in limits), default=0.0) - best_question,
        limit_score=max((p.score for p in limits), default=0.0) - max((p.score for p in answers), default=0.0),
        coverage=sum(term.weight for term in retrieval.terms if term.stem in held) / total,
        known=sum(term.weight for term in retrieval.terms if term.known) / total,
        amount=float(bool(_AMOUNT.search(question))),
    )


def assess(query: Query, retrieval: Retrieval) -> Evidence:
    """Weigh the signals of a retrieval.

    A question of several parts is answered when it is as a whole, or when its parts are on average. A follow-up has
    its topic from the question before: it needs less.
    """
    calibration = retrieval.calibration
    whole = measure(query.text, retrieval)
    parts = [measure(text, part) for text, part in zip(query.parts, retrieval.parts, strict=True)]
    chances = [weigh(signals, calibration) for signals in (whole, *parts)]
    probability = max(chances[0], sum(chances[1:]) / len(parts)) if parts else chances[0]
    if max(max(signals.question, signals.statement) for signals in (whole, *parts)) < calibration.closeness:
        probability = 0.0
    return Evidence(
        probability=probability,
        limit=_find_limit(retrieval),
        threshold=calibration.follow_up_threshold if query.follows else calibration.threshold,
    )


def weigh(signals: Signals, calibration: Calibration) -> float:
    """Return the probability, 0 to 1, that passages of these signals answer."""
    weights = dict(calibration.weights)
    logit = calibration.intercept + sum(weights[name] * value for name, value in signals)
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
