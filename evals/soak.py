"""Hours in minutes: a live server under steady mixed work, whose memory, descriptors and times must not grow.

A bare route is asked beside it all the time: where both slow down, it was the machine.
"""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from advisor.settings import Settings
from evals.live import Live, Use, bare_route, live_advisor, make_ask, make_event, make_status, make_stream
from evals.load import Make, find_percentiles, open_client, send

_MIX = (6, 2, 1, 1)
"""Of asks, streams, statuses and events of Slack."""
_SPANS = 4
_WARM_SHARE = 0.1
_SAMPLE_SECONDS = 10.0


class Sample(NamedTuple):
    """What the process held, some seconds after the start."""

    at: float
    use: Use


class Timing(NamedTuple):
    """A request: when it began, the seconds that it took, whether it went well, and whether it was the bare route's."""

    at: float
    took: float
    ok: bool
    bare: bool


def soak(settings: Settings, console: Console, minutes: float = 20, a_second: float = 5) -> bool:
    """Print memory, descriptors and times by quarter; return whether nothing failed and memory stayed flat."""
    with TemporaryDirectory() as folder, bare_route() as bare, live_advisor(settings, Path(folder)) as live:
        timings, samples = asyncio.run(_run(live, bare, minutes * 60, a_second))
    table = Table("quarter", "requests", "failed", "p50 ms", "p95 ms", "p95 / bare", "memory MB", "descriptors")
    length = minutes * 60 / _SPANS
    for span in range(_SPANS):
        inside = [t for t in timings if span * length <= t.at < (span + 1) * length]
        ours, theirs = ([t for t in inside if t.bare is bare_one] for bare_one in (False, True))
        p50, p95, _ = find_percentiles([t.took for t in ours])
        beside = find_percentiles([t.took for t in theirs])[1]
        held = [s.use for s in samples if span * length <= s.at < (span + 1) * length][-1]
        table.add_row(
            str(span + 1), str(len(ours)), str(sum(not t.ok for t in inside)), f"{1000 * p50:.0f}", f"{1000 * p95:.0f}",
            f"{p95 / beside:.1f}", f"{held.megabytes:.0f}", str(held.descriptors),
        )  # fmt: skip
    console.print(table)
    warm = [s for s in samples if s.at > _WARM_SHARE * minutes * 60]
    slope = float(np.polyfit([s.at / 3600 for s in warm], [s.use.megabytes for s in warm], 1)[0])
    grown = warm[-1].use.megabytes / warm[0].use.megabytes - 1
    failed = sum(not t.ok for t in timings)
    console.print(
        f"After the first tenth memory changed by {grown:+.1%} ({slope:+.1f} MB an hour), "
        f"descriptors {warm[0].use.descriptors} -> {warm[-1].use.descriptors}; {failed} of {len(timings)} failed."
    )
    return not failed and grown < 0.1


async def _run(live: Live, bare: str, seconds: float, a_second: float) -> tuple[list[Timing], list[Sample]]:
    """Start requests at a fixed rate, whatever those before them do."""
    makes: list[Make] = [make_ask, make_stream, make_status, partial(make_event, workspace=live.workspace)]
    dice = random.Random(20)
    timings: list[Timing] = []
    samples: list[Sample] = []
    started = time.perf_counter()

    async with open_client(live.address) as ours, open_client(bare) as theirs:

        async def call(number: int, *, to_bare: bool) -> None:
            made = dice.choices(makes, _MIX)[0](number)
            begun = time.perf_counter()
            ok = await send(theirs if to_bare else ours, made)
            timings.append(Timing(begun - started, time.perf_counter() - begun, ok, to_bare))

        running: set[asyncio.Task[None]] = set()
        number = 0
        while (now := time.perf_counter() - started) < seconds:
            if not samples or now - samples[-1].at >= _SAMPLE_SECONDS:
                samples.append(Sample(now, live.measure()))
            for to_bare in (False, True):
                task = asyncio.create_task(call(number, to_bare=to_bare))
                running.add(task)
                task.add_done_callback(running.discard)
            number += 1
            await asyncio.sleep(max(0.0, number / a_second - (time.perf_counter() - started)))
        await asyncio.gather(*running)
        samples.append(Sample(min(seconds * 0.9999, time.perf_counter() - started), live.measure()))
    return timings, samples
