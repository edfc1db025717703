"""Receipts of real answers from the real index, and asking again after things changed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advisor.bootstrap import build_advisor, build_ingest
from advisor.domain.dialogue import Outcome
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.errors import KnowledgeError, NotFoundError
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.cli.app import app

QUESTION = "How long should green tea steep?"
READER = Caller(id="reader")


@pytest.fixture
def tea(small: Settings) -> Settings:
    build_ingest(small).run()
    return small


def test_a_receipt_says_what_an_answer_rested_on(advisor: Advisor) -> None:
    answer = advisor.ask(LOCAL_CALLER, "How long should a shadow period be?", role="engineer")
    receipt = advisor.get_receipt(LOCAL_CALLER, answer.id)
    assert (receipt.question, receipt.role, receipt.generation) == (answer.question, answer.role, answer.generation)
    assert {ref.section_id for ref in receipt.passages if ref.cited} == {c.section_id for c in answer.citations}
    assert receipt.embedding_model.startswith("all-MiniLM-L6-v2")
    assert receipt.basis.probability is not None
    assert receipt.basis.probability >= (receipt.basis.threshold or 1)
    assert {"rewrite", "retrieval", "answer", "verify"} <= receipt.took.keys()
    assert receipt.basis.checked >= 3


def test_a_receipt_is_for_whom_the_answer_was_given_to(advisor: Advisor) -> None:
    answer = advisor.ask(READER, "How long should a shadow period be?")
    assert advisor.get_receipt(READER, answer.id).answer_id == answer.id
    with pytest.raises(NotFoundError):
        advisor.get_receipt(Caller(id="eve"), answer.id)


def test_a_conversation_is_reproduced_word_for_word(advisor: Advisor) -> None:
    first = advisor.ask(READER, "What are the stages of a factory rollout?")
    second = advisor.ask(READER, "and the second one?", conversation_id=first.conversation_id)
    for answer in (first, second):
        replay = advisor.replay(READER, answer.id)
        assert replay.reproduced, replay.changes
        assert replay.changes == ()
        assert replay.answer == answer
    assert len(advisor.get_conversation(READER, first.conversation_id)) == 2


def test_a_replay_names_what_changed_and_what_is_gone(tea: Settings) -> None:
    service = build_advisor(tea)
    answer = service.ask(READER, QUESTION)
    assert answer.outcome is Outcome.ANSWERED
    file = tea.knowledge_base_dir / "tea.md"
    cited = answer.citations[0]
    file.write_text(file.read_text().replace(cited.quote, re.sub(r"\btwo\b", "nine", cited.quote)))
    build_ingest(tea).run()
    replay = build_advisor(tea).replay(READER, answer.id)
    assert not replay.reproduced
    assert any(f"{cited.title} > {cited.section} says something else now" in change for change in replay.changes)
    assert any(change.startswith("Index of the playbooks") for change in replay.changes)
    file.unlink()
    file.with_suffix(".yaml").unlink()
    build_ingest(tea).run()
    gone = build_advisor(tea).replay(READER, answer.id)
    assert any(f"{cited.section} was deleted" in change for change in gone.changes)


def test_when_to_answer_is_stored_with_the_index(tea: Settings) -> None:
    before = build_advisor(tea).ask(READER, QUESTION)
    strict = tea.knowledge_base_dir / "calibration.yaml"
    strict.write_text("intercept: -20")
    assert build_advisor(tea).ask(READER, QUESTION).outcome is Outcome.ANSWERED  # the serving index decides
    assert not build_ingest(tea).run().unchanged
    service = build_advisor(tea)
    refused = service.ask(READER, QUESTION)
    assert refused.outcome is Outcome.DECLINED
    then, now = (service.get_receipt(READER, answer.id).basis.probability or 0.0 for answer in (before, refused))
    assert now < 0.01 < then
    strict.write_text("threshold: 2")
    with pytest.raises(KnowledgeError, match="threshold"):
        build_ingest(tea).run()


def test_a_deleted_conversation_leaves_no_receipt(advisor: Advisor) -> None:
    answer = advisor.ask(READER, "How long should a shadow period be?")
    advisor.delete_conversation(READER, answer.conversation_id)
    with pytest.raises(NotFoundError):
        advisor.get_receipt(LOCAL_CALLER, answer.id)


def test_the_command_line_shows_and_replays(indexed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_DATA_DIR", str(indexed.data_dir))
    monkeypatch.setenv("ADVISOR_DATABASE_URL", f"sqlite:///{tmp_path}/a.sqlite")
    runner = CliRunner()
    answer = json.loads(runner.invoke(app, ["ask", "How should we choose KPIs?", "--json"]).stdout)
    shown = runner.invoke(app, ["receipt", answer["id"]]).stdout
    assert answer["id"] in shown
    assert "retrieval" in shown
    as_json = json.loads(runner.invoke(app, ["receipt", answer["id"], "--json"]).stdout)
    assert as_json["digest"]
    assert "Reproduced" in runner.invoke(app, ["replay", answer["id"]]).stdout
    assert isinstance(runner.invoke(app, ["receipt", "nothing"]).exception, NotFoundError)
    assert os.environ["ADVISOR_DATA_DIR"]
