"""Questions about the program: the tuned eval cases, one by one. The held ones only count (evals/baseline.json)."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.bootstrap import build_advisor
from advisor.domain.dialogue import Outcome
from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from evals.cases import About, EvalCase, Half, load_suite
from evals.scorers import judge
from evals.seen import Seen
from tests.conftest import OfficeMaker

CASES = [case for case in load_suite().load_cases(Half.TUNED) if case.id.startswith("register-")]


@pytest.fixture(scope="module")
def asked(indexed: Settings, demo: ProgramOffice, tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    database = f"sqlite:///{tmp_path_factory.mktemp('reporter')}/t.sqlite"
    return build_advisor(indexed.model_copy(update={"database_url": database}), demo)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_question_is_answered_from_the_right_side(asked: Advisor, case: EvalCase) -> None:
    scores = judge(Seen(case, asked.ask(LOCAL_CALLER, case.question), {}))
    held = ("side", "must_not") if case.about is About.PLAYBOOK else ("side", "must_not", "facts", "outcome")
    told = {name: scores[name].reason for name in held if name in scores}
    assert told == dict.fromkeys(told, "")


def test_every_sentence_on_the_program_cites_the_register(asked: Advisor) -> None:
    answer = asked.ask(LOCAL_CALLER, "How is Line 3 doing?")
    numbers = {citation.number for citation in answer.citations}
    for block in answer.blocks:
        for sentence in getattr(block, "sentences", ()) or getattr(block, "items", ()):
            assert set(sentence.citations) <= numbers
            assert sentence.citations


def test_a_claim_that_the_register_contradicts_is_said(
    indexed: Settings, make_office: OfficeMaker, tmp_path: Path
) -> None:
    office = make_office(f"sqlite:///{tmp_path}/r.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    office.answer_question(
        LOCAL_CALLER, "accountable-owner-named", "yes", initiative="packing-line-quality", door="cli"
    )
    database = f"sqlite:///{tmp_path}/t.sqlite"
    advisor = build_advisor(indexed.model_copy(update={"database_url": database}), office)
    answer = advisor.ask(LOCAL_CALLER, "How is packing line quality doing?")
    assert "The register shows otherwise." in answer.text
    assert [c.number for c in answer.citations] == list(range(1, len(answer.citations) + 1))


@pytest.mark.parametrize(
    "question",
    [
        "What is integration debt?",
        "nobody saw the warning, why",
        "did they sugarcoat the trial inputs",
        "how to word a warning properly",
    ],
)
def test_what_the_playbooks_answer_is_theirs_where_nothing_of_ours_is_named(asked: Advisor, question: str) -> None:
    answer = asked.ask(LOCAL_CALLER, question)
    assert answer.outcome is Outcome.ANSWERED
    assert not answer.text.startswith("Your program")
