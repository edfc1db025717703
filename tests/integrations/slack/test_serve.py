"""`advisor serve` answers Slack beside the API; `advisor slack` answers over a socket, and says what it lacks."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from advisor.settings import Settings
from integrations.slack.http import PATH
from integrations.slack.simulator import Simulator
from tests.integrations.conftest import ADVISOR, environment, free_port
from tests.integrations.slack.conftest import SECRET, wait_for


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("transport", ["http", "socket"])
def test_the_real_commands_answer(indexed: Settings, tmp_path: Path, transport: str) -> None:
    with Simulator(signing_secret=SECRET) as sim:
        sim.add_user("UANNA", "Anna Kovacs", "anna@example.com")
        settings = environment(
            indexed,
            ADVISOR_DATABASE_URL=f"sqlite:///{tmp_path}/serve.sqlite",
            ADVISOR_SLACK_BOT_TOKEN="xoxb-sim",
            ADVISOR_SLACK_APP_TOKEN="xapp-sim",
            ADVISOR_SLACK_SIGNING_SECRET=SECRET,
            ADVISOR_SLACK_API_URL=sim.base_url,
            ADVISOR_SLACK_TRANSPORT=transport,
        )
        port = free_port()
        command = [ADVISOR, "slack"] if transport == "socket" else [ADVISOR, "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=settings)
        try:
            if transport == "http":
                wait_for(lambda: _ready(f"http://127.0.0.1:{port}"), 60)
                sim.events_url = f"http://127.0.0.1:{port}{PATH}"
            else:
                wait_for(sim.sockets.count, 60)
            ts = sim.say("UANNA", sim.dm("UANNA"), "How should we choose KPIs?")
            wait_for(lambda: len(sim.messages(sim.dm("UANNA"), ts)) == 2)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in {0, -signal.SIGTERM}


def test_without_a_token_the_command_says_so(indexed: Settings) -> None:
    done = subprocess.run([ADVISOR, "slack"], env=environment(indexed), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "ADVISOR_SLACK_APP_TOKEN is not set" in done.stderr
    assert "doctor" in done.stderr
    assert "Traceback" not in done.stderr
