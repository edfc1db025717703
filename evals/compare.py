"""Whether one run is worse than another, and whether that is noise: paired over the cases that both asked.

For each judge: the mean difference, its 95 % interval by paired bootstrap (Efron and Tibshirani 1993), and the p-value
of a sign-flip permutation test. What may never fall below 1 is worse as soon as one case is. A score that is missing
fails, unless its judge looked and the answer has nothing of what it judges; and of those not many more than before.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np

from advisor.domain.base import Value
from advisor.errors import InvalidInputError
from evals.cases import Half
from evals.metrics import Floats, find_interval
from evals.runs import Run
from evals.scorers import SCORERS

_LEVEL = 0.05
_LARGEST_FALL = 0.05
"""Of a mean: in a small suite, chance alone would excuse more."""
_DRAWS = 10_000
_EXACT = 14
"""Cases that differ, up to which all sign flips are tried."""

Values = Mapping[str, Mapping[str, float]]
"""Scores by case and judge."""


class Difference(Value):
    """What became of one judge's mean. `worse` and `better` are the ids of cases that differ."""

    scorer: str
    cases: int
    before: float
    after: float
    low: float
    high: float
    p: float
    worse: tuple[str, ...]
    better: tuple[str, ...]
    by_half: Mapping[Half, float] = {}
    """How far the mean of each half moved."""

    @property
    def regressed(self) -> bool:
        """Whether it got worse by more than chance explains; what must be whole, by anything at all."""
        if SCORERS[self.scorer].whole:
            return bool(self.worse)
        fall = self.before - self.after
        return fall > _LARGEST_FALL or (fall > 0 and self.p / 2 < _LEVEL)  # one side of the test

    @property
    def improved(self) -> bool:
        """Whether it got better by more than chance explains."""
        return self.after > self.before and self.p < _LEVEL


class Silence(Value):
    """How many answers a judge had something to say on before, and has nothing to say on now; and the other way."""

    scorer: str
    lost: int
    gained: int

    @property
    def regressed(self) -> bool:
        """Whether it fell silent more often than chance explains: a sign test, one side."""
        asked = self.lost + self.gained
        likely = sum(math.comb(asked, n) for n in range(self.lost, asked + 1))
        return likely < _LEVEL * (1 << asked)


class Comparison(Value):
    """Two runs beside each other. `missing` are scores of the first that the second lacks, or that are no number.

    `excused` are those that the second lacks because its answer has nothing to judge.
    """

    differences: tuple[Difference, ...]
    missing: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()
    added: tuple[str, ...] = ()
    """Cases that only the second run has."""

    @property
    def passed(self) -> bool:
        """Whether nothing regressed, nothing is missing, and no judge fell silent."""
        return not self.missing and not self.regressed

    @property
    def regressed(self) -> tuple[str, ...]:
        """The judges that got worse, or fell silent, by more than chance explains."""
        told: Sequence[Difference | Silence] = (*self.differences, *self.silences)
        return tuple(dict.fromkeys(found.scorer for found in told if found.regressed))


class Baseline(Value):
    """The scores that a build is held to, and why they are what they are."""

    run: str
    on: date
    reason: str
    fingerprints: Mapping[str, str]
    halves: Mapping[str, Half]
    values: Values


def list_values(run: Run) -> Values:
    """Return the scores that are compared, by case and judge, to the four digits that a baseline keeps.

    Raises InvalidInputError where two cases share an id, or a judge is not known.
    """
    ids = Counter(result.id for result in run.results)
    if twice := [id_ for id_, count in ids.items() if count > 1]:
        raise InvalidInputError(f"{twice[0]} is the id of {ids[twice[0]]} results.", "Run `python -m evals lint`.")
    if unknown := {name for result in run.results for name in result.scores} - SCORERS.keys():
        raise InvalidInputError(f'No judge is called "{min(unknown)}".', "Run `python -m evals` again.")
    return {
        result.id: {name: round(score.value, 4) for name, score in result.scores.items() if SCORERS[name].compared}
        for result in run.results
    }


def list_silent(run: Run) -> Mapping[str, Collection[str]]:
    """Return by case the judges that looked at an answer of a run and had nothing to say."""
    return {result.id: frozenset(result.silent) for result in run.results}


