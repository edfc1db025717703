"""The benchmark's measures, and one run over a small set in BEIR's layout."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from advisor.errors import InvalidInputError
from advisor.ports import Embedder
from evals.benchmark import LEGS, find_interval, load_set, run, score_order


def test_the_measures_are_those_of_the_textbook() -> None:
    ndcg, recall, mrr = score_order(["x", "a", "b"], {"a": 1, "b": 2, "c": 0, "d": 1})
    ideal = 2 + 1 / math.log2(3) + 1 / 2
    assert ndcg == pytest.approx((1 / math.log2(3) + 2 / 2) / ideal)
    assert recall == pytest.approx(2 / 3)
    assert mrr == 0.5
    assert score_order(["x"], {"a": 1}) == (0.0, 0.0, 0.0)


def test_an_interval_holds_its_mean_and_narrows_with_more_queries() -> None:
    few = np.array([0.0, 1.0] * 10)
    many = np.array([0.0, 1.0] * 1000)
    low, high = find_interval(few)
    assert low < 0.5 < high
    assert find_interval(many)[1] - find_interval(many)[0] < (high - low) / 5


def test_a_set_is_ranked_by_every_leg(tmp_path: Path, embedder: Embedder) -> None:
    texts = {
        "1": ("Lubrication", "Spindles are lubricated every forty hours."),
        "2": ("Alarms", "The shift lead answers every alarm within ten minutes."),
        "3": ("Canteen", "Lentil soup is served on Mondays."),
    }
    (tmp_path / "set" / "qrels").mkdir(parents=True)
    corpus = [json.dumps({"_id": id_, "title": title, "text": text}) for id_, (title, text) in texts.items()]
    (tmp_path / "set" / "corpus.jsonl").write_text("\n".join(corpus))
    queries = [{"_id": "q1", "text": "How often are spindles greased?"}, {"_id": "q2", "text": "Who answers alarms?"}]
    (tmp_path / "set" / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (tmp_path / "set" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t1\t1\nq2\t2\t1\n")
    run([tmp_path / "set"], embedder, Console(quiet=True), tmp_path / "rows.json")
    rows = {row["leg"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert set(rows) == set(LEGS)
    assert rows["full"]["ndcg"] == rows["full"]["recall"] == rows["full"]["mrr"] == 1.0
    assert rows["dense"]["queries"] == 2


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="BEIR"):
        load_set(tmp_path)
