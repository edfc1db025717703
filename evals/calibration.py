"""Fits the weights of advisor.answering.evidence on the tuned half."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from advisor.answering.evidence import COEFFICIENTS, measure
from advisor.answering.rewriting import find_focus
from advisor.domain.dialogue import Query
from advisor.ports import Retriever
from evals.cases import EvalCase, Expect, Kind

PENALTY = 0.05
"""L2 penalty on the standardised weights."""


def fit(cases: Sequence[EvalCase], retriever: Retriever) -> tuple[dict[str, float], float, float]:
    """Return (coefficients by signal, intercept, leave-one-out accuracy) of a balanced logistic regression."""
    chosen = [c for c in cases if c.kind is not Kind.ADVERSARIAL and not c.history]
    names = list(COEFFICIENTS)
    rows = [
        measure(retriever.retrieve(Query(text=c.question, focus=find_focus(c.question)))) for c in chosen
    ]
    features = np.array([[row[name] for name in names] for row in rows])
    answerable = np.array([c.expect is Expect.ANSWERED for c in chosen], dtype=float)
    centre, spread = features.mean(0), features.std(0) + 1e-9
    scaled = (features - centre) / spread
    weights = _solve(scaled, answerable)
    right = 0
    for left_out in range(len(chosen)):
        kept = np.arange(len(chosen)) != left_out
        trial = _solve(scaled[kept], answerable[kept])
        right += (_logit(scaled[left_out : left_out + 1], trial)[0] > 0) == bool(answerable[left_out])
    coefficients = {name: float(w) for name, w in zip(names, weights[1:] / spread, strict=True)}
    intercept = float(weights[0] - (weights[1:] * centre / spread).sum())
    return coefficients, intercept, right / len(chosen)


def _logit(features: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weights[0] + features @ weights[1:])


def _solve(features: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Iteratively reweighted least squares, both classes weighing the same in total."""
    design = np.column_stack([np.ones(len(features)), features])
    balance = np.where(labels > 0, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    ridge = np.eye(design.shape[1]) * PENALTY * len(features)
    ridge[0, 0] = 0.0
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (balance * (labels - p)) - ridge @ weights
        curve = (design * (balance * p * (1 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights
