"""The same question gets the same sentences and citations at every door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advisor.domain.dialogue import Answer
from advisor.domain.identity import Caller
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.cli.app import app as cli
from integrations.slack.blocks import render_answer
from tests.conftest import OfficeMaker
from tests.web import local_client, make_web

QUESTIONS = ("How should we choose KPIs?", "What are the ninety-day criteria?", "What colour is the moon?")


def _words(blocks: object) -> str:
    if isinstance(blocks, dict):
        own = str(blocks["text"]) if isinstance(blocks.get("text"), str) else ""
        return own + "".join(_words(value) for value in blocks.values() if not isinstance(value, str))
    return "".join(map(_words, blocks)) if isinstance(blocks, list) else ""


def _read(answer: dict[str, object]) -> Answer:
    return Answer.model_validate({name: answer[name] for name in Answer.model_fields})


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_door_says_the_same(
    advisor: Advisor,
    indexed: Settings,
    question: str,
    make_office: OfficeMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = make_office(f"sqlite:///{tmp_path}/t.sqlite")
    with local_client(make_web(tmp_path, advisor, office)) as client:
        over_http = _read(client.post("/api/v1/ask", json={"question": question}).json())
    monkeypatch.setenv("ADVISOR_DATA_DIR", str(indexed.data_dir))
    in_terminal = _read(json.loads(CliRunner().invoke(cli, ["ask", question, "--json"]).stdout))
    in_slack = advisor.ask(Caller(id="slack"), question)
    for answer in (over_http, in_terminal):
        assert (answer.blocks, answer.citations) == (in_slack.blocks, in_slack.citations)
    shown = _words([block for message in render_answer(in_slack) for block in message.blocks])
    for block in in_slack.blocks:
        for sentence in getattr(block, "sentences", getattr(block, "items", ())):
            assert sentence.text in shown