def compare(
    before: Values,
    after: Values,
    halves: Mapping[str, Half] | None = None,
    silent: Mapping[str, Collection[str]] | None = None,
) -> Comparison:
    """Compare the scores of two runs; with the halves of the cases, tell the change of each half as well.

    `silent` are by case the judges of answers that had nothing to say in the second run: a score that is missing there
    is excused, any other is not.
    """
    told = {case: {name for name in names if SCORERS[name].of_answer} for case, names in (silent or {}).items()}
    gone = [(case, name) for case, scores in before.items() for name in scores if name not in after.get(case, {})]
    excused = [(case, name) for case, name in gone if name in told.get(case, set())]
    missing = [f"{case}: {name}" for case, name in gone if (case, name) not in excused]
    for values in (before, after):
        missing += [f"{case}: {n}" for case, scores in values.items() for n, v in scores.items() if not 0 <= v <= 1]
    gained = Counter(n for case, scores in after.items() if case in before for n in scores if n not in before[case])
    lost = Counter(name for _, name in excused)
    differences = []
    for name, scorer in SCORERS.items():
        ids = [case for case in before if name in before[case] and name in after.get(case, {})]
        if scorer.compared and ids:
            differences.append(_differ(name, ids, before, after, halves or {}))
    return Comparison(
        differences=tuple(differences),
        missing=tuple(dict.fromkeys(missing)),
        excused=tuple(f"{case}: {name}" for case, name in excused),
        silences=tuple(Silence(scorer=name, lost=lost[name], gained=gained[name]) for name in SCORERS if lost[name]),
        added=tuple(sorted(after.keys() - before.keys())),
    )


def _differ(name: str, ids: list[str], before: Values, after: Values, halves: Mapping[str, Half]) -> Difference:
    old = np.array([before[case][name] for case in ids], dtype=np.float64)
    new = np.array([after[case][name] for case in ids], dtype=np.float64)
    change = new - old
    low, high = find_interval(change)
    by_half = {half: [v for case, v in zip(ids, change, strict=True) if halves.get(case) is half] for half in Half}
    return Difference(
        scorer=name,
        cases=len(ids),
        before=float(old.mean()),
        after=float(new.mean()),
        low=low,
        high=high,
        p=find_p(change),
        worse=tuple(case for case, value in zip(ids, change, strict=True) if value < -1e-9),
        better=tuple(case for case, value in zip(ids, change, strict=True) if value > 1e-9),
        by_half={half: float(np.mean(values)) for half, values in by_half.items() if values},
    )


def find_p(change: Floats, seed: int = 7) -> float:
    """Return the two-sided p-value of a sign-flip permutation test of mean zero: exact where few cases differ."""
    change = change[np.isfinite(change)]
    change = change[np.abs(change) > 1e-9]
    if not len(change):
        return 1.0
    seen = abs(float(change.sum())) - 1e-9
    if len(change) <= _EXACT:
        signs = np.array(list(product((1.0, -1.0), repeat=len(change))))
        return float((np.abs(signs @ change) >= seen).mean())
    signs = np.random.default_rng(seed).choice((1.0, -1.0), (_DRAWS, len(change)))
    return float(((np.abs(signs @ change) >= seen).sum() + 1) / (_DRAWS + 1))


def load_baseline(file: Path) -> Baseline:
    """Load the committed baseline; raise InvalidInputError where there is none."""
    try:
        return Baseline.model_validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"{file.name} is missing or damaged.", 'Write it: `python -m evals baseline --reason "..."`.'
        ) from error


def save_baseline(file: Path, run: Run, reason: str, on: date) -> None:
    """Write the scores of a run as the baseline; one line a case, so that a change of it can be read."""
    values = list_values(run)
    if unsound := compare(values, values).missing:
        raise InvalidInputError(f"{unsound[0]} is no score from 0 to 1.", "Take the baseline from another run.")
    told = Baseline(
        run=run.id,
        on=on,
        reason=reason,
        fingerprints=run.fingerprints,
        halves={result.id: result.half for result in run.results},
        values=values,
    )
    rows = told.model_dump(mode="json")
    head = {name: rows[name] for name in ("run", "on", "reason", "fingerprints")}
    lines = [json.dumps(head, indent=1)[:-2] + ","]
    for name in ("halves", "values"):
        inner = ",\n".join(f"  {json.dumps(case)}: {json.dumps(row)}" for case, row in sorted(rows[name].items()))
        lines.append(f' "{name}": {{\n{inner}\n }}' + ("," if name == "halves" else ""))
    file.write_text("\n".join(lines) + "\n}\n")
