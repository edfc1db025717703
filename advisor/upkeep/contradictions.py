"""Finds statements on one topic that give different figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from advisor.domain.knowledge import Section, SectionKind
from advisor.domain.upkeep import Contradiction
from advisor.ports import Embedder, Vectors
from advisor.quantities import find_quantities
from advisor.text import content_stems

SAME_TOPIC = 0.72
"""Cosine between statements from which they are about the same."""
_SAME_WORDS = 0.6
"""Share of the shorter statement's words that the other has: what is close, but counts something else, has fewer."""
_BLOCK = 1_000


def find_contradictions(
    sections: Iterable[Section], embedder: Embedder, resting: Mapping[str, int]
) -> tuple[Contradiction, ...]:
    """Return pairs of different sections that share a unit and no figure of it; `resting` counts answers by section."""
    told = [
        (section, statement, figures)
        for section in sections
        if section.kind is SectionKind.ANSWER
        for statement in section.statements
        if (figures := {(value, unit) for value, unit in find_quantities(statement.text) if unit})
    ]
    if not told:
        return ()
    vectors = embedder.embed([statement.text for _, statement, _ in told])
    found = []
    for i, j in _find_close(vectors):
        (one, first, these), (other, second, those) = told[i], told[j]
        shared = {unit for _, unit in these} & {unit for _, unit in those}
        if one.id == other.id or not shared or these & those or not _say_the_same(first.text, second.text):
            continue
        found.append(
            Contradiction(
                first=(one, first),
                second=(other, second),
                closeness=round(float(vectors[i] @ vectors[j]), 3),
                resting=resting.get(one.id, 0) + resting.get(other.id, 0),
            )
        )
    return tuple(sorted(found, key=lambda pair: (-pair.resting, -pair.closeness)))


def _find_close(vectors: Vectors) -> Iterator[tuple[int, int]]:
    """Yield the places of vectors that are close, each pair once; a block at a time, to stay small in memory."""
    for start in range(0, len(vectors), _BLOCK):
        for i, j in np.argwhere(vectors[start : start + _BLOCK] @ vectors.T >= SAME_TOPIC).tolist():
            if start + i < j:
                yield start + i, j


def _say_the_same(one: str, other: str) -> bool:
    first, second = ({word for word in content_stems(text) if not word.isdigit()} for text in (one, other))
    return len(first & second) >= _SAME_WORDS * max(1, min(len(first), len(second)))
