"""The eval cases themselves: enough of them, none learnt by heart; and the linter that says so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from advisor.errors import InvalidInputError
from advisor.settings import Settings
from evals.cases import OWN, EvalCase, Half, Kind, Suite, Way, load_suite
from evals.lint import lint


def test_there_are_enough_cases_of_each_kind_in_both_halves() -> None:
    for half in Half:
        cases = load_suite().load_cases(half)
        counts = Counter(case.kind for case in cases)
        assert len(cases) >= 125
        assert all(counts[kind] >= 5 for kind in Kind if kind is not Kind.REPLY)
        assert all(Counter(case.way for case in cases)[way] >= 5 for way in Way)
        near = [case for case in cases if case.kind is Kind.UNANSWERABLE and case.near_topic]
        assert len(near) * 2 >= counts[Kind.UNANSWERABLE]


@pytest.mark.slow
def test_our_cases_are_sound(indexed: Settings, tmp_path: Path) -> None:
    settings = indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"})
    assert lint(settings, load_suite()) == []


def make_suite(folder: Path, *cases: dict[str, object]) -> Suite:
    (folder / "cases" / "tuned").mkdir(parents=True)
    (folder / "cases" / "tuned" / "a.yaml").write_text(yaml.safe_dump(list(cases)))
    (folder / "suite.yaml").write_text("")
    return load_suite(folder)


SOUND: dict[str, object] = {
    "id": "a",
    "kind": "direct",
    "question": "Which windows suit lagging figures best?",
    "expect": "answered",
    "sections": ["kpis"],
    "facts": ["12 to 18"],
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": "a"}, "the id of 2 cases"),
        ({"question": "Best windows for lagging figures: which suit?"}, "the same question"),
        ({"question": "How should we choose KPIs for our program?"}, ""),
        ({"facts": ["seventeen elephants"]}, "states “seventeen elephants”"),
        ({"sections": ["kpi"]}, "no playbook or section “kpi”"),
        ({"gaps": ["no-such-criterion"]}, "no criterion “no-such-criterion”"),
    ],
)
def test_the_linter_finds_what_is_wrong(
    indexed: Settings, tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    other = {**SOUND, "id": "b", "question": "What do typical return periods look like across plants?", **change}
    settings = indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"})
    found = lint(settings, make_suite(tmp_path / "suite", SOUND, other))
    assert (any(problem in line for line in found) and len(found) == 1) if problem else not found


def test_an_indexed_question_is_no_case(indexed: Settings, tmp_path: Path, knowledge: object) -> None:
    question = knowledge.sections[0].questions[0]  # type: ignore[attr-defined]
    settings = indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"})
    found = lint(settings, make_suite(tmp_path / "suite", {**SOUND, "question": question}))
    assert found == ["a: its question is indexed"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {id: a, kind: direct}", "Field required"),
        ("- {id: a, kind: odd}", "a.yaml, 0.kind"),
        ("- [", "no YAML"),
        ("- {id: a, kind: direct, question: b, expect: answered, facts: ['(']}", "is no pattern"),
    ],
)
def test_what_is_no_case_is_named(tmp_path: Path, text: str, told: str) -> None:
    suite = make_suite(tmp_path)
    (tmp_path / "cases" / "tuned" / "a.yaml").write_text(text)
    with pytest.raises(InvalidInputError, match=told):
        suite.load_cases(Half.TUNED)


def test_the_linter_says_once_where_to_look(indexed: Settings, tmp_path: Path) -> None:
    settings = indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"})
    (line,) = lint(settings, make_suite(tmp_path / "suite", {"id": "a"}))
    assert line.count("See EvalCase") == 1


def test_a_proposal_is_not_asked(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, {**SOUND, "accepted": False})
    assert suite.load_cases(Half.TUNED) == ()
    assert suite.load_cases(Half.TUNED, proposed=True) == (EvalCase.model_validate({**SOUND, "accepted": False}),)


def test_a_folder_without_a_suite_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as told:
        load_suite(tmp_path)
    assert "evals init" in told.value.remedy
    assert load_suite(OWN).replies
