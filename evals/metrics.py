"""Aggregates with intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from advisor.domain.base import Value

COVERAGES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Shares of the questions that are answered, the surest first."""

_DRAWS, _AT_ONCE = 10_000, 250

Floats = NDArray[np.float64]


class Metric(Value):
    """A share with its 95 % Wilson score interval (Wilson 1927).

    `goal` is what the product wants of it; with `at_most`, at most that.
    """

    name: str
    hits: int
    total: int
    goal: float | None = None
    at_most: bool = False

    @property
    def value(self) -> float:
        """The share, or 1.0 (0.0 for an upper bound) when nothing was counted."""
        if not self.total:
            return 0.0 if self.at_most else 1.0
        return self.hits / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return wilson(self.hits, self.total)

    @property
    def reached(self) -> bool:
        """Whether the share is on the right side of its goal."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson score interval of a share."""
    if not total:
        return (0.0, 1.0)
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def find_auroc(chance: Floats, answerable: Floats) -> float:
    """Return the chance that an answerable query is put above an unanswerable one; ties count half."""
    good, bad = chance[answerable > 0], chance[answerable == 0]
    above = (good[:, None] > bad[None, :]).mean() + 0.5 * (good[:, None] == bad[None, :]).mean()
    return float(above)


def find_risks(chance: Floats, answerable: Floats) -> list[float]:
    """Return the share of unanswerable queries among those answered, at each share of queries answered."""
    order = np.argsort(-chance, kind="stable")
    return [float(1 - answerable[order[: max(1, round(share * len(order)))]].mean()) for share in COVERAGES]


def find_interval(values: Floats, seed: int = 7) -> tuple[float, float]:
    """Return the 95 % interval of a mean by percentile bootstrap (Efron and Tibshirani 1993)."""
    if not values.any():
        return 0.0, 0.0
    dice = np.random.default_rng(seed)
    size = (_AT_ONCE, len(values))
    parts = [values[dice.integers(0, len(values), size)].mean(axis=1) for _ in range(_DRAWS // _AT_ONCE)]
    low, high = np.quantile(np.concatenate(parts), [0.025, 0.975])
    return float(low), float(high)
