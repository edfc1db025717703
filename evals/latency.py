"""Where the time of an answer goes: percentiles by stage over many questions, from their receipts."""

from __future__ import annotations

import time
from collections import defaultdict
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from advisor.bootstrap import build_advisor
from advisor.domain.events import BlockEvent, DoneEvent
from advisor.domain.identity import LOCAL_CALLER
from advisor.settings import Settings
from evals.cases import Half, load_suite

_WARM_UP = 5
FIRST, WHOLE = "to the first block", "to the end"


def report(settings: Settings, console: Console, count: int) -> None:
    """Ask and print milliseconds, p50 and p95, and each stage's share of the whole."""
    with TemporaryDirectory() as folder:
        advisor = build_advisor(settings.model_copy(update={"database_url": f"sqlite:///{folder}/evals.sqlite"}))
        indexed = [question for section in advisor.list_sections() for question in section.questions]
        cases = [case.question for half in Half for case in load_suite().load_cases(half)]
        questions = [*cases, *indexed][: count + _WARM_UP]
        rows: dict[str, list[float]] = defaultdict(list)
        for place, question in enumerate(track(questions, "asking", console=console, transient=True)):
            started = time.perf_counter()
            first = None
            for event in advisor.stream(LOCAL_CALLER, question):
                now = (time.perf_counter() - started) * 1000
                first = first if first is not None or not isinstance(event, BlockEvent) else now
                if isinstance(event, DoneEvent) and place >= _WARM_UP:
                    took = advisor.get_receipt(LOCAL_CALLER, event.answer.id).took
                    rows[FIRST].append(first or now)
                    rows[WHOLE].append(now)
                    for stage, milliseconds in took.items():
                        rows[stage].append(milliseconds)
    console.print(_tabulate(rows))


def _tabulate(rows: dict[str, list[float]]) -> Table:
    table = Table("stage", "answers", "p50 ms", "p95 ms", "share of all time", box=None)
    whole = sum(rows[WHOLE])
    for stage, found in rows.items():
        middle, high = np.percentile(found, (50, 95))
        table.add_row(stage, str(len(found)), f"{middle:.1f}", f"{high:.1f}", f"{sum(found) / whole:.0%}")
    return table
