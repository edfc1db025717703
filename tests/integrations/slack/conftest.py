from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode import SocketModeHandler

from advisor.bootstrap import build_advisor
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.work import Queue
from advisor.program.office import ProgramOffice
from advisor.settings import Settings
from integrations.slack.http import PATH, create_router
from integrations.slack.service import SlackDoor, build_door
from integrations.slack.simulator import Simulator
from tests.conftest import OfficeMaker

SECRET = "not-so-secret"


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return what a condition gives once it gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("nothing came")


class Company:
    """A workspace with people and channels, and the advisor in it."""

    def __init__(self, sim: Simulator, door: SlackDoor, office: ProgramOffice) -> None:
        self.sim = sim
        self.door = door
        self.office = office

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until nothing waits."""
        wait_for(
            lambda: not (self.door.queue.count(Queue.IN)["waiting"] + self.door.queue.count(Queue.OUT)["waiting"]),
            seconds,
        )
        assert not self.door.queue.count(Queue.OUT)["failed"]

    def wait_until_sent(self) -> None:
        """Wait until the weekly work is handled and said; reminders of later days stay."""
        wait_for(lambda: self.door.queue.count(Queue.IN)["done"])
        wait_for(lambda: not self.door.queue.count(Queue.OUT)["waiting"])


def people_of(sim: Simulator) -> None:
    sim.add_user("UANNA", "Anna Kovacs", "anna@example.com")
    sim.add_user("UJONAS", "Jonas Weber", "jonas@example.com")
    sim.add_user("UEVA", "Eva Board", "eva@example.com")
    sim.add_user("UGUEST", "Gus Guest", "gus@elsewhere.com", kind="guest")
    sim.add_user("USTRANGE", "Stan Stranger", "stan@elsewhere.com", kind="stranger")
    sim.add_channel("C1", "ai-program", ["UANNA", "UJONAS", "UEVA", "UGUEST"])
    sim.add_channel("CBOARD", "board", ["UEVA"], private=True)
    sim.add_channel("CHELP", "ai-help", ["UANNA"])
    sim.add_channel("CSHARED", "with-partner", ["UANNA", "USTRANGE"], shared=True)
    sim.add_channel("CPRIVATE", "private-first", ["UANNA", "UJONAS"])


def slack_settings(indexed: Settings, sim: Simulator, database: str, **more: Any) -> Settings:
    return Settings(
        _env_file=None,
        **{
            "data_dir": indexed.data_dir,
            "database_url": database,
            "slack_bot_token": SecretStr("xoxb-sim"),
            "slack_app_token": SecretStr("xapp-sim"),
            "slack_signing_secret": SecretStr(SECRET),
            "slack_api_url": sim.base_url,
            "slack_help_channel": "CHELP",
            "slack_digest_channel": "C1",
            "slack_weekly": f"{datetime.now(UTC) + timedelta(days=3):%a} 09:00",  # not by itself while tests run
            "slack_channels": {"CPRIVATE": "private_first"},
            "people": {
                "anna@example.com": {"permission": "contributor"},
                "jonas@example.com": {"permission": "contributor"},
                "eva@example.com": {"permission": "approver", "groups": ["board"]},
            },
            **more,
        },
    )


def serve(app: FastAPI) -> tuple[uvicorn.Server, str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}"


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(indexed: Settings) -> Settings:
    """Where the company keeps its index."""
    return indexed


@pytest.fixture
def company(transport: str, home: Settings, make_office: OfficeMaker, tmp_path: Path) -> Iterator[Company]:
    with Simulator(signing_secret=SECRET) as sim:
        people_of(sim)
        database = f"sqlite:///{tmp_path}/slack.sqlite"
        settings = slack_settings(home, sim, database, slack_transport=transport)
        office = make_office(database)
        office.load_demo(LOCAL_CALLER, door="demo")
        door = build_door(settings, build_advisor(settings, office), office, pace=0, lease=60, idle=0.05)
        server, handler = None, None
        if transport == "http":
            web = FastAPI()
            web.include_router(create_router(door.app, SECRET, door.workers))
            server, url = serve(web)
            sim.events_url = url + PATH
        else:
            door.workers.start()
            handler = SocketModeHandler(door.app, "xapp-sim", web_client=door.client)
            handler.connect()
        yield Company(sim, door, office)
        door.workers.stop()
        if handler:
            handler.close()
        if server:
            server.should_exit = True
