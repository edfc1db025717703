"""Whether the advisor knows when documents answer: accuracy, AUROC and the risk-coverage curve, by cross-validation.

A folder in BEIR's layout whose queries carry `metadata.answerability`. Each signal alone stands beside the regression
over all of them, both fitted on the other folds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from advisor.answering.documents import COEFFICIENTS, INTERCEPT, THRESHOLD, measure, pick_sentences
from advisor.domain.dialogue import Query
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import InvalidInputError
from advisor.ports import Embedder
from evals.benchmark import index_texts, load_set
from evals.calibration import solve
from evals.metrics import COVERAGES, Floats, find_auroc, find_interval, find_risks

_FOLDS = 5
_REPEATS = 5
_MOST = 3
_ALL = "all signals"


def load_labels(folder: Path) -> dict[str, bool]:
    """Return whether each query has an answer; raise InvalidInputError where nothing says so."""
    labels = {}
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            told = str(row.get("metadata", {}).get("answerability", "")).upper()
            if told in {"ANSWERABLE", "UNANSWERABLE"}:
                labels[row["_id"]] = told == "ANSWERABLE"
    if len(set(labels.values())) < 2:
        raise InvalidInputError(f"{folder} has no answerable and unanswerable queries.", "Give metadata.answerability.")
    return labels


def report(folder: Path, embedder: Embedder, console: Console, keep: Path | None) -> None:
    """Print what the signals are worth, the curve, and the weights fitted on everything."""
    labels = load_labels(folder)
    with TemporaryDirectory() as scratch:
        signals = _collect(folder, labels, embedder, keep or Path(scratch), console)
    names = list(COEFFICIENTS)
    features = np.array([[row[name] for name in names] for row in signals.values()])
    answerable = np.array([labels[query] for query in signals], dtype=float)
    chances = {name: judge_one(features[:, [i]], answerable) for i, name in enumerate(names)}
    chances[_ALL] = judge_one(features, answerable)
    table = Table("signal", "accuracy", "95 %", "AUROC", "risk at coverage " + ", ".join(map(str, COVERAGES)), box=None)
    for name, chance in chances.items():
        right = ((chance >= THRESHOLD) == (answerable > 0)).astype(float)
        low, high = find_interval(right)
        risks = ", ".join(f"{risk:.3f}" for risk in find_risks(chance, answerable))
        table.add_row(
            name, f"{right.mean():.3f}", f"{low:.3f} to {high:.3f}", f"{find_auroc(chance, answerable):.3f}", risks
        )
    console.print(table)
    best = max(names, key=lambda name: float(((chances[name] >= THRESHOLD) == (answerable > 0)).mean()))
    right = [((chances[name] >= THRESHOLD) == (answerable > 0)).astype(float) for name in (_ALL, best)]
    low, high = find_interval(right[0] - right[1])
    console.print(f"{_ALL} - {best}, accuracy: {(right[0] - right[1]).mean():+.3f} ({low:+.3f} to {high:+.3f})")
    shipped = features @ np.array(list(COEFFICIENTS.values())) + INTERCEPT >= 0
    console.print(f"as shipped: {(shipped == (answerable > 0)).mean():.3f}")
    fitted = fit_weights(features, answerable)
    console.print("fitted on all:", dict(zip(["intercept", *names], np.round(fitted, 2).tolist(), strict=True)))


def judge_one(features: Floats, answerable: Floats) -> Floats:
    """Return the probability of each query from folds that it was not in, averaged over repeats."""
    total = np.zeros(len(answerable))
    for repeat in range(_REPEATS):
        fold = np.random.default_rng(repeat).permutation(len(answerable)) % _FOLDS
        for place in range(_FOLDS):
            rest = fold != place
            weights = fit_weights(features[rest], answerable[rest])
            total[~rest] += 1 / (1 + np.exp(-(weights[0] + features[~rest] @ weights[1:])))
    return total / _REPEATS


def fit_weights(features: Floats, answerable: Floats) -> Floats:
    """Return intercept and weights of a logistic regression, penalised as if every signal had a spread of one."""
    centre, spread = features.mean(0), features.std(0) + 1e-9
    solution = solve((features - centre) / spread, answerable, np.ones(len(answerable)))
    weights = solution[1:] / spread
    return np.concatenate([[solution[0] - (weights * centre).sum()], weights])


def _collect(
    folder: Path, labels: Mapping[str, bool], embedder: Embedder, place: Path, console: Console
) -> dict[str, dict[str, float]]:
    found = load_set(folder)
    retriever, _ = index_texts(found, embedder, place / found.corpus)
    signals = {}
    for query in track(labels, "asking", console=console, transient=True):
        retrieval = retriever.retrieve(Query(text=found.queries[query]), LOCAL_CALLER)
        if picks := pick_sentences(retrieval, _MOST):
            signals[query] = measure(retrieval, picks)
    return signals
