"""The same question gets the same sentences, citations and receipt at every door."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from typer.testing import CliRunner

from advisor.domain.dialogue import Answer, render_with_sources
from advisor.domain.identity import Caller
from advisor.domain.receipts import Receipt
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.cli.app import app as cli
from integrations.mcp.server import create_server
from integrations.slack.blocks import render_answer
from tests.conftest import OfficeMaker
from tests.web import local_client, make_web

QUESTIONS = (
    "How should we choose KPIs?",
    "What are the ninety-day criteria?",
    "What colour is the moon?",
    "Who owns the model after the pilot, as an email to the board",
)
_OF_ONE_ASKING = {"answer_id": "", "conversation_id": "", "took": {}, "register_head": None}


def _words(blocks: object) -> str:
    if isinstance(blocks, dict):
        own = str(blocks["text"]) if isinstance(blocks.get("text"), str) else ""
        return own + "".join(_words(value) for value in blocks.values() if not isinstance(value, str))
    return "".join(map(_words, blocks)) if isinstance(blocks, list) else ""


def _read(answer: dict[str, Any]) -> Answer:
    return Answer.model_validate({name: answer[name] for name in Answer.model_fields})


def _strip(receipt: Receipt) -> dict[str, Any]:
    """Return what a receipt says of the answer, without which asking it was."""
    return receipt.model_copy(update=_OF_ONE_ASKING).model_dump(exclude={"asked_at"})


def _over_sse(body: str) -> Answer:
    events = [dict(line.split(": ", 1) for line in event.splitlines() if ": " in line) for event in body.split("\n\n")]
    done = next(event for event in events if event.get("event") == "done")
    return _read(json.loads(done["data"]))


async def _over_mcp(advisor: Advisor, office: ProgramOffice, question: str) -> Answer:
    async with Client(create_server(advisor, office, lambda _: Caller(id="tool"))) as client:
        return _read((await client.call_tool("ask", {"question": question})).structured_content or {})


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_door_says_the_same(
    advisor: Advisor,
    indexed: Settings,
    question: str,
    make_office: OfficeMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caller = Caller(id="slack")
    in_slack = advisor.ask(caller, question)
    wanted = _strip(advisor.get_receipt(caller, in_slack.id))
    office = make_office(f"sqlite:///{tmp_path}/t.sqlite")
    with local_client(make_web(tmp_path, advisor, office)) as client:
        over_http = _read(client.post("/api/v1/ask", json={"question": question}).json())
        kept = client.get(f"/api/v1/answers/{over_http.id}/receipt").json()
        stream = {"Accept": "text/event-stream"}
        over_sse = _over_sse(client.post("/api/v1/ask", json={"question": question}, headers=stream).text)
        as_model = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": question}]})
        completed = as_model.json()["choices"][0]["message"]["content"]
    as_tool = asyncio.run(_over_mcp(advisor, office, question))
    assert _strip(Receipt.model_validate(kept)) == wanted
    monkeypatch.setenv("ADVISOR_DATA_DIR", str(indexed.data_dir))
    monkeypatch.setenv("ADVISOR_DATABASE_URL", f"sqlite:///{tmp_path}/cli.sqlite")
    in_terminal = _read(json.loads(CliRunner().invoke(cli, ["ask", question, "--json"]).stdout))
    told = CliRunner().invoke(cli, ["receipt", in_terminal.id, "--json"]).stdout
    assert _strip(Receipt.model_validate_json(told)) == wanted
    assert completed.partition("\n\n_Receipt")[0] == render_with_sources(in_slack)
    for answer in (over_http, over_sse, in_terminal, as_tool):
        assert (answer.blocks, answer.citations) == (in_slack.blocks, in_slack.citations)
    shown = _words([block for message in render_answer(in_slack) for block in message.blocks])
    for block in in_slack.blocks:
        for sentence in getattr(block, "sentences", getattr(block, "items", ())):
            assert sentence.text in shown
