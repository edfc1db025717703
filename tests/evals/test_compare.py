"""What two runs differ in, and whether that is noise: on scores whose verdict is known."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.domain.dialogue import Role
from advisor.errors import InvalidInputError
from evals.cases import Expect, Half, Kind, Way
from evals.compare import compare, find_p, list_values, load_baseline, save_baseline
from evals.runs import CaseResult, Run, load_run, save_run
from evals.seen import Score


def values(scores: list[float], name: str = "facts") -> dict[str, dict[str, float]]:
    return {f"case-{n}": {name: score} for n, score in enumerate(scores)}


def test_equal_runs_differ_in_nothing() -> None:
    same = values([1.0, 0.5, 0.0] * 10)
    found = compare(same, same)
    assert found.passed
    assert [(d.before, d.after, d.low, d.high, d.p, d.worse, d.better) for d in found.differences] == [
        (0.5, 0.5, 0.0, 0.0, 1.0, (), ())
    ]


def test_what_got_worse_by_more_than_chance_is_a_regression() -> None:
    found = compare(values([1.0] * 40), values([1.0] * 30 + [0.0] * 10))
    assert not found.passed
    (difference,) = found.differences
    assert difference.regressed
    assert len(difference.worse) == 10
    assert difference.low < difference.after - difference.before < difference.high < 0


def test_the_change_of_each_half_is_told() -> None:
    halves = {"case-0": Half.TUNED, "case-1": Half.TUNED, "case-2": Half.HELD}
    (difference,) = compare(values([1.0, 1.0, 1.0]), values([1.0, 0.5, 0.0]), halves).differences
    assert difference.by_half == {Half.TUNED: -0.25, Half.HELD: -1.0}


def test_one_case_for_another_is_noise() -> None:
    found = compare(values([1.0, 0.0] + [1.0] * 30), values([0.0, 1.0] + [1.0] * 30))
    assert found.passed
    assert not found.differences[0].improved


def test_what_must_be_whole_regresses_with_one_case() -> None:
    found = compare(values([1.0] * 50, "quotes"), values([1.0] * 49 + [0.9], "quotes"))
    assert [d.worse for d in found.differences if d.regressed] == [("case-49",)]


@pytest.mark.parametrize(
    ("after", "missing"),
    [
        ({"case-0": {"facts": 1.0}}, ("case-1: facts",)),
        ({"case-0": {"facts": 1.0}, "case-1": {"facts": math.nan}}, ("case-1: facts",)),
        ({"case-0": {"facts": 1.0}, "case-1": {}}, ("case-1: facts",)),
    ],
)
def test_a_missing_score_is_a_failure(after: dict[str, dict[str, float]], missing: tuple[str, ...]) -> None:
    found = compare(values([1.0, 1.0]), after)
    assert found.missing == missing
    assert not found.passed


def test_a_score_is_excused_only_where_its_judge_had_nothing_to_say() -> None:
    two = values([1.0, 1.0], "length")
    less = {**two, "case-0": {}}
    assert compare(two, less).missing == ("case-0: length",)
    found = compare(two, less, silent={"case-0": {"length"}})
    assert (found.missing, found.excused, found.passed) == ((), ("case-0: length",), True)
    assert compare(two, {"case-1": two["case-1"]}).missing == ("case-0: length",)


def test_judges_deleted_from_most_results_of_a_run_are_missing() -> None:
    five = {f"case-{n}": {"quotes": 1.0, "figures": 1.0, "facts": 1.0} for n in range(5)}
    found = compare(five, {case: {"facts": 1.0} if case != "case-0" else row for case, row in five.items()})
    assert len(found.missing) == 8
    assert not found.passed


def test_a_judge_that_falls_silent_on_many_answers_has_regressed() -> None:
    many = values([1.0] * 30, "quotes")

    def fall_silent(count: int) -> bool:
        gone = {f"case-{n}" for n in range(count)}
        after = {case: {} if case in gone else row for case, row in many.items()}
        return compare(many, after, silent={case: ["quotes"] for case in gone}).passed

    assert fall_silent(4)
    assert not fall_silent(5)
    assert not fall_silent(30)


def test_a_judge_of_every_answer_is_never_excused() -> None:
    one = values([1.0])
    assert compare(one, {"case-0": {}}, silent={"case-0": ["facts"]}).missing == ("case-0: facts",)


def test_five_lost_are_not_excused() -> None:
    assert not compare(values([1.0] * 100), values([1.0] * 95 + [0.0] * 5)).passed
    assert not compare(values([1.0] * 12), values([1.0] * 11 + [0.0])).passed


@pytest.mark.parametrize("score", [math.nan, 5.0, -1.0])
def test_what_is_no_score_passes_in_neither_run(score: float) -> None:
    assert compare(values([score]), values([1.0])).missing
    assert compare(values([1.0]), values([score])).missing


def test_a_run_that_cannot_be_trusted_is_no_baseline(tmp_path: Path) -> None:
    run = make_run(1.0)
    twice = run.model_copy(update={"results": run.results * 2})
    with pytest.raises(InvalidInputError, match="id of 2 results"):
        list_values(twice)
    with pytest.raises(InvalidInputError, match="no score"):
        save_baseline(tmp_path / "baseline.json", make_run(math.nan), "bad", date(2026, 1, 3))


def test_new_cases_are_named_and_fail_nothing() -> None:
    found = compare(values([1.0]), values([1.0, 0.0]))
    assert found.added == ("case-1",)
    assert found.passed


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=12))
def test_the_permutation_test_is_symmetric_and_a_probability(changes: list[float]) -> None:
    change = np.array(changes)
    assert 0 < find_p(change) <= 1
    assert find_p(change) == pytest.approx(find_p(-change))


def test_the_permutation_test_gives_the_exact_value() -> None:
    assert find_p(np.array([1.0] * 5)) == pytest.approx(2 / 32)
    assert find_p(np.array([1.0] * 60)) < 0.001


def make_run(score: float) -> Run:
    result = CaseResult(
        id="a",
        half=Half.TUNED,
        kind=Kind.DIRECT,
        topic="kpis",
        role=Role.EXECUTIVE,
        way=Way.PLAIN,
        question="How long?",
        expect=Expect.ANSWERED,
        scores={"facts": Score(value=score, reason="12 to 18"), "latency": Score(value=3.0)},
    )
    return Run(started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), fingerprints={"code": "x"}, results=(result,))


def test_runs_and_baselines_come_back_as_they_were_kept(tmp_path: Path) -> None:
    run = make_run(2 / 3)
    file = save_run(tmp_path, run)
    for name in (str(file), run.id, run.id[:10], "latest"):
        assert load_run(tmp_path, name) == run
    save_baseline(tmp_path / "baseline.json", run, "first", date(2026, 1, 3))
    kept = load_baseline(tmp_path / "baseline.json")
    assert (kept.run, kept.reason, kept.halves) == (run.id, "first", {"a": Half.TUNED})
    assert kept.values == list_values(run) == {"a": {"facts": 0.6667}}
    assert not compare(kept.values, list_values(load_run(tmp_path, "latest"))).differences[0].worse


@pytest.mark.parametrize("name", ["latest", "2026", "nothing"])
def test_a_run_that_is_not_there_says_which_are(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match="names 0 runs"):
        load_run(tmp_path, name)
    with pytest.raises(InvalidInputError, match="missing or damaged"):
        load_baseline(tmp_path / "baseline.json")
