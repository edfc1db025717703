"""Load on a live server beside a bare route: what the machine allows, and how much of it an answer takes.

The two servers take turns under the same client, so that noise hits both alike; client and server share the machine.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.table import Table

from advisor.settings import Settings

_BARE = """
import sys, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
class Ask(BaseModel):
    question: str
app = FastAPI()
@app.post("/api/v1/ask")
def ask(body: Ask) -> dict[str, str]:
    return {"question": body.question}
@app.get("/readyz")
def ready() -> None: ...
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""
QUESTIONS = ("How should we choose KPIs?", "What is integration debt?", "How long should a shadow period be?")
_ASK = "/api/v1/ask"
_STREAM = {"Accept": "text/event-stream"}
_PLACES = 100
_OVERLOAD = 5


class Figures(NamedTuple):
    """A run under steady load: answers a second, and seconds at the middle and the 95th percentile."""

    rate: float
    median: float
    p95: float
    failed: int


def compare(settings: Settings, console: Console, seconds: float = 10, rounds: int = 3) -> None:
    """Print throughput beside the bare route, a hundred open streams, five times too many, and memory."""
    with TemporaryDirectory() as folder, _bare() as bare, _advisor(settings, Path(folder)) as (ours, process):
        table = Table("asks at once", "bare route, 1/s", "p95, ms", "advisor, 1/s", "p95, ms", "ratio of rates")
        for width in (1, 8, 32):
            theirs, mine = [], []
            for _ in range(rounds):
                theirs.append(asyncio.run(_steady(bare, width, seconds / 2)))
                mine.append(asyncio.run(_steady(ours, width, seconds)))
            a, b = _middle(theirs), _middle(mine)
            table.add_row(
                str(width), f"{a.rate:.0f}", f"{a.p95 * 1000:.0f}", f"{b.rate:.0f}", f"{b.p95 * 1000:.0f}",
                f"{b.rate / a.rate:.3f}",
            )  # fmt: skip
            if any(figures.failed for figures in (*theirs, *mine)):
                console.print(f"[red]failed: {sum(f.failed for f in (*theirs, *mine))}[/]")
        console.print(table)
        console.print(f"Memory after that: {_megabytes(process):.0f} MB")
        _tell_streams(console, asyncio.run(_burst(ours, _PLACES)), _PLACES)
        console.print(f"Memory after {_PLACES} streams: {_megabytes(process):.0f} MB")
        _tell_streams(console, asyncio.run(_burst(ours, _PLACES * _OVERLOAD)), _PLACES * _OVERLOAD)
        after = asyncio.run(_steady(ours, 1, 3))
        console.print(
            f"Right after: {after.rate:.0f} answers a second, p95 {after.p95 * 1000:.0f} ms, {after.failed} failed; "
            f"{_megabytes(process):.0f} MB"
        )


async def _steady(address: str, width: int, seconds: float) -> Figures:
    """Keep so many questions in flight for a while."""
    taken: list[float] = []
    failed = 0
    until = time.perf_counter() + seconds

    async def keep_asking(client: httpx.AsyncClient, place: int) -> None:
        nonlocal failed
        while time.perf_counter() < until:
            started = time.perf_counter()
            question = QUESTIONS[(place + len(taken)) % len(QUESTIONS)]
            answer = await client.post(_ASK, json={"question": question})
            taken.append(time.perf_counter() - started)
            failed += answer.status_code != 200

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        await asyncio.gather(*(keep_asking(client, place) for place in range(width)))
    return Figures(len(taken) / seconds, statistics.median(taken), _p95(taken), failed)


class Streams(NamedTuple):
    """A burst of streams: how each ended, and the seconds it took."""

    ends: Counter[str]
    first_block: list[float]
    refused: list[float]
    whole: float


async def _burst(address: str, count: int) -> Streams:
    """Open so many streams at once, and read each to its end."""
    ends: Counter[str] = Counter()
    first: list[float] = []
    refused: list[float] = []
    started = time.perf_counter()

    async def read(client: httpx.AsyncClient, place: int) -> None:
        begun = time.perf_counter()
        body = {"question": QUESTIONS[place % len(QUESTIONS)]}
        async with client.stream("POST", _ASK, json=body, headers=_STREAM) as answer:
            if answer.status_code != 200:
                ends[f"{answer.status_code}{' with Retry-After' if 'retry-after' in answer.headers else ''}"] += 1
                refused.append(time.perf_counter() - begun)
                return
            text = ""
            async for part in answer.aiter_text():
                if "event: block" not in text and "event: block" in text + part:
                    first.append(time.perf_counter() - begun)
                text += part
            ends["whole" if "event: done" in text else "broken off"] += 1

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        await asyncio.gather(*(read(client, place) for place in range(count)))
    return Streams(ends, first, refused, time.perf_counter() - started)


def _tell_streams(console: Console, streams: Streams, count: int) -> None:
    told = ", ".join(f"{number} {how}" for how, number in streams.ends.most_common())
    late = f"; refusals p95 {_p95(streams.refused):.2f} s" if streams.refused else ""
    first = f"first block p95 {_p95(streams.first_block):.2f} s"
    console.print(f"{count} streams at once: {told}, in {streams.whole:.1f} s; {first}{late}")


def _middle(runs: Sequence[Figures]) -> Figures:
    return Figures(
        statistics.median(run.rate for run in runs),
        statistics.median(run.median for run in runs),
        statistics.median(run.p95 for run in runs),
        sum(run.failed for run in runs),
    )


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else next(iter(values), 0.0)


def _megabytes(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def _bare() -> Iterator[str]:
    port = _free_port()
    with _running([sys.executable, "-c", _BARE, str(port)], port, dict(os.environ)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _advisor(settings: Settings, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = _free_port()
    environment = os.environ | {
        "ADVISOR_DATA_DIR": str(settings.data_dir.absolute()),
        "ADVISOR_DATABASE_URL": f"sqlite:///{folder}/load.sqlite",
        "ADVISOR_MAX_ASKS": str(_PLACES),
        "ADVISOR_LOG_LEVEL": "warning",
    }
    command = [str(Path(sys.executable).with_name("advisor")), "serve", "--port", str(port)]
    with _running(command, port, environment) as process:
        yield f"http://127.0.0.1:{port}", process


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
