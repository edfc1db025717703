"""One house with all its doors, to ask the same thing through each of them and read everything that comes out."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mcp import Client
from rich.console import Console
from slack_bolt.adapter.socket_mode import SocketModeHandler
from typer.testing import CliRunner

from advisor.bootstrap import build_advisor, build_keys, build_library_ingest
from advisor.domain.dialogue import Answer
from advisor.domain.identity import LOCAL_CALLER, Area, Caller, NewKey, Permission
from advisor.domain.knowledge import Collection
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.cli.app import app as cli
from integrations.cli.render import render_answer
from integrations.mcp.server import create_server
from integrations.metrics import PrometheusMeter
from integrations.slack.service import build_door
from integrations.slack.simulator import Simulator
from integrations.web.app import create_app
from tests.chat_server import ChatServer
from tests.conftest import OfficeMaker
from tests.integrations.slack.conftest import SECRET, Company, people_of, slack_settings

STRANGER = ("192.0.2.7", 50_000)
"""A peer that is not this machine."""
PEOPLE = {(): "UANNA", ("board",): "UEVA"}
"""Who in the simulated Slack holds which labels."""
DOORS = ("rest", "sse", "openai", "mcp", "slack", "cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what opens the house out of the inner loop; what only reads code stays in it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and {"house", "indexed"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


class House:
    """The advisor over one data directory and one database, and every door of it."""

    def __init__(self, settings: Settings, office: ProgramOffice, stack: ExitStack) -> None:
        self.settings = settings
        self.office = office
        self.advisor: Advisor = build_advisor(settings, office)
        self._stack = stack

    def ask(self, door: str, question: str, groups: tuple[str, ...] = (), conversation: str | None = None) -> str:
        """Return everything that a door says to a question of somebody who holds these labels.

        The user of this machine holds all of them, whatever `groups` says.
        """
        asks: Mapping[str, Callable[[str, tuple[str, ...], str | None], str]] = {
            "rest": self._ask_rest,
            "sse": self._ask_sse,
            "openai": self._ask_openai,
            "mcp": self._ask_mcp,
            "slack": self._ask_slack,
            "cli": self._ask_cli,
        }
        return asks[door](question, groups, conversation)

    @cached_property
    def web(self) -> TestClient:
        """The web door, seen from elsewhere."""
        app = create_app(
            self.settings,
            self.advisor,
            self.office,
            keys=build_keys(self.settings),
            meter=PrometheusMeter(),
            check_ready=lambda: None,
        )
        client = TestClient(app, base_url="http://a.example.com", client=STRANGER, raise_server_exceptions=False)
        return self._stack.enter_context(client)

    def make_key(self, groups: tuple[str, ...] = (), permission: Permission = Permission.CONTRIBUTOR) -> str:
        """Return a fresh API key."""
        given = NewKey(
            name="test",
            permission=permission,
            groups=groups,
            areas=tuple(Area),
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
        return build_keys(self.settings).create(LOCAL_CALLER, given)[1]

    def bearer(self, groups: tuple[str, ...] = ()) -> dict[str, str]:
        """Return the header of a caller who holds these labels: the same caller each time."""
        return {"Authorization": f"Bearer {self._keys.setdefault(groups, '') or self._renew(groups)}"}

    @cached_property
    def _keys(self) -> dict[tuple[str, ...], str]:
        return {}

    def _renew(self, groups: tuple[str, ...]) -> str:
        self._keys[groups] = self.make_key(groups)
        return self._keys[groups]

    def call_tool(self, name: str, groups: tuple[str, ...] = (), **arguments: Any) -> str:
        """Return all that a tool of the MCP door says."""
        caller = Caller(id="tool@example.com", permission=Permission.CONTRIBUTOR, groups=groups)

        async def run() -> str:
            async with Client(create_server(self.advisor, self.office, lambda _: caller)) as client:
                return (await client.call_tool(name, arguments)).model_dump_json()

        return asyncio.run(run())

    @cached_property
    def slack(self) -> Company:
        """The simulated workspace, with the advisor in it over Socket Mode."""
        sim = self._stack.enter_context(Simulator(signing_secret=SECRET))
        people_of(sim)
        wanted = slack_settings(self.settings, sim, self.settings.effective_database_url)
        door = build_door(wanted, self.advisor, self.office, pace=0, lease=60, idle=0.05)
        door.workers.start()
        handler = SocketModeHandler(door.app, "xapp-sim", web_client=door.client)
        handler.connect()
        self._stack.callback(handler.close)
        self._stack.callback(door.workers.stop)
        return Company(sim, door, self.office)

    def run_cli(self, *arguments: str, **environment: str) -> str:
        """Return what the command line prints, on both streams."""
        given = {
            "ADVISOR_DATA_DIR": str(self.settings.data_dir),
            "ADVISOR_KNOWLEDGE_BASE_DIR": str(self.settings.knowledge_base_dir),
            "ADVISOR_DATABASE_URL": self.settings.effective_database_url,
            "ADVISOR_CHAT_MODEL": self.settings.chat_model,
            "ADVISOR_CHAT_BASE_URL": self.settings.chat_base_url,
            "COLUMNS": "200",
        }
        done = CliRunner().invoke(cli, list(arguments), env={**given, **environment})
        return f"{done.output}{done.exception or ''}"

    def _ask_rest(self, question: str, groups: tuple[str, ...], conversation: str | None) -> str:
        body = {"question": question, "conversation_id": conversation}
        answer = self.web.post("/api/v1/ask", json=body, headers=self.bearer(groups))
        return f"{dict(answer.headers)}{answer.text}"

    def _ask_sse(self, question: str, groups: tuple[str, ...], conversation: str | None) -> str:
        headers = self.bearer(groups) | {"Accept": "text/event-stream"}
        body = {"question": question, "conversation_id": conversation}
        return self.web.post("/api/v1/ask", json=body, headers=headers).text

    def _ask_openai(self, question: str, groups: tuple[str, ...], _: str | None) -> str:
        body = {"messages": [{"role": "user", "content": question}]}
        whole = self.web.post("/v1/chat/completions", json=body, headers=self.bearer(groups))
        streamed = self.web.post("/v1/chat/completions", json=body | {"stream": True}, headers=self.bearer(groups))
        return whole.text + streamed.text

    def _ask_mcp(self, question: str, groups: tuple[str, ...], conversation: str | None) -> str:
        return self.call_tool("ask", groups, question=question, conversation_id=conversation or "")

    def _ask_slack(self, question: str, groups: tuple[str, ...], _: str | None) -> str:
        """Ask in the agent tab, and in the public channel, which is told what everybody may see."""
        sim, user = self.slack.sim, PEOPLE[groups]
        said = [(sim.dm(user), sim.say(user, sim.dm(user), question))]
        if not groups:
            said.append(("C1", sim.say(user, "C1", f"<@UBOT> {question}")))
        self.slack.settle()
        told = [message for channel, ts in said for message in sim.messages(channel, ts)[1:]]
        return "\n".join(f"{m.text}\n{m.markdown}\n{m.blocks}\n{m.chunks}" for m in told)

    def _ask_cli(self, question: str, _: tuple[str, ...], conversation: str | None) -> str:
        """Return the answer as JSON and, where there is one, as the terminal shows it."""
        del conversation
        told = self.run_cli("ask", "--json", "--", question)
        if not told.startswith("{"):
            return told
        fields = json.loads(told)
        answer = Answer.model_validate({name: fields[name] for name in Answer.model_fields})
        screen = Console(file=io.StringIO(), width=200)
        screen.print(render_answer(answer))
        return f"{told}{screen.file.getvalue()}"  # type: ignore[attr-defined]


@contextmanager
def open_house(
    indexed: Settings, office: ProgramOffice, folder: Path, collections: tuple[Collection, ...] = (), **more: Any
) -> Iterator[House]:
    """Open a house in a folder of its own, with the model and the playbooks of the shared one."""
    data = folder / "data"
    data.mkdir()
    for name in ("models", "generations"):
        (data / name).symlink_to((indexed.data_dir / name).absolute())
    settings = Settings(
        _env_file=None,
        **{
            "data_dir": data,
            "database_url": f"sqlite:///{folder}/house.sqlite",
            "collections": collections,
            "rate_limit": "100000/minute",
            **more,
        },
    )
    if collections:
        build_library_ingest(settings).run()
    with ExitStack() as stack:
        yield House(settings, office, stack)


@pytest.fixture(scope="session")
def make_house(indexed: Settings, make_office: OfficeMaker) -> Callable[..., Any]:
    """Return what opens a house in a folder; its register holds the demo company."""

    def make(folder: Path, collections: tuple[Collection, ...] = (), **more: Any) -> Any:
        office = make_office(f"sqlite:///{folder}/house.sqlite")
        office.load_demo(LOCAL_CALLER, door="demo")
        return open_house(indexed, office, folder, collections, **more)

    return make


@pytest.fixture(scope="session")
def make_worded_house(make_house: Callable[..., Any]) -> Callable[..., Any]:
    """Return what opens a house with notes in a folder, in which a scripted model words the answers."""

    @contextmanager
    def make(folder: Path, notes: Mapping[str, str], reply: Callable[[str], str]) -> Iterator[House]:
        (folder / "notes").mkdir()
        for name, text in notes.items():
            (folder / "notes" / f"{name}.md").write_text(text, encoding="utf-8")
        collections = (Collection(name="notes", path=str(folder / "notes")),)
        with (
            ChatServer(reply) as model,
            make_house(folder, collections, chat_model="openai:scripted", chat_base_url=model.url) as made,
        ):
            yield made

    return make


@pytest.fixture(scope="module")
def provider_key() -> Iterator[None]:
    """The client of the scripted chat model wants a key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "scripted")
        patch.setenv("LANGSMITH_TRACING", "false")
        yield


def listing(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by name."""
    return {os.path.relpath(file, folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
