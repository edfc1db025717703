"""Whether there is enough evidence to answer: a probability from what retrieval found, never from a model's mood.

A similarity threshold alone cannot tell the answerable from the merely close, so several signals are weighed by a
logistic regression, fitted on the tuned half of the eval cases with `python -m evals calibrate`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from advisor.domain.knowledge import Passage, Retrieval, SectionKind
from advisor.text import content_stems

COEFFICIENTS = {"question": 6.0, "dense": 3.0, "statement": 3.0, "limit": -6.0, "coverage": 2.0, "known": 2.0}
INTERCEPT = -8.0
THRESHOLD = 0.5
_LIMIT_SIMILARITY = 0.55


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the passages allow: `probability` that they answer, and the limit that covers the question if one does."""

    probability: float
    limit: Passage | None

    @property
    def sufficient(self) -> bool:
        """Whether to answer."""
        return self.probability >= THRESHOLD


def measure(retrieval: Retrieval) -> dict[str, float]:
    """Return the signals, by the names of COEFFICIENTS; cosines and shares, about 0 to 1.

    question, dense, statement: the best cosine of the query with an indexed question, a chunk, a statement of an
    answering section; limit: how much closer the nearest stated limit is than the nearest answered question;
    coverage: share of the query's words, weighted by rarity, in the three best sections; known: share known at all.
    """
    answers = [p for p in retrieval.passages if p.section.kind is SectionKind.ANSWER]
    limits = [p for p in retrieval.passages if p.section.kind is SectionKind.LIMIT]
    question = max((p.question for p in answers), default=0.0)
    total = sum(term.weight for term in retrieval.terms) or 1.0
    held = {stem for passage in answers[:3] for stem in _stems(passage)}
    return {
        "question": question,
        "dense": max((p.dense for p in answers), default=0.0),
        "statement": max((max(p.statement_scores, default=0.0) for p in answers), default=0.0),
        "limit": max((max(p.question, p.dense) for p in limits), default=0.0) - question,
        "coverage": sum(term.weight for term in retrieval.terms if term.stem in held) / total,
        "known": sum(term.weight for term in retrieval.terms if term.known) / total,
    }


def assess(retrieval: Retrieval) -> Evidence:
    """Weigh the signals of a retrieval."""
    signals = measure(retrieval)
    logit = INTERCEPT + sum(COEFFICIENTS[name] * value for name, value in signals.items())
    return Evidence(probability=1 / (1 + math.exp(-logit)), limit=_find_limit(retrieval))


def _find_limit(retrieval: Retrieval) -> Passage | None:
    """Return the stated limit that the question falls under: the best-placed one that is close enough."""
    close = [
        passage
        for passage in retrieval.passages
        if passage.section.kind is SectionKind.LIMIT and max(passage.question, passage.dense) >= _LIMIT_SIMILARITY
    ]
    return max(close, key=lambda passage: max(passage.question, passage.dense), default=None)


def _stems(passage: Passage) -> set[str]:
    section = passage.section
    return set(
        content_stems(f"{section.playbook_title} {section.heading} {section.text} {' '.join(section.questions)}")
    )
