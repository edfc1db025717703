"""The tools of the Model Context Protocol, through its official client: in process, over a pipe, over HTTP."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from advisor.bootstrap import build_keys
from advisor.domain.identity import LOCAL_CALLER, Caller, NewKey, Permission
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.program.office import ProgramOffice
from advisor.program.reports import markdown
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.mcp.server import create_server
from tests.conftest import OfficeMaker
from tests.integrations.conftest import ADVISOR, Server, environment, serving

TOOLS = {"ask", "search", "playbook", "gap_summary", "gate_readiness", "checklist", "log_status"}
SHADOW = "How long should a shadow period be?"
STATUS = "Line 3 vision QA is on track, no false alarms this week"
Call = Callable[..., CallToolResult]


def said(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def with_client(target: Any, use: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(target) as client:
            return await use(client)

    return asyncio.run(run())


def call_in(target: Any) -> Call:
    def call(name: str, **arguments: Any) -> CallToolResult:
        return with_client(target, lambda client: client.call_tool(name, arguments))

    return call


@pytest.fixture
def office(make_office: OfficeMaker, tmp_path: Path) -> ProgramOffice:
    office = make_office(f"sqlite:///{tmp_path}/demo.sqlite")
    office.load_demo(LOCAL_CALLER, door="demo")
    return office


@pytest.fixture
def call_as(advisor: Advisor, office: ProgramOffice) -> Callable[[Caller], Call]:
    return lambda caller: call_in(create_server(advisor, office, lambda _: caller))


@pytest.fixture
def call(call_as: Callable[[Caller], Call]) -> Call:
    return call_as(Caller(id="anna@example.com", permission=Permission.CONTRIBUTOR))


def test_the_tools_say_what_they_do(advisor: Advisor, office: ProgramOffice) -> None:
    server = create_server(advisor, office, lambda _: LOCAL_CALLER)
    tools = with_client(server, lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert tool.description
        assert tool.annotations
        assert tool.annotations.read_only_hint is (tool.name != "log_status")
        assert "context" not in tool.input_schema["properties"]


def test_an_answer_goes_on_in_its_conversation(call: Call) -> None:
    first = call("ask", question="What are the stages of a factory rollout?", role="engineer").structured_content
    assert first
    second = call("ask", question="and the second one?", conversation_id=first["conversation_id"])
    assert said(second).startswith("**Single-shift shadow")
    assert "[1] " in said(second)


def test_passages_and_playbooks_can_be_read(call: Call) -> None:
    assert "six weeks" in said(call("search", query="length of the shadow period", limit=3))
    listed = call("playbook").structured_content
    assert listed
    assert len(listed["playbooks"]) == 15
    assert said(call("playbook", playbook_id=listed["playbooks"][0]["id"])).startswith("# ")
    wrong = call("playbook", playbook_id="no-such")
    assert wrong.is_error
    assert "Leave the id empty" in said(wrong)


def test_the_program_is_told_as_everywhere(call: Call, office: ProgramOffice) -> None:
    anna = Caller(id="anna@example.com", permission=Permission.CONTRIBUTOR)
    summary = office.summarise(anna)
    told = call("gap_summary")
    assert said(told) == markdown.render_summary(summary)
    assert told.structured_content == summary.model_dump(mode="json")
    gates = call("gate_readiness").structured_content
    assert gates
    assert gates["gates"] == [gate.model_dump(mode="json") for gate in office.assess_gates(anna)]
    items = call("checklist").structured_content
    assert items
    assert len(items["items"]) == len(office.list_items(anna))
    one = office.list_status(anna)[0]
    assert one.name in said(call("gate_readiness", initiative=one.name))
    assert call("gap_summary", site="Atlantis").is_error


@pytest.mark.owasp("LLM06")
def test_a_status_is_recorded_once_and_only_as_it_was_shown(call: Call, office: ProgramOffice) -> None:
    name = office.list_status(LOCAL_CALLER)[0].name
    text = f"{name} is at risk, two false alarms"
    head = office.find_head(LOCAL_CALLER)
    shown = call("log_status", text=text)
    assert name in said(shown)
    assert office.find_head(LOCAL_CALLER) == head
    assert shown.structured_content
    digest = shown.structured_content["confirmation"]
    assert call("log_status", text=f"{name} is on track", confirmation=digest).is_error
    assert office.find_head(LOCAL_CALLER) == head
    first = said(call("log_status", text=text, confirmation=digest))
    assert "Recorded as #" in first
    assert said(call("log_status", text=text, confirmation=digest)) == first  # sent again: the same entries
    now = office.find_head(LOCAL_CALLER)
    assert now > head
    other = call("log_status", text=f"{name} is off track, all stopped", confirmation=digest)  # what nobody confirmed
    assert other.is_error
    assert office.find_head(LOCAL_CALLER) == now
    assert "Nothing was recorded" in said(call("log_status", text="Something somewhere is at risk"))


def test_each_sees_what_they_may_see(call_as: Callable[[Caller], Call], office: ProgramOffice) -> None:
    some = office.list_status(LOCAL_CALLER)[0]
    change = RecordChange(kind=RecordKind.INITIATIVE, subject=some.initiative, fields={"label": "board"})
    office.record(LOCAL_CALLER, [change], door="test")
    reader = Caller(id="b@example.com")
    for name in ("gap_summary", "gate_readiness", "checklist"):
        assert some.name not in said(call_as(reader)(name))
    assert some.name in said(call_as(Caller(id="c@example.com", groups=("board",)))("gate_readiness"))
    hidden = call_as(reader)("gap_summary", initiative=some.name)
    assert hidden.is_error
    assert "There is no initiative" in said(hidden)
    refused = call_as(reader)("log_status", text=f"{some.name} is at risk")
    assert "this needs contributor" in said(refused)
    assert "does not open the area" in said(call_as(Caller(id="k", areas=()))("ask", question=SHADOW))


def test_over_a_pipe_as_the_user_of_this_machine_or_by_a_key(indexed: Settings, tmp_path: Path) -> None:
    settings = indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/pipe.sqlite"})
    given = environment(settings, ADVISOR_DATABASE_URL=settings.database_url)
    subprocess.run([ADVISOR, "demo"], env=given, check=True, capture_output=True)
    call = call_in(StdioServerParameters(command=ADVISOR, args=["mcp"], env=given))
    assert "six weeks" in said(call("ask", question=SHADOW))
    secret = make_key(settings)
    by_key = call_in(StdioServerParameters(command=ADVISOR, args=["mcp"], env={**given, "ADVISOR_MCP_KEY": secret}))
    assert "this needs contributor" in said(by_key("log_status", text="x"))


def make_key(settings: Settings, **more: Any) -> str:
    expires = datetime.now(UTC) + timedelta(days=1)
    return build_keys(settings).create(LOCAL_CALLER, NewKey(name="mcp", expires_at=expires, **more))[1]


@pytest.fixture(scope="module")
def closed(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Settings]]:
    """A server that knows nobody without a key."""
    url = f"sqlite:///{tmp_path_factory.mktemp('mcp')}/mcp.sqlite"
    settings = indexed.model_copy(update={"database_url": url})
    with serving(settings, ADVISOR_DATABASE_URL=url, ADVISOR_LOCAL_ACCESS="false") as server:
        yield server, settings


def test_over_http_a_key_opens_what_it_opens_for_rest(closed: tuple[Server, Settings]) -> None:
    server, settings = closed
    secret = make_key(settings)
    headers = {"Authorization": f"Bearer {secret}"}
    by_rest = httpx.post(f"{server.address}/api/v1/ask", json={"question": SHADOW}, headers=headers).json()

    async def run() -> CallToolResult:
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{server.address}/mcp", http_client=http)) as client,
        ):
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
            return await client.call_tool("ask", {"question": SHADOW})

    by_tool = asyncio.run(run()).structured_content
    assert by_tool
    assert (by_tool["text"], by_tool["citations"]) == (by_rest["text"], by_rest["citations"])
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    refused = httpx.post(f"{server.address}/mcp", json=body, headers=accept)
    assert refused.status_code == 401
    page = {**accept, **headers, "Origin": "https://evil.example.com"}
    assert httpx.post(f"{server.address}/mcp", json=body, headers=page).status_code == 403
