"""Questions about the program, on cases written before the reporter; the held half was never read while tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from advisor.bootstrap import build_advisor
from advisor.domain.dialogue import CitationKind
from advisor.domain.identity import LOCAL_CALLER
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from tests.conftest import OfficeMaker
from tests.program.test_plain_words import load

HELD_MARK = 39
"""Of 50; raise it, never lower it."""


@pytest.fixture(scope="module")
def asked(indexed: Settings, demo: ProgramOffice, tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    database = f"sqlite:///{tmp_path_factory.mktemp('reporter')}/t.sqlite"
    return build_advisor(indexed.model_copy(update={"database_url": database}), demo)


def judge(advisor: Advisor, case: dict[str, Any]) -> list[str]:
    answer = advisor.ask(LOCAL_CALLER, case["question"])
    text = answer.text.lower()
    kinds = {citation.kind for citation in answer.citations}
    leads = answer.text.startswith("Your program")
    wrong = [f"lacks {m}" for m in case.get("must") or [] if m.lower() not in text]
    wrong += [f"says {m}" for m in case.get("must_not") or [] if m.lower() in text]
    if case["about"] == "both" and kinds != {CitationKind.REGISTER, CitationKind.PLAYBOOK}:
        wrong.append("one side only")
    if case["about"] == "program" and not leads:
        wrong.append("not from the register")
    if case["about"] == "playbook" and leads:
        wrong.append("hijacked by the register")
    if case["kind"] == "unknown_name" and "knows no" not in text:
        wrong.append("an unknown name passes")
    return wrong


@pytest.mark.parametrize("case", load("register_tuned"), ids=lambda case: case["id"])
def test_a_question_is_answered_from_the_right_side(asked: Advisor, case: dict[str, Any]) -> None:
    assert judge(asked, case) == []


def test_held_questions_are_answered_as_often_as_before(asked: Advisor) -> None:
    assert sum(not judge(asked, case) for case in load("register_held")) >= HELD_MARK


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
