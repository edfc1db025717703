"""A day with the advisor in a simulated Slack, on the demo company; nothing leaves this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from slack_bolt.adapter.socket_mode import SocketModeHandler

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.work import Queue
from advisor.errors import UnavailableError
from advisor.ports import WorkQueue
from advisor.settings import Settings
from integrations.slack.jobs import due_work
from integrations.slack.service import build_door
from integrations.slack.simulator import Simulator

_PATIENCE = 60.0
ANNA, JONAS, CHANNEL = "UANNA", "UJONAS", "CPROGRAM"


def run_demo(settings: Settings, page: Path, announce: Callable[[str], None], *, keep: bool = False) -> None:
    """Play the day and write its transcript as a page; with `keep` in the database of the settings, an empty one."""
    with TemporaryDirectory() as folder, Simulator() as sim:
        sim.add_user(ANNA, "Anna Kovacs", "anna@example.com")
        sim.add_user(JONAS, "Jonas Weber", "jonas@example.com")
        sim.add_channel(CHANNEL, "ai-program", [ANNA, JONAS])
        simulated = settings.model_copy(
            update={
                "database_url": settings.effective_database_url if keep else f"sqlite:///{folder}/demo.sqlite",
                "slack_bot_token": SecretStr("xoxb-sim"),
                "slack_app_token": SecretStr("xapp-sim"),
                "slack_api_url": sim.base_url,
                "slack_transport": "socket",
                "slack_digest_channel": CHANNEL,
                "slack_help_channel": CHANNEL,
                "slack_channels": {},
            }
        )
        office = bootstrap.build_program(simulated)
        office.load_demo(LOCAL_CALLER, door="demo")
        door = build_door(simulated, bootstrap.build_advisor(simulated, office), office, pace=0, idle=0.05)
        handler = SocketModeHandler(door.app, "xapp-sim", web_client=door.client)
        door.workers.start()
        handler.connect()  # type: ignore[no-untyped-call]
        try:
            for step in _play(sim, door.queue):
                announce(step)
                _settle(door.queue)
        finally:
            handler.close()  # type: ignore[no-untyped-call]
            door.workers.stop()
        page.write_text(sim.render_transcript(title="A day with the advisor"))


def _play(sim: Simulator, queue: WorkQueue) -> Iterator[str]:
    """Play one step after the other; between two of them everything is answered."""
    direct = sim.dm(ANNA)
    sim.open_agent_tab(ANNA)
    yield "Anna opens the advisor."
    asked = sim.say(ANNA, direct, "How should we choose KPIs?")
    yield "She asks how to choose KPIs."
    sim.say(ANNA, direct, "Why?", thread_ts=asked)
    yield "And why."
    sim.say(ANNA, CHANNEL, "<@UBOT> Where are we weakest?")
    yield "In the channel she asks where the program is weakest."
    reported = sim.say(JONAS, sim.dm(JONAS), "CNC tool wear is amber as of yesterday, sensor drift on spindle 2")
    yield "Jonas reports in plain words."
    proposal = sim.messages(sim.dm(JONAS), reported)[-1]
    sim.click(JONAS, sim.dm(JONAS), proposal.ts, "confirm_status")
    yield "He confirms what was understood."
    for command in ("gaps", "gates", "checklist"):
        sim.command(JONAS, CHANNEL, "/advisor", command)
        yield f"He runs /advisor {command}."
    sim.open_home(JONAS)
    yield "He opens the Home tab."
    sim.click_home(JONAS, "report_pptx", "pptx")
    yield "And asks for the slides."
    now = time.time()
    queue.put(due_work("mon 09:00", "T1", now, since=now - 8 * 86_400))
    yield "On Monday the digest goes to the channel."


def _settle(queue: WorkQueue) -> None:
    until = time.monotonic() + _PATIENCE
    while any(queue.count(way)["waiting"] for way in Queue):
        if time.monotonic() > until:
            raise UnavailableError("The demonstration did not finish.", "Run it again.")
        time.sleep(0.05)
