"""Load on a live server beside a bare route: what the machine allows, and how much of it each kind of work takes.

The two servers take turns under the same client, so that noise hits both alike; client, servers and the simulated
Slack share the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.table import Table

from advisor.settings import Settings
from evals.live import PLACES, Call, Live, bare_route, live_advisor, make_ask, make_event, make_status, make_stream

_OVERLOAD = 5
_PATIENCE = 900
_WIDTHS = {"ask": (1, 8, 32), "stream": (8,), "status": (8,), "Slack event": (8,)}
Make = Callable[[int], Call]


class Figures(NamedTuple):
    """A run under steady load: requests a second, seconds at three percentiles, and how many failed."""

    rate: float
    p50: float
    p95: float
    p99: float
    failed: int


def compare(settings: Settings, console: Console, seconds: float = 10, rounds: int = 3) -> None:
    """Print throughput beside the bare route, a hundred open streams, five times too many, memory and descriptors."""
    with TemporaryDirectory() as folder, bare_route() as bare, live_advisor(settings, Path(folder)) as live:
        works: dict[str, Make] = {
            "ask": make_ask,
            "stream": make_stream,
            "status": make_status,
            "Slack event": partial(make_event, workspace=live.workspace),
        }
        asyncio.run(_steady(live.address, make_ask, 8, 3))
        at_first = live.measure()
        table = Table("work", "at once", "bare, 1/s", "p95 ms", "advisor, 1/s", "p50 ms", "p95 ms", "p99 ms", "failed",
                      "rate / bare")  # fmt: skip
        for name, widths in _WIDTHS.items():
            for width in widths:
                theirs, ours = [], []
                for _ in range(rounds):
                    theirs.append(asyncio.run(_steady(bare, works[name], width, seconds / 2)))
                    ours.append(asyncio.run(_steady(live.address, works[name], width, seconds)))
                _add_row(table, name, width, _middle(theirs), _middle(ours))
        console.print(table)
        _drain(live, console)
        _tell_streams(console, asyncio.run(_burst(live.address, PLACES)), PLACES)
        _tell_streams(console, asyncio.run(_burst(live.address, PLACES * _OVERLOAD)), PLACES * _OVERLOAD)
        after = asyncio.run(_steady(live.address, make_ask, 1, 3))
        now = live.measure()
        console.print(
            f"Right after: {after.rate:.0f} answers a second, p95 {after.p95 * 1000:.0f} ms, {after.failed} failed. "
            f"Memory {at_first.megabytes:.0f} -> {now.megabytes:.0f} MB, "
            f"file descriptors {at_first.descriptors} -> {now.descriptors}."
        )


def _add_row(table: Table, name: str, width: int, bare: Figures, ours: Figures) -> None:
    times = (f"{1000 * value:.0f}" for value in (ours.p50, ours.p95, ours.p99))
    table.add_row(
        name, str(width), f"{bare.rate:.0f}", f"{1000 * bare.p95:.0f}", f"{ours.rate:.0f}", *times,
        str(bare.failed + ours.failed), f"{ours.rate / bare.rate:.3f}",
    )  # fmt: skip


def _drain(live: Live, console: Console) -> None:
    """Wait until every event of Slack has its answer, and say how long that took."""
    started = time.perf_counter()
    asked, answered = live.count_replies()
    while answered < asked and time.perf_counter() - started < _PATIENCE:
        time.sleep(2)
        asked, answered = live.count_replies()
    waited = time.perf_counter() - started
    console.print(f"{answered} of {asked} questions in Slack were answered {waited:.0f} s after the last of them.")


async def _steady(address: str, make: Make, width: int, seconds: float) -> Figures:
    """Keep so many requests in flight for a while."""
    taken: list[float] = []
    failed = 0
    until = time.perf_counter() + seconds

    async def keep_calling(client: httpx.AsyncClient, place: int) -> None:
        nonlocal failed
        while time.perf_counter() < until:
            started = time.perf_counter()
            ok = await send(client, make(place + len(taken)))
            taken.append(time.perf_counter() - started)
            failed += not ok

    async with open_client(address) as client:
        await asyncio.gather(*(keep_calling(client, place) for place in range(width)))
    return Figures(len(taken) / seconds, *find_percentiles(taken), failed)


def open_client(address: str) -> httpx.AsyncClient:
    """Return a client without limits of its own."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=address, timeout=60, limits=limits)


async def send(client: httpx.AsyncClient, call: Call) -> bool:
    """Make a call and read its answer to the end; return whether it was the one that was wanted."""
    try:
        answer = await client.post(call.path, content=call.content, headers=call.headers)
    except httpx.HTTPError:
        return False
    streamed = call.headers.get("Accept") == "text/event-stream"
    return answer.is_success and (not streamed or "event: done" in answer.text)


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
        call = make_stream(place)
        async with client.stream("POST", call.path, content=call.content, headers=call.headers) as answer:
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
    late = f"; refusals p95 {find_percentiles(streams.refused)[1]:.2f} s" if streams.refused else ""
    first = f"first block p95 {find_percentiles(streams.first_block)[1]:.2f} s"
    console.print(f"{count} streams at once: {told}, in {streams.whole:.1f} s; {first}{late}")


def _middle(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure, and all that failed."""
    rate, p50, p95, p99 = (statistics.median(column) for column in zip(*(run[:4] for run in runs), strict=True))
    return Figures(rate, p50, p95, p99, sum(run.failed for run in runs))


def find_percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the 50th, 95th and 99th percentile."""
    if len(values) < 2:
        only = next(iter(values), 0.0)
        return only, only, only
    cut = statistics.quantiles(values, n=100)
    return cut[49], cut[94], cut[98]
