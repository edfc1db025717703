"""Finds statements on one topic that give different figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from advisor.domain.knowledge import Section, SectionKind
from advisor.domain.upkeep import Contradiction
from advisor.ports import Embedder
from advisor.quantities import find_quantities

SAME_TOPIC = 0.72
"""Cosine between statements from which they are about the same."""


def find_contradictions(
    sections: Sequence[Section], embedder: Embedder, resting: Mapping[str, int]
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
    pairs = np.argwhere(np.triu(vectors @ vectors.T >= SAME_TOPIC, k=1))
    found = []
    for i, j in pairs.tolist():
        (one, first, these), (other, second, those) = told[i], told[j]
        shared = {unit for _, unit in these} & {unit for _, unit in those}
        if one.id == other.id or not shared or these & those:
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
