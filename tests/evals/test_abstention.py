"""The measures of knowing when documents answer, on figures worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from advisor.errors import InvalidInputError
from evals.abstention import COVERAGES, find_auroc, find_risks, fit_weights, judge_one, load_labels


def test_auroc_and_risk_by_hand() -> None:
    chance = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    answerable = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    assert find_auroc(chance, answerable) == pytest.approx(5 / 6)
    assert find_risks(chance, answerable) == pytest.approx([0.0, 0.0, 1 / 3, 1 / 4, 2 / 5])
    assert len(COVERAGES) == 5
    assert find_auroc(np.zeros(5), answerable) == pytest.approx(0.5)


def test_a_signal_that_separates_is_learnt_and_noise_is_none() -> None:
    dice = np.random.default_rng(3)
    answerable = (np.arange(200) % 2).astype(float)
    signal = answerable[:, None] + dice.normal(0, 0.3, (200, 1))
    assert find_auroc(judge_one(signal, answerable), answerable) > 0.95
    assert find_auroc(judge_one(dice.normal(0, 1, (200, 1)), answerable), answerable) < 0.65  # not learnt
    assert fit_weights(signal, answerable)[1] > 0


def test_a_set_without_labels_is_refused(tmp_path: Path) -> None:
    rows = [{"_id": "1", "text": "x", "metadata": {"answerability": "ANSWERABLE"}}, {"_id": "2", "text": "y"}]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InvalidInputError):
        load_labels(tmp_path)
    rows[1]["metadata"] = {"answerability": "UNANSWERABLE"}
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert load_labels(tmp_path) == {"1": True, "2": False}
