"""A live advisor with everything that it leans on, and a bare route beside it, on one machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from advisor.settings import Settings
from integrations.slack.simulator import Simulator

PLACES = 100
"""Questions that the advisor answers at once."""
ASK, RECORD, SLACK = "/api/v1/ask", "/api/v1/records", "/slack/events"
QUESTIONS = ("How should we choose KPIs?", "What is integration debt?", "How long should a shadow period be?")
_INITIATIVE = "line-3-predictive-maintenance"
_SECRET = "load-test"
_PEOPLE = 200
_BARE = """
import sys, uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
app = FastAPI()
async def answer(request: Request):
    body = await request.json()
    if request.headers.get("accept") == "text/event-stream":
        return StreamingResponse(iter(["event: block\\n\\n", "event: done\\n\\n"]), media_type="text/event-stream")
    return body
for path in ("/api/v1/ask", "/api/v1/records", "/slack/events"):
    app.post(path)(answer)
@app.get("/readyz")
def ready() -> None: ...
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


class Use(NamedTuple):
    """What a process holds: megabytes of memory and open file descriptors."""

    megabytes: float
    descriptors: int


class Live(NamedTuple):
    """The address of the advisor, its process, and the workspace that it answers in."""

    address: str
    process: subprocess.Popen[bytes]
    workspace: Simulator

    def count_replies(self) -> tuple[int, int]:
        """Return how many questions stand in the workspace, and how many of them have a reply."""
        places = [self.workspace.dm(f"U{number}") for number in range(_PEOPLE)]
        asked = [(place, message.ts) for place in places for message in self.workspace.messages(place)
                 if not message.thread_ts]  # fmt: skip
        return len(asked), sum(len(self.workspace.messages(place, ts)) > 1 for place, ts in asked)

    def measure(self) -> Use:
        """Return what the process holds now."""
        about = Path(f"/proc/{self.process.pid}")
        resident = next(line for line in (about / "status").read_text().splitlines() if line.startswith("VmRSS"))
        return Use(int(resident.split()[1]) / 1024, len(list((about / "fd").iterdir())))


class Call(NamedTuple):
    """One request."""

    path: str
    content: bytes
    headers: dict[str, str]


def make_ask(number: int) -> Call:
    """Return a question."""
    return _call(ASK, {"question": QUESTIONS[number % len(QUESTIONS)]})


def make_stream(number: int) -> Call:
    """Return a question whose answer is streamed."""
    return _call(ASK, {"question": QUESTIONS[number % len(QUESTIONS)]}, Accept="text/event-stream")


def make_status(number: int) -> Call:
    """Return a status to record."""
    fields = {"initiative": _INITIATIVE, "health": "on_track", "summary": f"Update {number} under load."}
    return _call(RECORD, {"changes": [{"kind": "status_update", "fields": fields}]})


def make_event(number: int, workspace: Simulator) -> Call:
    """Return a question in a direct message, as Slack posts and signs it."""
    user = f"U{number % _PEOPLE}"
    payload = workspace.write(user, workspace.dm(user), QUESTIONS[number % len(QUESTIONS)])
    call = _call(SLACK, payload)
    stamp = str(int(time.time()))
    signed = {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": workspace.delivery.sign(stamp, call.content),
    }
    return call._replace(headers=call.headers | signed)


def _call(path: str, body: dict[str, object], **headers: str) -> Call:
    return Call(path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


@contextmanager
def bare_route() -> Iterator[str]:
    """Run a route that reads JSON and does nothing with it; yield its address."""
    port = _free_port()
    with _running([sys.executable, "-c", _BARE, str(port)], port, dict(os.environ)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def live_advisor(settings: Settings, folder: Path) -> Iterator[Live]:
    """Run `advisor serve` over a new database with the demo company, answering in a simulated Slack too."""
    port = _free_port()
    advisor = str(Path(sys.executable).with_name("advisor"))
    with Simulator(signing_secret=_SECRET) as workspace:
        for number in range(_PEOPLE):
            workspace.add_user(f"U{number}", f"Person {number}", f"p{number}@example.com")
        environment = os.environ | {
            "ADVISOR_DATA_DIR": str(settings.data_dir.absolute()),
            "ADVISOR_DATABASE_URL": f"sqlite:///{folder}/load.sqlite",
            "ADVISOR_MAX_ASKS": str(PLACES),
            "ADVISOR_RATE_LIMIT": "1000000/minute",
            "ADVISOR_LOG_LEVEL": "warning",
            "ADVISOR_SLACK_TRANSPORT": "http",
            "ADVISOR_SLACK_BOT_TOKEN": workspace.bot_token,
            "ADVISOR_SLACK_SIGNING_SECRET": _SECRET,
            "ADVISOR_SLACK_API_URL": workspace.base_url,
        }
        subprocess.run([advisor, "demo"], env=environment, check=True, capture_output=True)
        with _running([advisor, "serve", "--port", str(port)], port, environment) as process:
            workspace.events_url = f"http://127.0.0.1:{port}{SLACK}"
            yield Live(f"http://127.0.0.1:{port}", process, workspace)


@contextmanager
def _running(command: Sequence[str], port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server from the moment that it is ready until the block ends."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
