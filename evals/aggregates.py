"""What a run comes to: means with intervals, by group; the risk-coverage curve; latency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from advisor.domain.base import Value
from advisor.domain.dialogue import Outcome
from evals.cases import Expect, Kind
from evals.metrics import Floats, find_auroc, find_interval, wilson
from evals.runs import CaseResult
from evals.scorers import SCORERS

_NO_ANSWER = frozenset({Outcome.DECLINED, Outcome.CLARIFY})
_ABSTENTION = frozenset({Kind.DIRECT, Kind.SYNTHESIS, Kind.MISCONCEPTION, Kind.UNANSWERABLE})


class Mean(Value):
    """A mean over cases with its 95 % interval: Wilson's where every value is 0 or 1, else by bootstrap."""

    value: float
    low: float
    high: float
    cases: int


class Abstention(Value):
    """How well the probability of an answer separates the questions that have one from those that have none.

    `risks` are (share answered, share of wrong ones among them), the surest first.
    """

    auroc: float
    accuracy: Mean
    risks: tuple[tuple[float, float], ...]


class Latency(Value):
    """Milliseconds from question to answer."""

    median: float
    p95: float
    most: float


def find_mean(values: Sequence[float]) -> Mean | None:
    """Return the mean of some values, or None of none."""
    if not values:
        return None
    found = np.asarray(values, dtype=np.float64)
    if set(values) <= {0.0, 1.0}:
        low, high = wilson(int(found.sum()), len(values))
    else:
        low, high = find_interval(found)
    return Mean(value=float(found.mean()), low=low, high=high, cases=len(values))


def find_means(results: Iterable[CaseResult]) -> dict[str, Mean]:
    """Return the mean of every judge that had something to say."""
    values: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for name, score in result.scores.items():
            values[name].append(score.value)
    means = {name: find_mean(values[name]) for name in SCORERS if SCORERS[name].compared}
    return {name: mean for name, mean in means.items() if mean}


def find_shares(results: Iterable[CaseResult], group: Callable[[CaseResult], str]) -> dict[str, Mean]:
    """Return the share of cases that passed whole, by group, the weakest first."""
    passed: dict[str, list[float]] = defaultdict(list)
    for result in results:
        passed[group(result)].append(float(result.passed))
    means = {name: mean for name, values in passed.items() if (mean := find_mean(values))}
    return dict(sorted(means.items(), key=lambda item: item[1].value))


def find_abstention(results: Iterable[CaseResult]) -> Abstention | None:
    """Return how well the playbooks' probability tells the answerable from the others; None without both."""
    rows = [
        (result.probability, result.expect is Expect.ANSWERED, result.outcome not in _NO_ANSWER)
        for result in results
        if result.kind in _ABSTENTION and result.probability is not None and result.expect is not Expect.EITHER
    ]
    chance: Floats = np.array([row[0] for row in rows], dtype=np.float64)
    answerable: Floats = np.array([row[1] for row in rows], dtype=np.float64)
    accuracy = find_mean([float(right == answered) for _, right, answered in rows])
    if accuracy is None or len(set(answerable.tolist())) < 2:
        return None
    order = np.argsort(-chance, kind="stable")
    wrong = np.cumsum(1 - answerable[order]) / np.arange(1, len(order) + 1)
    risks = tuple((round((n + 1) / len(order), 4), round(float(risk), 4)) for n, risk in enumerate(wrong))
    return Abstention(auroc=find_auroc(chance, answerable), accuracy=accuracy, risks=risks)


def find_latency(results: Iterable[CaseResult]) -> Latency | None:
    """Return the latency of the cases that were timed."""
    times = [result.scores["latency"].value for result in results if "latency" in result.scores]
    if not times:
        return None
    median, p95 = np.quantile(times, [0.5, 0.95])
    return Latency(median=float(median), p95=float(p95), most=max(times))
